"""Metrics over time, and when they are highest."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from txhub.contract.ledger import Quality
from txhub.contract.words import Bucket, Metric

Point = tuple[datetime, float | None]
Compared = tuple[datetime, float | None, float | None, float | None]
"""A point's time, the value of its bucket in the range before, the change since, and that as a fraction of it."""


@dataclass(slots=True)
class Line:
    """One line of a series: all chains and kinds together where those are null."""

    chain: str | None
    kind: str | None
    points: list[Point]
    quantile: float | None = None
    """Of `value_quantiles`: so large a share of the transactions moves less than this, 0 to 1."""
    compared: list[Compared] | None = None
    """With `compare=`, for each point: its time, what it was before, the change, and that as a fraction."""


@dataclass(slots=True)
class Series:
    """A metric over time. A point is the start of its bucket, UTC, and its value in `unit`."""

    metric: Metric
    unit: str
    bucket: Bucket
    series: list[Line]
    quality: Quality
    previous_quality: Quality | None = None
    """With `compare=`, that of the range before."""


@dataclass(slots=True)
class Peak:
    """A busiest minute of an hour."""

    chain: str
    hour: datetime
    minute: datetime
    tx_count: int
    """Transactions in that minute, so also its rate in transactions a minute."""


@dataclass(slots=True)
class PeakWindow:
    """A busiest window of time; it overlaps no busier one of its chain."""

    chain: str
    start: datetime
    window: str
    """Its width, such as `15m`."""
    tx_count: int
    rate: float
    """Transactions a minute."""
