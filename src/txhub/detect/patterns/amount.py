"""One transfer of so much or more."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar, Literal

import polars as pl
from pydantic import Field

from txhub.contract.alerts import Pattern
from txhub.detect.bound import Bound, large
from txhub.detect.condition import Condition, Hits, Span, at_least
from txhub.detect.facts import Facts
from txhub.detect.rows import Rows


class Amount(Condition):
    """A transfer of the amount or more.

    There is an alert for each transaction with such transfers, whoever sent the ones before, so that a cooldown does
    not matter. On Bitcoin each output counts by itself, and change is no transfer.
    """

    pattern: Literal[Pattern.AMOUNT] = Pattern.AMOUNT
    amount: Bound = Field(default=large("1"), description="the least amount of a transfer")

    repeats: ClassVar[bool] = False

    @property
    def lookback(self) -> timedelta:
        """Each transfer stands for itself."""
        return timedelta(0)

    def events(self, rows: Rows, facts: Facts) -> pl.DataFrame:
        """The transfers of the amount."""
        transfers = self.scope.transfers(rows, facts)
        return at_least(transfers, self.amount.of(transfers, facts))

    def hits(self, events: pl.DataFrame, span: Span, facts: Facts) -> Hits:
        """Each transaction that holds some."""
        events = events.filter(pl.col("time") >= span.start)
        met = (
            events.with_row_index("place")
            .group_by("number", "index", maintain_order=True)
            .agg(
                subject=pl.col("hash").first(),
                time=pl.col("time").first(),
                evidence=pl.col("place").first().cast(pl.Int64),
            )
        )
        return Hits(met.select("subject", "time", "evidence"), lambda place: _of_transaction(events, place))

    def title(self, subject: bytes, evidence: pl.DataFrame, facts: Facts) -> str:
        """How much went from whom to whom."""
        token = evidence["token"][0]
        amount = facts.coins(token, sum(evidence["amount"].to_list()))
        sender, receivers = evidence["sender"][0], evidence["receiver"].unique(maintain_order=True).to_list()
        to = facts.name(receivers[0]) if len(receivers) == 1 else f"{len(receivers)} addresses"
        return f"{amount} {facts.unit(token).symbol or 'tokens'} from {facts.name(sender)} to {to}"


def _of_transaction(events: pl.DataFrame, place: int) -> pl.DataFrame:
    first = events.row(place, named=True)
    return events.filter((pl.col("number") == first["number"]) & (pl.col("index") == first["index"]))
