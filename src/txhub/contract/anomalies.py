"""What is out of the usual, and what would have been usual."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from txhub.contract.alerts import ChainState, Severity


class AnomalyKind(StrEnum):
    """What `/v1/anomalies` tells of: patterns of rules about a chain's traffic, or found by a model."""

    SPIKE = "spike"
    DROP = "drop"
    FAILED_BURST = "failed_burst"
    ANOMALY = "anomaly"


@dataclass(slots=True)
class Anomaly:
    """A span of time in which something was out of the usual, as a chart annotates it; each is an alert."""

    id: int
    """Of its alert."""
    kind: AnomalyKind
    chain: str
    subject: str
    """What it is about: the chain, a transaction's hash or an address."""
    start: datetime
    end: datetime | None
    """Null: it goes on, as far as is known."""
    severity: Severity
    title: str
    expected: float | None
    """In `unit`, as was `seen` when it began."""
    seen: float | None
    factor: float | None
    """How many times the expected was seen, at the most (of a drop: at the least)."""
    score: float | None
    """Of what a model found: 0 to 1."""
    unit: str | None
    rule: str
    test: bool
    """Raised by a rule that is being tried."""
    chain_state: ChainState


Expectation = tuple[datetime, float | None, float | None, float | None]
"""The start of a slot, what is expected in it, and the bounds between which ten minutes usually stay."""


@dataclass(slots=True)
class ExpectedLine:
    """What is expected of a chain."""

    chain: str
    points: list[Expectation]


@dataclass(slots=True)
class ExpectedSeries:
    """What is expected over time, in slots of ten minutes; of an hour, where blocks are over a minute apart."""

    metric: str
    unit: str
    series: list[ExpectedLine]
