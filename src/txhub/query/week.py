"""The hours of the week: what a metric is on Mondays at nine, on average of all Mondays of a range."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from txhub.contract import Bucket, Week, WeekHour
from txhub.query.question import SeriesQuestion
from txhub.query.series import read_series
from txhub.query.timerange import parse_zone
from txhub.store.read import Reader


@dataclass(frozen=True, slots=True)
class WeekAnswer:
    """A row for each hour of the week of each chain: chain, weekday, hour, value, hours."""

    question: SeriesQuestion
    zone: str
    rows: pl.DataFrame

    def as_contract(self) -> Week:
        """The same in the contract's shape."""
        asked = self.question
        items = [WeekHour(*row) for row in self.rows.iter_rows()]
        return Week(asked.metric, asked.unit, self.zone, *asked.range, items)


async def read_week(
    reader: Reader,
    metric: str,
    *,
    chain: Iterable[str] = (),
    kind: Iterable[str] = (),
    start: str = "-28d",
    end: str | None = None,
    tz: str = "UTC",
    now: datetime,
) -> WeekAnswer:
    """The mean of a metric's hours in each hour of the week, chain by chain; hours that are not known do not count.

    An hour belongs where the clocks of the zone `tz` stood as it began.

    Raises:
        UsageError: as `read_series`.
    """
    parse_zone(tz)
    found = await read_series(
        reader, metric, chain=chain, kind=kind, by=["chain"], start=start, end=end, bucket=Bucket.H1, now=now
    )
    local = pl.col("time").dt.convert_time_zone(tz)
    rows = (
        found.points.group_by(
            "chain",
            local.dt.weekday().cast(pl.Int64).alias("weekday"),
            local.dt.hour().cast(pl.Int64).alias("hour"),
        )
        .agg(pl.col("value").mean(), pl.col("value").is_not_null().sum().cast(pl.Int64).alias("hours"))
        .sort("chain", "weekday", "hour")
    )
    return WeekAnswer(found.question, tz, rows)
