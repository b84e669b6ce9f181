"""Addresses that wake after a long silence."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar, Literal

import polars as pl
from pydantic import Field

from txhub.contract.alerts import Pattern
from txhub.detect.bound import Bound, large
from txhub.detect.condition import Condition, Hits, Length, Span, at_least
from txhub.detect.facts import Facts
from txhub.detect.rows import Rows


class Dormant(Condition):
    """An address sends a large amount, and was not seen for long before; it was seen earlier, as far as rows reach.

    Waking ends the silence, so there is one alert, and a cooldown does not matter.
    """

    pattern: Literal[Pattern.DORMANT] = Pattern.DORMANT
    amount: Bound = Field(default=large("0.5"), description="the least amount of the transfer; from a tenth of large")
    silence: Length = Field(default=timedelta(days=180), description="how long it was not seen")

    repeats: ClassVar[bool] = False

    @property
    def sources(self) -> tuple[str, ...]:
        """Large transfers, and when their senders were seen before."""
        return ("wakings",)

    @property
    def lookback(self) -> timedelta:
        """What was before is told by the rows themselves."""
        return timedelta(0)

    @property
    def effect(self) -> timedelta:
        """What is seen of an address matters until it would have been silent for long."""
        return self.silence

    def events(self, rows: Rows, facts: Facts) -> pl.DataFrame:
        """The transfers that are large enough, after a silence."""
        events = self.scope.transfers({"transfers": rows["wakings"]}, facts)
        events = at_least(events, self.amount.of(events, facts))
        return events.filter(pl.col("time") - pl.col("seen") >= self.silence)

    def hits(self, events: pl.DataFrame, span: Span, facts: Facts) -> Hits:
        """The first transfer of each."""
        events = events.filter(pl.col("time") >= span.start).sort("time", "number", "index", "n")
        met = (
            events.with_row_index("place")
            .unique(["sender", "time"], keep="first", maintain_order=True)
            .select(subject="sender", time="time", evidence=pl.col("place").cast(pl.Int64))
        )
        return Hits(met, lambda place: events[place : place + 1])

    def title(self, subject: bytes, evidence: pl.DataFrame, facts: Facts) -> str:
        """How long it slept, and how much it sends."""
        silent = evidence["time"][0] - evidence["seen"][0]
        token = evidence["token"][0]
        amount = f"{facts.coins(token, evidence['amount'][0])} {facts.unit(token).symbol or 'tokens'}"
        return f"{facts.name(subject)} sent {amount} after {silent.days} days of silence"
