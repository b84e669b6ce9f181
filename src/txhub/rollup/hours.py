"""Closes hours: what only a whole hour's rows can tell is counted once, when the hour is over.

The busiest senders, receivers and flows, and a sketch of the active addresses: ordinary tables, the same in
both editions. Whatever commits or takes away blocks marks the hours it touched (`refresh.catch_up`), so an hour
that late blocks or a reorg reached is done again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime

from datasketches import hll_sketch

from txhub.rollup.catalog import LAG
from txhub.store.faults import translated
from txhub.store.pool import Connection, Pool
from txhub.store.sqlfiles import queries

TOP = 500
"""So many addresses by count and so many by value are kept of each hour."""
SKETCH_LOG2_K = 12
"""A sketch of 2^12 registers: at most 2 kB an hour, and a standard error of 1.6 percent (1.04 / sqrt(2^12))."""
_SQL, _DAYS, _FILTERS = queries("hours"), queries("days"), queries("filters")


async def close_hours(pool: Pool, now: datetime) -> int:
    """Close every hour that is over and was touched since it was last closed, newest first; how many that were.

    Then the days whose hours are closed: lists of days are made of lists of hours.

    Raises:
        DatabaseUnavailable: try again; an hour is closed wholly or not at all.
    """
    closed = 0
    while await _close_next(pool, now):
        closed += 1
    while await _close_next_day(pool, now):
        pass
    return closed


async def keep_closing(pool: Pool, interval: float = 10.0) -> None:
    """Close hours for ever, looking every `interval` seconds."""
    while True:
        await close_hours(pool, datetime.now(UTC))
        await asyncio.sleep(interval)


async def _close_next(pool: Pool, now: datetime) -> bool:
    with translated():
        async with pool.acquire() as connection, connection.transaction():
            hour = await connection.fetchrow(_SQL["next_stale"], now - LAG)
            if hour is None:
                return False
            chain_id, bucket = hour
            for table in ("top_senders", "top_receivers", "top_flows"):
                await connection.execute(_SQL[f"clear_{table}"], chain_id, bucket)
                await connection.execute(_SQL[f"fill_{table}"], chain_id, bucket, TOP)
            sketch = await _sketch(connection, chain_id, bucket)
            await connection.execute(_SQL["store_active"], chain_id, bucket, sketch)
            await connection.execute(_SQL["closed"], chain_id, bucket)
            await connection.execute(_DAYS["touch"], chain_id, bucket)
    return True


async def _close_next_day(pool: Pool, now: datetime) -> bool:
    with translated():
        async with pool.acquire() as connection, connection.transaction():
            day = await connection.fetchrow(_DAYS["next_stale"], now - LAG)
            if day is None:
                return False
            for table in ("top_senders", "top_receivers", "top_flows"):
                await connection.execute(_DAYS[f"clear_{table}"], *day)
                await connection.execute(_DAYS[f"fill_{table}"], *day, TOP)
            await connection.execute(_FILTERS["clear"], *day)
            await connection.execute(_DAYS["closed"], *day)
    return True


async def _sketch(connection: Connection, chain_id: int, bucket: datetime) -> bytes:
    rows = await connection.fetch(_SQL["active"], chain_id, bucket)
    return await asyncio.to_thread(_sketch_of, (row["address"] for row in rows))


def _sketch_of(addresses: Iterable[str]) -> bytes:
    sketch = hll_sketch(SKETCH_LOG2_K)
    for address in addresses:
        sketch.update(address)
    return bytes(sketch.serialize_compact())
