"""Which transactions have to do with watched addresses."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime


@dataclass(slots=True)
class Exposure:
    """A transaction that has to do with a watched address: directly, or by one address between them.

    Times are those of blocks; amounts are exact decimal text.
    """

    chain: str
    block_time: datetime
    block_number: int
    hash: str
    address: str
    """The watched address."""
    name: str
    """Who it is, as the list says."""
    category: str
    source: str
    """The list."""
    listed_now: str | None
    """The lists and their newest versions that watch it; null: none any more, and the exposure is retracted."""
    listed_then: str | None
    """The lists and versions that watched it at the time of the block; null: none that is known here."""
    direction: str
    """`in`: value went to the watched address; `out`: it came from it."""
    hops: int
    """0: the parties dealt with the watched address; 1: with `via`, which dealt with it."""
    path: list[str]
    """Addresses as value went: from the party, by `via` where there is one, to the watched address, or the other way
    round. Several parties are one entry, such as `3 addresses`."""
    parties: list[str]
    """Who is exposed; empty where that is nobody, or more than 100."""
    via: str | None
    link_hash: str | None
    """The transaction between `via` and the watched address."""
    link_time: datetime | None
    token_address: str | None
    symbol: str | None
    amount: str | None
    """Whole coins or tokens; null where the token does not tell its decimals."""
    amount_base: str
    value_usd: str | None
    """US dollars at the time, to the cent; null where no price of the day before is known."""
    failed: bool
    """The transaction failed: nothing was moved."""
    retracted_at: datetime | None
    """When a newer list took the exposure away; null: it stands."""
    reason: str | None
    """Which list took it away."""


@dataclass(slots=True)
class ExposureCount:
    """How much of the exposure has something in common, such as a list or a chain."""

    key: str
    transactions: int
    direct: int
    """Transactions of a watched address."""
    indirect: int
    """Those by one address between, and not direct as well."""
    listed_then: int
    """Transactions of addresses that a list which is known here had at the time."""
    addresses: int
    """Watched addresses."""
    value_usd: str
    """US dollars moved in them at the time, as far as prices are known."""
    unpriced: int
    """Transactions that moved something of which no value in US dollars is known."""


@dataclass(slots=True)
class ExposureDay:
    """The exposure of a UTC day."""

    day: date
    direct: int
    indirect: int


@dataclass(slots=True)
class ReportedList:
    """A watchlist that a report is by, in its newest version."""

    source: str
    list_version: str
    valid_from: datetime
    addresses: int
    searched: bool
    """Whether all of history was searched for its addresses."""


@dataclass(slots=True)
class ReportedChain:
    """What of a chain is committed in a report's range: what is missing may hide more exposure."""

    chain: str
    blocks: int
    missing: int
    """Blocks between the first and the last that are not committed."""
    first_block: int | None
    last_block: int | None
    first_time: datetime | None
    last_time: datetime | None


@dataclass(slots=True)
class ExposureReport:
    """Exposure to watchlists over a range of time.

    The same data, lists and question give the same report.
    """

    start: datetime
    end: datetime
    chains: list[ReportedChain]
    lists: list[ReportedList]
    total: ExposureCount
    by_list: list[ExposureCount]
    by_category: list[ExposureCount]
    by_chain: list[ExposureCount]
    by_day: list[ExposureDay]
    retracted: ExposureCount
    """What newer lists took away."""
    items: list[Exposure]
    """Those that stand, the newest first, then those that were taken away."""
    left_out: int
    """Exposures that are counted above, and are more than were asked for."""
    method: list[str] = field(default_factory=list)
    limits: list[str] = field(default_factory=list)
    """What the report cannot say."""
