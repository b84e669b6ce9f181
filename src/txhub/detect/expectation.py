"""What is expected of chains over a range of time, for people and charts to compare with."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime

import numpy as np
import polars as pl

from txhub.contract import ExpectedLine, ExpectedSeries
from txhub.detect.baseline import Expected, Habits
from txhub.detect.minutes import DAY, MINUTE, OfChain
from txhub.detect.spikes import band
from txhub.detect.traffic import Traffic
from txhub.store.read import Reader

LONGEST = 31 * DAY
"""The longest range that is answered."""
_KEPT = 32
_FRAME: dict[str, pl.DataType] = {
    "time": pl.Datetime("us", "UTC"),
    "chain": pl.String(),
    "expected": pl.Float64(),
    "low": pl.Float64(),
    "high": pl.Float64(),
}


class Expectations:
    """Answers what is expected, and keeps the traffic of chains that were asked for, so that it is read once."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._kept: dict[int, Traffic] = {}
        self._turn = asyncio.Lock()

    async def read(self, chains: Sequence[OfChain], start: datetime, end: datetime) -> pl.DataFrame:
        """What is expected: `time` (the start of a slot), `chain`, `expected`, `low`, `high` (transactions a minute).

        Between `low` and `high` is where ten minutes of traffic (slow chains: a block) usually stay. Slots that are
        still to come are told for the rest of the day.

        Raises:
            DatabaseUnavailable, DatabaseRefused, SchemaMismatch, TooLong: see `Reader.frame`.
        """
        frames = [await self._of_chain(chain, start, end) for chain in chains]
        return pl.concat([pl.DataFrame(schema=_FRAME), *frames])

    async def _of_chain(self, chain: OfChain, start: datetime, end: datetime) -> pl.DataFrame:
        async with self._turn:
            traffic = await self._traffic(chain, start)
            return await asyncio.to_thread(_frame, traffic, start, end)

    async def _traffic(self, chain: OfChain, start: datetime) -> Traffic:
        kept = self._kept.pop(chain.chain_id, None)
        if kept is not None and kept.covers(start):
            await kept.update(self._reader, kept.minutes.end)
        else:
            kept = await Traffic.read(self._reader, chain, start)
        self._kept[chain.chain_id] = kept
        if len(self._kept) > _KEPT:
            del self._kept[next(iter(self._kept))]
        return kept


def as_contract(frame: pl.DataFrame) -> ExpectedSeries:
    """The answer in the contract's shape."""
    lines = [
        ExpectedLine(str(chain), list(points.select("time", "expected", "low", "high").iter_rows()))
        for (chain,), points in frame.group_by("chain", maintain_order=True)
    ]
    return ExpectedSeries("tx_rate", "transactions/minute", lines)


def _frame(traffic: Traffic, start: datetime, end: datetime) -> pl.DataFrame:
    days = [_of_day(traffic, habits, expected) for habits, expected in traffic.expected(start, end)]
    slots = pl.concat([pl.DataFrame(schema=_FRAME), *days])
    width = traffic.minutes.slot * MINUTE
    return slots.filter(pl.col("time") > start - width, pl.col("time") < end)


def _of_day(traffic: Traffic, habits: Habits, expected: Expected) -> pl.DataFrame:
    slot = traffic.minutes.slot
    first = (habits.day - expected.start) // MINUTE
    times = pl.datetime_range(
        habits.day, habits.day + DAY, slot * MINUTE, closed="left", time_unit="us", eager=True
    ).alias("time")
    line, low, high = (np.exp(each[first::slot]) for each in (expected.line, *band(traffic.minutes, habits, expected)))
    return pl.DataFrame(
        {
            "time": times,
            "chain": [traffic.chain.name] * len(times),
            "expected": pl.Series(line).fill_nan(None),
            "low": pl.Series(low).fill_nan(None),
            "high": pl.Series(high).fill_nan(None),
        },
        schema=_FRAME,
    )
