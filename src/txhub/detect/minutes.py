"""A chain's traffic by the minute, as far as the ledger is complete.

Counts come from the ledger: it knows at the commit of a block how many transactions the block holds, when rollups may
still be behind. A minute speaks if no block is missing in it or on its edges, and the block after it is committed too;
so the newest minute speaks as soon as it is over on the chain, and what ingest has not brought yet says nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol, TypeAlias

import numpy as np
import polars as pl

from txhub.store.read import Reader
from txhub.store.sqlfiles import queries

Numbers: TypeAlias = np.ndarray[tuple[int], np.dtype[np.float64]]
Flags: TypeAlias = np.ndarray[tuple[int], np.dtype[np.bool_]]

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
MINUTES_A_DAY = 1440
SLOW_S = 60.0
"""Chains with a longer block time are slow: most of their minutes hold no block."""
_SQL = queries("minutes")


class OfChain(Protocol):
    """What has to be known of a chain."""

    @property
    def chain_id(self) -> int:
        """Its number."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def block_time_s(self) -> float:
        """Seconds between its blocks."""


@dataclass(frozen=True, slots=True)
class Minutes:
    """Consecutive minutes of a chain from `start` on: what happened in each, and for how much time it speaks.

    Args:
        start: a whole minute, UTC.
        count: transactions of each minute.
        seconds: the time that its blocks stand for; 0 where the minute says nothing. On most chains that is 60 for a
            minute with blocks. On slow chains it is the block time of each block, because how many blocks happen to
            fall into an hour of Bitcoin is chance. A minute without blocks says nothing: a chain that stands still is
            one without blocks, not one without demand.
        block_time_s: seconds between the chain's blocks.
    """

    start: datetime
    count: Numbers
    seconds: Numbers
    block_time_s: float

    @property
    def slow(self) -> bool:
        """Whether the chain is a slow one, whose blocks speak for themselves."""
        return self.block_time_s > SLOW_S

    @property
    def slot(self) -> int:
        """The minutes of a slot, for which one figure is expected."""
        return 60 if self.slow else 10

    @property
    def end(self) -> datetime:
        """The end of the last minute."""
        return self.start + len(self.count) * MINUTE

    def place(self, moment: datetime) -> int:
        """Which minute a moment lies in, counted from the first."""
        return (moment - self.start) // MINUTE

    def between(self, start: datetime, end: datetime) -> Minutes:
        """The minutes of [start, end), which has to lie within."""
        first, after = self.place(start), self.place(end)
        return replace(self, start=start, count=self.count[first:after], seconds=self.seconds[first:after])

    def then(self, rest: Minutes) -> Minutes:
        """These minutes up to where others begin, and from there on those."""
        first = self.place(rest.start)
        silent = np.zeros(max(first - len(self.count), 0))
        return replace(
            self,
            count=np.concatenate([self.count[:first], silent, rest.count]),
            seconds=np.concatenate([self.seconds[:first], silent, rest.seconds]),
        )

    def spoken(self) -> Minutes:
        """The same up to the last minute that speaks."""
        places = np.flatnonzero(self.seconds)
        return self.between(self.start, self.start + (int(places[-1]) + 1 if len(places) else 0) * MINUTE)


def minutes_of(chain: OfChain, ledger: pl.DataFrame, start: datetime, end: datetime) -> Minutes:
    """The minutes of [start, end), made of the ledger by minute.

    Args:
        chain: whose it is.
        ledger: `minute`, `blocks`, `first`, `last` (their numbers) and `transactions` of every minute with blocks, in
            order; `reach` over both edges, so that minutes there are known to be complete.
        start: a whole minute.
        end: a whole minute.
    """
    minute, first, last, blocks = (ledger[name].to_numpy() for name in ("minute", "first", "last", "blocks"))
    linked = (last[:-1] + 1 == first[1:]) & (np.diff(minute) <= np.timedelta64(reach(chain)))
    complete = (last - first + 1 == blocks) & np.append(False, linked) & np.append(linked, False)
    spoken = ledger.filter(pl.Series(complete), pl.col("minute").is_between(start, end, closed="left"))
    count, seconds = (np.zeros((end - start) // MINUTE) for _ in range(2))
    places = (spoken["minute"] - start).dt.total_minutes().to_numpy()
    count[places] = spoken["transactions"].to_numpy()
    seconds[places] = spoken["blocks"].to_numpy() * chain.block_time_s if chain.block_time_s > SLOW_S else 60.0
    return Minutes(start, count, seconds, chain.block_time_s)


def reach(chain: OfChain) -> timedelta:
    """How far apart consecutive blocks may be for the minutes that they lie in to speak: else the chain stood still."""
    return max(timedelta(minutes=10), 12 * timedelta(seconds=chain.block_time_s))


async def read_minutes(reader: Reader, chain: OfChain, start: datetime) -> Minutes:
    """The minutes from `start`, or from the midnight before the oldest block after it, to the newest that speaks.

    Raises:
        DatabaseUnavailable, DatabaseRefused, SchemaMismatch, TooLong: see `Reader.frame`.
    """
    ledger = await reader.frame(_SQL["minutes"], chain.chain_id, start - reach(chain))
    if ledger.is_empty():
        return Minutes(start, np.zeros(0), np.zeros(0), chain.block_time_s)
    ledger = ledger.with_columns(pl.col("transactions").cast(pl.Float64))
    since = max(start, midnight(ledger["minute"][0]))
    return minutes_of(chain, ledger, since, max(ledger["minute"][-1], since)).spoken()


def midnight(moment: datetime) -> datetime:
    """When the moment's day began, UTC."""
    return moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
