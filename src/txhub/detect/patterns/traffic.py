"""A chain's traffic against what is usual: what `txhub.detect.trafficrunner` looks for, by the minute."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar, Literal, Self

import polars as pl
from pydantic import Field, model_validator

from txhub.contract.alerts import Pattern
from txhub.detect.condition import Condition, Hits, Span
from txhub.detect.facts import Facts
from txhub.detect.rows import Rows
from txhub.detect.spikes import Swing


class RowlessCondition(Condition):
    """What no single row tells, and other runners look for: no row is an event here, and nothing is met by one."""

    repeats: ClassVar[bool] = False

    @property
    def sources(self) -> tuple[str, ...]:
        """No rows at all."""
        return ()

    @property
    def lookback(self) -> timedelta:
        """What rows would matter: none."""
        return timedelta(0)

    def events(self, rows: Rows, facts: Facts) -> pl.DataFrame:
        """None."""
        return pl.DataFrame(schema={"time": pl.Datetime("us", "UTC")})

    def hits(self, events: pl.DataFrame, span: Span, facts: Facts) -> Hits:
        """None."""
        schema = {"subject": pl.String(), "time": pl.Datetime("us", "UTC"), "evidence": pl.Int64()}
        return Hits(pl.DataFrame(schema=schema), lambda _: events)

    def title(self, subject: Any, evidence: pl.DataFrame, facts: Facts) -> str:
        """Those runners have titles of their own."""
        return str(subject)

    @model_validator(mode="after")
    def _is_of_whole_chains(self) -> Self:
        if self.scope.model_dump(exclude={"chains"}, exclude_none=True):
            raise ValueError("only chains narrow what is looked at here")
        return self


class TrafficCondition(RowlessCondition):
    """What the ledger by minute tells."""

    factor: float

    @property
    def swing(self) -> Swing:
        """What to look for in a chain's traffic."""
        return Swing(Pattern(self.pattern), self.factor)


class Spike(TrafficCondition):
    """A chain has more traffic than is usual at this hour of the week, and more than chance explains."""

    pattern: Literal[Pattern.SPIKE] = Pattern.SPIKE
    factor: float = Field(default=2.0, ge=1.1, le=1000, description="times what is expected, at the least")


class Drop(TrafficCondition):
    """A chain has less traffic than is usual at this hour of the week, in blocks that are all there."""

    pattern: Literal[Pattern.DROP] = Pattern.DROP
    factor: float = Field(default=2.5, ge=1.1, le=1000, description="below one so-manieth of what is expected")
