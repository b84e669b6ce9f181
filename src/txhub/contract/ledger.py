"""What is committed of each chain, how complete that is, and what reorgs replaced."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from txhub.contract.words import Bucket


@dataclass(slots=True)
class ChainInfo:
    """A chain, and what of it is committed."""

    chain_id: int
    name: str
    family: str
    symbol: str
    decimals: int
    block_time_s: float
    finality_depth: int
    large_value: str
    """Whole coins: transactions from here on are shown as large."""
    demo: bool
    blocks: int
    first_block: int | None = None
    last_block: int | None = None
    first_time: datetime | None = None
    last_time: datetime | None = None
    explorer: str | None = None
    """Address of a public block explorer."""


@dataclass(slots=True)
class Gap:
    """A run of blocks that are not committed, and the time between their neighbours."""

    chain: str
    from_block: int
    to_block: int
    start: datetime
    end: datetime


@dataclass(slots=True)
class Quality:
    """How far an answer can be trusted.

    `coverage` is the fraction of expected blocks that are committed, 0 to 1, or null where nothing is
    known of the range. From `provisional_from` on blocks may still be replaced by a reorg. `error` is by how much an
    estimate may be off, as a fraction of it; null where figures are exact.
    """

    coverage: float | None
    gaps: list[Gap] = field(default_factory=list)
    provisional_from: datetime | None = None
    source: str = "rollup"
    error: float | None = None
    rows_read: int | None = None
    """How many rows of rollups the answer is made of."""

    @property
    def settled(self) -> bool:
        """Whether all blocks of the range are committed, and none of them may be replaced."""
        return self.coverage == 1.0 and not self.gaps and self.provisional_from is None


@dataclass(slots=True)
class CoverageBucket:
    """How complete the ledger is over a span of time of one chain."""

    chain: str
    start: datetime
    end: datetime
    blocks: int
    """Committed blocks."""
    missing: int
    """Blocks that are missing: what lies in a gap or at an edge is spread evenly over its time."""
    coverage: float | None
    """The fraction of expected blocks that are committed, 0 to 1; null where none is expected."""


@dataclass(slots=True)
class CoverageReport:
    """Coverage of each chain by bucket, oldest first, and of all together as `quality`."""

    bucket: Bucket
    items: list[CoverageBucket]
    quality: Quality


@dataclass(slots=True)
class Reorg:
    """Committed blocks that the chain replaced: all above the block `ancestor`, which both branches share.

    `from_…` is the newest block of the branch that lost, and how many transactions that had; `to_…` is the newest
    block of the branch that was put in its place at once.
    """

    id: int
    chain: str
    detected_at: datetime
    ancestor: int
    depth: int
    """How many committed blocks were replaced."""
    from_number: int
    from_hash: str
    from_tx_count: int
    to_number: int
    to_hash: str
    to_tx_count: int
    gone_count: int
    """Transactions of the replaced blocks that no block of the week after has committed again."""


@dataclass(slots=True)
class ReplacedBlock:
    """A block that a reorg replaced, and the one that has its number now, null where there is none."""

    number: int
    hash: str
    time: datetime
    tx_count: int
    now_hash: str | None
    now_tx_count: int | None


@dataclass(slots=True)
class GoneTransaction:
    """A transaction of a replaced block that did not come back."""

    hash: str
    block_number: int
    from_address: str | None
    to_address: str | None
    value: str
    """Whole coins of `symbol`."""
    symbol: str


@dataclass(slots=True)
class ReorgStory:
    """A reorg, the blocks that it replaced in order of number, and up to 1,000 transactions that did not come back."""

    reorg: Reorg
    blocks: list[ReplacedBlock]
    gone: list[GoneTransaction]
