"""What the worker does for the archive, round by round: export what is final, verify it, drop what is old enough."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from datetime import UTC, datetime, timedelta

import structlog

from txhub.archive.eventlog import export_events
from txhub.archive.export import export
from txhub.archive.retention import Settle, drop
from txhub.archive.verify import verify
from txhub.store.events import record_event
from txhub.store.place import Place
from txhub.store.pool import Pool, open_pool

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
            await run_round(pool, url, place, retention, settle, datetime.now(UTC))
            await asyncio.sleep(interval)


async def run_round(
    pool: Pool, url: str, place: Place, retention: timedelta | None, settle: Settle, now: datetime
) -> None:
    """One round; what is wrong with the archive goes to the event log."""
    # Closed whatever happens here: each holds the archive's turn as long as it lives.
    async with aclosing(export(pool, url, place, now=now)) as outcomes:
        async for (chain_id, chain, day), exported, reason, fault in outcomes:
            if exported:
                rows = sum(each.totals.rows for each in exported)
                _log.info("exported", chain=chain, day=day.isoformat(), rows=rows)
            elif fault:
                await _record(pool, chain_id, day=day.isoformat(), reason=reason)
    async with aclosing(verify(pool, place, again=False)) as verdicts:
        async for entry, wrong in verdicts:
            if wrong:
                await _record(pool, entry.chain_id, table=entry.table, day=entry.day.isoformat(), reason=wrong)
    if logged := await export_events(pool, place, now):
        _log.info("events_exported", days=[day.isoformat() for day in logged])
    if retention is not None:
        days, stays = await drop(pool, place, before=(now - retention).date(), now=now, settle=settle)
        if days or stays:
            _log.info("dropped", days=[day.isoformat() for day in days], stays=stays)


async def _record(pool: Pool, chain_id: int, **details: str | None) -> None:
    _log.error("archive_fault", chain_id=chain_id, **details)
    await record_event(pool, "error", "archive", "archive_fault", chain_id, **details)
