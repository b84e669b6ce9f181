"""What the client's methods take, by route: names, moments and bounds as the API's parameters have them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Literal, TypedDict

Moment = str | datetime
"""ISO 8601, or relative to now such as `-24h`, `-90m`, `-7d`; or an aware datetime."""
Names = str | Iterable[str]


class SeriesQuestion(TypedDict, total=False):
    """What `series` takes beside the metric; what is left out has the API's default."""

    chain: Names | None
    kind: Names | None
    by: Names | None
    start: Moment | None
    end: Moment | None
    bucket: str
    unit: str
    tz: str
    compare: str


class SummaryQuestion(TypedDict, total=False):
    """What `summary` takes."""

    chain: Names | None
    kind: Names | None
    start: Moment | None
    end: Moment | None
    compare: str


class WeekQuestion(TypedDict, total=False):
    """What `week` takes beside the metric."""

    chain: Names | None
    kind: Names | None
    start: Moment | None
    end: Moment | None
    tz: str


class PeaksQuestion(TypedDict, total=False):
    """What `peaks` takes."""

    chain: Names | None
    start: Moment | None
    end: Moment | None
    window: str | None
    limit: int


class ProfileQuestion(TypedDict, total=False):
    """What `address` takes beside it."""

    start: Moment | None
    end: Moment | None
    rank: str
    limit: int


class TopQuestion(ProfileQuestion, total=False):
    """What `top_senders`, `top_receivers` and `flows` take."""

    chain: Names | None


class NeighbourhoodQuestion(TopQuestion, total=False):
    """What `neighbourhood` takes beside the address."""

    depth: int


class OriginsQuestion(TypedDict, total=False):
    """What `origins` takes."""

    chain: Names | None
    start: Moment | None
    end: Moment | None


class TokensQuestion(OriginsQuestion, total=False):
    """What `tokens` takes."""

    rank: str
    limit: int


class TokenQuestion(TypedDict, total=False):
    """What `token` takes beside it."""

    start: Moment | None
    end: Moment | None
    bucket: str


class LabelsQuestion(TypedDict, total=False):
    """What `labels` takes."""

    chain: str | None
    address: str | None
    source: str | None
    category: str | None
    at: Moment | None
    ended: bool
    cursor: str | None
    limit: int


ExportFormat = Literal["csv", "arrow", "parquet"]


class ExportQuestion(TypedDict, total=False):
    """What `export` takes. Values are whole coins, as decimal text where they must be exact."""

    chain: Names | None
    kind: Names | None
    from_: Names | None
    to: Names | None
    address: Names | None
    min_value: object
    max_value: object
    start: Moment | None
    end: Moment | None
    block: int | None


class TransactionsQuestion(ExportQuestion, total=False):
    """What `transactions` takes."""

    cursor: str | None
    limit: int


class CoverageQuestion(TypedDict, total=False):
    """What `coverage` takes."""

    chain: Names | None
    start: Moment | None
    end: Moment | None
    bucket: str


class ReorgsQuestion(TypedDict, total=False):
    """What `reorgs` takes."""

    chain: Names | None
    start: Moment | None
    end: Moment | None
    cursor: str | None
    limit: int


class EventsQuestion(ReorgsQuestion, total=False):
    """What `events` takes."""

    level: Names | None
    component: Names | None
    event: Names | None


class AlertsQuestion(ReorgsQuestion, total=False):
    """What `alerts` takes."""

    state: Names | None
    case: Names | None
    severity: Names | None
    rule: Names | None
    pattern: Names | None
    address: Names | None
    test: bool | None
    q: str | None


class AnomaliesQuestion(ReorgsQuestion, total=False):
    """What `anomalies` takes."""

    kind: Names | None


class ExpectedQuestion(TypedDict, total=False):
    """What `expected` takes."""

    chain: Names | None
    start: Moment | None
    end: Moment | None


class CaseChange(TypedDict, total=False):
    """What `change_alert` takes; what is left out stays."""

    case_state: str
    assignee: str
    note: str
    updated_at: datetime


class RuleChange(TypedDict, total=False):
    """What `create_rule` and `change_rule` take beside the name. docs/rules.md says what definitions are made of."""

    definition: dict[str, Any]
    severity: str
    state: str


class RuleEdit(RuleChange, total=False):
    """What `change_rule` takes beside the name: with `changed_at` of the rule that was seen, a faster edit stands."""

    changed_at: datetime


class BacktestQuestion(TypedDict, total=False):
    """What `backtest` takes: `rule` or `definition`, one of them; without a range the last seven days."""

    rule: str | None
    definition: dict[str, Any] | None
    start: Moment | None
    end: Moment | None


class WatchlistQuestion(TypedDict, total=False):
    """What `watchlist` takes."""

    chain: str | None
    address: str | None
    source: str | None
    ended: bool
    cursor: str | None
    limit: int


class ExposureQuestion(TypedDict, total=False):
    """What `exposure` takes; `limit` is how many exposures are listed, of those that are counted."""

    start: Moment | None
    end: Moment | None
    chain: Names | None
    source: Names | None
    screening: int | None
    limit: int
