"""Connections of asyncpg: for COPY, for LISTEN and for small statements."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeAlias

import asyncpg

from txhub.store.faults import translated

Pool: TypeAlias = asyncpg.Pool
Connection: TypeAlias = asyncpg.Connection
Record: TypeAlias = asyncpg.Record


@asynccontextmanager
async def open_pool(url: str, *, name: str, size: int = 4, least: int = 1) -> AsyncIterator[Pool]:
    """A pool of at most `size` connections that show as `txhub NAME` in pg_stat_activity. Times are UTC.

    It keeps `least` of them open; with 0 it connects when it is first used, and nothing is raised before.

    Raises:
        DatabaseUnavailable: nobody answers there.
        DatabaseRefused: the user, the password or the database is wrong.
    """
    with translated():
        pool = await asyncpg.create_pool(
            url,
            min_size=least,
            max_size=size,
            timeout=10,
            command_timeout=600,
            server_settings={"application_name": f"txhub {name}", "timezone": "UTC"},
        )
    try:
        yield pool
    finally:
        await pool.close()


async def try_connection(url: str) -> None:
    """Connect once and leave, to learn what is wrong.

    Raises:
        DatabaseUnavailable, DatabaseRefused: as `open_pool`.
    """
    with translated():
        connection = await asyncpg.connect(url, timeout=10)
        await connection.close()
