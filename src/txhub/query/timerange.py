"""The time range of a question: from `start`, included, to `end`, excluded, both aware and UTC."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import NamedTuple
from zoneinfo import ZoneInfo

from txhub.config import parse_span
from txhub.contract import BUCKET_SECONDS, MAX_POINTS, Bucket
from txhub.errors import UsageError

_ALLOWED = "ISO 8601 such as 2023-09-08T07:27:00Z, or relative to now such as -24h, -90m or -7d, or now"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class TimeRange(NamedTuple):
    """From `start` on, up to but not including `end`."""

    start: datetime
    end: datetime

    def widened(self, width: timedelta) -> TimeRange:
        """The whole buckets of this width that the range touches; buckets start at multiples of it since 1970."""
        start = _EPOCH + (self.start - _EPOCH) // width * width
        end = _EPOCH - (_EPOCH - self.end) // width * width
        return TimeRange(start, end)

    def narrowed(self, width: timedelta) -> TimeRange | None:
        """The whole buckets of this width that lie within the range; None where there is none."""
        start = _EPOCH - (_EPOCH - self.start) // width * width
        end = _EPOCH + (self.end - _EPOCH) // width * width
        return TimeRange(start, end) if start < end else None


ALWAYS = TimeRange(_EPOCH, datetime(2200, 1, 1, tzinfo=UTC))
"""The moments that there are here."""


def parse_range(start: str, end: str | None, now: datetime, zone: tzinfo = UTC) -> TimeRange:
    """The range between two moments as people write them; without an end, up to now.

    Raises:
        UsageError: one cannot be read, or the range is empty.
    """
    result = TimeRange(
        parse_moment("start", start, now, zone), now if end is None else parse_moment("end", end, now, zone)
    )
    if result.start >= result.end:
        raise UsageError(
            f"start {start!r} is not before end {end or 'now'!r}",
            hint="send an earlier start or a later end: they are "
            f"{result.start.isoformat(timespec='seconds')} and {result.end.isoformat(timespec='seconds')}",
        )
    return result


def open_range(start: str | None, end: str | None, now: datetime) -> TimeRange:
    """The range between two moments of which either may be left out: from 1970 on, or for ever.

    Raises:
        UsageError: one cannot be read, or the range is empty.
    """
    if start is not None and end is not None:
        return parse_range(start, end, now)
    return TimeRange(
        ALWAYS.start if start is None else parse_moment("start", start, now),
        ALWAYS.end if end is None else parse_moment("end", end, now),
    )


def parse_zone(name: str) -> tzinfo:
    """A time zone by its IANA name, such as `Europe/Berlin`.

    Raises:
        UsageError: there is none of this name.
    """
    with suppress(ValueError, OSError, KeyError):  # no name at all, a folder's, or one that is not there
        return UTC if name == "UTC" else ZoneInfo(name)
    raise UsageError(f"tz is {name[:40]!r}", hint="send a name of the IANA database, such as UTC or Europe/Berlin")


def local_days(asked: TimeRange, zone: tzinfo) -> list[datetime]:
    """The midnights around a range where a zone's days begin, the last one its end; UTC."""
    day = asked.start.astimezone(zone).date()
    edges = [_midnight(day, zone)]
    while edges[-1] < asked.end:
        day += timedelta(days=1)
        edges.append(_midnight(day, zone))
    return edges


def _midnight(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)


def bucket_for(asked: TimeRange, widths: Iterable[Bucket] = BUCKET_SECONDS) -> Bucket:
    """What `bucket=auto` takes: the narrowest of these widths with fewer than `MAX_POINTS` in a range, or a day."""
    length = (asked.end - asked.start).total_seconds()
    return next((each for each in widths if length / BUCKET_SECONDS[each] < MAX_POINTS), Bucket.D1)


def parse_moment(parameter: str, text: str, now: datetime, zone: tzinfo = UTC) -> datetime:
    """A moment: ISO 8601 (of the zone, where it names no offset), `now`, or a span before it such as `-24h`.

    Raises:
        UsageError: it is none of these, or before 1970 or after 2200; names the parameter.
    """
    try:
        if text == "now":
            moment = now
        elif text.startswith("-"):
            moment = now - parse_span(text[1:])
        else:
            moment = datetime.fromisoformat(text)
            moment = (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        blank = " (in a URL a plus sign is written %2B)" if " " in text else ""
        raise UsageError(f"{parameter} is {text!r}, which is not a time{blank}", hint=f"send {_ALLOWED}") from None
    if not ALWAYS.start <= moment <= ALWAYS.end:
        raise UsageError(f"{parameter} is {text!r}: {moment.isoformat()}", hint="send a year from 1970 to 2200")
    return moment
