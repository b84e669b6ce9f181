"""What flows through txhub: chains, heads, blocks and transactions.

Amounts are integers of base units (wei, satoshi). Times are aware and UTC. Hashes and addresses are
the stored bytes: 32 and 20 bytes on EVM chains; on Bitcoin the 32 hash bytes in the order people
write them, and the address as its ASCII text.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Literal, NamedTuple

Family = Literal["evm", "utxo"]


@dataclass(frozen=True, slots=True)
class Chain:
    """A blockchain and what txhub has to know of it before it sees a block.

    `large_value` is in whole coins: from here on a transaction is shown as large.
    `endpoints` are URLs of nodes, tried in turn.
    """

    chain_id: int
    name: str
    family: Family
    symbol: str
    decimals: int
    block_time_s: float
    finality_depth: int
    large_value: Decimal
    endpoints: tuple[str, ...] = ()
    demo: bool = False


class Head(NamedTuple):
    """A block that a node announced, before its body is known."""

    number: int
    hash: bytes
    parent_hash: bytes
    time: datetime


class Transaction(NamedTuple):
    """One row of `txhub.transactions`, in the order of its columns.

    A tuple, so that COPY takes it as it is. `value` and `fee` are base units; `success`, `fee` and
    `gas_used` are None where the node gave no receipts.
    """

    chain_id: int
    block_number: int
    block_time: datetime
    tx_index: int
    hash: bytes
    from_address: bytes | None
    to_address: bytes | None
    value: Decimal
    fee: Decimal | None
    gas_used: int | None
    gas_price: int | None
    tx_type: int
    kind: str
    method_id: bytes | None
    input_size: int
    nonce: int | None
    success: bool | None


@dataclass(frozen=True, slots=True)
class Block:
    """A decoded block: its row in the ledger `txhub.blocks`, and its transactions."""

    chain_id: int
    number: int
    hash: bytes
    parent_hash: bytes
    time: datetime
    transactions: list[Transaction] = field(repr=False)
    dropped_count: int = 0
    gas_used: int | None = None
    gas_limit: int | None = None
    base_fee: int | None = None
    size: int | None = None

    @property
    def tx_count(self) -> int:
        """How many transactions the block holds on its chain, kept or dropped."""
        return len(self.transactions) + self.dropped_count
