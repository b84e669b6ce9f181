"""Drops raw rows of whole days, those of all chains at once, when nothing of them can be lost.

A day goes only when every chain's part of it is whole, final, archived and verified as the ledger has it now, when its
files are still there, and when the rollups, which stay, add up to what was archived. That is looked at again while
nobody can write or refresh, in the transaction that drops the rows, notes it in the manifest and moves the horizon.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from txhub.archive import manifest
from txhub.archive.export import ChainDay, days_with_rows, read_ledger
from txhub.archive.manifest import Entry
from txhub.archive.partition import TABLES, end_of, start_of
from txhub.store.edition import edition_of
from txhub.store.faults import translated
from txhub.store.horizon import move_horizon
from txhub.store.place import Place
from txhub.store.pool import Connection, Pool
from txhub.store.sqlfiles import queries

Settle = Callable[[Pool, datetime, datetime, datetime], Awaitable[None]]
"""Brings rollups and closed hours up to date from the first time to the second; the third is now."""

RESTORED_STAYS = timedelta(days=7)
"""What was restored is not dropped by itself before this."""
_SQL = queries("archive")


class Dropped(NamedTuple):
    """The days that were dropped, and why the first that was not stays; None: none had to stay."""

    days: list[date]
    stays: str | None


async def drop(
    pool: Pool, place: Place, *, before: date, now: datetime, settle: Settle, restored_too: bool = False
) -> Dropped:
    """Drop the raw rows of every day before `before`, oldest first, up to the first that has to stay.

    Days that no chunk's end divides go together.

    Args:
        pool: needs two connections.
        place: where the archive is.
        before: the first day that is kept.
        now: what is final at this moment.
        settle: see `Settle`; waited for before anything is dropped.
        restored_too: also what was restored less than a week ago.

    Raises:
        InTheWay: others were at work all the time; try again. Days dropped before stay dropped.
        ArchiveUnavailable: the place cannot be read.
    """
    with translated():
        edition = queries("archive", await edition_of(pool))
        reach = await pool.fetchval(edition["policies_reach"])
        chains = [ChainDay(row["chain_id"], row["name"], before) for row in await pool.fetch(_SQL["chains"])]
    first_kept = before if reach is None else min(before, (now - reach - timedelta(days=1)).astimezone(UTC).date())
    done: list[date] = []
    ready: list[date] = []
    for day in await _days(pool, first_kept):
        async with manifest.archive_turn(pool):
            reason = await _reason_to_stay(pool, place, chains, day, now, restored_too)
            if reason:
                return Dropped(done, reason)
            ready.append(day)
            with translated():
                cuts = await pool.fetch(edition["cuts"], [end_of(day)])
            if cuts:
                await settle(pool, start_of(ready[0]), end_of(day), now)
                if reason := await _drop_days(pool, chains, ready, now, edition["rows_not_materialised"]):
                    return Dropped(done, reason)
                done += ready
                ready = []
    if ready:
        return Dropped(done, f"{ready[0]}: its chunk reaches beyond {ready[-1]}")
    short = f"{first_kept}: the refresh policies look back {reach}" if first_kept < before else None
    return Dropped(done, short)


async def _days(pool: Pool, before: date) -> list[date]:
    """The days before `before` whose raw rows are here, oldest first."""
    above = {each.day for each in await days_with_rows(pool)}
    restored = {entry.day for entry in await manifest.read_entries(pool) if entry.restored_at}
    return sorted(day for day in above | restored if day < before)


async def _reason_to_stay(
    pool: Pool, place: Place, chains: Sequence[ChainDay], day: date, now: datetime, restored_too: bool
) -> str | None:
    entries = await manifest.read_entries(pool, day, day)
    with translated():
        if reason := await _reason_in_database(pool, entries, chains, day, now):
            return reason
    for entry in entries:
        if entry.restored_at and not restored_too and now - entry.restored_at < RESTORED_STAYS:
            return f"{day}: it was restored at {entry.restored_at:%Y-%m-%d %H:%M} UTC"
        if entry.path and await asyncio.to_thread(place.size, entry.path) != entry.size:
            await manifest.record_verified(pool, entry, sound=False)
            return f"{day}: the file {entry.path} is not in the archive as it was verified"
    return None


async def _reason_in_database(
    connection: Connection | Pool, entries: Sequence[Entry], chains: Sequence[ChainDay], day: date, now: datetime
) -> str | None:
    for chain in (each._replace(day=day) for each in chains):
        ledger = await read_ledger(connection, chain)
        if reason := ledger.lacks(now):
            return f"{day} of {chain.chain}: {reason}"
        own = {entry.table: entry for entry in entries if entry.chain_id == chain.chain_id}
        for table in TABLES if ledger.blocks else ():
            if table not in own or own[table].ledger != ledger.fingerprint:
                return f"{day} of {chain.chain}: {table} is not in the archive as it is now"
            if own[table].verified_at is None:
                return f"{day} of {chain.chain}: {table} is not verified"
    return None


async def _drop_days(
    pool: Pool, chains: Sequence[ChainDay], days: Sequence[date], now: datetime, rows_not_materialised: str
) -> str | None:
    """Drop days that are ready, or say why they are not after all."""

    async def work(connection: Connection) -> str | None:
        for day in days:
            entries = await manifest.read_entries(connection, day, day)
            if reason := await _reason_in_database(connection, entries, chains, day, now):
                return reason
        if reason := await _rollups_lack(connection, days, rows_not_materialised):
            return reason
        await connection.execute(_SQL["drop_raw"], end_of(days[-1]))
        await connection.execute(_SQL["dropped"], days)
        return None

    return await move_horizon(pool, work)


async def _rollups_lack(connection: Connection, days: Sequence[date], rows_not_materialised: str) -> str | None:
    """What the rollups still need raw rows of these days for."""
    span = (start_of(days[0]), end_of(days[-1]))
    if await connection.fetchval(rows_not_materialised, span[1]):
        return f"{days[0]}: the rollups are not materialised up to {days[-1]} yet"
    if differing := await connection.fetchrow(_SQL["rollups_that_differ"], days, *span):
        chain, day, rollup = differing
        return f"{day} of {chain}: {rollup} does not add up to what was archived"
    if await connection.fetchval(_SQL["hours_to_close"], *span):
        return f"{days[0]}: not all of its hours are closed yet"
    return None
