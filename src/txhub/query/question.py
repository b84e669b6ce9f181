"""A question about a metric over time, understood."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from txhub.contract import BUCKET_SECONDS, Bucket, ChainInfo, Kind, Metric
from txhub.query.timerange import TimeRange


@dataclass(frozen=True, slots=True)
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

    @property
    def width(self) -> timedelta:
        """How wide a bucket is."""
        return timedelta(seconds=BUCKET_SECONDS[self.bucket])

    @property
    def unit(self) -> str:
        """What a point counts; `coins` where each chain's line is in its own coin."""
        symbols = {chain.symbol for chain in self.chains}
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
        return pl.datetime_range(*self.range, self.width, closed="left", time_unit="us", eager=True).alias("time")

    @property
    def chain_lines(self) -> list[tuple[list[ChainInfo], str | None]]:
        """The chains of each line, and the name that it has."""
        if self.by_chain:
            return [([chain], chain.name) for chain in self.chains]
        return [(self.chains, None)] if self.chains else []
