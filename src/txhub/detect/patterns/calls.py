"""Calls of contracts: bursts of failures, and new contracts that are called very often."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar, Literal

import numpy as np
import polars as pl
from pydantic import Field

from txhub.contract.alerts import Pattern
from txhub.detect.condition import Condition, Hits, Length, Span, of_transfers, span_text
from txhub.detect.facts import Facts
from txhub.detect.rows import CONTRACT_AGE, Rows
from txhub.detect.windows import Places, Trailing
from txhub.store.alerts import Finding


class FailedBurst(Condition):
    """A large share of a chain's calls fails. It needs receipts, and chains on which transactions can fail."""

    pattern: Literal[Pattern.FAILED_BURST] = Pattern.FAILED_BURST
    share: float = Field(default=0.25, gt=0, le=1, description="the least share of calls that fail")
    count: int = Field(default=50, ge=1, le=1_000_000, description="the least number of calls")
    window: Length = Field(default=timedelta(minutes=3), description="within how long")

    subject: ClassVar[str] = "chain"

    @property
    def sources(self) -> tuple[str, ...]:
        """Outcomes of blocks."""
        return ("outcomes",)

    @property
    def lookback(self) -> timedelta:
        """The window."""
        return self.window

    def events(self, rows: Rows, facts: Facts) -> pl.DataFrame:
        """All blocks with calls."""
        return rows["outcomes"]

    def hits(self, events: pl.DataFrame, span: Span, facts: Facts) -> Hits:
        """Each block by which so many have failed."""
        windows = Trailing(events.with_columns(chain=pl.lit(facts.chain.name)), self.subject)
        first = windows.first(self.window)
        known, failed = (windows.total(windows.events[column], first) for column in ("known", "failed"))
        enough = (known >= self.count) & (failed >= self.share * known) & (windows.events["time"] > span.since)
        return windows.hits(self.subject, np.flatnonzero(enough.to_numpy()), first)

    def finding(self, subject: Any, evidence: pl.DataFrame, facts: Facts) -> Finding:
        """The alert to be, of the chain."""
        known, failed = int(evidence["known"].sum()), int(evidence["failed"].sum())
        details = {
            "calls": known,
            "failed": failed,
            "share": round(failed / known, 4),
            "window": span_text(self.window),
        }
        last = evidence.row(-1, named=True)
        return Finding(subject, last["time"], self.title(subject, evidence, facts), details, last["number"])

    def title(self, subject: Any, evidence: pl.DataFrame, facts: Facts) -> str:
        """How many fail."""
        known, failed = int(evidence["known"].sum()), int(evidence["failed"].sum())
        return (
            f"{failed / known:.0%} of the calls on {subject} fail: {failed} of {known} within {span_text(self.window)}"
        )


class NewContract(Condition):
    """A contract that was just made is called very often, by many.

    It knows contracts that a transaction makes (`CREATE`); those that contracts make are not known as new.
    """

    pattern: Literal[Pattern.NEW_CONTRACT] = Pattern.NEW_CONTRACT
    age: Length = Field(default=timedelta(hours=6), le=CONTRACT_AGE, description="how old it is at most; up to 24h")
    calls: int = Field(default=200, ge=1, le=1_000_000, description="the least number of calls")
    callers: int = Field(default=50, ge=1, le=1_000_000, description="the least number of different callers")
    window: Length = Field(default=timedelta(hours=1), description="within how long")

    subject: ClassVar[str] = "receiver"

    @property
    def sources(self) -> tuple[str, ...]:
        """Calls of contracts that were just made."""
        return ("new_contract_calls",)

    @property
    def lookback(self) -> timedelta:
        """The window."""
        return self.window

    @property
    def effect(self) -> timedelta:
        """A creation matters to all calls as long as the contract is new."""
        return self.age + self.window

    def events(self, rows: Rows, facts: Facts) -> pl.DataFrame:
        """The calls while it is new."""
        return rows["new_contract_calls"].filter(pl.col("time") - pl.col("created") <= self.age)

    def hits(self, events: pl.DataFrame, span: Span, facts: Facts) -> Hits:
        """Each call that makes them as many."""
        windows = Trailing(events, self.subject)
        first = windows.first(self.window)
        enough = (windows.last - first + 1 >= self.calls) & (windows.events["time"] > span.since).to_numpy()
        wanted: Places = np.flatnonzero(enough)
        wanted = wanted[windows.distinct("sender", first, wanted) >= self.callers]
        return windows.hits(self.subject, wanted, first)

    def finding(self, subject: Any, evidence: pl.DataFrame, facts: Facts) -> Finding:
        """The alert to be, of the contract."""
        return of_transfers(subject, self.title(subject, evidence, facts), evidence, facts)

    def title(self, subject: Any, evidence: pl.DataFrame, facts: Facts) -> str:
        """How often, and how old it is."""
        age = evidence["time"][-1] - evidence["created"][-1]
        calls = f"{evidence.height} times by {evidence['sender'].n_unique()} addresses within {span_text(self.window)}"
        return f"{facts.name(subject)}, made {span_text(age)} before, was called {calls}"
