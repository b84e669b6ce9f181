"""Trailing windows: for each event, what the same subject did in the time up to it."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl

from txhub.detect.condition import Hits

Places = np.ndarray[tuple[int], np.dtype[np.int64]]
_SECOND_BITS = 32


class Trailing:
    """Events of subjects, in order, and where the window of each begins and ends.

    A window holds what happened later than its length ago and not after the event's own second: all that happened in
    the same second is in it, so that it does not matter in which order the blocks of a second are told.

    Args:
        events: with `time` and the subject's columns.
        subject: the names of the columns that tell subjects apart.
    """

    def __init__(self, events: pl.DataFrame, *subject: str) -> None:
        self.events = events.sort(*subject, "time", "number", "index", "n")
        seconds = self.events["time"].dt.epoch("s").to_numpy()
        self._base = int(seconds.min()) if len(seconds) else 0
        changes = [pl.col(column).ne_missing(pl.col(column).shift()) for column in subject]
        who = self.events.select(pl.any_horizontal(changes).cum_sum().cast(pl.Int64)).to_series().to_numpy()
        self._keys: Places = (who << _SECOND_BITS) | (seconds - self._base)
        self.last: Places = np.searchsorted(self._keys, self._keys, side="right") - 1

    def first(self, window: timedelta) -> Places:
        """The place of the first event of each event's window."""
        return np.searchsorted(self._keys, self._keys - int(window.total_seconds()), side="right")

    def total(self, amounts: pl.Series, first: Places) -> pl.Series:
        """The sum of each window's amounts, exact."""
        running = amounts.cum_sum()
        return running.gather(self.last) - running.gather(first) + amounts.gather(first)

    def hits(self, subject: str, wanted: Places, first: Places) -> Hits:
        """The condition as met at the `wanted` events; what shows it are their windows."""
        met = self.events[wanted].select(subject=subject, time="time", evidence=pl.Series(wanted, dtype=pl.Int64))
        return Hits(met, lambda place: self.events[int(first[place]) : int(self.last[place]) + 1])

    def distinct(self, column: str, first: Places, wanted: Places) -> Places:
        """How many different values of a column the windows of the `wanted` events (places, rising) hold."""
        values = self.events[column].rank("dense").to_numpy()
        found = np.zeros(len(wanted), dtype=np.int64)
        held: dict[int, int] = {}
        begin = end = 0
        for n, place in enumerate(wanted.tolist()):
            start, stop = int(first[place]), int(self.last[place]) + 1
            if start >= end:
                held, begin, end = {}, start, start
            for value in values[end:stop].tolist():
                held[value] = held.get(value, 0) + 1
            for value in values[begin:start].tolist():
                held[value] -= 1
                if not held[value]:
                    del held[value]
            begin, end = start, max(end, stop)
            found[n] = len(held)
        return found
