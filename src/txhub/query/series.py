"""Metrics over time, from the rollups.

A point is the start of its bucket, and speaks for the whole bucket, also where the range begins or
ends within it:

- `tx_rate`: transactions per minute over the bucket. Of the bucket that holds now, only the part that
  is accounted for counts: from its start until the block after the newest committed one is due.
- `volume` and `fees`: whole coins. `avg_value`: whole coins per transaction. `gas_used`: gas.
- `failed_rate`: the share of failed transactions among those whose outcome is known, 0 to 1.
- `active_addresses` and `value_quantiles`: estimates by hour or day, see `active` and `quantiles`.

In US dollars a coin is worth what it was as its bucket began (its hour, in a day), if a price of the day before is
known; else the point is null. Dollars of different chains add up. Days are those of the zone that is asked for.

Buckets without transactions are 0 (quotients: null) where the ledger is complete, that is from a
committed block to the next; elsewhere nothing is known, and they are null. So are fees, gas and failures
where the node gave no receipts. A line of several chains is what is known of them together.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import pairwise
from typing import Any

import polars as pl
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Interval,
    Numeric,
    Select,
    TableClause,
    Text,
    case,
    cast,
    func,
    literal_column,
    null,
    select,
)

from txhub.config import parse_span
from txhub.contract import BUCKET_SECONDS, Bucket, ChainInfo, Kind, Line, Metric, Quality, Series, Unit
from txhub.errors import UsageError
from txhub.query.active import ERROR, read_active
from txhub.query.chains import read_chains
from txhub.query.choice import chains_of, one_of, some_of
from txhub.query.coverage import Coverage, quality, read_coverage
from txhub.query.quantiles import BIN_ERROR, read_quantiles
from txhub.query.question import SeriesQuestion
from txhub.query.timerange import ALWAYS, TimeRange, bucket_for, local_days, parse_range, parse_zone
from txhub.store import schema
from txhub.store.read import Reader

_IN_COINS = frozenset({Metric.AVG_VALUE, Metric.VOLUME, Metric.FEES, Metric.VALUE_QUANTILES})
"""Metrics that count coins, which are never added to those of another chain."""
_QUOTIENTS = frozenset({Metric.AVG_VALUE, Metric.FAILED_RATE})
"""Metrics that mean nothing where there are no transactions."""
_BY_HOUR = frozenset({Metric.ACTIVE_ADDRESSES, Metric.VALUE_QUANTILES})
"""Metrics that nothing narrower than an hour is kept of."""
_ERROR = {Metric.ACTIVE_ADDRESSES: ERROR, Metric.VALUE_QUANTILES: BIN_ERROR}
"""By how much estimates may be off, as a fraction."""
_IN_DOLLARS = _IN_COINS - _BY_HOUR
"""Metrics that add up what coins were worth."""
_COUNTED_BY: dict[Metric, Callable[[Any], Any]] = dict.fromkeys(Metric, lambda r: r.tx_count) | {
    Metric.FAILED_RATE: lambda r: r.status_known_count
}
"""What a quotient divides by."""
_COMPARED = ("previous", "change", "change_ratio")
_MOST_DAYS_OF_MINUTES = 100
MOST_POINTS = 200_000
"""Points of all lines together that one answer may hold."""
_SPLITS = ("chain", "kind")
_FRAME: dict[str, pl.DataType] = {
    "time": pl.Datetime("us", "UTC"),
    "chain": pl.String(),
    "kind": pl.String(),
    "value": pl.Float64(),
}
_SOURCE: dict[Bucket, tuple[Bucket, TableClause]] = {
    Bucket.M1: (Bucket.M1, schema.tx_1m),
    Bucket.M5: (Bucket.M1, schema.tx_1m),
    Bucket.M15: (Bucket.M1, schema.tx_1m),
    Bucket.H1: (Bucket.H1, schema.tx_1h),
    Bucket.D1: (Bucket.D1, schema.tx_1d),
}


@dataclass(frozen=True, slots=True)
class SeriesAnswer:
    """The points, a row each (`time`, `chain`, `kind`, `value`), and how far they can be trusted.

    Of a comparison each has `previous`, the value of its bucket in the range before, `change` and `change_ratio`, the
    change as a fraction of it.
    """

    question: SeriesQuestion
    points: pl.DataFrame
    quality: Quality
    previous: Quality | None = None

    def as_contract(self) -> Series:
        """The same in the contract's shape: a list of points for each line."""
        names = [name for name in ("chain", "kind", "quantile") if name in self.points.columns]
        times = self.question.edges[:-1]  # of every line: Polars takes long to turn its own into Python's
        lines = [
            Line(
                **dict(zip(names, key, strict=True)),
                points=list(zip(times, points["value"].to_list(), strict=True)),
                compared=None if self.previous is None else list(zip(times, *_lists(points, _COMPARED), strict=True)),
            )
            for key, points in self.points.group_by(names, maintain_order=True)
        ]
        asked = self.question
        return Series(asked.metric, asked.unit, asked.bucket, lines, self.quality, self.previous)


def _lists(frame: pl.DataFrame, names: Iterable[str]) -> list[list[Any]]:
    return [frame[name].to_list() for name in names]


async def read_series(
    reader: Reader,
    metric: str,
    *,
    chain: Iterable[str] = (),
    kind: Iterable[str] = (),
    by: Iterable[str] = (),
    start: str = "-24h",
    end: str | None = None,
    bucket: str = Bucket.AUTO,
    unit: str = Unit.NATIVE,
    tz: str = "UTC",
    compare: str | None = None,
    now: datetime,
) -> SeriesAnswer:
    """Answer a question as it is asked over HTTP.

    A line names its chain or kind when the question splits by it, or is about one only.

    Raises:
        UsageError: a parameter cannot be understood, coins of different chains would be added, or the answer
            would be too large.
    """
    asked_metric = one_of("metric", metric, Metric)
    kinds = some_of("kind", kind, Kind)
    split = _splits(by)
    zone = parse_zone(tz)
    asked = parse_range(start, end, now, zone)
    width = _width(one_of("bucket", bucket, Bucket), asked, by_hour=asked_metric in _BY_HOUR)
    names = list(chain)
    chains = chains_of(await read_chains(reader, counted=False), names)
    question = SeriesQuestion(
        metric=asked_metric,
        chains=chains,
        kinds=kinds,
        by_chain="chain" in split or len(set(names)) == 1,
        by_kind="kind" in split or len(kinds) == 1,
        range=_whole_buckets(asked, width, zone),
        bucket=width,
        now=now,
        zone=zone,
        usd=one_of("unit", unit, Unit) is Unit.USD,
    )
    _refuse_what_is_not_kept(question)
    _refuse_mixed_coins(question)
    _refuse_too_many(question)
    if compare is None:
        points, trust = await _read(reader, question, asked)
        return SeriesAnswer(question, points, trust)
    earlier = _shifted(asked, _span(compare, question), zone)
    before = replace(question, range=_whole_buckets(earlier, width, zone))
    points, trust = await _read(reader, question, asked)
    previous, trust_before = await _read(reader, before, earlier)
    return SeriesAnswer(question, _compared(question, points, before, previous), trust, trust_before)


async def _read(reader: Reader, question: SeriesQuestion, asked: TimeRange) -> tuple[pl.DataFrame, Quality]:
    """The points of a question, and their quality over the range that was asked for."""
    # The ledger first: what it holds, the rollups hold too by the time that they are read.
    coverage = await read_coverage(reader, question.chains, asked, question.now)
    trust = quality(list(coverage.values()), asked.end)
    if question.metric in _BY_HOUR:
        read = read_active if question.metric is Metric.ACTIVE_ADDRESSES else read_quantiles
        points, rows_read = await read(reader, question)
        return points, replace(trust, error=_ERROR[question.metric], rows_read=rows_read)
    rows = await reader.frame(_statement(question)) if question.chains else pl.DataFrame()
    rows_read = int(rows["rows"].sum()) if rows.height else 0
    return await asyncio.to_thread(_points, question, rows, coverage), replace(trust, rows_read=rows_read)


def _whole_buckets(asked: TimeRange, width: Bucket, zone: tzinfo) -> TimeRange:
    if width is Bucket.D1 and zone is not UTC:
        days = local_days(asked, zone)
        return TimeRange(days[0], days[-1])
    return asked.widened(timedelta(seconds=BUCKET_SECONDS[width]))


def _span(compare: str, question: SeriesQuestion) -> timedelta:
    try:
        span = parse_span(compare)
    except (ValueError, OverflowError):
        span = timedelta(0)
    if span <= timedelta(0) or span % question.width:
        raise UsageError(
            f"compare is {compare[:40]!r}", hint=f"send whole buckets of {question.bucket.value}, such as 1d or 7d"
        )
    return span


def _shifted(asked: TimeRange, span: timedelta, zone: tzinfo) -> TimeRange:
    """The range so much earlier, by the clocks of a zone: seven days before noon was noon."""
    try:
        start, end = ((moment.astimezone(zone) - span).astimezone(UTC) for moment in asked)
    except OverflowError:
        start = end = ALWAYS.start
    if start < ALWAYS.start or start >= end:
        raise UsageError("compare reaches before 1970", hint="send a shorter one")
    return TimeRange(start, end)


def _compared(
    question: SeriesQuestion, points: pl.DataFrame, before: SeriesQuestion, previous: pl.DataFrame
) -> pl.DataFrame:
    """The points, each beside that of the same place in the range before."""
    line = [name for name in ("chain", "kind", "quantile") if name in points.columns]
    places = question.times.to_frame().with_row_index("place")
    earlier = previous.join(before.times.to_frame().with_row_index("place"), on="time").select(
        "place", *line, pl.col("value").alias("previous")
    )
    change = pl.col("value") - pl.col("previous")
    return (
        points.join(places, on="time", maintain_order="left")
        .join(earlier, on=["place", *line], how="left", nulls_equal=True, maintain_order="left")
        .drop("place")
        .with_columns(
            change=change,
            change_ratio=pl.when(pl.col("previous") != 0).then(change / pl.col("previous")),
        )
    )


def _splits(by: Iterable[str]) -> set[str]:
    split = set(by)
    for name in sorted(split.difference(_SPLITS)):
        raise UsageError(f"by is {name!r}", hint=f"send one or both of {', '.join(_SPLITS)}")
    return split


def _width(bucket: Bucket, asked: TimeRange, *, by_hour: bool) -> Bucket:
    hour = BUCKET_SECONDS[Bucket.H1]
    if bucket is not Bucket.AUTO:
        if by_hour and BUCKET_SECONDS[bucket] < hour:
            raise UsageError(f"bucket is {bucket.value!r}: this metric is kept by hour", hint="send 1h, 1d or auto")
        return bucket
    return bucket_for(asked, [each for each, seconds in BUCKET_SECONDS.items() if not by_hour or seconds >= hour])


def _refuse_what_is_not_kept(question: SeriesQuestion) -> None:
    metric = question.metric
    if metric is Metric.ACTIVE_ADDRESSES and (question.kinds or question.by_kind):
        raise UsageError("active_addresses is not kept by kind", hint="leave kind and by=kind out")
    if question.usd and metric not in _IN_DOLLARS:
        raise UsageError(f"{metric} is not counted in USD", hint=f"these are: {', '.join(sorted(_IN_DOLLARS))}")
    if question.local and metric in _BY_HOUR:
        raise UsageError(f"{metric} is kept for days of UTC", hint="send bucket=1h, or leave tz out")


def _refuse_mixed_coins(question: SeriesQuestion) -> None:
    symbols = sorted({chain.symbol for chain in question.chains})
    if question.metric in _IN_COINS and not (question.usd or question.by_chain) and len(symbols) > 1:
        raise UsageError(
            f"{question.metric} of all chains would add {' and '.join(symbols)}",
            hint="send by=chain, unit=usd, or chain= with chains of one coin",
        )


def _refuse_too_many(question: SeriesQuestion) -> None:
    buckets = (question.range.end - question.range.start) // question.width
    if _by_minute(question) and buckets > _MOST_DAYS_OF_MINUTES:
        raise UsageError(
            f"{buckets} days of {question.zone}, which begin within an hour of UTC and so are added up from minutes",
            hint=f"send {_MOST_DAYS_OF_MINUTES} days at most, or leave tz out",
        )
    lines = (len(question.chains) if question.by_chain else 1) * (
        len(question.kinds or Kind) if question.by_kind else 1
    )
    if buckets * lines > MOST_POINTS:
        raise UsageError(
            f"bucket is {question.bucket.value!r}: that makes {buckets * lines} points between start and end, "
            f"and an answer holds {MOST_POINTS}",
            hint="send bucket=auto or a wider one, a shorter range, or fewer chains and kinds",
        )


def _by_minute(question: SeriesQuestion) -> bool:
    """Whether days are added up from minutes: those of zones that are not whole hours from UTC."""
    return question.local and any(edge.minute for edge in question.edges)


def _source(question: SeriesQuestion) -> tuple[Bucket, TableClause]:
    """The rollup to read, and the width of its rows: the widest that buckets, days of a zone and prices allow."""
    base, source = _SOURCE[question.bucket]
    if base is Bucket.D1 and (question.local or question.usd):
        base, source = _SOURCE[Bucket.M1 if _by_minute(question) else Bucket.H1]
    if base is Bucket.M1 and not question.kinds and not question.by_kind:
        source = schema.chain_1m
    return base, source


def _statement(question: SeriesQuestion) -> Select[Any]:
    """Counts and exact sums for each line and bucket; quotients are made at the end, by txhub.ratio."""
    base, source = _source(question)
    r = source.c
    sums = select(
        _start_of(question, base, r.bucket).label("time"),
        (r.chain if question.by_chain else cast(null(), Text)).label("chain"),
        (cast(r.kind, Text) if question.by_kind else cast(null(), Text)).label("kind"),
        _amount(question, r).label("amount"),
        cast(func.sum(_COUNTED_BY[question.metric](r)), Numeric).label("count"),
        func.count().label("rows"),
    ).where(
        r.chain_id.in_([each.chain_id for each in question.chains]),
        r.bucket >= question.range.start,
        r.bucket < question.range.end,
    )
    if question.kinds:
        sums = sums.where(r.kind.in_([cast(each.value, schema.TX_KIND) for each in question.kinds]))
    sums = sums.group_by(*map(literal_column, "123"))
    if question.usd:
        sums = _in_dollars(question, sums, r)
    s = sums.subquery("sums").c
    divisor = s.count if question.metric in _QUOTIENTS else literal_column("1")
    return select(s.time, s.chain, s.kind, func.txhub.ratio(s.amount, divisor).label("value"), s.rows)


def _in_dollars(question: SeriesQuestion, sums: Select[Any], r: Any) -> Select[Any]:
    """The sums of the buckets, made of those of each coin and hour (or narrower bucket) at what a coin was worth then.

    Unknown where one of them is.
    """
    hour = func.date_trunc("hour", r.bucket, "UTC") if question.bucket is Bucket.D1 else sums.selected_columns.time
    coins = sums.add_columns(r.symbol, hour.label("priced_at")).group_by(*map(literal_column, "78")).subquery("coins").c
    price = func.txhub.price(coins.symbol, coins.priced_at, literal_column("INTERVAL '1 day'", Interval))
    priced = select(*coins, price.label("price")).subquery("priced").c
    unknown = func.bool_or((priced.price.is_(None)) & (priced.amount != 0))
    return select(
        priced.time,
        priced.chain,
        priced.kind,
        case((unknown, null()), else_=func.sum(priced.amount * func.coalesce(priced.price, 0))).label("amount"),
        func.sum(priced.count).label("count"),
        cast(func.sum(priced.rows), BigInteger).label("rows"),
    ).group_by(*map(literal_column, "123"))


def _start_of(question: SeriesQuestion, base: Bucket, bucket: ColumnElement[Any]) -> ColumnElement[Any]:
    if question.local:
        return func.date_trunc("day", bucket, str(question.zone))
    if question.bucket is base:
        return bucket
    return func.date_bin(question.width, bucket, literal_column("TIMESTAMPTZ '1970-01-01T00:00:00Z'"))


def _amount(question: SeriesQuestion, r: Any) -> ColumnElement[Any]:
    """What a line adds up, before it is divided by anything."""
    return {
        Metric.TX_RATE: cast(func.sum(r.tx_count), Numeric),
        Metric.VOLUME: func.sum(func.txhub.to_native(r.value_sum, r.decimals)),
        Metric.AVG_VALUE: func.sum(func.txhub.to_native(r.value_sum, r.decimals)),
        Metric.FEES: func.sum(func.txhub.to_native(r.fee_sum, r.decimals)),
        Metric.GAS_USED: func.sum(r.gas_used),
        Metric.FAILED_RATE: cast(func.sum(r.failed_count), Numeric),
    }[question.metric]


def _points(question: SeriesQuestion, rows: pl.DataFrame, coverage: Mapping[str, Coverage]) -> pl.DataFrame:
    """A row for every bucket of every line, in order of line and time."""
    times = question.times
    lines = []
    for chains, chain in question.chain_lines:
        complete = _complete(question, [coverage[each.name] for each in chains if each.name in coverage])
        empty = pl.lit(None) if question.metric in _QUOTIENTS else pl.when(pl.Series(complete)).then(0.0)
        there = rows.filter(pl.col("chain").eq_missing(chain))
        for kind in _kind_lines(question, there):
            own = there.filter(pl.col("kind").eq_missing(kind))
            value = pl.when("held").then("value").otherwise(empty).alias("value")
            if question.metric is Metric.TX_RATE:
                value = value / _minutes(question, chains)
            lines.append(
                times.to_frame()
                .join(own.select("time", "value", held=pl.lit(True)), on="time", how="left", maintain_order="left")
                .select("time", pl.lit(chain, pl.String).alias("chain"), pl.lit(kind, pl.String).alias("kind"), value)
            )
    return pl.concat([pl.DataFrame(schema=_FRAME), *lines])


def _kind_lines(question: SeriesQuestion, rows: pl.DataFrame) -> list[str | None]:
    """The kinds that are split by: those asked for, else those that occur."""
    if not question.by_kind:
        return [None]
    occurring = set(rows["kind"])
    return [kind.value for kind in question.kinds or Kind if question.kinds or kind.value in occurring]


def _complete(question: SeriesQuestion, coverages: Iterable[Coverage]) -> list[bool]:
    """Whether a committed block lies in each bucket, or the bucket between two with none missing, of any chain."""
    starts = question.edges[:-1]
    complete = bytearray(len(starts))
    for run in (run for coverage in coverages for run in coverage.runs):
        first, after = max(bisect_right(starts, run.start) - 1, 0), bisect_right(starts, run.end)
        if run.start < question.range.end and first < after:
            complete[first:after] = b"\x01" * (after - first)
    return list(map(bool, complete))


def _minutes(question: SeriesQuestion, chains: Sequence[ChainInfo]) -> pl.Series:
    """What each rate divides by: the width of its bucket; of the bucket that holds now, the part accounted for.

    A column, because by a single number Polars would multiply with its rounded inverse.
    """
    minute = timedelta(minutes=1)
    widths = [end - start for start, end in pairwise(question.edges)]
    current = bisect_right(question.edges, question.now) - 1
    if 0 <= current < len(widths):
        start = question.edges[current]
        block_time = timedelta(seconds=max(chain.block_time_s for chain in chains))
        due = max((chain.last_time for chain in chains if chain.last_time), default=start) + block_time
        widths[current] = min(max(due - start, block_time), widths[current])
    return pl.Series([width / minute for width in widths])
