"""How busy the hours of the week are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from txhub.contract.words import Metric


@dataclass(slots=True)
class WeekHour:
    """An hour of the week of one chain: what a metric is there on average."""

    chain: str
    weekday: int
    """1 is Monday, 7 is Sunday."""
    hour: int
    """0 to 23, by the clocks of the zone that was asked for."""
    value: float | None
    """The mean of its hours; null where none of them is known."""
    hours: int
    """How many of them there are."""


@dataclass(slots=True)
class Week:
    """The mean of a metric in each hour of the week, over the whole hours from `start` to `end`, UTC."""

    metric: Metric
    unit: str
    zone: str
    start: datetime
    end: datetime
    items: list[WeekHour]
