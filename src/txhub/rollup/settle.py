"""Brings all that is made of raw rows up to date, before retention drops them."""

from __future__ import annotations

from datetime import datetime, timedelta

from txhub.rollup.filters import make_filters
from txhub.rollup.hours import close_hours
from txhub.rollup.refresh import Span, catch_up, refresh
from txhub.store.pool import Pool


async def settle(pool: Pool, start: datetime, end: datetime, now: datetime) -> None:
    """Refresh every rollup from `start` up to `end`, close every hour that is over, and make the filters of days.

    Raises:
        DatabaseUnavailable: try again.
    """
    while await catch_up(pool, now):
        pass
    await refresh(pool, [Span(start, end - timedelta(microseconds=1))], now)
    await close_hours(pool, now)
    await make_filters(pool)
