"""Transactions, and pages of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from txhub.contract.words import Kind, Source


@dataclass(slots=True)
class Transaction:
    """A transaction as people read it: hex text, whole coins, exact decimal strings."""

    chain: str
    block_number: int
    block_time: datetime
    tx_index: int
    hash: str
    from_address: str | None
    to_address: str | None
    kind: Kind
    value: str
    """Whole coins of `symbol`."""
    value_base: str
    """Base units (wei, satoshi)."""
    value_usd: str | None
    """US dollars at the time of the block, to the cent; null where no price of the day before it is known."""
    fee: str | None
    symbol: str
    gas_used: int | None
    gas_price: int | None
    """Base units for a unit of gas."""
    tx_type: int
    method_id: str | None
    input_size: int
    nonce: int | None
    success: bool | None


@dataclass(slots=True)
class TransactionPage:
    """A page of transactions, and the opaque cursor of the next one, or null at the end.

    A page that searched long, or the archive, may hold fewer than were asked for, even none, and still have a next
    one: it goes on where the search stopped.
    """

    items: list[Transaction]
    next: str | None
    sources: list[Source]
    """`raw`: the database's rows; `archive`: rows that retention dropped from it."""
