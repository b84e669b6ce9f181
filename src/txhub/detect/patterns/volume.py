"""How much one address moves: velocity, structuring, and what comes and goes at once."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import ClassVar, Literal

import numpy as np
import polars as pl
from pydantic import Field, field_validator

from txhub.contract.alerts import Pattern
from txhub.detect.bound import Bound, large
from txhub.detect.condition import Condition, Hits, Length, Scope, Span, at_least, span_text, without_services
from txhub.detect.facts import Facts
from txhub.detect.patterns.parties import DAY, PLAIN
from txhub.detect.rows import Rows
from txhub.detect.windows import Places, Trailing

_MOST_SUMMED = 10**31
"""Amounts above are summed up as this, so that millions of them fit into 128 bits."""
_THOUSAND = 1000


class Velocity(Condition):
    """An address sends (or gets) more within a window than is usual for anybody, in several transfers.

    Addresses of exchanges and other services are left out, and those that do the same all day.
    """

    pattern: Literal[Pattern.VELOCITY] = Pattern.VELOCITY
    scope: Scope = Field(default=PLAIN, description="which transfers count; plain ones of the coin if nothing is said")
    direction: Literal["out", "in"] = Field(default="out", description="whether it sends or gets")
    amount: Bound = Field(default=large("5"), description="the least amount in all")
    count: int = Field(default=3, ge=1, le=1_000_000, description="the least number of transfers")
    least: Bound = Field(default=large("0.01"), description="the least amount of a transfer that counts")
    window: Length = Field(default=timedelta(hours=1), description="within how long")
    sudden: float = Field(
        default=0.5, ge=0, le=1, description="the least share of the day's transfers that came within the window"
    )

    @property
    def lookback(self) -> timedelta:
        """The window, and the day that it is compared with."""
        return max(self.window, DAY) if self.sudden else self.window

    def events(self, rows: Rows, facts: Facts) -> pl.DataFrame:
        """The transfers that are large enough."""
        events = self.scope.transfers(rows, facts).drop_nulls(["sender", "receiver"])
        events = without_services(events, self._subject, facts)
        return at_least(events, self.least.of(events, facts))

    def hits(self, events: pl.DataFrame, span: Span, facts: Facts) -> Hits:
        """Each transfer that makes the sum and the number."""
        active = events.filter(pl.col("time") >= span.start).select(self._subject).unique()
        windows = Trailing(events.join(active, on=self._subject, how="semi"), self._subject, "token")
        first = windows.first(self.window)
        count = windows.last - first + 1
        total = windows.total(windows.events["amount"].clip(upper_bound=_MOST_SUMMED), first)
        enough = (total >= self.amount.of(windows.events, facts)).fill_null(value=False).to_numpy()
        enough &= (count >= self.count) & (windows.events["time"] > span.since).to_numpy()
        if self.sudden:
            enough &= count >= self.sudden * (windows.last - windows.first(DAY) + 1)
        return windows.hits(self._subject, np.flatnonzero(enough), first)

    def title(self, subject: bytes, evidence: pl.DataFrame, facts: Facts) -> str:
        """How much it moved."""
        token = evidence["token"][0]
        amount = f"{facts.coins(token, sum(evidence['amount'].to_list()))} {facts.unit(token).symbol or 'tokens'}"
        did = "sent" if self.direction == "out" else "got"
        times = f"{evidence.height} transfers within {span_text(self.window)}"
        return f"{facts.name(subject)} {did} {amount} in {times}"

    @property
    def _subject(self) -> str:
        return "sender" if self.direction == "out" else "receiver"


class Structuring(Condition):
    """An address moves amounts just under a threshold again and again.

    Addresses of exchanges and other services are left out.
    """

    pattern: Literal[Pattern.STRUCTURING] = Pattern.STRUCTURING
    scope: Scope = Field(default=PLAIN, description="which transfers count; plain ones of the coin if nothing is said")
    direction: Literal["out", "in"] = Field(default="out", description="whether it sends or gets")
    below: Bound = Field(default=large("1"), description="the threshold that each amount is under")
    share: Decimal = Field(default=Decimal("0.85"), gt=0, lt=1, description="of which each amount is at least so much")
    count: int = Field(default=5, ge=2, le=1_000_000, description="how many such transfers")
    window: Length = Field(default=timedelta(hours=2), description="within how long")

    @field_validator("below")
    @classmethod
    def _has_parts(cls, below: Bound) -> Bound:
        below.times(Decimal(1))
        return below

    @property
    def lookback(self) -> timedelta:
        """The window."""
        return self.window

    def events(self, rows: Rows, facts: Facts) -> pl.DataFrame:
        """The transfers just under the threshold."""
        events = self.scope.transfers(rows, facts).drop_nulls(["sender", "receiver"])
        events = without_services(events, self._subject, facts)
        events = at_least(events, self.below.times(self.share).of(events, facts))
        return events.filter((events["amount"] < self.below.of(events, facts)).fill_null(value=False))

    def hits(self, events: pl.DataFrame, span: Span, facts: Facts) -> Hits:
        """Each transfer that makes them as many."""
        active = events.filter(pl.col("time") >= span.start).select(self._subject).unique()
        windows = Trailing(events.join(active, on=self._subject, how="semi"), self._subject, "token")
        first = windows.first(self.window)
        enough = (windows.last - first + 1 >= self.count) & (windows.events["time"] > span.since).to_numpy()
        return windows.hits(self._subject, np.flatnonzero(enough), first)

    def title(self, subject: bytes, evidence: pl.DataFrame, facts: Facts) -> str:
        """How often it stayed under which threshold."""
        did = "sent" if self.direction == "out" else "got"
        often = f"{evidence.height} times within {span_text(self.window)}"
        return f"{facts.name(subject)} {did} just under {self.below.written(facts)} {often}"

    @property
    def _subject(self) -> str:
        return "sender" if self.direction == "out" else "receiver"


class RapidInOut(Condition):
    """Most of what an address gets within a window leaves it again within the same.

    Addresses of exchanges and other services are left out.
    """

    pattern: Literal[Pattern.RAPID_IN_OUT] = Pattern.RAPID_IN_OUT
    scope: Scope = Field(default=PLAIN, description="which transfers count; plain ones of the coin if nothing is said")
    amount: Bound = Field(default=large("0.3"), description="the least amount that comes in")
    share: Decimal = Field(default=Decimal("0.9"), gt=0, le=1, description="the least share of it that leaves again")
    least: Bound = Field(default=large("0.01"), description="the least amount of a transfer that counts")
    window: Length = Field(default=timedelta(hours=1), description="within how long")

    subject: ClassVar[str] = "subject"

    @property
    def lookback(self) -> timedelta:
        """The window."""
        return self.window

    def events(self, rows: Rows, facts: Facts) -> pl.DataFrame:
        """The transfers that are large enough."""
        events = self.scope.transfers(rows, facts).drop_nulls(["sender", "receiver"])
        return at_least(events, self.least.of(events, facts))

    def hits(self, events: pl.DataFrame, span: Span, facts: Facts) -> Hits:
        """Each transfer by which so much has left since something came, and not more than that."""
        windows = Trailing(self._sides(events, span, facts), self.subject, "token")
        first = _next_in(windows, windows.first(self.window))
        came = windows.total(windows.events["came"], first)
        went = windows.total(windows.events["went"], first)
        came_in, went_out, share = pl.lit(came), pl.lit(went) * _THOUSAND, int(self.share * _THOUSAND)
        enough = pl.select(
            (came_in >= pl.lit(self.amount.of(windows.events, facts))).fill_null(value=False)
            & (went_out >= came_in * share)
            & (went_out <= came_in * _THOUSAND)
            & pl.lit(windows.events["went"] > 0)
            & pl.lit(windows.events["time"] > span.since)
        ).to_series()
        return windows.hits(self.subject, np.flatnonzero(enough.to_numpy()), first)

    def _sides(self, events: pl.DataFrame, span: Span, facts: Facts) -> pl.DataFrame:
        """The transfers of who did something in the span, twice: as what comes in, and as what goes out."""
        now = events.filter(pl.col("time") >= span.start)
        parties = pl.concat([now.select(subject=side) for side in ("sender", "receiver")]).unique()
        active = without_services(parties, self.subject, facts)
        events = events.with_columns(amount=pl.col("amount").clip(upper_bound=_MOST_SUMMED))
        to, by = (
            events.join(active, left_on=side, right_on=self.subject, how="semi").with_columns(subject=side)
            for side in ("receiver", "sender")
        )
        nothing = pl.lit(0, pl.Int128)
        return pl.concat([to.with_columns(came="amount", went=nothing), by.with_columns(came=nothing, went="amount")])

    def title(self, subject: bytes, evidence: pl.DataFrame, facts: Facts) -> str:
        """How much came and went."""
        token = evidence["token"][0]
        came, went = (facts.coins(token, sum(evidence[side].to_list())) for side in ("came", "went"))
        symbol = facts.unit(token).symbol or "tokens"
        return f"{facts.name(subject)} got {came} {symbol} and sent {went} on within {span_text(self.window)}"


def _next_in(windows: Trailing, first: Places) -> Places:
    """Where something came in first in each window: what left before is of no interest."""
    places = np.arange(len(first))
    came = windows.events["came"].cast(pl.Float64).to_numpy() > 0
    following = np.minimum.accumulate(np.where(came, places, len(places))[::-1])[::-1]
    return np.minimum(following[first] if len(first) else first, windows.last)
