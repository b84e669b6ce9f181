"""Conditions: what a rule looks for, as pure functions of rows and facts.

A condition first picks the rows that matter to it, its events, and then says at which of them it is met. So a look
at a span needs only the events of that span and of the `lookback` before it, however they were put together.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar, NamedTuple

import polars as pl
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer

from txhub.config import parse_span
from txhub.contract import Kind
from txhub.detect.facts import Facts
from txhub.detect.rows import Rows
from txhub.store.alerts import Finding, Party

_UNITS = (("w", 604_800), ("d", 86_400), ("h", 3600), ("m", 60), ("s", 1))
_SAMPLES = 10
"""Transfers that an alert shows."""
_PARTIES = 50
"""Addresses that an alert names."""


def span_text(span: timedelta) -> str:
    """Write a length of time as `parse_span` reads it: `90m`."""
    seconds = int(span.total_seconds())
    return next(f"{seconds // size}{unit}" for unit, size in _UNITS if not seconds % size)


def length(given: object) -> timedelta:
    """Read a length of time: whole seconds, one or more.

    Raises:
        ValueError: it is none.
    """
    try:
        span = parse_span(given)
    except OverflowError:
        raise ValueError("that is longer than there were coins") from None
    if span % timedelta(seconds=1) or span <= timedelta(0):
        raise ValueError("whole seconds are expected, one or more")
    return span


Length = Annotated[timedelta, BeforeValidator(length), PlainSerializer(span_text, when_used="json")]
Word = Annotated[str, Field(pattern=r"^[^\x00]{1,100}$")]


class Scope(BaseModel):
    """What a condition looks at; what is left out does not narrow it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    chains: list[Word] | None = Field(default=None, description="names of chains")
    kinds: list[Kind] | None = Field(default=None, description="what the transactions do")
    tokens: list[Annotated[str, Field(pattern=r"^(\*|0x[0-9a-f]{40})$")]] | None = Field(
        default=None, description="contracts of tokens, or `*` for all; without it, the coin"
    )
    labels: list[Word] | None = Field(
        default=None, description="sender or receiver has one of these as category, name or entity"
    )
    without_labels: list[Word] | None = Field(default=None, description="neither of them has")

    def on(self, chain: str) -> bool:
        """Whether a chain, by its name, is in scope."""
        return self.chains is None or chain in self.chains

    @property
    def sources(self) -> tuple[str, ...]:
        """The sources of the transfers in scope."""
        return ("transfers",) if self.tokens is None else ("token_transfers",)

    def transfers(self, rows: Rows, facts: Facts) -> pl.DataFrame:
        """The transfers in scope, without those within one entity: what moves between its own addresses."""
        return _between_entities(self.narrowed(rows[self.sources[0]], facts), facts)

    def narrowed(self, events: pl.DataFrame, facts: Facts) -> pl.DataFrame:
        """Those of some transfers that are in scope."""
        if self.kinds is not None:
            events = events.filter(pl.col("kind").is_in(self.kinds))
        if self.tokens is not None and "*" not in self.tokens:
            events = events.filter(pl.col("token").is_in([bytes.fromhex(token[2:]) for token in self.tokens]))
        if self.labels is not None:
            events = _either(events, facts.labelled(self.labels))
        if self.without_labels is not None:
            events = _neither(events, facts.labelled(self.without_labels))
        return events


class Span(NamedTuple):
    """What is looked at: alerts of [start, end). Whether one starts there depends on hits from `since` on."""

    since: datetime
    start: datetime
    end: datetime


class Hits(NamedTuple):
    """Where a condition is met.

    Args:
        met: a row for each event by which it is: `subject` (raw address or hash, or a name), `time`, and the number
            of the `evidence`.
        evidence: the events that show it, in order, by that number.
    """

    met: pl.DataFrame
    evidence: Callable[[int], pl.DataFrame]


class Condition(BaseModel, ABC):
    """What a rule looks for. The fields of a subclass are its parameters; its docstring says what it means."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    pattern: str
    scope: Scope = Field(default=Scope(), description="which transfers count, see below")

    repeats: ClassVar[bool] = True
    """Whether it may be met again for a subject, so that a cooldown makes sense."""

    @property
    def sources(self) -> tuple[str, ...]:
        """The sources of its rows, see `rows.SOURCES`."""
        return self.scope.sources

    @property
    @abstractmethod
    def lookback(self) -> timedelta:
        """How long before an event others matter to whether it is met there."""

    @property
    def effect(self) -> timedelta:
        """How long after a block what it says may matter to whether it is met."""
        return self.lookback

    @abstractmethod
    def events(self, rows: Rows, facts: Facts) -> pl.DataFrame:
        """The rows of its source that matter, each for itself, with all columns that they come with."""

    @abstractmethod
    def hits(self, events: pl.DataFrame, span: Span, facts: Facts) -> Hits:
        """Where it is met; hits before `span.since` and subjects without events in [start, end) may be left out."""

    def finding(self, subject: Any, evidence: pl.DataFrame, facts: Facts) -> Finding:
        """The alert to be, by transfers."""
        return of_transfers(subject, self.title(subject, evidence, facts), evidence, facts)

    @abstractmethod
    def title(self, subject: Any, evidence: pl.DataFrame, facts: Facts) -> str:
        """What happened, in a line."""


def of_transfers(subject: bytes, title: str, evidence: pl.DataFrame, facts: Facts) -> Finding:
    """An alert to be of a subject, by its transfers: they are summed up, the newest are shown, all parties named."""
    last = evidence.row(-1, named=True)
    assets = evidence["token"].unique().to_list()
    token = assets[0] if len(assets) == 1 else None
    total = sum(evidence["amount"].to_list()) if len(assets) == 1 else None
    written = facts.written_hash(subject) if subject == last["hash"] else facts.written(subject)
    details: dict[str, Any] = {
        "transfers": evidence.height,
        "since": evidence["time"][0].isoformat(),
        "samples": [_sample(row, facts) for row in evidence.tail(_SAMPLES).iter_rows(named=True)],
    }
    if total is not None:
        details |= {"amount": facts.coins(token, total), "symbol": facts.unit(token).symbol}
    if token is not None:
        details["token"] = facts.written(token)
    return Finding(
        written,
        last["time"],
        title,
        details,
        last["number"],
        last["hash"],
        total if token is None else None,
        None if total is None else facts.usd(token, total, last["time"]),
        _parties(subject, evidence),
    )


def _sample(row: dict[str, Any], facts: Facts) -> dict[str, Any]:
    return {
        "time": row["time"].isoformat(),
        "hash": facts.written_hash(row["hash"]),
        "from": None if row["sender"] is None else facts.written(row["sender"]),
        "to": None if row["receiver"] is None else facts.written(row["receiver"]),
        "amount": facts.coins(row["token"], row["amount"]),
    }


def _parties(subject: Any, evidence: pl.DataFrame) -> tuple[Party, ...]:
    named = {subject: "subject"} if subject not in evidence["hash"].tail(1).to_list() else {}
    for column in ("sender", "receiver"):
        for address in evidence[column].unique(maintain_order=True).to_list():
            if address is not None and len(named) < _PARTIES:
                named.setdefault(address, column)
    return tuple(Party(address, role) for address, role in named.items())


def without_services(events: pl.DataFrame, subject: str, facts: Facts) -> pl.DataFrame:
    """The events whose subject is no exchange's or other service's: those move much for others."""
    return events.join(facts.services, left_on=subject, right_on="address", how="anti", maintain_order="left")


def at_least(events: pl.DataFrame, bounds: pl.Series) -> pl.DataFrame:
    """The events whose amount reaches its bound; where there is none, it does not."""
    return events.filter((events["amount"] >= bounds).fill_null(value=False))


def _either(events: pl.DataFrame, addresses: pl.DataFrame) -> pl.DataFrame:
    wanted = addresses["address"].implode()
    return events.filter(
        pl.col("sender").is_in(wanted).fill_null(value=False) | pl.col("receiver").is_in(wanted).fill_null(value=False)
    )


def _neither(events: pl.DataFrame, addresses: pl.DataFrame) -> pl.DataFrame:
    for side in ("sender", "receiver"):
        events = events.join(addresses, left_on=side, right_on="address", how="anti", maintain_order="left")
    return events


def _between_entities(events: pl.DataFrame, facts: Facts) -> pl.DataFrame:
    if facts.labels.is_empty():
        return events
    behind = events.select("sender", "receiver")
    for side in ("sender", "receiver"):
        renamed = facts.entities.rename({"address": side, "entity": f"{side}_entity"})
        behind = behind.join(renamed, on=side, how="left", maintain_order="left")
    same = (behind["sender_entity"] == behind["receiver_entity"]).fill_null(value=False)
    return events.filter(~same)
