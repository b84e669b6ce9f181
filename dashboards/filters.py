"""What a page shows: a span of time, chains, kinds, who sends and receives, amounts; and how the URL spells that.

The URL is the only place this state lives in, so a view can be sent to a colleague and the browser's
back button works. An empty query is the default view: the last 24 hours of everything.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from urllib.parse import parse_qs, urlencode

from txhub.contract import Kind

PRESETS = {
    "15m": "15m", "1h": "1h", "6h": "6h", "24h": "24h", "7d": "7d", "30d": "30d", "90d": "90d", "365d": "1y",
}  # fmt: skip
"""The spans back from now that the filter bar offers as buttons, and what these are called."""

PARAMETERS = ("range", "chain", "kind", "from", "to", "min", "max")
"""The filters' names in a URL; links from page to page take these along (`assets/navigate.js`)."""
CURSOR = "cursor"
"""Which page of a list is shown; another view begins with its first one (`assets/navigate.js`, too)."""
NOTHING: Mapping[str, str] = MappingProxyType({})

EXPECTED = "-6h, or 2023-09-08 07:27 to 07:30"
AROUND = timedelta(minutes=30)
"""How far around a single moment a view reaches."""

_SPAN = re.compile(r"-?\s*([1-9]\d{0,4})\s*([mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_CLOCK = re.compile(r"\d{1,2}:\d{2}(:\d{2})?")
_SEPARATOR = re.compile(r"[\s,;]+")
MOST_DIGITS = 30
"""Before or after the point of an amount."""
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

    def spelled(self, _zone: tzinfo) -> str:
        """The range as people type it."""
        return str(self)

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

    def spelled(self, zone: tzinfo) -> str:
        """The range as people type it, by the clocks of a zone."""
        return f"{_minute(self.start.astimezone(zone))} to {_minute(self.end.astimezone(zone))}"

    def __str__(self) -> str:
        return self.spelled(UTC)


Range = Recent | Between
DEFAULT_RANGE = Recent("24h")


@dataclass(frozen=True, slots=True)
class Filters:
    """The state of the filter bar. Nothing chosen means all."""

    range: Range = DEFAULT_RANGE
    chains: tuple[str, ...] = ()
    kinds: tuple[Kind, ...] = ()
    senders: tuple[str, ...] = ()
    receivers: tuple[str, ...] = ()
    least: Decimal | None = None
    """The least amount, in whole coins of each chain."""
    most: Decimal | None = None

    def question(self) -> dict[str, object]:
        """Range, chains and kinds as parameters of a question to the API: all that series know."""
        return {**self.range.question(), "chain": self.chains or None, "kind": self.kinds or None}

    def transactions_question(self) -> dict[str, object]:
        """All filters as parameters of a question to the API for transactions."""
        return {
            **self.question(),
            "from_": self.senders or None,
            "to": self.receivers or None,
            "min_value": None if self.least is None else f"{self.least:f}",
            "max_value": None if self.most is None else f"{self.most:f}",
        }

    @property
    def narrow(self) -> bool:
        """Whether there are filters that only lists of transactions know, not series."""
        return bool(self.senders or self.receivers or self.least is not None or self.most is not None)


class NotUnderstood(ValueError):
    """The text of a filter means nothing; the message says what would."""


class NotARange(NotUnderstood):
    """The text names no range of time."""


class NotAnAmount(NotUnderstood):
    """The text is no amount of coins."""


def parse_range(text: str, zone: tzinfo = UTC) -> Range:
    """Read a range as people type it: `-6h`, `90m`, `2023-09-08 07:27 to 2023-09-08 07:30`.

    The end may be a time of the day on which the range starts. A day alone is all of it; a moment alone, such as
    `2023-09-08 07:27`, is the hour around it. Times that name no offset are of `zone`.

    Raises:
        NotARange: for anything else, and for a range that ends before it starts.
    """
    text = text.strip()
    if span := _SPAN.fullmatch(text.lower()):
        return Recent(span[1] + span[2])
    first, *second = _BETWEEN.split(text)
    start = _moment(first, zone)
    if len(second) > 1:
        raise NotARange(EXPECTED)
    if not second:
        whole_day = _DAY.fullmatch(text)
        return Between(start, start + timedelta(days=1)) if whole_day else Between(start - AROUND, start + AROUND)
    day = f"{start.astimezone(zone):%Y-%m-%d} "
    end = _moment(day + second[0] if _CLOCK.fullmatch(second[0].strip()) else second[0], zone)
    if end <= start:
        raise NotARange("the end has to be after the start")
    return Between(start, end)


def parse_amount(text: str) -> Decimal | None:
    """Read an amount of whole coins as people type it: `100`, `0.25`, `1,000`; nothing typed is None.

    Raises:
        NotAnAmount: for anything else.
    """
    digits = text.replace(",", "").replace("_", "").strip()
    if not digits:
        return None
    try:
        amount = Decimal(digits)
    except InvalidOperation:
        raise NotAnAmount("an amount of coins, such as 100 or 0.25") from None
    if not amount.is_finite() or amount < 0 or abs(amount.adjusted()) > MOST_DIGITS:
        raise NotAnAmount("an amount of coins, such as 100 or 0.25")
    return amount.normalize()


def to_query(filters: Filters, own: Mapping[str, str] = NOTHING) -> str:
    """The filters, and a page's own parameters, as a URL's query, with its question mark.

    The default view is the empty query.
    """
    query: dict[str, str] = {}
    if isinstance(filters.range, Between):
        query["range"] = f"{_iso(filters.range.start)}/{_iso(filters.range.end)}"
    elif filters.range != DEFAULT_RANGE:
        query["range"] = filters.range.span
    for name, values in (
        ("chain", filters.chains),
        ("kind", filters.kinds),
        ("from", filters.senders),
        ("to", filters.receivers),
    ):
        if values:
            query[name] = ",".join(values)
    for name, amount in (("min", filters.least), ("max", filters.most)):
        if amount is not None:
            query[name] = f"{amount:f}"
    query |= own
    return f"?{urlencode(query, safe=',/:')}" if query else ""


def own_parameters(query: str | None) -> dict[str, str]:
    """What a URL's query says that is no filter: the page's own."""
    return {name: value for name, value in _parameters(query).items() if name not in PARAMETERS}


def from_query(query: str | None) -> Filters:
    """The filters that a URL's query asks for; what cannot be understood there counts as not said.

    A hand-typed address should show something, and the filter bar then says what that is.
    """
    given = _parameters(query)
    try:
        chosen = parse_range(given["range"]) if "range" in given else DEFAULT_RANGE
    except NotARange:
        chosen = DEFAULT_RANGE
    known = {str(kind) for kind in Kind}
    return Filters(
        chosen,
        chains=names(given.get("chain")),
        kinds=tuple(Kind(kind) for kind in names(given.get("kind")) if kind in known),
        senders=names(given.get("from")),
        receivers=names(given.get("to")),
        least=_amount(given.get("min")),
        most=_amount(given.get("max")),
    )


def names(text: str | None) -> tuple[str, ...]:
    """Names with commas or blanks between them, each once."""
    return tuple(dict.fromkeys(_SEPARATOR.sub(" ", text or "").split()))


def _parameters(query: str | None) -> dict[str, str]:
    return {name: values[-1] for name, values in parse_qs((query or "").removeprefix("?")).items()}


def _amount(text: str | None) -> Decimal | None:
    try:
        return parse_amount(text or "")
    except NotAnAmount:
        return None


def _moment(text: str, zone: tzinfo) -> datetime:
    try:
        moment = datetime.fromisoformat(text.strip())
        moment = (moment.replace(tzinfo=zone) if moment.tzinfo is None else moment).astimezone(UTC)
    except (ValueError, OverflowError):
        raise NotARange(EXPECTED) from None
    return moment.replace(microsecond=0)


def _iso(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def _minute(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}" if moment.second == 0 else f"{moment:%Y-%m-%d %H:%M:%S}"
