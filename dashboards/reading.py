"""What a page reads from the API at once, and when news make it read again."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

import polars as pl

from dashboards.filters import Filters
from txhub.client import AsyncClient, TxhubError
from txhub.contract import BUCKET_SECONDS, Bucket, ChainInfo, Quality, Transaction

PEAKS = 9
LARGE = 12
"""How many busiest minutes, and how many large transactions, the Overview shows."""


WIDE_POINTS = 200
"""Average value and volume take the narrowest bucket that keeps them under this many points."""

NO_PEAKS = pl.DataFrame(
    schema={
        "chain": pl.String,
        "hour": pl.Datetime("us", "UTC"),
        "minute": pl.Datetime("us", "UTC"),
        "tx_count": pl.Int64,
    }
)


@dataclass(frozen=True, slots=True)
class Overview:
    """The answers behind the Overview page. Frames are by chain; volume is by kind as well."""

    chains: list[ChainInfo]
    bucket: timedelta
    """Of the rate."""
    wide: timedelta
    """Of average value and volume, which are for reading trends, not minutes."""
    quality: Quality
    rate: pl.DataFrame
    avg_value: pl.DataFrame
    volume: pl.DataFrame
    peaks: pl.DataFrame
    large: list[Transaction]
    """Newest first."""

    @property
    def names(self) -> list[str]:
        """All chains, in the order that their colours follow."""
        return [chain.name for chain in self.chains]

    @property
    def symbols(self) -> dict[str, str]:
        """Each chain's coin."""
        return {chain.name: chain.symbol for chain in self.chains}

    @property
    def newest(self) -> dict[str, datetime | None]:
        """The time of each chain's last committed block."""
        return {chain.name: chain.last_time for chain in self.chains}


async def read_overview(client: AsyncClient, filters: Filters) -> Overview:
    """Read what the Overview shows, several questions at once.

    Raises:
        TxhubError: the first question that failed.
    """
    chains = await client.chains()
    chosen = [chain for chain in chains if not filters.chains or chain.name in filters.chains]
    wide = wide_bucket(filters.range.length)
    question = cast("Any", filters.question())
    span = {name: value for name, value in question.items() if name != "kind"}
    try:
        async with asyncio.TaskGroup() as group:
            rate = group.create_task(client.read_series("tx_rate", by="chain", **question))
            avg_value = group.create_task(client.series("avg_value", by="chain", bucket=wide, **question))
            volume = group.create_task(client.series("volume", by=("chain", "kind"), bucket=wide, **question))
            peaks = [
                group.create_task(client.peaks(**{**span, "chain": chain.name}, limit=max(PEAKS // len(chosen), 2)))
                for chain in chosen
            ]
            large = [
                group.create_task(client.transactions(**large_question(filters, chain), limit=LARGE))
                for chain in chosen
            ]
    except* TxhubError as failures:
        raise _first(failures) from None
    series = rate.result()
    found = [transaction for page in large for transaction in page.result().items]
    found.sort(key=lambda each: (each.block_time, each.block_number, each.tx_index), reverse=True)
    return Overview(
        chains=chains,
        bucket=timedelta(seconds=BUCKET_SECONDS[series.bucket]),
        wide=timedelta(seconds=BUCKET_SECONDS[wide]),
        quality=series.quality,
        rate=pl.DataFrame(
            [(time, line.chain, value) for line in series.series for time, value in line.points],
            schema={"time": pl.Datetime("us", "UTC"), "chain": pl.String, "value": pl.Float64},
            orient="row",
        ),
        avg_value=avg_value.result(),
        volume=volume.result(),
        peaks=pl.concat([NO_PEAKS, *(task.result() for task in peaks)]),
        large=found[:LARGE],
    )


def large_question(filters: Filters, chain: ChainInfo) -> Any:
    """The question for the large transactions of a chain; a least amount of the filters takes the place of large."""
    asked = filters.transactions_question()
    return {**asked, "chain": chain.name, "min_value": asked["min_value"] or chain.large_value}


def wide_bucket(length: timedelta) -> Bucket:
    """The bucket of the charts that show trends, for a range of this length."""
    fitting = (bucket for bucket, seconds in BUCKET_SECONDS.items() if length.total_seconds() / seconds < WIDE_POINTS)
    return next(fitting, Bucket.D1)


def _first(failures: ExceptionGroup[Any]) -> TxhubError:
    failure: Exception = failures
    while isinstance(failure, ExceptionGroup):
        failure = failure.exceptions[0]
    return cast("TxhubError", failure)
