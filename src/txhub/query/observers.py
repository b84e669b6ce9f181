"""Where the peers of the nodes are, as far as a GeoIP file knows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from txhub.contract import Observer, Observers
from txhub.query.chains import read_chains
from txhub.query.choice import chains_of
from txhub.store.read import Reader
from txhub.store.sqlfiles import queries

_COLUMNS: dict[str, pl.DataType] = {"country": pl.String(), "peer_count": pl.Int64(), "peer_share": pl.Float64()}
_SQL = queries("observers")


@dataclass(frozen=True, slots=True)
class ObserversAnswer:
    """A row for each country, the most peers first, and what is unknown."""

    rows: pl.DataFrame
    peer_count: int
    unknown_count: int
    seen_at: datetime | None

    @property
    def unknown_share(self) -> float | None:
        """Of all peers; None where there is none."""
        return self.unknown_count / self.peer_count if self.peer_count else None

    def as_contract(self) -> Observers:
        """The same in the contract's shape."""
        items = [Observer(*row) for row in self.rows.iter_rows()]
        return Observers(items, self.peer_count, self.unknown_count, self.unknown_share, self.seen_at)


async def read_observers(reader: Reader, *, chain: Iterable[str] = ()) -> ObserversAnswer:
    """The countries of the peers that the chains' nodes had when they were last asked.

    Raises:
        UsageError: a chain is not known.
    """
    chains = chains_of(await read_chains(reader, counted=False), chain)
    seen = await reader.frame(_SQL["observers"], ",".join(str(each.chain_id) for each in chains))
    total = int(seen["peer_count"].sum())
    known = seen.filter(pl.col("country").is_not_null())
    rows = [(country, count, count / total) for country, count in known.select("country", "peer_count").iter_rows()]
    frame = pl.DataFrame(rows, schema=_COLUMNS, orient="row")
    oldest: datetime | None = min(seen["seen_at"].to_list(), default=None)
    return ObserversAnswer(frame, total, total - int(known["peer_count"].sum()), oldest)
