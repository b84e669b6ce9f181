"""The busiest senders, receivers and flows."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic

from txhub.contract.labels import Label
from txhub.contract.words import Item, Rank


@dataclass(slots=True)
class Party:
    """A sender or receiver among the busiest of a range."""

    chain: str
    address: str
    tx_count: int
    value: str
    """Whole coins of `symbol`, sent or received in all."""
    value_max: str
    symbol: str
    count_bound: int
    """So many transactions may be missing at most: of hours in which the address was not among the busiest."""
    value_bound: str
    """So many coins may be missing at most."""


@dataclass(slots=True)
class Flow:
    """A sender and a receiver among the busiest pairs of a range; see `Party`."""

    chain: str
    from_address: str
    to_address: str
    tx_count: int
    value: str
    value_max: str
    symbol: str
    count_bound: int
    value_bound: str


@dataclass(slots=True)
class Ranking(Generic[Item]):
    """The busiest of the whole hours from `start` to `end`; `coverage` is the fraction of them that is counted."""

    items: list[Item]
    start: datetime
    end: datetime
    rank: Rank
    coverage: float | None
    labels: list[Label] = field(default_factory=list)
    """Of all these addresses, as they are in force now."""
