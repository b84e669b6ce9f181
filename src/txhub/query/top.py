"""Who sends and receives most, and the flows between them, over whole hours.

Closed hours keep their 500 busiest by count and by value, so a sum over hours may miss what an address did in hours
in which it was not among them. How much at most is known, and told beside each: `count_bound`, `value_bound`. What
is newer than the last closed hour is counted from the rows.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import polars as pl

from txhub.contract import ChainInfo, Flow, Item, Label, Party, Rank, Ranking
from txhub.query.chains import read_chains
from txhub.query.choice import chains_of, one_of
from txhub.query.labelled import labels_of
from txhub.query.timerange import TimeRange, parse_range
from txhub.store.read import Reader
from txhub.store.sqlfiles import queries

_SQL = queries("top")
_HOUR = timedelta(hours=1)


class Side(StrEnum):
    """Which list is asked for: the name of its statement."""

    SENDERS = "top_senders"
    RECEIVERS = "top_receivers"
    FLOWS = "top_flows"


@dataclass(frozen=True, slots=True)
class TopAnswer:
    """The busiest, a row each, over the whole hours that the range touches; `coverage` of those hours is counted."""

    rows: pl.DataFrame
    range: TimeRange
    rank: Rank
    coverage: float | None
    labels: list[Label]

    def parties(self) -> Ranking[Party]:
        """Senders or receivers in the contract's shape."""
        return self._ranking([Party(*row) for row in self.rows.iter_rows()])

    def flows(self) -> Ranking[Flow]:
        """Flows in the contract's shape."""
        return self._ranking([Flow(*row) for row in self.rows.iter_rows()])

    def _ranking(self, items: list[Item]) -> Ranking[Item]:
        return Ranking(items, *self.range, self.rank, self.coverage, self.labels)


async def read_top(
    reader: Reader,
    side: Side,
    *,
    chain: Iterable[str] = (),
    start: str = "-24h",
    end: str | None = None,
    rank: str = Rank.COUNT,
    limit: int = 20,
    now: datetime,
) -> TopAnswer:
    """The busiest of a range, by count of transactions, by value sent, or by the largest one.

    Columns: chain, address (flows: from_address, to_address), tx_count, value and value_max (whole coins of symbol, as
    exact text), symbol, count_bound, value_bound.

    Raises:
        UsageError: a parameter cannot be understood.
    """
    by = one_of("rank", rank, Rank)
    asked = parse_range(start, end, now).widened(_HOUR)
    chains = chains_of(await read_chains(reader, counted=False), chain)
    ids = ",".join(str(each.chain_id) for each in chains)
    [hours, counted] = (await reader.frame(_SQL["hours"], ids, asked.start, asked.end)).row(0)
    rows = await reader.frame(_SQL[side], ids, asked.start, asked.end, by.value, limit)
    labels = [label for each in chains for label in await labels_of(reader, each, _addresses(rows, each), now)]
    return TopAnswer(rows, asked, by, counted / hours if hours else None, labels)


def _addresses(rows: pl.DataFrame, chain: ChainInfo) -> list[str | None]:
    """Every address among the busiest of a chain."""
    own = rows.filter(pl.col("chain") == chain.name)
    return [address for name in own.columns if name.endswith("address") for address in own[name]]
