"""One transaction or one block, with all that is known of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from txhub.contract.labels import Label
from txhub.contract.transactions import Transaction
from txhub.contract.words import Kind, Source


class Status(StrEnum):
    """Whether a block, or a transaction in it, stays."""

    PROVISIONAL = "provisional"
    """It is in the ledger; a reorg may still replace it."""
    FINAL = "final"
    """It is in the ledger, deeper than any reorg that its chain allows."""
    GONE = "gone"
    """A reorg took it away, and it did not come back."""


@dataclass(slots=True)
class BlockHeader:
    """What a block says of itself."""

    number: int
    hash: str
    parent_hash: str
    time: datetime
    tx_count: int
    """All its transactions, also those that a filter left out."""
    dropped_count: int
    """Those that a filter left out."""
    gas_used: int | None
    gas_limit: int | None
    base_fee: int | None
    """Base units for a unit of gas."""
    size: int | None
    """Bytes."""


@dataclass(slots=True)
class TokenTransfer:
    """A transfer of a token, as the log of its contract tells of it."""

    log_index: int
    token_address: str
    symbol: str | None
    decimals: int | None
    standard: str
    """`erc20`, `erc721` or `erc1155`."""
    from_address: str
    to_address: str
    token_id: str | None
    amount: str | None
    """Whole tokens; null where the decimals of an ERC-20 are not known."""
    amount_base: str


@dataclass(slots=True)
class Coin:
    """An output that a transaction of a Bitcoin-like chain spends or makes."""

    n: int
    """Its position among those that are spent, or made."""
    address: str | None
    """Null where its script has none."""
    value: str
    """Whole coins."""
    value_base: str
    script: str
    """In hexadecimal digits."""


@dataclass(slots=True)
class TransactionDetail:
    """A transaction, its block and what it moved; of a long list the first 1,000, of which `…_count` tells all."""

    transaction: Transaction
    block: BlockHeader
    status: Status
    confirmations: int
    """Blocks from its own to the newest one, 1 or more; 0 where a reorg took it away."""
    reorgs: list[int]
    """Ids of the reorgs that replaced a block which held it, the newest first; see `/v1/reorgs/{key}`."""
    token_transfers: list[TokenTransfer]
    token_transfer_count: int
    inputs: list[Coin]
    input_count: int
    outputs: list[Coin]
    output_count: int
    labels: list[Label]
    """Of all addresses above, as they are in force now."""
    explorer: str | None
    """Where a public block explorer shows it."""
    source: Source
    """`archive` where retention dropped the rows from the database."""


@dataclass(slots=True)
class KindCount:
    """How many of a block's transactions are of a kind."""

    kind: Kind
    tx_count: int


@dataclass(slots=True)
class BlockDetail:
    """A block and what is known of its transactions, those that a filter left out not counted."""

    chain: str
    header: BlockHeader
    status: Status
    confirmations: int
    """Blocks from this one to the newest one, 1 or more; 0 where a reorg replaced it."""
    reorg: int | None
    """The reorg that replaced it; see `/v1/reorgs/{key}`."""
    kinds: list[KindCount]
    failed_count: int | None
    """Transactions that failed; null where no outcome is known."""
    value: str
    """Whole coins of `symbol`, moved in all."""
    value_max: str
    fees: str | None
    """Whole coins; null where no fee is known."""
    symbol: str
    token_transfer_count: int
    previous: int | None
    """The nearest committed block below."""
    next: int | None
    """The nearest committed block above."""
    transactions: str | None
    """The path of its transactions; null where a reorg replaced it."""
    explorer: str | None
    """Where a public block explorer shows it."""
    source: Source
    """`archive` where retention dropped the rows from the database."""
