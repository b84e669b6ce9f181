"""The horizon: the time below which retention dropped the raw rows.

Rollups stay when raw rows go, so whatever is computed anew from rows below the horizon would be lost. Everything that
writes or refreshes keeps the horizon steady while it does, and leaves alone what lies below it; only the archive
moves it, when nobody else is at work.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import NamedTuple

from txhub.store.faults import translated
from txhub.store.pool import Connection, Pool
from txhub.store.sqlfiles import queries

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


async def claim_horizon(connection: Connection) -> None:
    """Wait, but not for long, until nobody needs the horizon steady, and be the only one until the transaction ends.

    What comes meanwhile waits behind this: so it gives up after two seconds, and may be tried again.

    Raises:
        InTheWay: by way of `faults.translated`: somebody is still at work below or above it.
    """
    await connection.execute(_SQL["patience"])
    await connection.execute(_SQL["claim"])
