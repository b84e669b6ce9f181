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


class Keep(NamedTuple):
    """Which transactions of a chain are stored: those of these kinds (None: of all) from this value on, whole coins."""

    kinds: frozenset[str] | None = None
    least_value: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Chain:
    """A blockchain and what txhub has to know of it before it sees a block.

    `large_value` is in whole coins: from here on a transaction is shown as large.
    `endpoints` are URLs of nodes, tried in turn. `keep` is None where every transaction is kept. `price_feed` is the
    address of the contract that tells the coin's price in USD, None where the chain has none. `explorer` is the address
    of a public block explorer, without a slash at its end, None where there is none.
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
    keep: Keep | None = None
    price_feed: str | None = None
    explorer: str | None = None


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


class TokenTransfer(NamedTuple):
    """One row of `txhub.token_transfers`, in the order of its columns: a transfer that a contract's log tells of.

    `amount` is in the token's base units, whose decimals only the token knows; 1 for an ERC-721. `token_id` is
    None for an ERC-20. The transfers of one ERC-1155 batch share a `log_index`.
    """

    chain_id: int
    block_number: int
    block_time: datetime
    tx_index: int
    log_index: int
    token_address: bytes
    standard: Literal["erc20", "erc721", "erc1155"]
    from_address: bytes
    to_address: bytes
    token_id: Decimal | None
    amount: Decimal


class CoinMove(NamedTuple):
    """One row of `txhub.utxo_io`, in the order of its columns: an output that a transaction spends or makes.

    `side` is `in` for what is spent and `out` for what is made, `n` its position on that side. `address` is None
    where the script has none; `script` is the output's script itself.
    """

    chain_id: int
    block_number: int
    block_time: datetime
    tx_index: int
    side: Literal["in", "out"]
    n: int
    address: bytes | None
    script: bytes
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Block:
    """A decoded block: its row in the ledger `txhub.blocks`, and the rows of all that happened in it."""

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
    token_transfers: list[TokenTransfer] = field(default_factory=list, repr=False)
    utxo_io: list[CoinMove] = field(default_factory=list, repr=False)

    @property
    def tx_count(self) -> int:
        """How many transactions the block holds on its chain, kept or dropped."""
        return len(self.transactions) + self.dropped_count
