"""Where transactions come from: the jurisdiction of whom labels name as their senders, and what nobody knows.

A transaction has no place. What can be told is who sent it, if a label knows, and in which country that is; for that
the busiest senders of each hour are looked up. The rest is unknown, and is always told beside it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Context, Decimal

import polars as pl

from txhub.contract import Origin, Origins, Quality, UnknownOrigin
from txhub.query.chains import plain, read_chains
from txhub.query.choice import chains_of
from txhub.query.coverage import quality, read_coverage
from txhub.query.timerange import TimeRange, parse_range
from txhub.store.read import Reader
from txhub.store.sqlfiles import queries

_HOUR = timedelta(hours=1)
_EXACT = Context(prec=120)
_COLUMNS: dict[str, pl.DataType] = {
    "country": pl.String(),
    "address_count": pl.Int64(),
    "tx_count": pl.Int64(),
    "tx_share": pl.Float64(),
    "value": pl.String(),
    "value_share": pl.Float64(),
}
_SQL = queries("origins")


@dataclass(frozen=True, slots=True)
class OriginsAnswer:
    """A row for each country, the greatest share first, and what is unknown."""

    rows: pl.DataFrame
    unknown: UnknownOrigin
    range: TimeRange
    tx_count: int
    value: str | None
    symbol: str | None
    quality: Quality

    def as_contract(self) -> Origins:
        """The same in the contract's shape."""
        items = [Origin(*row) for row in self.rows.iter_rows()]
        return Origins(items, self.unknown, *self.range, self.tx_count, self.value, self.symbol, self.quality)


async def read_origins(
    reader: Reader,
    *,
    chain: Iterable[str] = (),
    start: str = "-24h",
    end: str | None = None,
    now: datetime,
) -> OriginsAnswer:
    """The origins of the transactions of the whole hours that a range touches, by labels that are in force now.

    Raises:
        UsageError: a parameter cannot be understood.
    """
    asked = parse_range(start, end, now)
    hours = asked.widened(_HOUR)
    chains = chains_of(await read_chains(reader, counted=False), chain)
    coverage = await read_coverage(reader, chains, asked, now)
    ids = ",".join(str(each.chain_id) for each in chains)
    seen = await reader.frame(_SQL["seen"], ids, *hours, now)
    [everything] = (await reader.frame(_SQL["all"], ids, *hours)).iter_rows(named=True)
    symbols = {each.symbol for each in chains}
    symbol = symbols.pop() if len(symbols) == 1 else None
    count, value = everything["tx_count"], Decimal(everything["value"])
    known = seen.filter(pl.col("country").is_not_null())
    rows = [
        (
            country,
            addresses,
            sent,
            _share(sent, count),
            None if symbol is None else plain(worth),
            None if symbol is None else _share(Decimal(worth), value),
        )
        for country, addresses, sent, worth in known.select("country", "address_count", "tx_count", "value").iter_rows()
    ]
    unknown_count = max(count - int(known["tx_count"].sum()), 0)
    unknown_value = max(_EXACT.subtract(value, _total(known)), Decimal(0))
    unseen_count = max(count - int(seen["tx_count"].sum()), 0)
    unseen_value = max(_EXACT.subtract(value, _total(seen)), Decimal(0))
    unknown = UnknownOrigin(
        tx_count=unknown_count,
        tx_share=_share(unknown_count, count),
        value=None if symbol is None else plain(str(unknown_value)),
        value_share=None if symbol is None else _share(unknown_value, value),
        unseen_tx_count=unseen_count,
        unseen_tx_share=_share(unseen_count, count),
        unseen_value_share=None if symbol is None else _share(unseen_value, value),
    )
    trust = replace(
        quality(list(coverage.values()), asked.end),
        error=unknown.unseen_tx_share,
        rows_read=everything["rows_read"] + int(seen["rows_read"].sum()),
    )
    frame = pl.DataFrame(rows, schema=_COLUMNS, orient="row")
    whole_value = None if symbol is None else plain(str(value))
    return OriginsAnswer(frame, unknown, hours, count, whole_value, symbol, trust)


def _total(rows: pl.DataFrame) -> Decimal:
    total = Decimal(0)
    for value in rows["value"]:
        total = _EXACT.add(total, Decimal(value))
    return total


def _share(part: int | Decimal, whole: int | Decimal) -> float | None:
    return float(_EXACT.divide(Decimal(part), Decimal(whole))) if whole else None
