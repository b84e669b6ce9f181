"""Jobs, and what backtests answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class JobState(StrEnum):
    """How a job stands."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(slots=True)
class Job:
    """Work that takes longer than a request."""

    id: int
    kind: str
    """`backtest`."""
    state: JobState
    question: dict[str, Any]
    """What was asked for."""
    progress: float
    """From 0 to 1."""
    result: dict[str, Any] | None
    """The answer, once it is done: of a backtest, see `Backtest`."""
    error: str | None
    """Why it failed."""
    asked_by: str
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None


@dataclass(slots=True)
class BacktestSample:
    """An alert that there would have been."""

    chain: str
    subject: str
    started_at: datetime
    title: str
    block_number: int | None
    hash: str | None
    details: dict[str, Any]


@dataclass(slots=True)
class BacktestDay:
    """How many alerts there would have been on a chain on a day (UTC)."""

    chain: str
    day: str
    alerts: int


@dataclass(slots=True)
class BacktestSubject:
    """Whom alerts would have been about, and how often."""

    chain: str
    subject: str
    name: str
    alerts: int


@dataclass(slots=True)
class Backtest:
    """What a rule would have found in the past. Nothing of it was kept as alerts."""

    definition: dict[str, Any]
    start: datetime
    end: datetime
    rows: int
    """Rows that were looked at."""
    alerts: int
    alerts_a_day: float
    days: list[BacktestDay] = field(default_factory=list)
    """Days without any are left out."""
    subjects: list[BacktestSubject] = field(default_factory=list)
    """The 20 with most."""
    samples: list[BacktestSample] = field(default_factory=list)
    """The 20 newest."""
    limits: list[str] = field(default_factory=list)
    """What could not be looked at, and why."""
