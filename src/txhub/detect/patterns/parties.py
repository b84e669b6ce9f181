"""Many addresses and one: fan-in, fan-out and dusting."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar, Literal

import numpy as np
import polars as pl
from pydantic import Field

from txhub.contract import Kind
from txhub.contract.alerts import Pattern
from txhub.detect.bound import Bound, large
from txhub.detect.condition import Condition, Hits, Length, Scope, Span, at_least, span_text, without_services
from txhub.detect.facts import Facts
from txhub.detect.rows import Rows
from txhub.detect.windows import Places, Trailing

DAY = timedelta(days=1)
PLAIN = Scope(kinds=[Kind.TRANSFER])
"""What people send, and no contract's own business."""


class _Fan(Condition):
    """One address in the middle, and many others."""

    scope: Scope = Field(default=PLAIN, description="which transfers count; plain ones of the coin if nothing is said")
    count: int = Field(default=12, ge=2, le=1_000_000, description="how many different addresses on the other side")
    window: Length = Field(default=timedelta(minutes=45), description="within how long")
    sudden: float = Field(
        default=0.5, ge=0, le=1, description="the least share of the day's transfers that came within the window"
    )

    subject: ClassVar[str]
    other: ClassVar[str]

    @property
    def lookback(self) -> timedelta:
        """The window, and the day that it is compared with."""
        return max(self.window, DAY) if self.sudden else self.window

    def hits(self, events: pl.DataFrame, span: Span, facts: Facts) -> Hits:
        """Each event that makes the others as many."""
        active = events.filter(pl.col("time") >= span.start).select(self.subject).unique()
        windows = Trailing(events.join(active, on=self.subject, how="semi"), self.subject)
        first = windows.first(self.window)
        count = windows.last - first + 1
        enough = count >= self.count
        if self.sudden:
            enough &= count >= self.sudden * (windows.last - windows.first(DAY) + 1)
        enough &= (windows.events["time"] > span.since).to_numpy()
        wanted: Places = np.flatnonzero(enough)
        wanted = wanted[windows.distinct(self.other, first, wanted) >= self.count]
        return windows.hits(self.subject, wanted, first)

    def _others(self, evidence: pl.DataFrame) -> str:
        return f"{evidence[self.other].n_unique()} addresses within {span_text(self.window)}"

    def _parties(self, rows: Rows, facts: Facts) -> pl.DataFrame:
        events = self.scope.transfers(rows, facts).drop_nulls(["sender", "receiver"])
        return without_services(events, self.subject, facts)


class FanIn(_Fan):
    """Many addresses pay one within minutes, which was not paid like that all day.

    Addresses of exchanges and other services, as labels tell, are never the one.
    """

    pattern: Literal[Pattern.FAN_IN] = Pattern.FAN_IN
    least: Bound = Field(default=large("0.005"), description="the least amount of a transfer that counts")

    subject: ClassVar[str] = "receiver"
    other: ClassVar[str] = "sender"

    def events(self, rows: Rows, facts: Facts) -> pl.DataFrame:
        """The transfers that are large enough."""
        events = self._parties(rows, facts)
        return at_least(events, self.least.of(events, facts))

    def title(self, subject: bytes, evidence: pl.DataFrame, facts: Facts) -> str:
        """How many paid it."""
        return f"{facts.name(subject)} was paid by {self._others(evidence)}"


class FanOut(_Fan):
    """One address pays many within minutes, and did not do so all day.

    Addresses of exchanges and other services, as labels tell, are never the one.
    """

    pattern: Literal[Pattern.FAN_OUT] = Pattern.FAN_OUT
    least: Bound = Field(default=large("0.005"), description="the least amount of a transfer that counts")

    subject: ClassVar[str] = "sender"
    other: ClassVar[str] = "receiver"

    def events(self, rows: Rows, facts: Facts) -> pl.DataFrame:
        """The transfers that are large enough."""
        events = self._parties(rows, facts)
        return at_least(events, self.least.of(events, facts))

    def title(self, subject: bytes, evidence: pl.DataFrame, facts: Facts) -> str:
        """How many it paid."""
        return f"{facts.name(subject)} paid {self._others(evidence)}"


class Dusting(_Fan):
    """One address sends next to nothing to many: to see who moves it, or to stand in their histories."""

    pattern: Literal[Pattern.DUSTING] = Pattern.DUSTING
    count: int = Field(default=25, ge=2, le=1_000_000, description="how many different receivers")
    window: Length = Field(default=timedelta(hours=1), description="within how long")
    most: Bound = Field(default=large("0.000001"), description="the greatest amount of a transfer that counts")

    subject: ClassVar[str] = "sender"
    other: ClassVar[str] = "receiver"

    def events(self, rows: Rows, facts: Facts) -> pl.DataFrame:
        """The transfers that are small enough."""
        events = self._parties(rows, facts)
        return events.filter((events["amount"] <= self.most.of(events, facts)).fill_null(value=False))

    def title(self, subject: bytes, evidence: pl.DataFrame, facts: Facts) -> str:
        """How many were dusted."""
        return f"{facts.name(subject)} sent dust to {self._others(evidence)}"
