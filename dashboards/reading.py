"""Several questions to the API at once, and how wide the buckets of a chart are."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar, cast

import polars as pl

from txhub.client import TxhubError
from txhub.contract import BUCKET_SECONDS, Bucket, ChainInfo, Series

WIDE_POINTS = 200
"""Charts that show trends, not minutes, take the narrowest bucket that keeps a line under this many points."""
SMALL_POINTS = 60
"""And lines as small as a word."""

Answer = TypeVar("Answer")


async def together(*questions: Coroutine[Any, Any, Any]) -> list[Any]:
    """The answers to questions that are asked at once, in their order.

    Raises:
        TxhubError: the first of them that failed.
    """
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(question) for question in questions]
    except* TxhubError as failures:
        raise _first(failures) from None
    return [task.result() for task in tasks]


def bucket_under(points: int, length: timedelta, least: Bucket = Bucket.M1) -> Bucket:
    """The narrowest bucket, from `least` on, of which fewer than `points` fit into a range of this length."""
    widths = [each for each in BUCKET_SECONDS if BUCKET_SECONDS[each] >= BUCKET_SECONDS[least]]
    fitting = (bucket for bucket in widths if length.total_seconds() / BUCKET_SECONDS[bucket] < points)
    return next(fitting, Bucket.D1)


def width_of(bucket: Bucket) -> timedelta:
    """How long a bucket is."""
    return timedelta(seconds=BUCKET_SECONDS[bucket])


def frame_of(series: Series) -> pl.DataFrame:
    """The points of a series: time, chain, kind, value, and of a comparison also `previous`."""
    rows = [
        (time, line.chain, line.kind, value, None if line.compared is None else line.compared[place][1])
        for line in series.series
        for place, (time, value) in enumerate(line.points)
    ]
    schema: dict[str, Any] = {
        "time": pl.Datetime("us", "UTC"),
        "chain": pl.String,
        "kind": pl.String,
        "value": pl.Float64,
        "previous": pl.Float64,
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


def chosen(chains: Sequence[ChainInfo], names: Iterable[str]) -> list[ChainInfo]:
    """The chains of these names, or all where none is named."""
    wanted = set(names)
    return [chain for chain in chains if not wanted or chain.name in wanted]


def reach(chains: Sequence[ChainInfo]) -> tuple[datetime, datetime] | None:
    """From when to when blocks of these chains are committed."""
    firsts = [chain.first_time for chain in chains if chain.first_time]
    lasts = [chain.last_time for chain in chains if chain.last_time]
    return (min(firsts).replace(second=0), max(lasts).replace(second=59)) if firsts and lasts else None


def _first(failures: ExceptionGroup[Any]) -> TxhubError:
    failure: Exception = failures
    while isinstance(failure, ExceptionGroup):
        failure = failure.exceptions[0]
    return cast("TxhubError", failure)
