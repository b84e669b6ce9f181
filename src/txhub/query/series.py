"""Metrics over time, from the rollups.

A point is the start of its bucket, and speaks for the whole bucket, also where the range begins or
ends within it:

- `tx_rate`: transactions per minute over the bucket. Of the bucket that holds now, only the part that
  is accounted for counts: from its start until the block after the newest committed one is due.
- `volume` and `fees`: whole coins. `avg_value`: whole coins per transaction. `gas_used`: gas.
- `failed_rate`: the share of failed transactions among those whose outcome is known, 0 to 1.
- `active_addresses` and `value_quantiles`: estimates by hour or day, see `active` and `quantiles`.

Buckets without transactions are 0 (quotients: null) where the ledger is complete, that is from a
committed block to the next; elsewhere nothing is known, and they are null. So are fees, gas and failures
where the node gave no receipts. A line of several chains is what is known of them together.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import polars as pl
from sqlalchemy import ColumnElement, Numeric, Select, TableClause, Text, cast, func, literal_column, null, select

from txhub.contract import BUCKET_SECONDS, Bucket, ChainInfo, Kind, Line, Metric, Quality, Series
from txhub.errors import UsageError
from txhub.query.active import ERROR, read_active
from txhub.query.chains import read_chains
from txhub.query.choice import chains_of, one_of, some_of
from txhub.query.coverage import Coverage, quality, read_coverage
from txhub.query.quantiles import BIN_ERROR, read_quantiles
from txhub.query.question import SeriesQuestion
from txhub.query.timerange import TimeRange, bucket_for, parse_range
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
    """The points, a row each (`time`, `chain`, `kind`, `value`), and how far they can be trusted."""

    question: SeriesQuestion
    points: pl.DataFrame
    quality: Quality

    def as_contract(self) -> Series:
        """The same in the contract's shape: a list of points for each line."""
        names = [name for name in ("chain", "kind", "quantile") if name in self.points.columns]
        lines = [
            Line(**dict(zip(names, key, strict=True)), points=list(zip(points["time"], points["value"], strict=True)))
            for key, points in self.points.group_by(names, maintain_order=True)
        ]
        asked = self.question
        return Series(asked.metric, asked.unit, asked.bucket, lines, self.quality)


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
    asked = parse_range(start, end, now)
    width = _width(one_of("bucket", bucket, Bucket), asked, by_hour=asked_metric in _BY_HOUR)
    names = list(chain)
    chains = chains_of(await read_chains(reader, counted=False), names)
    question = SeriesQuestion(
        metric=asked_metric,
        chains=chains,
        kinds=kinds,
        by_chain="chain" in split or len(set(names)) == 1,
        by_kind="kind" in split or len(kinds) == 1,
        range=asked.widened(timedelta(seconds=BUCKET_SECONDS[width])),
        bucket=width,
        now=now,
    )
    if asked_metric is Metric.ACTIVE_ADDRESSES and (kinds or "kind" in split):
        raise UsageError("active_addresses is not kept by kind", hint="leave kind and by=kind out")
    _refuse_mixed_coins(question)
    _refuse_too_many(question)
    # The ledger first: what it holds, the rollups hold too by the time that they are read.
    coverage = await read_coverage(reader, chains, asked, now)
    trust = quality(list(coverage.values()), asked.end)
    if asked_metric in _BY_HOUR:
        read = read_active if asked_metric is Metric.ACTIVE_ADDRESSES else read_quantiles
        return SeriesAnswer(question, await read(reader, question), replace(trust, error=_ERROR[asked_metric]))
    rows = await reader.frame(_statement(question)) if chains else pl.DataFrame()
    return SeriesAnswer(question, await asyncio.to_thread(_points, question, rows, coverage), trust)


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


def _refuse_mixed_coins(question: SeriesQuestion) -> None:
    symbols = sorted({chain.symbol for chain in question.chains})
    if question.metric in _IN_COINS and not question.by_chain and len(symbols) > 1:
        raise UsageError(
            f"{question.metric} of all chains would add {' and '.join(symbols)}",
            hint="send by=chain, or chain= with chains of one coin",
        )


def _refuse_too_many(question: SeriesQuestion) -> None:
    buckets = (question.range.end - question.range.start) // question.width
    lines = (len(question.chains) if question.by_chain else 1) * (
        len(question.kinds or Kind) if question.by_kind else 1
    )
    if buckets * lines > MOST_POINTS:
        raise UsageError(
            f"bucket is {question.bucket.value!r}: that makes {buckets * lines} points between start and end, "
            f"and an answer holds {MOST_POINTS}",
            hint="send bucket=auto or a wider one, a shorter range, or fewer chains and kinds",
        )


def _statement(question: SeriesQuestion) -> Select[Any]:
    """Counts and exact sums for each line and bucket; quotients are made at the end, by txhub.ratio."""
    base, source = _SOURCE[question.bucket]
    if base is Bucket.M1 and not question.kinds and not question.by_kind:
        source = schema.chain_1m
    r = source.c
    time: ColumnElement[Any] = r.bucket
    if question.bucket is not base:
        time = func.date_bin(question.width, r.bucket, literal_column("TIMESTAMPTZ '1970-01-01T00:00:00Z'"))
    chain = r.chain if question.by_chain else cast(null(), Text)
    kind = cast(r.kind, Text) if question.by_kind else cast(null(), Text)
    count = cast(func.sum(r.tx_count), Numeric)
    coins = func.sum(func.txhub.to_native(r.value_sum, r.decimals))
    value = {
        Metric.TX_RATE: func.txhub.ratio(count, 1),
        Metric.VOLUME: func.txhub.ratio(coins, 1),
        Metric.AVG_VALUE: func.txhub.ratio(coins, count),
        Metric.FEES: func.txhub.ratio(func.sum(func.txhub.to_native(r.fee_sum, r.decimals)), 1),
        Metric.GAS_USED: func.txhub.ratio(func.sum(r.gas_used), 1),
        Metric.FAILED_RATE: func.txhub.ratio(
            cast(func.sum(r.failed_count), Numeric), cast(func.sum(r.status_known_count), Numeric)
        ),
    }[question.metric]
    statement = (
        select(time.label("time"), chain.label("chain"), kind.label("kind"), value.label("value"))
        .where(
            r.chain_id.in_([each.chain_id for each in question.chains]),
            r.bucket >= question.range.start,
            r.bucket < question.range.end,
        )
        .group_by(literal_column("1"), literal_column("2"), literal_column("3"))
    )
    if question.kinds:
        statement = statement.where(r.kind.in_([cast(each.value, schema.TX_KIND) for each in question.kinds]))
    return statement


def _points(question: SeriesQuestion, rows: pl.DataFrame, coverage: Mapping[str, Coverage]) -> pl.DataFrame:
    """A row for every bucket of every line, in order of line and time."""
    times = question.times
    lines = []
    for chains, chain in question.chain_lines:
        complete = _complete(question, len(times), [coverage[each.name] for each in chains if each.name in coverage])
        empty = pl.lit(None) if question.metric in _QUOTIENTS else pl.when(pl.Series(complete)).then(0.0)
        for kind in _kind_lines(question, rows):
            own = rows.filter(pl.col("chain").eq_missing(chain), pl.col("kind").eq_missing(kind))
            value = pl.when("held").then("value").otherwise(empty).alias("value")
            if question.metric is Metric.TX_RATE:
                value = value / _minutes(question, chains, len(times))
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


def _complete(question: SeriesQuestion, buckets: int, coverages: Iterable[Coverage]) -> list[bool]:
    """Whether a committed block lies in each bucket, or the bucket between two with none missing, of any chain."""
    complete = bytearray(buckets)
    for run in (run for coverage in coverages for run in coverage.runs):
        first = max((run.start - question.range.start) // question.width, 0)
        after = min((run.end - question.range.start) // question.width + 1, buckets)
        if first < after:
            complete[first:after] = b"\x01" * (after - first)
    return list(map(bool, complete))


def _minutes(question: SeriesQuestion, chains: Sequence[ChainInfo], buckets: int) -> pl.Series:
    """What each rate divides by: the width of its bucket; of the bucket that holds now, the part accounted for.

    A column, because by a single number Polars would multiply with its rounded inverse.
    """
    width, minute = question.width, timedelta(minutes=1)
    current = TimeRange(question.now, question.now + timedelta.resolution).widened(width).start
    block_time = timedelta(seconds=max(chain.block_time_s for chain in chains))
    due = max((chain.last_time for chain in chains if chain.last_time), default=current) + block_time
    part = min(max(due - current, block_time), width)
    minutes = [width / minute] * buckets
    if question.range.start <= current < question.range.end:
        minutes[(current - question.range.start) // width] = part / minute
    return pl.Series(minutes)
