"""What the worker does for the archive, round by round: export what is final, verify it, drop what is old enough."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import structlog

from txhub.archive.export import export
from txhub.archive.retention import drop
from txhub.archive.verify import verify
from txhub.errors import ArchiveMismatch
from txhub.store.faults import translated
from txhub.store.place import Place
from txhub.store.pool import Pool, open_pool
from txhub.store.sqlfiles import queries

Settle = Callable[[Pool, datetime, datetime, datetime], Awaitable[None]]
"""Brings rollups up to date from the first time to the second; the third is now."""

_RECORD = queries("ledger")["record_event"]
_log = structlog.get_logger("archive")


async def keep_archive(
    url: str, place: Place, retention: timedelta | None, settle: Settle, *, interval: float = 3600.0
) -> None:
    """Keep the archive for ever, a round every `interval` seconds.

    Args:
        url: of the database.
        place: where the archive is.
        retention: the age at which raw rows are dropped; None: never.
        settle: what has to be done before raw rows go.
        interval: seconds between the end of a round and the next.

    Raises:
        ArchiveUnavailable, DiskFull, DatabaseUnavailable: try again.
    """
    async with open_pool(url, name="archive", size=3) as pool:
        while True:
            try:
                await run_round(pool, url, place, retention, settle, datetime.now(UTC))
            except ArchiveMismatch as mismatch:
                await _record(pool, None, "archive_mismatch", reason=str(mismatch))
            await asyncio.sleep(interval)


async def run_round(
    pool: Pool, url: str, place: Place, retention: timedelta | None, settle: Settle, now: datetime
) -> None:
    """One round; what is wrong with the archive goes to the event log."""
    async for outcome in export(pool, url, place, now=now):
        if outcome.exported:
            rows = sum(each.totals.rows for each in outcome.exported)
            _log.info("exported", chain=outcome.day.chain, day=outcome.day.day.isoformat(), rows=rows)
    async for entry, fault in verify(pool, place, again=False):
        if fault:
            where = {"table": entry.table, "day": entry.day.isoformat(), "reason": fault}
            await _record(pool, entry.chain_id, "archive_fault", **where)
    if retention is not None:

        async def up_to_date(start: datetime, end: datetime) -> None:
            await settle(pool, start, end, now)

        days, stays = await drop(pool, place, before=(now - retention).date(), now=now, settle=up_to_date)
        if days or stays:
            _log.info("dropped", days=[day.isoformat() for day in days], stays=stays)


async def _record(pool: Pool, chain_id: int | None, event: str, **details: str) -> None:
    _log.error(event, chain_id=chain_id, **details)
    with translated():
        await pool.execute(_RECORD, "error", "archive", chain_id, event, json.dumps(details))
