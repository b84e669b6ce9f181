"""A question about a metric over time, understood."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cached_property

import polars as pl

from txhub.contract import BUCKET_SECONDS, Bucket, ChainInfo, Kind, Metric
from txhub.query.timerange import TimeRange, local_days


@dataclass(frozen=True)
class SeriesQuestion:
    """What is asked: understood, and known to have an answer."""

    metric: Metric
    chains: list[ChainInfo]
    kinds: list[Kind]
    by_chain: bool
    by_kind: bool
    range: TimeRange
    bucket: Bucket
    now: datetime
    zone: tzinfo = UTC
    """Where days begin."""
    usd: bool = False
    """Whether coins are counted as what they were worth."""

    @property
    def width(self) -> timedelta:
        """How wide a bucket is; a local day may be an hour more or less."""
        return timedelta(seconds=BUCKET_SECONDS[self.bucket])

    @property
    def local(self) -> bool:
        """Whether buckets are days of another zone than UTC."""
        return self.bucket is Bucket.D1 and self.zone is not UTC

    @cached_property
    def edges(self) -> list[datetime]:
        """The start of every bucket, and the end of the last one."""
        if self.local:
            return local_days(self.range, self.zone)
        buckets = (self.range.end - self.range.start) // self.width
        return [self.range.start + number * self.width for number in range(buckets + 1)]

    @property
    def unit(self) -> str:
        """What a point counts; `coins` where each chain's line is in its own coin."""
        symbols = {"USD"} if self.usd else {chain.symbol for chain in self.chains}
        coin = symbols.pop() if len(symbols) == 1 else "coins"
        return {
            Metric.TX_RATE: "transactions/minute",
            Metric.AVG_VALUE: f"{coin}/transaction",
            Metric.VOLUME: coin,
            Metric.FEES: coin,
            Metric.GAS_USED: "gas",
            Metric.FAILED_RATE: "failed/known",
            Metric.ACTIVE_ADDRESSES: "addresses",
            Metric.VALUE_QUANTILES: coin,
        }[self.metric]

    @property
    def times(self) -> pl.Series:
        """The start of every bucket, as `time`."""
        return pl.Series("time", self.edges[:-1], pl.Datetime("us", "UTC"))

    @property
    def chain_lines(self) -> list[tuple[list[ChainInfo], str | None]]:
        """The chains of each line, and the name that it has."""
        if self.by_chain:
            return [([chain], chain.name) for chain in self.chains]
        return [(self.chains, None)] if self.chains else []
