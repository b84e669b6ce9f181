"""How much of which token is transferred, from the hours of each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import polars as pl

from txhub.contract import (
    BUCKET_SECONDS,
    Bucket,
    Quality,
    TokenBucket,
    TokenRank,
    TokenSeries,
    TokenVolume,
    TokenVolumes,
)
from txhub.errors import UsageError
from txhub.query import address as addresses
from txhub.query.amount import whole_coins
from txhub.query.chains import read_chains
from txhub.query.choice import chains_of, one_of
from txhub.query.coverage import quality, read_coverage
from txhub.query.timerange import TimeRange, bucket_for, parse_range
from txhub.store.read import Reader
from txhub.store.sqlfiles import queries

MOST_DAYS = 31
"""Days of all tokens that one answer adds up: a busy chain moves ten thousand tokens an hour."""
_HOUR = timedelta(hours=1)
_SQL = queries("token_volumes")


@dataclass(frozen=True, slots=True)
class VolumesAnswer:
    """The most transferred tokens, a row each."""

    rows: pl.DataFrame
    range: TimeRange
    rank: TokenRank
    token_count: int
    quality: Quality

    def as_contract(self) -> TokenVolumes:
        """The same in the contract's shape."""
        items = [TokenVolume(*row) for row in self.rows.iter_rows()]
        return TokenVolumes(items, *self.range, self.rank, self.token_count, self.quality)


@dataclass(frozen=True, slots=True)
class TokenAnswer:
    """The transfers of one token, a row a bucket."""

    rows: pl.DataFrame
    chain: str
    address: str
    symbol: str | None
    decimals: int | None
    bucket: Bucket
    quality: Quality

    def as_contract(self) -> TokenSeries:
        """The same in the contract's shape."""
        items = [TokenBucket(*row) for row in self.rows.iter_rows()]
        return TokenSeries(self.chain, self.address, self.symbol, self.decimals, self.bucket, items, self.quality)


async def read_volumes(
    reader: Reader,
    *,
    chain: Iterable[str] = (),
    start: str = "-24h",
    end: str | None = None,
    rank: str = TokenRank.COUNT,
    limit: int = 50,
    now: datetime,
) -> VolumesAnswer:
    """The most transferred tokens of the whole hours that a range touches.

    Raises:
        UsageError: a parameter cannot be understood, or the range is too long.
    """
    by = one_of("rank", rank, TokenRank)
    asked = parse_range(start, end, now)
    if asked.end - asked.start > timedelta(days=MOST_DAYS):
        raise UsageError(
            f"start is more than {MOST_DAYS} days before end",
            hint=f"send {MOST_DAYS} days at most, or ask for one token: /v1/tokens/ethereum/0x…",
        )
    hours = asked.widened(_HOUR)
    chains = chains_of(await read_chains(reader, counted=False), chain)
    # The ledger first: what it holds, the rollups hold too by the time that they are read.
    coverage = await read_coverage(reader, chains, asked, now)
    ids = ",".join(str(each.chain_id) for each in chains)
    rows = await reader.frame(_SQL["volumes"], ids, *hours, by.value, limit)
    count, rows_read = (rows["token_count"][0], rows["rows_read"][0]) if rows.height else (0, 0)
    trust = replace(quality(list(coverage.values()), asked.end), rows_read=rows_read)
    return VolumesAnswer(rows.drop("token_count", "rows_read"), hours, by, count, trust)


async def read_token(
    reader: Reader,
    chain: str,
    address: str,
    *,
    start: str = "-24h",
    end: str | None = None,
    bucket: str = Bucket.AUTO,
    now: datetime,
) -> TokenAnswer:
    """The transfers of one token by hour or day; buckets without any are left out.

    Raises:
        UsageError: a parameter cannot be understood.
    """
    asked = parse_range(start, end, now)
    width = one_of("bucket", bucket, Bucket)
    if width is Bucket.AUTO:
        width = bucket_for(asked, [Bucket.H1, Bucket.D1])
    if width not in (Bucket.H1, Bucket.D1):
        raise UsageError(f"bucket is {bucket!r}: tokens are kept by hour", hint="send 1h, 1d or auto")
    seconds = BUCKET_SECONDS[width]
    whole = asked.widened(timedelta(seconds=seconds))
    [of] = chains_of(await read_chains(reader, counted=False), [chain])
    [stored] = addresses.stored("address", [address], [of])
    coverage = await read_coverage(reader, [of], asked, now)
    known = await reader.frame(_SQL["known"], of.chain_id, stored)
    symbol, decimals = known.row(0) if known.height else (None, None)
    rows = await reader.frame(_SQL["over_time"], of.chain_id, stored, *whole, float(seconds))
    amounts = [None if decimals is None else whole_coins(int(each), decimals) for each in rows["amount_base"]]
    shown = rows.select("time", "transfer_count", pl.Series("amount", amounts, dtype=pl.String), pl.col("amount_base"))
    trust = replace(quality(list(coverage.values()), asked.end), rows_read=int(rows["rows"].sum()))
    return TokenAnswer(shown, of.name, addresses.text(stored, of), symbol, decimals, width, trust)
