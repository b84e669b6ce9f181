"""Brings the rollups up to date wherever blocks were committed behind the watermark.

A backfill or a slow chain writes into time that the aggregates have passed already; there it stays
invisible until they are refreshed. So the worker follows the outbox and refreshes each range that was
touched, minutes first, then what is made of them; where a commit keeps the rollups itself
(`sql/queries/plain/rollup.sql`) the same steps do nothing. The hours touched are marked for `hours.py`.
Nothing below the horizon is refreshed: the raw rows are gone there, and the rollups' history would go with them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import structlog

from txhub.errors import InTheWay
from txhub.rollup.catalog import LAG, ROLLUPS
from txhub.store.edition import edition_of
from txhub.store.faults import translated
from txhub.store.horizon import steady_horizon
from txhub.store.pool import LONG_S, Pool
from txhub.store.sqlfiles import queries

_READER = "rollup"
_BATCH = 1000
_WAIT_FOR_ANOTHER_S = 0.2
_OUTBOX = queries("outbox")
_HOURS = queries("hours")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_log = structlog.get_logger("rollup")


class Span(NamedTuple):
    """Time from `start` to `end`, both with blocks in them."""

    start: datetime
    end: datetime


def merged(spans: Iterable[Span], gap: timedelta) -> list[Span]:
    """The spans in order of time, those that overlap or lie within `gap` of each other made one."""
    result: list[Span] = []
    for span in sorted(spans):
        if result and span.start <= result[-1].end + gap:
            result[-1] = Span(result[-1].start, max(result[-1].end, span.end))
        else:
            result.append(span)
    return result


def window(span: Span, bucket: timedelta, now: datetime) -> Span | None:
    """The whole buckets around a span that lie before `now - LAG`, or None: what is newer is read live."""
    start = _EPOCH + (span.start - _EPOCH) // bucket * bucket
    end = _EPOCH + ((span.end - _EPOCH) // bucket + 1) * bucket
    newest = _EPOCH + (now - LAG - _EPOCH) // bucket * bucket
    end = min(end, newest)
    return Span(start, end) if start < end else None


async def refresh(pool: Pool, spans: Iterable[Span], now: datetime) -> None:
    """Refresh every rollup around these spans of time, as far as they lie above the horizon.

    Raises:
        DatabaseUnavailable: try again; refreshing twice does no harm.
    """
    touched = list(spans)
    with translated():
        statement = queries("rollup", await edition_of(pool))["refresh"]
    for rollup in ROLLUPS:
        windows = (window(span, rollup.bucket, now) for span in touched)
        for start, end in merged(filter(None, windows), timedelta(0)):
            await _refresh_window(pool, statement, rollup.name, start, end)


async def catch_up(pool: Pool, now: datetime) -> int:
    """Refresh what was committed since the last call, as far as the outbox tells; how many events that were."""
    with translated():
        events = await pool.fetch(_OUTBOX["unread"], _READER, _BATCH)
    if events:
        spans = merged((Span(event["first"], event["last"]) for event in events), timedelta(minutes=5))
        await refresh(pool, spans, now)
        with translated():
            touched = [[event[key] for event in events] for key in ("chain_id", "first", "last")]
            await pool.execute(_HOURS["touch"], *touched)
            await pool.execute(_OUTBOX["move_cursor"], _READER, events[-1]["id"])
    return len(events)


async def keep_up(pool: Pool, interval: float = 1.0) -> None:
    """Catch up for ever, looking every `interval` seconds."""
    while True:
        if await catch_up(pool, datetime.now(UTC)) < _BATCH:
            await asyncio.sleep(interval)


async def _refresh_window(pool: Pool, statement: str, rollup: str, start: datetime, end: datetime) -> None:
    """One refresh; TimescaleDB refuses a second one of the same aggregate, so wait for a policy's or a backfill's."""
    while True:
        try:
            async with steady_horizon(pool) as (connection, horizon):
                if horizon is None or horizon < end:
                    await connection.execute(statement, rollup, max(start, horizon or start), end, timeout=LONG_S)
        except InTheWay:
            await asyncio.sleep(_WAIT_FOR_ANOTHER_S)
        else:
            return
