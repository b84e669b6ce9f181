"""Facts, read from the database."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_CEILING, Context, Decimal

import polars as pl

from txhub.detect.facts import PRICE_HOLDS, Facts, Prices, Token, microseconds
from txhub.model import Chain
from txhub.store.faults import translated
from txhub.store.pool import Pool
from txhub.store.read import Reader
from txhub.store.sqlfiles import queries

_SQL = queries("detection")
_DAY = timedelta(days=1)
_BINS_A_DECADE = 32
_EXACT = Context(prec=60)


async def read_chains(reader: Reader) -> dict[int, Chain]:
    """Every chain that was ever followed, by its id."""
    rows = (await reader.frame(_SQL["chains"])).iter_rows(named=True)
    return {row["chain_id"]: Chain(**{**row, "large_value": Decimal(row["large_value"])}) for row in rows}


async def read_facts(
    reader: Reader, chain: Chain, start: datetime, end: datetime, shares: Iterable[float] = ()
) -> Facts:
    """What is known of a chain, for looking at [start, end).

    Args:
        reader: where to ask.
        chain: the chain.
        start: the first moment that rows are looked at.
        end: the moment after the last.
        shares: the quantiles that rules compare with; those that are not pinned are computed as the rollups stand.
    """
    since, asset, tokens_like = start - PRICE_HOLDS, chain.symbol, f"{chain.name}/%"
    labels, prices, tokens = await asyncio.gather(
        reader.frame(_SQL["labels"], chain.chain_id),
        reader.frame(_SQL["prices"], chain.chain_id, since, end, asset, tokens_like),
        reader.frame(_SQL["tokens"], chain.chain_id),
    )
    return Facts(
        chain,
        labels,
        {
            name[0]: Prices(microseconds(of["time"]), list(map(Decimal, of["usd"])))
            for name, of in prices.group_by("asset", maintain_order=True)
        },
        {address: Token(symbol, decimals) for address, symbol, decimals in tokens.iter_rows()},
        await _quantiles(reader, chain, start, end, sorted(set(shares))),
    )


async def pin_quantiles(pool: Pool, facts: Facts) -> None:
    """Let the quantiles that were computed now be the ones of their days for ever."""
    rows = [
        (facts.chain.chain_id, day, share, value and Decimal(value))
        for share, days in facts.quantiles.items()
        for day, value in days.items()
    ]
    if rows:
        with translated():
            await pool.executemany(queries("rules")["pin_quantile"], rows)


async def _quantiles(
    reader: Reader, chain: Chain, start: datetime, end: datetime, shares: list[float]
) -> dict[float, dict[date, int | None]]:
    if not shares:
        return {}
    pinned = await reader.frame(_SQL["quantiles"], chain.chain_id, start, end)
    known = {(day, share): value for day, share, value in pinned.iter_rows()}
    found: dict[float, dict[date, int | None]] = {share: {} for share in shares}
    day = start.date()
    while day <= end.date():
        missing = [share for share in shares if (day, share) not in known]
        computed = await _compute(reader, chain, day, missing) if missing else {}
        for share in shares:
            value: str | None = known.get((day, share))
            found[share][day] = computed[share] if share in computed else (int(value) if value else None)
        day += _DAY
    return found


async def _compute(reader: Reader, chain: Chain, day: date, shares: list[float]) -> dict[float, int | None]:
    """The upper edge of the bin that each quantile lies in."""
    midnight = datetime.combine(day, time(), UTC)
    bins = await reader.frame(_SQL["bins"], chain.chain_id, midnight)
    below = bins.select("bin", below=pl.col("count").cum_sum() / pl.col("count").sum())
    return {share: _edge(below.filter(pl.col("below") >= share)["bin"]) for share in shares}


def _edge(bins: pl.Series) -> int | None:
    if bins.is_empty():
        return None
    exponent = Decimal(max(int(bins[0]) + 1, 0)) / _BINS_A_DECADE
    return int(_EXACT.power(Decimal(10), exponent).to_integral_value(ROUND_CEILING))
