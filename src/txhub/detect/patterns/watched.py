"""Watched addresses: that one moved value, and who deals with one for the first time."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any, ClassVar, Literal

import polars as pl
from pydantic import Field

from txhub.contract.alerts import Pattern
from txhub.detect.condition import Condition, Hits, Length, Span
from txhub.detect.facts import Facts
from txhub.detect.rows import MEMORY, Rows
from txhub.store.alerts import Finding, Party


class _Watched(Condition):
    """Moves of addresses that a watchlist had at the time, of the coin and of all tokens if the scope names none."""

    lists: list[str] | None = Field(default=None, description="only of these watchlists; without it, of all")

    repeats: ClassVar[bool] = False

    @property
    def sources(self) -> tuple[str, ...]:
        """Moves of watched addresses."""
        return ("watched",)

    @property
    def lookback(self) -> timedelta:
        """What was before is told by the rows themselves."""
        return timedelta(0)

    def events(self, rows: Rows, facts: Facts) -> pl.DataFrame:
        """The moves in scope."""
        events = self.scope.narrowed(rows["watched"], facts)
        return events if self.lists is None else events.filter(pl.col("list").is_in(self.lists))

    def finding(self, subject: bytes, evidence: pl.DataFrame, facts: Facts) -> Finding:
        """The alert to be: it names the watched addresses as such, and the list."""
        found = super().finding(subject, evidence, facts)
        listed = evidence["watched"].unique(maintain_order=True).to_list()
        parties = [each._replace(role="listed") if each.address in listed else each for each in found.parties]
        named = {each.address for each in parties}
        parties += [Party(address, "listed") for address in listed if address not in named]
        details = {
            **found.details,
            "listed": [facts.written(address) for address in listed],
            "lists": evidence["list"].unique(maintain_order=True).to_list(),
        }
        return replace(found, details=details, parties=tuple(parties))


class Watchlist(_Watched):
    """A watched address moved value: sent it, or got it.

    There is an alert for each transaction, so that a cooldown does not matter. It counts whether a list had the address
    at the time of the block; what lists make of the time before they are dated is told by exposure.
    """

    pattern: Literal[Pattern.WATCHLIST] = Pattern.WATCHLIST

    def hits(self, events: pl.DataFrame, span: Span, facts: Facts) -> Hits:
        """Each transaction that holds such moves."""
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
        """Which one moved how much, with whom."""
        first = evidence.row(0, named=True)
        name = facts.name(first["watched"])
        other = facts.name(first["other"])
        how = "sent" if first["sender"] == first["watched"] else "got"
        toward = "to" if how == "sent" else "from"
        return f"{name}, listed by {first['list']}, {how} {_amount(first, facts)} {toward} {other}"


class FirstContact(_Watched):
    """An address deals with a watched one, and had not dealt with any for long before.

    The first contact is one event, so that a cooldown does not matter. Watched addresses themselves, and those that are
    labelled as a service's, are never the one.
    """

    pattern: Literal[Pattern.FIRST_CONTACT] = Pattern.FIRST_CONTACT
    memory: Length = Field(
        default=timedelta(days=90), le=MEMORY, description="how long it had not dealt with any; 90d at the most"
    )

    @property
    def effect(self) -> timedelta:
        """A contact makes later ones no first ones, until it is forgotten."""
        return self.memory

    def events(self, rows: Rows, facts: Facts) -> pl.DataFrame:
        """The contacts of those that had none before."""
        events = super().events(rows, facts).filter(pl.col("other").is_not_null() & ~pl.col("both"))
        events = events.join(facts.services, left_on="other", right_on="address", how="anti", maintain_order="left")
        is_first = pl.col("met").is_null() | (pl.col("time") - pl.col("met") >= self.memory)
        return events.filter(is_first)

    def hits(self, events: pl.DataFrame, span: Span, facts: Facts) -> Hits:
        """The first of each."""
        events = events.filter(pl.col("time") >= span.start).sort("time", "number", "index", "n")
        met = (
            events.with_row_index("place")
            .unique(["other", "time"], keep="first", maintain_order=True)
            .select(subject="other", time="time", evidence=pl.col("place").cast(pl.Int64))
        )
        return Hits(met, lambda place: events[place : place + 1])

    def title(self, subject: bytes, evidence: pl.DataFrame, facts: Facts) -> str:
        """Who dealt with whom."""
        first = evidence.row(0, named=True)
        how = "got" if first["sender"] == first["watched"] else "sent"
        toward = "from" if how == "got" else "to"
        return (
            f"First contact: {facts.name(subject)} {how} {_amount(first, facts)} {toward}"
            f" {facts.name(first['watched'])}, listed by {first['list']}"
        )


def _amount(move: dict[str, Any], facts: Facts) -> str:
    token = move["token"]
    return f"{facts.coins(token, move['amount'])} {facts.unit(token).symbol or 'tokens'}"


def _of_transaction(events: pl.DataFrame, place: int) -> pl.DataFrame:
    first = events.row(place, named=True)
    return events.filter((pl.col("number") == first["number"]) & (pl.col("index") == first["index"]))
