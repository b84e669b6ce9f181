"""The query parameters that routes share: their names over HTTP, and what the OpenAPI document says of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from litestar import Request
from litestar.openapi.spec import Example, OpenAPIType, Schema
from litestar.openapi.spec import Parameter as OpenAPIParameter
from litestar.params import HeaderParameter, PathParameter, QueryParameter

from txhub import contract
from txhub.api import formats
from txhub.errors import UsageError
from txhub.query import eventlog


def _some(name: str, description: str, example: str, among: Iterable[str] | None = None) -> Any:
    """A parameter of which there may be several; `among` are all that there are."""
    items = Schema(type=OpenAPIType.STRING, enum=None if among is None else list(among))
    return QueryParameter(
        name=name,
        description=f"{description} Repeat it, or separate by commas.",
        examples=[Example(value=[example])],
        schema_extra={"items": items},
    )


def _one(
    name: str, description: str, example: object, among: Iterable[str] | None = None, pattern: str | None = None
) -> Any:
    """A parameter that is there once: one of `among`, or of a pattern; left empty it counts as left out."""
    return QueryParameter(
        name=name,
        description=description,
        examples=[Example(value=example)],
        schema_extra={"enum": None if among is None else list(among), "pattern": pattern},
    )


_TIME = "ISO 8601 (UTC where it names no offset), relative to now such as `-24h`, `-90m`, `-7d`, or `now`."
_MOMENT = r"^(now|-\d+(\.\d+)?[smhdw]|\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)?)?)?$"
_SPAN = r"^(\d+(\.\d+)?[smhdw])?$"
_COINS = r"^(\d{1,40}(\.\d{1,40})?)?$"
_CURSOR = r"^[A-Za-z0-9_-]*$"
_TEXT = r"^[^\x00]*$"

Chain = Annotated[list[str] | None, _some("chain", "Names of chains; all where left out.", "ethereum")]
OneChain = Annotated[str, PathParameter(description="Name of a chain.", examples=[Example(value="ethereum")])]
Kind = Annotated[
    list[str] | None, _some("kind", "What transactions do; all kinds where left out.", "transfer", contract.Kind)
]
By = Annotated[
    list[str] | None, _some("by", "Draw a line for each `chain`, `kind` or both.", "chain", ("chain", "kind"))
]
From = Annotated[list[str] | None, _some("from", "Senders.", "0xdac17f958d2ee523a2206206994597c13d831ec7")]
To = Annotated[list[str] | None, _some("to", "Recipients.", "0xdac17f958d2ee523a2206206994597c13d831ec7")]
Address = Annotated[
    list[str] | None, _some("address", "Senders or recipients.", "0xdac17f958d2ee523a2206206994597c13d831ec7")
]
OneAddress = Annotated[
    str,
    PathParameter(
        description="As it is written on its chain.",
        examples=[Example(value="0xdac17f958d2ee523a2206206994597c13d831ec7")],
    ),
]
Around = Annotated[
    str | None,
    _one("address", "Show what is around this address.", "0xdac17f958d2ee523a2206206994597c13d831ec7"),
]
Depth = Annotated[
    str | None, _one("depth", "With `address`: 1, its own edges, or 2, those of its neighbours too.", "2", ("1", "2"))
]
Start = Annotated[str | None, _one("start", f"First moment: {_TIME}", "-24h", pattern=_MOMENT)]
End = Annotated[str | None, _one("end", f"The moment after the last one: {_TIME}", "now", pattern=_MOMENT)]
Bucket = Annotated[
    str | None,
    _one("bucket", "Width of a point: `auto`, `1m`, `5m`, `15m`, `1h` or `1d`.", "auto", contract.Bucket),
]
Unit = Annotated[str | None, _one("unit", "What coins are counted in: `native` or `usd`.", "usd", contract.Unit)]
Zone = Annotated[
    str | None,
    _one("tz", "A zone of the IANA database: its days are buckets, and times without an offset are its own.", "UTC"),
]
Compare = Annotated[
    str | None, _one("compare", "How much earlier the range is to compare with, such as `7d`.", "7d", pattern=_SPAN)
]
Window = Annotated[
    str | None,
    _one("window", "Width of a window: whole minutes, such as `15m`, `6h` or `7d`.", "15m", pattern=_SPAN),
]
Rank = Annotated[
    str | None, _one("rank", "What the busiest are ranked by: `count`, `value` or `largest`.", "value", contract.Rank)
]
TokenRank = Annotated[
    str | None,
    _one("rank", "What tokens are ranked by: `count` of transfers or `amount`.", "count", contract.TokenRank),
]
HourOrDay = Annotated[
    str | None, _one("bucket", "Width of a bucket: `auto`, `1h` or `1d`.", "1h", ("auto", "1h", "1d"))
]
Category = Annotated[str | None, _one("category", "What kind of somebody, such as `exchange`.", "exchange")]
At = Annotated[str | None, _one("at", f"The moment that counts: {_TIME}", "-30d", pattern=_MOMENT)]
Few = Annotated[
    int,
    QueryParameter(name="limit", ge=1, le=50, description="Items of each kind, 1 to 50.", examples=[Example(value=10)]),
]
MinValue = Annotated[
    str | None, _one("min_value", "Least value, in whole coins of each chain.", "0.25", pattern=_COINS)
]
MaxValue = Annotated[
    str | None, _one("max_value", "Greatest value, in whole coins of each chain.", "100", pattern=_COINS)
]
Block = Annotated[
    str | None, _one("block", "Number of a block; of the one chain that is named.", "18090206", pattern=r"^\d{0,18}$")
]
AnomalyKind = Annotated[
    list[str] | None,
    _some(
        "kind",
        "`spike`, `drop`, `failed_burst` or `anomaly` (found by a model); all where left out.",
        "spike",
        contract.AnomalyKind,
    ),
]
Cursor = Annotated[
    str | None, _one("cursor", "`next` of the page before.", "-DPhS5TPAAZL_yAgXwABzQGPEQ", pattern=_CURSOR)
]
OnlyChain = Annotated[str | None, _one("chain", "Name of a chain; all where left out.", "ethereum")]
OnlyAddress = Annotated[
    str | None,
    _one("address", "An address, in any case where it is hex.", "0xdac17f958d2ee523a2206206994597c13d831ec7"),
]
List = Annotated[str | None, _one("source", "Name of a list; all where left out.", "ofac-sdn")]
Lists = Annotated[list[str] | None, _some("source", "Names of watchlists; all where left out.", "ofac-sdn")]
Screening = Annotated[
    str | None,
    _one(
        "screening",
        "Only what this search of history found: a `screening_id` of `/v1/watchlist/versions`.",
        "1",
        pattern=r"^\d{0,9}$",
    ),
]
Ended = Annotated[
    bool,
    QueryParameter(name="ended", description="Also what is not in force any more.", examples=[Example(value=True)]),
]
Level = Annotated[
    list[str] | None, _some("level", "`info`, `warning` or `error`; all where left out.", "warning", eventlog.Level)
]
Component = Annotated[list[str] | None, _some("component", "Who tells: `ingest`, `worker`, `archive`.", "ingest")]
EventName = Annotated[list[str] | None, _some("event", "Names of events.", "endpoint_changed")]
AlertState = Annotated[
    list[str] | None,
    _some(
        "state",
        "What the chain makes of it: `pending`, `confirmed`, `finalised` or `retracted`.",
        "pending",
        contract.ChainState,
    ),
]
Case = Annotated[
    list[str] | None,
    _some(
        "case",
        "What people do about it: `open`, `acknowledged`, `investigating`, `resolved` or `false_alarm`.",
        "open",
        contract.CaseState,
    ),
]
Severity = Annotated[
    list[str] | None, _some("severity", "`low`, `medium`, `high` or `critical`.", "high", contract.Severity)
]
RuleName = Annotated[list[str] | None, _some("rule", "Names of rules.", "large-transfer")]
Pattern = Annotated[list[str] | None, _some("pattern", "What kind of thing was found.", "fan_in", contract.Pattern)]
Involved = Annotated[
    list[str] | None, _some("address", "Addresses it is about.", "0xdac17f958d2ee523a2206206994597c13d831ec7")
]
Test = Annotated[
    str | None,
    _one(
        "test",
        "Only alerts of rules that are being tried (`true`), or only others (`false`).",
        "false",
        ("true", "false"),
    ),
]
Words = Annotated[
    str | None,
    _one("q", "Words, each of which is in its title, subject, rule, hash or assignee.", "binance", pattern=_TEXT),
]
Limit = Annotated[
    int,
    QueryParameter(
        name="limit", ge=1, le=1000, description="Items on a page, 1 to 1000.", examples=[Example(value=100)]
    ),
]
Format = Annotated[
    str | None,
    _one("format", "`json`, `csv`, `arrow` or `parquet`; wins over the Accept header.", "csv", formats.Format),
]
ReportFormat = Annotated[
    str | None,
    _one(
        "format",
        "`html`, `json`, `csv`, `arrow` or `parquet`; wins over the Accept header.",
        "html",
        (formats.PAGE_FORMAT, *formats.Format),
    ),
]
FileFormat = Annotated[
    str | None, _one("format", "`csv`, `arrow` or `parquet`; wins over the Accept header.", "parquet", formats.FILES)
]
LastEventId = Annotated[
    str | None,
    HeaderParameter(
        name="Last-Event-ID",
        description="Id of the last event seen: resume after it.",
        examples=[Example(value="271828")],
        schema_extra={"pattern": r"^\d{0,18}$"},
    ),
]


def listed(values: Iterable[str] | None) -> list[str]:
    """The values of a parameter that may be repeated, or hold several with commas between; empty ones do not count."""
    return [part.strip() for value in values or () for part in value.split(",") if part.strip()]


def given(**parameters: str | None) -> dict[str, str]:
    """The parameters that were sent, for the others to have their defaults; empty ones do not count."""
    return {name: value for name, value in parameters.items() if value}


class Strictness:
    """Refuses parameters that a route does not have, or that are repeated where one is wanted."""

    def __init__(self) -> None:
        self._allowed: dict[str, Mapping[str, bool]] = {}

    def __call__(self, request: Request[Any, Any, Any]) -> None:
        """Litestar's `before_request`.

        Raises:
            UsageError: names the parameter, and those that there are.
        """
        allowed = self._of_route(request)
        for name, text in request.query_params.multi_items():
            if "\0" in text:
                raise UsageError(f"{name[:40]} is {text[:40]!r}", hint="leave the null character out")
            if name not in allowed:
                hint = f"send some of {', '.join(allowed)}" if allowed else "this path takes no parameters"
                raise UsageError(f"there is no parameter {name[:40]!r} here", hint=hint)
            if not allowed[name] and len(request.query_params.getall(name)) > 1:
                raise UsageError(f"{name} is there more than once", hint=f"send {name} once")

    def _of_route(self, request: Request[Any, Any, Any]) -> Mapping[str, bool]:
        """Each parameter of the route, and whether it may be repeated: what the OpenAPI document says."""
        path, method = str(request.scope["path_template"]), request.method.lower()
        route = f"{method} {path}"
        if route not in self._allowed:
            operation = getattr((request.app.openapi_schema.paths or {}).get(path), method, None)
            parameters = (operation.parameters if operation else None) or []
            self._allowed[route] = {
                each.name: _repeats(each.schema)
                for each in parameters
                if isinstance(each, OpenAPIParameter) and each.param_in == "query"
            }
        return self._allowed[route]


def _repeats(schema: Any) -> bool:
    return any(getattr(each, "type", None) == "array" for each in [schema, *(getattr(schema, "one_of", None) or [])])
