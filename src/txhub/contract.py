"""The words and shapes of the public contract, shared by the API, its client and the dashboard.

Plain dataclasses: Litestar turns them into JSON and OpenAPI, the client reads them back. Whole-coin
amounts that must stay exact are decimal strings; points of a series are floats, for charts.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Generic, TypeVar


class Kind(StrEnum):
    """What a transaction does, as far as its input (and, with receipts, its logs) tell."""

    TRANSFER = "transfer"
    TOKEN_TRANSFER = "token_transfer"  # noqa: S105 (no password)
    NFT_TRANSFER = "nft_transfer"
    CONTRACT_CALL = "contract_call"
    CONTRACT_CREATION = "contract_creation"
    COINBASE = "coinbase"


class Metric(StrEnum):
    """The series that `/v1/series/{metric}` knows."""

    TX_RATE = "tx_rate"
    AVG_VALUE = "avg_value"
    VOLUME = "volume"
    FEES = "fees"
    GAS_USED = "gas_used"
    FAILED_RATE = "failed_rate"
    ACTIVE_ADDRESSES = "active_addresses"
    VALUE_QUANTILES = "value_quantiles"


class Unit(StrEnum):
    """What coins are counted in."""

    NATIVE = "native"
    USD = "usd"


class Bucket(StrEnum):
    """Widths of a series' buckets."""

    AUTO = "auto"
    M1 = "1m"
    M5 = "5m"
    M15 = "15m"
    H1 = "1h"
    D1 = "1d"


BUCKET_SECONDS: dict[Bucket, int] = {
    Bucket.M1: 60,
    Bucket.M5: 300,
    Bucket.M15: 900,
    Bucket.H1: 3600,
    Bucket.D1: 86400,
}

MAX_POINTS = 2000
"""`bucket=auto` takes the narrowest bucket that keeps each line of a chart under this many points."""

Item = TypeVar("Item")


@dataclass(slots=True)
class Page(Generic[Item]):
    """A list, and the opaque cursor of its next page, or null at its end."""

    items: list[Item]
    next: str | None = None


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


Point = tuple[datetime, float | None]
Compared = tuple[datetime, float | None, float | None, float | None]
"""A point's time, the value of its bucket in the range before, the change since, and that as a fraction of it."""


@dataclass(slots=True)
class Line:
    """One line of a series: all chains and kinds together where those are null."""

    chain: str | None
    kind: str | None
    points: list[Point]
    quantile: float | None = None
    """Of `value_quantiles`: so large a share of the transactions moves less than this, 0 to 1."""
    compared: list[Compared] | None = None
    """With `compare=`, for each point: its time, what it was before, the change, and that as a fraction."""


@dataclass(slots=True)
class Series:
    """A metric over time. A point is the start of its bucket, UTC, and its value in `unit`."""

    metric: Metric
    unit: str
    bucket: Bucket
    series: list[Line]
    quality: Quality
    previous_quality: Quality | None = None
    """With `compare=`, that of the range before."""


@dataclass(slots=True)
class Peak:
    """A busiest minute of an hour."""

    chain: str
    hour: datetime
    minute: datetime
    tx_count: int
    """Transactions in that minute, so also its rate in transactions a minute."""


@dataclass(slots=True)
class PeakWindow:
    """A busiest window of time; it overlaps no busier one of its chain."""

    chain: str
    start: datetime
    window: str
    """Its width, such as `15m`."""
    tx_count: int
    rate: float
    """Transactions a minute."""


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


class Source(StrEnum):
    """Where rows of an answer are from."""

    RAW = "raw"
    ARCHIVE = "archive"


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


@dataclass(slots=True)
class Event:
    """A line of the event log: what an operator has to know, such as a lost node, a refused block or a repair."""

    id: int
    time: datetime
    level: str
    """`info`, `warning` or `error`."""
    component: str
    """What tells: `ingest`, `worker`, `archive`."""
    chain: str | None
    event: str
    details: dict[str, Any]


@dataclass(slots=True)
class StreamHealth:
    """One chain's stream: what is committed, how old it is, what its follower says, and the verdict."""

    chain: str
    status: str
    """`ok`, `late` (no block for several block times), `down` (far longer, halted), `empty`, `idle` (not followed)."""
    reason: str
    last_block: int | None
    last_time: datetime | None
    committed_at: datetime | None
    lag_s: float | None
    """Seconds since the last committed block's own time."""
    state: str | None = None
    """What the follower says: `following`, `catching_up`, `waiting`, `listener_died`, `node_stuck`, `chain_quiet`,
    `halted`; null where none has ever followed the chain."""
    since: datetime | None = None
    """Since when it is in that state."""
    endpoint: str | None = None
    """The node that announces blocks, without keys."""
    head: int | None = None
    """The newest block that a node told of."""
    lag_blocks: int | None = None
    """How many blocks the ledger is behind that."""


@dataclass(slots=True)
class SessionInfo:
    """Who a request comes from, and what they may do."""

    name: str
    """`key` and its number, `local` on a server that asks for none, or `dashboard`."""
    role: str
    """`viewer`, `analyst` or `admin`."""
    requests_per_minute: int | None
    """How often they may ask; null: as often as they like."""


@dataclass(slots=True)
class BlockEvent:
    """What the stream says of a committed live block (event `block`)."""

    chain: str
    number: int
    hash: str
    time: datetime
    tx_count: int
    value: str
    """Whole coins moved by the block's transactions."""
    symbol: str


@dataclass(slots=True)
class BackfillEvent:
    """What the stream says of a commit of older blocks (event `backfill`): its range, not each block."""

    chain: str
    from_block: int
    to_block: int
    blocks: int
    tx_count: int
    start: datetime
    end: datetime


@dataclass(slots=True)
class ReorgEvent:
    """What the stream says of committed blocks that were replaced (event `reorg`); see `Reorg`.

    All that lies from `start` to `end`, block times and both included, is to be read afresh.
    """

    chain: str
    ancestor: int
    depth: int
    from_number: int
    from_hash: str
    to_number: int
    to_hash: str
    start: datetime
    end: datetime


@dataclass(slots=True)
class StatementColumn:
    """A column of a statement's answer, and its type in PostgreSQL; of equal names the second is `name_2`."""

    name: str
    type: str


@dataclass(slots=True)
class StatementAnswer:
    """The rows of a statement of SQL. Exact numbers (`numeric`), raw bytes (hex) and arrays (JSON) are text."""

    columns: list[StatementColumn]
    rows: list[list[Any]]
    truncated: bool
    """Whether there are more rows than were asked for."""


class Rank(StrEnum):
    """What the busiest are ranked by."""

    COUNT = "count"
    VALUE = "value"
    LARGEST = "largest"


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
