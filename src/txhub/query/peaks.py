"""Peaks: the busiest minute of each hour, or the busiest windows of any width; busiest first.

Windows slide by the minute, those of whole hours that are wider than one by the hour. Those of one chain that are
answered never overlap: the busiest counts, then the busiest that does not overlap it, and so on. What is missing in the
ledger is not in their counts.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import polars as pl
from sqlalchemy import BigInteger, Select, cast, func, select

from txhub.config import parse_span
from txhub.contract import ChainInfo, Page, Peak, PeakWindow
from txhub.errors import UsageError
from txhub.query.chains import read_chains
from txhub.query.choice import chains_of
from txhub.query.timerange import TimeRange, parse_range
from txhub.store import schema
from txhub.store.read import Reader

MOST_STARTS = 2_000_000
"""Windows of all chains together that one answer may choose from."""
_MINUTE, _HOUR = timedelta(minutes=1), timedelta(hours=1)
_UNITS = {"d": timedelta(days=1), "h": _HOUR, "m": _MINUTE}


@dataclass(frozen=True, slots=True)
class Window:
    """How wide windows are, and how they slide."""

    width: timedelta

    @property
    def name(self) -> str:
        """The width in its largest unit: `15m`, `6h`, `1d`."""
        return next(f"{self.width // unit}{name}" for name, unit in _UNITS.items() if not self.width % unit)

    @property
    def step(self) -> timedelta:
        """The width of the buckets that windows are made of."""
        return _MINUTE if self.width == _HOUR or self.width % _HOUR else _HOUR

    @property
    def buckets(self) -> int:
        """How many buckets a window has."""
        return self.width // self.step


async def read_peaks(
    reader: Reader,
    *,
    chain: Iterable[str] = (),
    start: str = "-24h",
    end: str | None = None,
    limit: int = 50,
    now: datetime,
) -> pl.DataFrame:
    """The peaks of the hours that the range touches: columns chain, hour, minute, tx_count.

    Of equal ones the newest comes first.

    Raises:
        UsageError: a parameter cannot be understood.
    """
    asked = parse_range(start, end, now).widened(_HOUR)
    chains = chains_of(await read_chains(reader, counted=False), chain)
    p = schema.peaks_1h.c
    return await reader.frame(
        select(p.chain, p.bucket.label("hour"), p.minute, p.tx_count)
        .where(
            p.chain_id.in_([each.chain_id for each in chains]),
            p.bucket >= asked.start,
            p.bucket < asked.end,
        )
        .order_by(p.tx_count.desc(), p.minute.desc(), p.chain)
        .limit(limit)
    )


async def read_windows(
    reader: Reader,
    window: Window,
    *,
    chain: Iterable[str] = (),
    start: str = "-24h",
    end: str | None = None,
    limit: int = 50,
    now: datetime,
) -> pl.DataFrame:
    """The busiest windows within the minutes or hours that the range touches.

    Columns chain, start, window, tx_count, rate (transactions a minute). Of equal ones the newest comes first.

    Raises:
        UsageError: a parameter cannot be understood, no window fits into the range, or there are too many.
    """
    asked = parse_range(start, end, now).widened(window.step)
    chains = chains_of(await read_chains(reader, counted=False), chain)
    _require_choice(window, asked, len(chains))
    counted = await reader.frame(_counted(window, asked, chains))
    return await asyncio.to_thread(_busiest, counted, window, asked, chains, limit)


def parse_window(text: str) -> Window:
    """The window that a text such as `15m`, `6h` or `1d` names.

    Raises:
        UsageError: it names none, or one that is not whole minutes.
    """
    try:
        width = parse_span(text)
    except (ValueError, OverflowError):
        width = timedelta(0)
    if width < _MINUTE or width % _MINUTE:
        raise UsageError(
            f"window is {text[:40]!r}, which no window is wide", hint="send whole minutes, such as 15m, 6h or 1d"
        )
    return Window(width)


def as_page(frame: pl.DataFrame) -> Page[Peak]:
    """Peaks in the contract's shape."""
    return Page([Peak(*row) for row in frame.iter_rows()])


def as_window_page(frame: pl.DataFrame) -> Page[PeakWindow]:
    """Windows in the contract's shape."""
    return Page([PeakWindow(*row) for row in frame.iter_rows()])


def _require_choice(window: Window, asked: TimeRange, chains: int) -> None:
    starts = (asked.end - asked.start - window.width) // window.step + 1
    if starts < 1:
        raise UsageError(
            f"window is {window.name!r}, wider than the range: {asked.start.isoformat()} to {asked.end.isoformat()}",
            hint="send an earlier start, or a narrower window",
        )
    if starts * chains > MOST_STARTS:
        raise UsageError(
            f"window is {window.name!r}: that makes {starts * chains} windows between start and end, and an answer"
            f" chooses from {MOST_STARTS}",
            hint="send a shorter range, fewer chains, or a window of several whole hours",
        )


def _counted(window: Window, asked: TimeRange, chains: Sequence[ChainInfo]) -> Select[Any]:
    """Transactions of each bucket that has any, in the narrowest rollup that windows of this width need."""
    r = (schema.chain_1m if window.step == _MINUTE else schema.tx_1h).c
    return (
        select(r.chain, r.bucket, cast(func.sum(r.tx_count), BigInteger).label("tx_count"))
        .where(r.chain_id.in_([each.chain_id for each in chains]), r.bucket >= asked.start, r.bucket < asked.end)
        .group_by(r.chain, r.bucket)
    )


def _busiest(
    counted: pl.DataFrame, window: Window, asked: TimeRange, chains: Sequence[ChainInfo], limit: int
) -> pl.DataFrame:
    buckets = window.buckets
    every = pl.DataFrame({"chain": [each.name for each in chains]}, schema={"chain": pl.String}).join(
        pl.datetime_range(*asked, window.step, closed="left", time_unit="us", eager=True).alias("start").to_frame(),
        how="cross",
    )
    ranked = (
        every.join(counted, left_on=["chain", "start"], right_on=["chain", "bucket"], how="left", maintain_order="left")
        .with_columns(
            pl.col("tx_count").fill_null(0).rolling_sum(buckets).shift(1 - buckets).over("chain"),
            pl.int_range(pl.len()).over("chain").alias("place"),
        )
        .filter(pl.col("tx_count") > 0)
        .sort("tx_count", "start", "chain", descending=[True, True, False])
        # Each window that is chosen rules out those that begin less than its width before or after.
        .head((limit - 1) * (2 * buckets - 1) + 1)
    )
    chosen = _apart(ranked, buckets, (asked.end - asked.start) // window.step, limit)
    minutes = window.width / _MINUTE
    return chosen.select(
        "chain",
        "start",
        pl.lit(window.name).alias("window"),
        "tx_count",
        # Not by an expression: by a single number Polars multiplies with its reciprocal, which rounds twice.
        pl.Series("rate", [count / minutes for count in chosen["tx_count"]], dtype=pl.Float64),
    )


def _apart(ranked: pl.DataFrame, buckets: int, places: int, limit: int) -> pl.DataFrame:
    """The first rows, up to `limit`, that overlap none above them of their chain."""
    taken: defaultdict[str, bytearray] = defaultdict(lambda: bytearray(places))
    rows: list[int] = []
    for row, (chain, place) in enumerate(ranked.select("chain", "place").iter_rows()):
        if len(rows) == limit:
            break
        if not taken[chain][place]:
            first, after = max(place - buckets + 1, 0), min(place + buckets, places)
            taken[chain][first:after] = b"\x01" * (after - first)
            rows.append(row)
    return ranked[rows]
