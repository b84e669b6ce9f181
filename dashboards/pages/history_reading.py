"""What the History page asks of the API."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import polars as pl

from dashboards.cards import estimate, share
from dashboards.filters import Between, Range, Recent
from dashboards.quantities import coins, count
from dashboards.reading import WIDE_POINTS, bucket_under, frame_of, together
from dashboards.view import View
from txhub.client import AsyncClient
from txhub.contract import ChainInfo, CoverageReport, Metric, Series, Week

WEEKS = timedelta(days=28)
"""So much is read for the hours of the week, where the range is shorter than a week."""
PEAKS = 100


@dataclass(frozen=True, slots=True)
class Measure:
    """A metric as History shows it: its name, its unit (None: the chain's coin), and how its numbers are spelled."""

    name: str
    unit: str | None
    spelled: Callable[[float | None], str]
    hover: str = ",.6~f"
    """How Plotly spells them."""


MEASURES = {
    Metric.TX_RATE: Measure("Transactions per minute", "tx/min", count, ",.1~f"),
    Metric.VOLUME: Measure("Volume", None, coins),
    Metric.AVG_VALUE: Measure("Average value", None, coins, ",.8~f"),
    Metric.FEES: Measure("Fees", None, coins),
    Metric.FAILED_RATE: Measure("Failed share", "", share, ".2%"),
    Metric.ACTIVE_ADDRESSES: Measure("Active addresses", "addresses", estimate, ",.0f"),
}
COMPARISONS = {"none": "nothing", "1d": "the day before", "7d": "the week before", "28d": "four weeks before",
               "364d": "the year before"}  # fmt: skip
WINDOWS = {"1m": "minutes", "15m": "quarters of an hour", "1h": "hours", "1d": "days"}


@dataclass(frozen=True, slots=True)
class Past:
    """The answers behind the chart."""

    chains: list[ChainInfo]
    measure: Measure
    series: Series
    frame: pl.DataFrame
    before: timedelta | None


@dataclass(frozen=True, slots=True)
class Hours:
    """The answers behind the hours of the week, and of which range they are."""

    chains: list[ChainInfo]
    measure: Measure
    week: Week


@dataclass(frozen=True, slots=True)
class Peaks:
    """The busiest windows: chain, start, tx_count, rate."""

    window: str
    rows: pl.DataFrame


@dataclass(frozen=True, slots=True)
class Completeness:
    """The answers behind the map of what is complete."""

    chains: list[ChainInfo]
    report: CoverageReport


def metric_of(view: View) -> Metric:
    """The metric that the address names, or else the rate."""
    named = view.own.get("metric", "")
    return next((metric for metric in MEASURES if metric == named), Metric.TX_RATE)


async def read_past(client: AsyncClient, view: View) -> Past:
    """Read a metric over the range, and over the range before where one is to be compared with."""
    metric = metric_of(view)
    compare = view.own.get("compare", "7d")
    compared = compare if compare in COMPARISONS and compare != "none" else None
    question = cast("Any", view.filters.question())
    if metric is Metric.ACTIVE_ADDRESSES:
        question["kind"] = None
    extra: dict[str, Any] = {} if compared is None else {"compare": compared}
    chains, series = await together(client.chains(), client.read_series(metric, by="chain", **question, **extra))
    before = None if compared is None else timedelta(days=int(compared[:-1]))
    return Past(chains, MEASURES[metric], series, frame_of(series), before)


async def read_hours(client: AsyncClient, view: View, now: datetime) -> Hours:
    """Read what a metric is in each hour of the week."""
    metric = metric_of(view)
    question = cast("Any", view.filters.question())
    if metric is Metric.ACTIVE_ADDRESSES:
        question["kind"] = None
    span = weeks_of(view.filters.range, now).question()
    chains, week = await together(
        client.chains(), client.week(metric, **{**question, "end": None, **span}, tz=str(view.zone))
    )
    return Hours(chains, MEASURES[metric], week)


def weeks_of(asked: Range, now: datetime) -> Range:
    """The range, or where it is shorter than a week, the four weeks that end with it."""
    if asked.length >= timedelta(days=7):
        return asked
    if isinstance(asked, Recent):
        return Recent(f"{WEEKS.days}d")
    end = min(asked.end, now.astimezone(UTC))
    return Between(max(end - WEEKS, datetime(1970, 1, 1, tzinfo=UTC)), asked.end)


async def read_peaks(client: AsyncClient, view: View) -> Peaks:
    """Read the busiest windows; minutes are the busiest one of each hour."""
    named = view.own.get("window", "1m")
    window = named if named in WINDOWS else "1m"
    question = cast("Any", {name: value for name, value in view.filters.question().items() if name != "kind"})
    if window == "1m":
        rows = await client.peaks(**question, limit=PEAKS)
        return Peaks(window, rows.select("chain", pl.col("minute").alias("start"), "tx_count", rate="tx_count"))
    rows = await client.peaks(**question, window=window, limit=PEAKS)
    return Peaks(window, rows.select("chain", "start", "tx_count", "rate"))


async def read_completeness(client: AsyncClient, view: View) -> Completeness:
    """Read how complete the ledger is over the range."""
    question = cast("Any", {name: value for name, value in view.filters.question().items() if name != "kind"})
    bucket = bucket_under(WIDE_POINTS, view.filters.range.length)
    chains, report = await together(client.chains(), client.coverage(**question, bucket=bucket))
    return Completeness(chains, report)
