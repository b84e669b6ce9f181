"""A database copied into another one, of either edition: a day of a chain at a time, verified before it counts.

The ledger of the copy is the record of what is done: a day is there wholly, with the same figures as its original, or
not at all. So a copy that was interrupted is begun again, and takes up where it was.
`tests/faults/test_copy_kill.py` holds this.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import NamedTuple

from txhub.errors import BehindHorizon, TxhubError, first_failure
from txhub.store.horizon import steady_horizon
from txhub.store.pool import Connection, Pool
from txhub.store.sqlfiles import queries

_SQL = queries("copy")
_COMMIT = queries("ledger")
_BY_DAY = ("blocks", "transactions", "token_transfers", "utxo_io")
"""Tables that are copied a day of a chain at a time; the ledger first, as in every commit."""
_WHOLE = (
    "tokens",
    "prices",
    "labels",
    "policies",
    "reorgs",
    "orphans",
    "orphan_transactions",
    "orphan_token_transfers",
    "orphan_utxo_io",
    "event_log",
    "findings",
    "screenings",
    "exposures",
    "rules",
    "rule_versions",
    "alerts",
    "alert_parties",
    "alert_events",
    "deliveries",
    "delivery_alerts",
    "delivery_attempts",
    "models",
    "anomalies",
)
"""Tables that are copied as a whole, each before those that refer to it."""
COPIED = frozenset({"chains", *_BY_DAY, *_WHOLE})
"""All that is copied. What is computed from it, of a server or of its processes is not."""
_CHUNKS_AHEAD = 8
"""Pieces of a COPY stream that may wait for the slower side."""
_DAY = timedelta(days=1)


class CopyDiffers(TxhubError):
    """A copied day does not have the figures of its original."""

    code = "copy-differs"


class Day(NamedTuple):
    """A day of a chain in the original."""

    chain_id: int
    day: datetime
    blocks: int
    transactions: int


class Copied(NamedTuple):
    """What a copy did."""

    days: int
    """Days that were copied now; those that were there already do not count."""
    blocks: int
    transactions: int


async def copy_database(
    source: Pool, target: Pool, report: Callable[[int, int], None] = lambda transactions, of: None
) -> Copied:
    """Copy everything that cannot be computed from the rest; rollups of the target are to be refreshed afterwards.

    Args:
        source: a migrated database; what is committed to it meanwhile may be missing in the copy.
        target: a migrated database of the same release that holds nothing, or what an earlier copy left.
        report: told how many transactions are done, and of how many.

    Raises:
        CopyDiffers: a day did not arrive as it left; nothing of that day is kept.
        BehindHorizon: retention dropped raw rows of one of them; nothing was copied.
        DatabaseUnavailable, DatabaseRefused, DiskFull: see `faults`; run it again to go on.
    """
    async with _all_rows_there(source, "database that is to be copied"), _all_rows_there(target, "target"):
        await _copy_chains(source, target)
        days = [Day(*row) for row in await source.fetch(_SQL["days"])]
        total, done, copied = sum(day.transactions for day in days), 0, Copied(0, 0, 0)
        for day in days:
            if await _copy_day(source, target, day):
                copied = Copied(copied.days + 1, copied.blocks + day.blocks, copied.transactions + day.transactions)
            done += day.transactions
            report(done, total)
        await _copy_whole(source, target)
    return copied


@asynccontextmanager
async def _all_rows_there(pool: Pool, which: str) -> AsyncIterator[None]:
    """Keep retention from dropping raw rows meanwhile: of what is not there the copy's rollups would know nothing."""
    async with steady_horizon(pool) as (_, horizon):
        if horizon is not None:
            raise BehindHorizon(
                f"the {which} has no raw rows before {horizon:%Y-%m-%d} any more, only what the archive has of them",
                hint="bring them back with `txhub archive restore`, then copy, and drop them again in the copy",
            )
        yield


async def _copy_chains(source: Pool, target: Pool) -> None:
    columns = await source.fetchval(_SQL["columns"], "txhub.chains")
    rows = await source.fetch(_SQL["chains"])
    async with target.acquire() as connection, connection.transaction():
        known = {row["chain_id"] for row in await connection.fetch(_SQL["chains"])}
        await connection.copy_records_to_table(
            "chains",
            schema_name="txhub",
            columns=columns,
            records=[tuple(row) for row in rows if row["chain_id"] not in known],
        )


async def _copy_day(source: Pool, target: Pool, day: Day) -> bool:
    """Copy a day unless the target has it already; whether it was copied."""
    async with source.acquire() as origin, target.acquire() as copy:
        last = day.day + _DAY - timedelta(microseconds=1)
        await copy.execute(_COMMIT["make_room"], day.day, last)
        async with origin.transaction(isolation="repeatable_read", readonly=True), copy.transaction():
            place = (day.chain_id, day.day)
            wanted = await origin.fetchrow(_SQL["figures"], *place)
            if await copy.fetchrow(_SQL["figures"], *place) == wanted:
                return False
            await copy.execute(_COMMIT["before_copy"], True)
            for table in _BY_DAY:
                await copy.execute(_SQL[f"clear_{table}"], *place)
                await _stream(origin, copy, table, _SQL[f"read_{table}"], *place)
            if await copy.fetchrow(_SQL["figures"], *place) != wanted:
                raise CopyDiffers(f"{day.day:%Y-%m-%d} of chain {day.chain_id} did not arrive as it left")
            await copy.execute(_SQL["recompute"], day.chain_id, day.day, last)
    return True


async def _copy_whole(source: Pool, target: Pool) -> None:
    async with (
        source.acquire() as origin,
        target.acquire() as copy,
        origin.transaction(isolation="repeatable_read", readonly=True),
        copy.transaction(),
    ):
        for table in reversed(_WHOLE):
            await copy.execute(_SQL[f"clear_all_{table}"])
        for table in _WHOLE:
            await _stream(origin, copy, table, _SQL[f"read_all_{table}"])
        await copy.execute(_SQL["continue_ids"])
        await copy.execute(_SQL["touch_everything"])


async def _stream(origin: Connection, copy: Connection, table: str, query: str, *parameters: object) -> None:
    """Copy the rows of a query from one connection into a table of another, in bounded memory."""
    columns: Sequence[str] = await origin.fetchval(_SQL["columns"], f"txhub.{table}")
    chunks: asyncio.Queue[bytes | None] = asyncio.Queue(_CHUNKS_AHEAD)

    async def read() -> None:
        await origin.copy_from_query(query, *parameters, output=chunks.put, format="binary")
        await chunks.put(None)

    async def written() -> AsyncIterator[bytes]:
        while (chunk := await chunks.get()) is not None:
            yield chunk

    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(read())
            tasks.create_task(
                copy.copy_to_table(table, schema_name="txhub", columns=columns, source=written(), format="binary")
            )
    except ExceptionGroup as failures:
        raise first_failure(failures) from None
