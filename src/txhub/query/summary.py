"""What a range comes to on each chain, metric by metric, beside the same span some time before.

Only buckets that are over count, in both ranges, so that a day that is not over is never held against a whole one:
minutes in ranges up to a week, hours up to a year, days beyond. Amounts are added up exactly, and quotients are made
of the sums. "Now" is the newest window of the range that is wide enough for a few blocks of the chain.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

import polars as pl
from sqlalchemy import BigInteger, Integer, Select, Text, cast, func, literal, select, union_all

from txhub.config import parse_span
from txhub.contract import BUCKET_SECONDS, Bucket, ChainFigures, ChainInfo, Figure, Kind, Metric, Summary
from txhub.errors import UsageError
from txhub.query.active import count_active
from txhub.query.chains import read_chains
from txhub.query.choice import chains_of, some_of
from txhub.query.coverage import Coverage, quality, read_coverage
from txhub.query.question import SeriesQuestion
from txhub.query.timerange import ALWAYS, TimeRange, parse_range
from txhub.store import schema
from txhub.store.read import Reader

MOST_ACTIVE = timedelta(days=31)
"""How long a range may be for its active addresses to be estimated: there is a sketch for each of its hours."""
_BLOCKS_OF_NOW = 3
_WIDTHS = ((timedelta(days=7), Bucket.M1), (timedelta(days=366), Bucket.H1))
_ROLLUPS = {Bucket.M1: schema.tx_1m, Bucket.H1: schema.tx_1h, Bucket.D1: schema.tx_1d}
_METRICS = (
    Metric.TX_RATE,
    Metric.AVG_VALUE,
    Metric.VOLUME,
    Metric.FEES,
    Metric.FAILED_RATE,
    Metric.ACTIVE_ADDRESSES,
)
_FRAME: dict[str, pl.DataType] = {
    "chain": pl.String(),
    "metric": pl.String(),
    "unit": pl.String(),
    "window": pl.String(),
    "now": pl.Float64(),
    "value": pl.Float64(),
    "exact": pl.String(),
    "previous": pl.Float64(),
    "change_ratio": pl.Float64(),
    "coverage": pl.Float64(),
    "previous_coverage": pl.Float64(),
}


@dataclass(frozen=True, slots=True)
class SummaryAnswer:
    """The figures of each chain, and of which ranges they are."""

    range: TimeRange
    before: TimeRange
    chains: list[ChainFigures]

    @property
    def rows(self) -> pl.DataFrame:
        """A row for each chain and metric."""
        rows = [
            (
                *(each.chain, figure.metric.value, figure.unit, each.window, figure.now, figure.value, figure.exact),
                *(figure.previous, figure.change_ratio, each.coverage, each.previous_coverage),
            )
            for each in self.chains
            for figure in each.figures
        ]
        return pl.DataFrame(rows, schema=_FRAME, orient="row")

    def as_contract(self) -> Summary:
        """The same in the contract's shape."""
        return Summary(*self.range, *self.before, self.chains)


class _Sums(NamedTuple):
    """What a span of time adds up to on one chain; `minutes` of it are accounted for, amounts are whole coins."""

    minutes: float
    tx_count: int = 0
    known: int = 0
    failed: int = 0
    volume: Decimal = Decimal(0)
    fees: Decimal | None = None

    def of(self, metric: Metric) -> float | Decimal | None:
        """One metric of it; None where nothing is known."""
        if not self.minutes:
            return None
        match metric:
            case Metric.TX_RATE:
                return self.tx_count / self.minutes
            case Metric.AVG_VALUE:
                return float(self.volume / self.tx_count) if self.tx_count else None
            case Metric.VOLUME:
                return self.volume
            case Metric.FEES:
                return Decimal(0) if self.fees is None and not self.tx_count else self.fees
            case _:
                return self.failed / self.known if self.known else None


async def read_summary(
    reader: Reader,
    *,
    chain: Iterable[str] = (),
    kind: Iterable[str] = (),
    start: str = "-24h",
    end: str | None = None,
    compare: str = "7d",
    now: datetime,
) -> SummaryAnswer:
    """What a range comes to, and what the same span came to so much earlier.

    Raises:
        UsageError: a parameter cannot be understood, or nothing of the range is over yet.
    """
    kinds = some_of("kind", kind, Kind)
    chains = chains_of(await read_chains(reader, counted=False), chain)
    asked = parse_range(start, end, now)
    bucket = next((width for most, width in _WIDTHS if asked.end - asked.start <= most), Bucket.D1)
    within = _over(asked, bucket, now)
    before = _earlier(within, compare, bucket)
    found = []
    for each in chains:
        window = _window(each)
        newest = TimeRange(max(within.end - timedelta(seconds=BUCKET_SECONDS[window]), within.start), within.end)
        spans = {"range": within, "before": before, "now": newest}
        shares = {name: await _share(reader, each, span, now) for name, span in spans.items()}
        rows = await reader.frame(_statement(each, kinds, spans, bucket))
        sums = {name: _sums(rows, name, span, shares[name]) for name, span in spans.items()}
        counts = [None, None] if kinds else [await _active(reader, each, span, now) for span in (within, before)]
        figures = [_figure(metric, each, sums) for metric in _METRICS[:-1]]
        figures.append(_compared(Metric.ACTIVE_ADDRESSES, "addresses", None, *counts))
        found.append(
            ChainFigures(
                each.name,
                each.symbol,
                window.value,
                sums["range"].tx_count,
                shares["range"],
                shares["before"],
                figures,
            )
        )
    return SummaryAnswer(within, before, found)


def _over(asked: TimeRange, bucket: Bucket, now: datetime) -> TimeRange:
    """The whole buckets that the range touches, up to the last one that is over."""
    width = timedelta(seconds=BUCKET_SECONDS[bucket])
    whole = asked.widened(width)
    if whole.end > now:
        whole = TimeRange(whole.start, TimeRange(now, now).widened(width).start)
    if whole.start >= whole.end:
        raise UsageError(
            f"nothing from {asked.start.isoformat()} on is over yet", hint="send an earlier start, such as -24h"
        )
    return whole


def _earlier(within: TimeRange, compare: str, bucket: Bucket) -> TimeRange:
    width = timedelta(seconds=BUCKET_SECONDS[bucket])
    try:
        span = parse_span(compare)
        before = TimeRange(within.start - span, within.end - span)
    except (ValueError, OverflowError):
        span, before = timedelta(0), within
    if span <= timedelta(0) or span % width or before.start < ALWAYS.start:
        raise UsageError(
            f"compare is {compare[:40]!r}", hint=f"send whole buckets of {bucket.value} since 1970, such as 1d or 7d"
        )
    return before


def _window(chain: ChainInfo) -> Bucket:
    fitting = (each for each, seconds in BUCKET_SECONDS.items() if seconds >= _BLOCKS_OF_NOW * chain.block_time_s)
    return next(fitting, Bucket.D1)


async def _share(reader: Reader, chain: ChainInfo, span: TimeRange, now: datetime) -> float | None:
    """The fraction of a span's expected blocks that are committed; None where nothing is known of it."""
    coverages: Mapping[str, Coverage] = await read_coverage(reader, [chain], span, now)
    return quality(list(coverages.values()), span.end).coverage


def _statement(chain: ChainInfo, kinds: Sequence[Kind], spans: Mapping[str, TimeRange], bucket: Bucket) -> Select[Any]:
    """A row for each span: its name, and what its rows add up to."""
    decimals = cast(literal(chain.decimals), Integer)
    parts = []
    for name, span in spans.items():
        source = _ROLLUPS[bucket]
        if name == "now" or bucket is Bucket.M1:
            source = schema.tx_1m if kinds else schema.chain_1m
        r = source.c
        part = select(
            cast(literal(name), Text).label("span"),
            cast(func.sum(r.tx_count), BigInteger).label("tx_count"),
            cast(func.sum(r.status_known_count), BigInteger).label("known"),
            cast(func.sum(r.failed_count), BigInteger).label("failed"),
            func.txhub.to_native(func.sum(r.value_sum), decimals).label("volume"),
            func.txhub.to_native(func.sum(r.fee_sum), decimals).label("fees"),
        ).where(r.chain_id == chain.chain_id, r.bucket >= span.start, r.bucket < span.end)
        if kinds:
            part = part.where(r.kind.in_([cast(each.value, schema.TX_KIND) for each in kinds]))
        parts.append(part)
    together = union_all(*parts).subquery("spans")
    return select(*together.c)


def _sums(rows: pl.DataFrame, name: str, span: TimeRange, share: float | None) -> _Sums:
    minutes = (span.end - span.start) / timedelta(minutes=1) * (share or 0.0)
    row = rows.row(by_predicate=pl.col("span") == name, named=True)
    if row["tx_count"] is None:
        return _Sums(minutes)
    fees = None if row["fees"] is None else Decimal(row["fees"])
    return _Sums(minutes, row["tx_count"], row["known"], row["failed"], Decimal(row["volume"]), fees)


async def _active(reader: Reader, chain: ChainInfo, span: TimeRange, now: datetime) -> float | None:
    """How many different addresses sent or received in the hours of a span that are closed; an estimate."""
    if span.end - span.start > MOST_ACTIVE:
        return None
    hours = span.widened(timedelta(hours=1))
    question = SeriesQuestion(Metric.ACTIVE_ADDRESSES, [chain], [], True, False, hours, Bucket.H1, now)
    return await count_active(reader, question)


def _figure(metric: Metric, chain: ChainInfo, sums: Mapping[str, _Sums]) -> Figure:
    unit = {
        Metric.TX_RATE: "transactions/minute",
        Metric.AVG_VALUE: f"{chain.symbol}/transaction",
        Metric.FAILED_RATE: "failed/known",
    }.get(metric, chain.symbol)
    return _compared(metric, unit, *(sums[name].of(metric) for name in ("now", "range", "before")))


def _compared(
    metric: Metric,
    unit: str,
    now: float | Decimal | None,
    value: float | Decimal | None,
    previous: float | Decimal | None,
) -> Figure:
    exact = f"{value:f}" if isinstance(value, Decimal) else None
    known = [None if each is None else float(each) for each in (now, value, previous)]
    ratio = None if known[1] is None or not known[2] else (known[1] - known[2]) / known[2]
    return Figure(metric, unit, known[0], known[1], exact, known[2], ratio)
