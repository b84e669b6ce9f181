"""What a page shows: a span of time, chains and kinds; and how the URL spells that.

The URL is the only place this state lives in, so a view can be sent to a colleague and the browser's
back button works. An empty query is the default view: the last 24 hours of everything.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlencode

from txhub.contract import Kind

PRESETS = ("15m", "1h", "6h", "24h", "7d", "30d")
"""The spans back from now that the filter bar offers as buttons."""

EXPECTED = "-6h, or 2023-09-08 07:27 to 07:30 (UTC)"

_SPAN = re.compile(r"-?\s*([1-9]\d{0,4})\s*([mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_CLOCK = re.compile(r"\d{1,2}:\d{2}(:\d{2})?")
_BETWEEN = re.compile(r"\s+to\s+|/", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Recent:
    """The time from a span ago (`6h`) until now, which moves on."""

    span: str

    @property
    def length(self) -> timedelta:
        """How long the span is."""
        return timedelta(**{_UNITS[self.span[-1]]: int(self.span[:-1])})

    def question(self) -> dict[str, str]:
        """The range as the API's `start` and `end`."""
        return {"start": f"-{self.span}"}

    def touches(self, start: datetime, end: datetime) -> bool:
        """Whether blocks from `start` to `end`, committed just now, can belong to the range."""
        return end >= datetime.now(UTC) - self.length

    def __str__(self) -> str:
        return f"-{self.span}"


@dataclass(frozen=True, slots=True)
class Between:
    """The time from `start` up to `end`, which stands still. Both are UTC; whole seconds."""

    start: datetime
    end: datetime

    @property
    def length(self) -> timedelta:
        """How long the range is."""
        return self.end - self.start

    def question(self) -> dict[str, str]:
        """The range as the API's `start` and `end`."""
        return {"start": self.start.isoformat(), "end": self.end.isoformat()}

    def touches(self, start: datetime, end: datetime) -> bool:
        """Whether blocks from `start` to `end` belong to the range, in part at least."""
        return start < self.end and end >= self.start

    def __str__(self) -> str:
        return f"{_minute(self.start)} to {_minute(self.end)}"


Range = Recent | Between
DEFAULT_RANGE = Recent("24h")


@dataclass(frozen=True, slots=True)
class Filters:
    """The state of the filter bar. No chains, or no kinds, means all of them."""

    range: Range = DEFAULT_RANGE
    chains: tuple[str, ...] = ()
    kinds: tuple[Kind, ...] = ()

    def question(self) -> dict[str, object]:
        """The filters as parameters of a question to the API."""
        return {**self.range.question(), "chain": self.chains or None, "kind": self.kinds or None}


class NotARange(ValueError):
    """The text names no range of time."""


def parse_range(text: str) -> Range:
    """Read a range as people type it: `-6h`, `90m`, `2023-09-08 07:27 to 2023-09-08 07:30`. Times are UTC.

    The end may be a time of the day on which the range starts.

    Raises:
        NotARange: for anything else, and for a range that ends before it starts.
    """
    text = text.strip()
    if span := _SPAN.fullmatch(text.lower()):
        return Recent(span[1] + span[2])
    times = _BETWEEN.split(text)
    if len(times) != 2:
        raise NotARange(EXPECTED)
    start = _moment(times[0])
    end = _moment(f"{start:%Y-%m-%d} {times[1]}" if _CLOCK.fullmatch(times[1].strip()) else times[1])
    if end <= start:
        raise NotARange("the end has to be after the start")
    return Between(start, end)


def to_query(filters: Filters) -> str:
    """The filters as a URL's query, with its question mark; the default view is the empty query."""
    query: dict[str, str] = {}
    if isinstance(filters.range, Between):
        query["range"] = f"{_iso(filters.range.start)}/{_iso(filters.range.end)}"
    elif filters.range != DEFAULT_RANGE:
        query["range"] = filters.range.span
    if filters.chains:
        query["chain"] = ",".join(filters.chains)
    if filters.kinds:
        query["kind"] = ",".join(filters.kinds)
    return f"?{urlencode(query, safe=',/:')}" if query else ""


def from_query(query: str | None) -> Filters:
    """The filters that a URL's query asks for; what cannot be understood there counts as not said.

    A hand-typed address should show something, and the filter bar then says what that is.
    """
    given = {name: values[-1] for name, values in parse_qs((query or "").removeprefix("?")).items()}
    try:
        chosen = parse_range(given["range"]) if "range" in given else DEFAULT_RANGE
    except NotARange:
        chosen = DEFAULT_RANGE
    chains = tuple(dict.fromkeys(chain for chain in given.get("chain", "").split(",") if chain))
    known = {str(kind) for kind in Kind}
    kinds = tuple(Kind(kind) for kind in dict.fromkeys(given.get("kind", "").split(",")) if kind in known)
    return Filters(chosen, chains, kinds)


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise NotARange(EXPECTED) from None
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return moment.replace(microsecond=0)


def _iso(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def _minute(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}" if moment.second == 0 else f"{moment:%Y-%m-%d %H:%M:%S}"
