"""A range of time in pieces, for searches that begin with the newest rows and stop when they have enough."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from txhub.contract import ChainInfo
from txhub.query.timerange import TimeRange


def newest_first(asked: TimeRange, chains: Iterable[ChainInfo], before: datetime | None = None) -> Iterator[TimeRange]:
    """The range in pieces, the newest first: the day of the newest block, then each twice as long as the one before.

    So what is frequent is planned for one chunk instead of all, and a search for what is rare can stop.

    Args:
        asked: the whole range.
        chains: those that are searched.
        before: where it is known, the last moment that is of interest.
    """
    held = list(chains)
    newest = max((each.last_time for each in held if each.last_time), default=asked.start)
    oldest = max(min((each.first_time for each in held if each.first_time), default=asked.start), asked.start)
    end, width = asked.end, timedelta(days=1)
    start = min(newest, end, before or end).replace(hour=0, minute=0, second=0, microsecond=0)
    while start > oldest:
        yield TimeRange(start, end)
        end, start, width = start, start - width, 2 * width
    yield TimeRange(asked.start, end)


def oldest_first(asked: TimeRange) -> Iterator[TimeRange]:
    """The same from the other end: the first day, then pieces each twice as long as the one before."""
    start, width = asked.start, timedelta(days=1)
    while start < asked.end:
        end = min(start + width, asked.end)
        yield TimeRange(start, end)
        start, width = end, 2 * width
