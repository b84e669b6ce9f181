"""What was out of the usual in a range of time, as charts annotate it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from txhub.contract import Anomaly, AnomalyKind, ChainState, Page, Severity
from txhub.query import cursor as cursors
from txhub.query.chains import read_chains
from txhub.query.choice import chains_of, some_of
from txhub.query.timerange import ALWAYS, parse_range
from txhub.store.read import Reader
from txhub.store.sqlfiles import queries

_SQL = queries("anomalies")


@dataclass(frozen=True, slots=True)
class AnomaliesAnswer:
    """A page: a column for each field of the contract; and the next page's cursor."""

    rows: pl.DataFrame
    next: str | None

    def as_contract(self) -> Page[Anomaly]:
        """The same in the contract's shape."""
        return Page([_anomaly(row) for row in self.rows.iter_rows(named=True)], self.next)


async def read_anomalies(
    reader: Reader,
    *,
    chain: Iterable[str] = (),
    kind: Iterable[str] = (),
    start: str = "-24h",
    end: str | None = None,
    cursor: str | None = None,
    limit: int = 100,
    now: datetime,
) -> AnomaliesAnswer:
    """What was out of the usual within a range, or reaches into it, the newest first; not what was retracted.

    Raises:
        UsageError: a parameter cannot be understood.
    """
    asked = parse_range(start, end, now)
    chains = chains_of(await read_chains(reader, counted=False), chain)
    kinds = some_of("kind", kind, AnomalyKind) or list(AnomalyKind)
    place = (ALWAYS.end, 2**63 - 1) if cursor is None else cursors.dated_place(cursor)
    ids = ",".join(str(each.chain_id) for each in chains)
    found = await reader.frame(_SQL["anomalies"], ids, ",".join(kinds), *asked, *place, limit + 1)
    return AnomaliesAnswer(*cursors.cut_dated(found, "start", limit))


def _anomaly(row: dict[str, object]) -> Anomaly:
    words = {"kind": AnomalyKind, "severity": Severity, "chain_state": ChainState}
    return Anomaly(**{name: words[name](value) if name in words else value for name, value in row.items()})  # type: ignore[arg-type]
