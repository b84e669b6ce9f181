"""Active addresses: how many different ones sent or received, estimated from the sketches of closed hours.

Sketches unite without counting anybody twice, so a day is not the sum of its hours. A bucket with an hour that is not
closed yet counts those that are; without any it is null.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

import polars as pl
from datasketches import hll_sketch, hll_union

from txhub.query.question import SeriesQuestion
from txhub.store.read import Reader
from txhub.store.sqlfiles import queries

ERROR = 0.033
"""Two standard errors of a sketch of 2^12 registers: 19 of 20 estimates are closer."""
_LOG2_K = 12
_SQL = queries("active")


async def read_active(reader: Reader, question: SeriesQuestion) -> tuple[pl.DataFrame, int]:
    """A row for every bucket of every line (time, chain, kind (null) and value), and how many sketches were read."""
    ids = ",".join(str(chain.chain_id) for chain in question.chains)
    rows = await reader.frame(_SQL["sketches"], ids, *question.range)
    return await asyncio.to_thread(_points, question, rows), rows.height


async def count_active(reader: Reader, question: SeriesQuestion) -> float | None:
    """How many in the whole range of a question, all its chains together; None where no hour of it is closed."""
    ids = ",".join(str(chain.chain_id) for chain in question.chains)
    rows = await reader.frame(_SQL["sketches"], ids, *question.range)
    return await asyncio.to_thread(_estimate, rows["sketch"]) if rows.height else None


def _estimate(sketches: Iterable[bytes]) -> float:
    union = hll_union(_LOG2_K)
    for sketch in sketches:
        union.update(hll_sketch.deserialize(sketch))
    return float(union.get_result().get_estimate())


def _points(question: SeriesQuestion, rows: pl.DataFrame) -> pl.DataFrame:
    times = question.times
    frames = [pl.DataFrame(schema={"time": times.dtype, "chain": pl.String, "kind": pl.String, "value": pl.Float64})]
    for chains, name in question.chain_lines:
        unions: dict[datetime, hll_union] = defaultdict(lambda: hll_union(_LOG2_K))
        own = rows.filter(pl.col("chain").is_in([chain.name for chain in chains]))
        for hour, sketch in own.select("bucket", "sketch").iter_rows():
            at = question.range.start + (hour - question.range.start) // question.width * question.width
            unions[at].update(hll_sketch.deserialize(sketch))
        values = [unions[time].get_result().get_estimate() if time in unions else None for time in times]
        frames.append(
            pl.DataFrame(
                {"time": times, "chain": name, "kind": None, "value": values},
                schema_overrides={"chain": pl.String, "kind": pl.String, "value": pl.Float64},
            )
        )
    return pl.concat(frames)
