"""Coverage over time: how complete the ledger of each chain is, bucket by bucket."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from txhub.contract import BUCKET_SECONDS, Bucket, ChainInfo, CoverageBucket, CoverageReport, Quality
from txhub.errors import UsageError
from txhub.query.chains import read_chains
from txhub.query.choice import chains_of, one_of
from txhub.query.coverage import Coverage, quality, read_coverage
from txhub.query.timerange import TimeRange, bucket_for, parse_range
from txhub.store.read import Reader
from txhub.store.sqlfiles import queries

MOST_BUCKETS = 100_000
"""Buckets of all chains together that one answer may hold."""
_FRAME: dict[str, pl.DataType] = {
    "chain": pl.String(),
    "start": pl.Datetime("us", "UTC"),
    "end": pl.Datetime("us", "UTC"),
    "blocks": pl.Int64(),
    "missing": pl.Int64(),
    "coverage": pl.Float64(),
}
_SQL = queries("coverage")


@dataclass(frozen=True, slots=True)
class CoverageAnswer:
    """A row for each bucket of each chain, and the coverage of all together."""

    bucket: Bucket
    rows: pl.DataFrame
    quality: Quality

    def as_contract(self) -> CoverageReport:
        """The same in the contract's shape."""
        return CoverageReport(self.bucket, [CoverageBucket(*row) for row in self.rows.iter_rows()], self.quality)


async def read_completeness(
    reader: Reader,
    *,
    chain: Iterable[str] = (),
    start: str = "-24h",
    end: str | None = None,
    bucket: str = Bucket.AUTO,
    now: datetime,
) -> CoverageAnswer:
    """The coverage of each bucket that the range touches; the first and the last count as far as the range goes.

    What lies in the future is not expected, and has no bucket.

    Raises:
        UsageError: a parameter cannot be understood, or the answer would be too large.
    """
    asked = parse_range(start, end, now)
    width = one_of("bucket", bucket, Bucket)
    if width is Bucket.AUTO:
        width = bucket_for(asked)
    chains = chains_of(await read_chains(reader, counted=False), chain)
    _refuse_too_many(asked, width, chains)
    coverages = await read_coverage(reader, chains, asked, now)
    ids = {each.name: each.chain_id for each in chains}
    rows = []
    for name, coverage in coverages.items():
        seconds = float(BUCKET_SECONDS[width])
        held = await reader.frame(_SQL["committed"], ids[name], *coverage.range, seconds)
        rows += await asyncio.to_thread(_buckets, name, coverage, timedelta(seconds=seconds), held)
    frame = pl.DataFrame(rows, schema=_FRAME, orient="row")
    return CoverageAnswer(width, frame, quality(list(coverages.values()), asked.end))


def _buckets(
    name: str, coverage: Coverage, width: timedelta, held: pl.DataFrame
) -> list[tuple[str, datetime, datetime, int, int, float | None]]:
    whole = coverage.range.widened(width)
    spans = [
        TimeRange(max(start, coverage.range.start), min(start + width, coverage.range.end))
        for start in pl.datetime_range(*whole, width, closed="left", time_unit="us", eager=True)
    ]
    committed, missing = [0] * len(spans), [0] * len(spans)
    for start, blocks in held.iter_rows():
        committed[(start - whole.start) // width] = blocks
    for absence in coverage.absences:
        first = max((absence.first - whole.start) // width, 0)
        last = (absence.first + absence.blocks * absence.step - whole.start) // width
        for index in range(first, min(last + 1, len(spans))):
            missing[index] += absence.within(spans[index])
    return [
        (name, *span, held_there, missed, held_there / (held_there + missed) if held_there + missed else None)
        for span, held_there, missed in zip(spans, committed, missing, strict=True)
    ]


def _refuse_too_many(asked: TimeRange, bucket: Bucket, chains: Sequence[ChainInfo]) -> None:
    width = timedelta(seconds=BUCKET_SECONDS[bucket])
    whole = asked.widened(width)
    buckets = (whole.end - whole.start) // width * len(chains)
    if buckets > MOST_BUCKETS:
        raise UsageError(
            f"bucket is {bucket.value!r}: that makes {buckets} buckets between start and end, "
            f"and an answer holds {MOST_BUCKETS}",
            hint="send bucket=auto or a wider one, a shorter range, or fewer chains",
        )
