"""What the Overview asks of the API."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

import polars as pl

from dashboards.cards import CARDS
from dashboards.filters import Filters
from dashboards.pages.alert_panels import UNSOLVED
from dashboards.reading import SMALL_POINTS, WIDE_POINTS, bucket_under, chosen, frame_of, together, width_of
from txhub.client import AsyncClient
from txhub.contract import Alert, Anomaly, AnomalyKind, Bucket, ChainInfo, Metric, Quality, Summary, Transaction

PEAKS = 9
LARGE = 12
"""How many busiest minutes, and how many large transactions, the Overview shows."""
ALERTS, MARKED = 6, 50
"""How many alerts it shows, and how many spikes and drops it marks at the most."""
LAST_WEEK = "7d"

NO_PEAKS = pl.DataFrame(
    schema={
        "chain": pl.String,
        "hour": pl.Datetime("us", "UTC"),
        "minute": pl.Datetime("us", "UTC"),
        "tx_count": pl.Int64,
    }
)


@dataclass(frozen=True, slots=True)
class Figures:
    """The answers behind the cards: what the range comes to, and for each metric a trend and its bucket."""

    chains: list[ChainInfo]
    summary: Summary
    trends: dict[Metric, tuple[pl.DataFrame, timedelta]]


@dataclass(frozen=True, slots=True)
class Charts:
    """The answers behind the charts. Frames are by chain; volume is by kind as well."""

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
    anomalies: list[Anomaly]

    @property
    def names(self) -> list[str]:
        """All chains, in the order that their colours follow."""
        return [chain.name for chain in self.chains]

    @property
    def symbols(self) -> dict[str, str]:
        """Each chain's coin."""
        return {chain.name: chain.symbol for chain in self.chains}


@dataclass(frozen=True, slots=True)
class Large:
    """The newest large transactions, newest first."""

    chains: list[ChainInfo]
    transactions: list[Transaction]


async def read_figures(client: AsyncClient, filters: Filters) -> Figures:
    """Read what the cards show.

    Raises:
        TxhubError: the first question that failed.
    """
    question = cast("Any", filters.question())
    metrics = [card.metric for card in CARDS if not (filters.kinds and card.metric is Metric.ACTIVE_ADDRESSES)]

    def width(metric: Metric) -> Bucket:
        by_hour = metric is Metric.ACTIVE_ADDRESSES
        return bucket_under(SMALL_POINTS, filters.range.length, Bucket.H1 if by_hour else Bucket.M1)

    chains, summary, *series = await together(
        client.chains(),
        client.summary(**question, compare=LAST_WEEK),
        *(client.series(metric, by="chain", bucket=width(metric), **question) for metric in metrics),
    )
    trends = zip(series, (width_of(width(metric)) for metric in metrics), strict=True)
    return Figures(chains, summary, dict(zip(metrics, trends, strict=True)))


async def read_charts(client: AsyncClient, filters: Filters) -> Charts:
    """Read what the charts show.

    Raises:
        TxhubError: the first question that failed.
    """
    chains = await client.chains()
    shown = chosen(chains, filters.chains)
    wide = bucket_under(WIDE_POINTS, filters.range.length)
    question = cast("Any", filters.question())
    span = {name: value for name, value in question.items() if name != "kind"}
    series, anomalies, avg_value, volume, *peaks = await together(
        client.read_series("tx_rate", by="chain", **question),
        client.anomalies(**span, kind=(AnomalyKind.SPIKE, AnomalyKind.DROP), limit=MARKED),
        client.series("avg_value", by="chain", bucket=wide, **question),
        client.series("volume", by=("chain", "kind"), bucket=wide, **question),
        *(client.peaks(**{**span, "chain": chain.name}, limit=max(PEAKS // len(shown), 2)) for chain in shown),
    )
    return Charts(
        chains,
        bucket=width_of(series.bucket),
        wide=width_of(wide),
        quality=series.quality,
        rate=frame_of(series),
        avg_value=avg_value,
        volume=volume,
        peaks=pl.concat([NO_PEAKS, *peaks]),
        anomalies=anomalies.items,
    )


async def read_alerts(client: AsyncClient, filters: Filters) -> list[Alert]:
    """Read the newest alerts that nobody has done with.

    Raises:
        TxhubError: the question failed.
    """
    question = cast("Any", filters.question())
    span = {name: value for name, value in question.items() if name != "kind"}
    return (await client.alerts(**span, case=UNSOLVED, limit=ALERTS)).items


async def read_large(client: AsyncClient, filters: Filters) -> Large:
    """Read the newest large transactions; a least amount of the filters takes the place of what is large.

    Raises:
        TxhubError: the first question that failed.
    """
    chains = await client.chains()
    asked = cast("Any", filters.transactions_question())
    pages = await together(
        *(
            client.transactions(
                **{**asked, "chain": chain.name, "min_value": asked["min_value"] or chain.large_value}, limit=LARGE
            )
            for chain in chosen(chains, filters.chains)
        )
    )
    found = [transaction for page in pages for transaction in page.items]
    found.sort(key=_age, reverse=True)
    return Large(chains, found[:LARGE])


def _age(transaction: Transaction) -> tuple[datetime, int, int]:
    return transaction.block_time, transaction.block_number, transaction.tx_index
