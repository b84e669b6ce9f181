"""The horizon: the time below which retention dropped the raw rows.

Rollups stay when raw rows go, so whatever is computed anew from rows below the horizon would be lost. Everything that
writes or refreshes keeps the horizon steady while it does, and leaves alone what lies below it; only the archive
moves it, when nobody else is at work.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import NamedTuple, TypeVar

from txhub.errors import InTheWay
from txhub.store.faults import translated
from txhub.store.pool import Connection, Pool
from txhub.store.sqlfiles import queries

Result = TypeVar("Result")

_TRIES = 30
_BETWEEN_TRIES_S = 1.0
_SQL = queries("horizon")


class Steady(NamedTuple):
    """A connection to work with while the horizon stays where it is; None: nothing is gone."""

    connection: Connection
    horizon: datetime | None


async def read_horizon(connection: Connection | Pool) -> datetime | None:
    """Where the horizon is at this moment; None: nothing is gone."""
    horizon: datetime | None = await connection.fetchval(_SQL["read"])
    return horizon


async def steady_in_transaction(connection: Connection) -> datetime | None:
    """Where the horizon is, and stays until the transaction ends."""
    horizon: datetime | None = await connection.fetchval(_SQL["steady_in_transaction"])
    return horizon


@asynccontextmanager
async def steady_horizon(pool: Pool) -> AsyncIterator[Steady]:
    """Keep the horizon where it is until the block ends, over several transactions.

    Raises:
        DatabaseUnavailable, DatabaseRefused: see `faults`, as everything in the block.
    """
    with translated():
        # A connection that is given back forgets its advisory locks.
        async with pool.acquire() as connection:
            await connection.execute(_SQL["steady"])
            yield Steady(connection, await read_horizon(connection))


async def move_horizon(pool: Pool, work: Callable[[Connection], Awaitable[Result]]) -> Result:
    """Do `work` in a transaction in which nobody else needs the horizon steady, and put it where the manifest says.

    What writes or refreshes meanwhile waits behind this, so it waits for others at most two seconds at a time, and
    tries again for half a minute.

    Raises:
        InTheWay: others were at work all the time.
        DatabaseUnavailable, DatabaseRefused: see `faults`; nothing was changed.
    """
    for _ in range(_TRIES - 1):
        try:
            return await _move_once(pool, work)
        except InTheWay:
            await asyncio.sleep(_BETWEEN_TRIES_S)
    return await _move_once(pool, work)


async def _move_once(pool: Pool, work: Callable[[Connection], Awaitable[Result]]) -> Result:
    with translated():
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute(_SQL["patience"])
            await connection.execute(_SQL["claim"])
            result = await work(connection)
            await connection.execute(_SQL["move"])
    return result
