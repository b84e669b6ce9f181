"""What a range of time comes to, number by number."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from txhub.contract.words import Metric


@dataclass(slots=True)
class Figure:
    """A metric of one chain as one number, beside what it was in the range before."""

    metric: Metric
    unit: str
    now: float | None
    """Over the newest `window` of the range; null where nothing is known, and of estimates."""
    value: float | None
    """Over the range."""
    exact: str | None
    """`value` with all its digits, where it is an amount of coins."""
    previous: float | None
    """Over the range before."""
    change_ratio: float | None
    """By how much `value` is above `previous`, as a fraction of it."""


@dataclass(slots=True)
class ChainFigures:
    """What a range comes to on one chain."""

    chain: str
    symbol: str
    window: str
    """How wide what counts as now is: as a bucket with a few blocks in it."""
    tx_count: int
    coverage: float | None
    """The fraction of the range's expected blocks that are committed."""
    previous_coverage: float | None
    """That of the range before: where blocks are missing there, a change says little."""
    figures: list[Figure]


@dataclass(slots=True)
class Summary:
    """What a range comes to on each chain, beside the range before: whole buckets that are over, UTC."""

    start: datetime
    end: datetime
    previous_start: datetime
    previous_end: datetime
    items: list[ChainFigures]
