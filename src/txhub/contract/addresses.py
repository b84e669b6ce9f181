"""What an address did, and with whom."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from txhub.contract.labels import Label
from txhub.contract.words import Rank


@dataclass(slots=True)
class Counterparty:
    """Somebody whom an address sent coins to or got coins from; whole coins, those of failed transactions not counted.

    On Bitcoin-like chains, whose transactions have many sides, the largest one of each counts.
    """

    address: str
    sent_count: int
    """Transactions from the address to this one."""
    received_count: int
    """Transactions from this one to the address."""
    value_sent: str
    value_received: str
    value_max: str


@dataclass(slots=True)
class TokenMoved:
    """A token that an address sent or got; whole tokens, null where its decimals are not known."""

    token_address: str
    symbol: str | None
    decimals: int | None
    sent_count: int
    received_count: int
    amount_sent: str | None
    amount_received: str | None


@dataclass(slots=True)
class AddressProfile:
    """What an address did from `start` to `end`. Whole coins of `symbol`; those of failed transactions did not move."""

    chain: str
    address: str
    symbol: str
    first_seen: datetime | None
    """In the range that was asked for; null where that is not known."""
    last_seen: datetime | None
    tx_count: int
    """Transactions that moved its coins or tokens."""
    sent_count: int
    """Those that it sent, or spent coins in."""
    received_count: int
    """Those that it got coins by, or was called by."""
    failed_count: int
    """Of those that it sent, how many failed."""
    value_sent: str
    value_received: str
    fees: str | None
    """What it paid for its transactions; null where that is not known."""
    tokens: list[TokenMoved]
    """The most moved first."""
    token_count: int
    """How many tokens there are in all."""
    counterparties: list[Counterparty]
    counterparty_count: int
    """How many there are in all."""
    labels: list[Label]
    """Of the address and of its counterparties, as they are in force now."""
    explorer: str | None
    """Where a public block explorer shows it."""
    start: datetime
    end: datetime
    complete: bool
    """Whether all of the range that was asked for was read; if not, `start` is how far back the figures reach."""
    moves_read: int


@dataclass(slots=True)
class Edge:
    """Transactions from one address to another; whole coins of `symbol`."""

    chain: str
    from_address: str
    to_address: str
    tx_count: int
    value: str
    value_max: str
    symbol: str


@dataclass(slots=True)
class Node:
    """An address of a neighbourhood."""

    chain: str
    address: str
    hop: int
    """How many edges it is away: 0 is the address that was asked for."""
    start: datetime | None
    """Since when all its transactions in the range were counted; null: only those with nearer ones were looked at."""
    labels: list[Label]


@dataclass(slots=True)
class Neighbourhood:
    """The edges around an address and the addresses that they join, from `start` to `end`."""

    items: list[Edge]
    nodes: list[Node]
    start: datetime
    end: datetime
    rank: Rank
    depth: int
    complete: bool
    """Whether all transactions of the address itself were counted; if not, the newest ones, see its `start`."""
