"""Spikes and drops: when a chain's traffic leaves what is usual, and until when.

A minute is judged once the ledger is complete in it, by windows that end with it: a short one, so that a strong spike
is known within two minutes, and a longer one, which tells a weaker one from chance. A window is out of the usual when
its traffic is a factor away from all that is expected around this time, and further away than chance usually takes it
(`Window.sigmas` times the spread of the days before). Minutes that are out of the usual one after the other are an
episode. Everything follows from what was committed before the minute's end, so looking again finds the same.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import numpy as np

from txhub.contract.alerts import Pattern
from txhub.detect.baseline import Expected, Habits, windowed
from txhub.detect.minutes import DAY, MINUTE, Flags, Minutes, Numbers


class Window(NamedTuple):
    """How many minutes are judged together, and how many spreads from the expected they may be."""

    minutes: int
    sigmas: float


@dataclass(frozen=True, slots=True)
class Swing:
    """What to look for: traffic of `factor` times what is expected (a spike), or less than its `factor`th (a drop)."""

    pattern: Pattern = Pattern.SPIKE
    factor: float = 2.0

    @property
    def sign(self) -> int:
        """1 for spikes, -1 for drops."""
        return -1 if self.pattern is Pattern.DROP else 1

    def windows(self, minutes: Minutes) -> tuple[Window, ...]:
        """What is judged together: shorter windows are judged more often, so chance has to be kept out further.

        Slow chains are judged by the block, fewer times a day. It takes ten minutes, or six blocks, to tell a drop.
        """
        if self.pattern is Pattern.DROP:
            return (Window(max(10, math.ceil(minutes.block_time_s / 10)), 3.0),)
        return (Window(1, 2.2),) if minutes.slow else (Window(1, 4.5), Window(2, 3.5), Window(10, 2.8))


def widths(minutes: Minutes) -> list[int]:
    """The widths of all windows by which a chain is judged."""
    swings = (Swing(Pattern.SPIKE), Swing(Pattern.DROP))
    return sorted({window.minutes for swing in swings for window in swing.windows(minutes)})


@dataclass(frozen=True, slots=True)
class Judged:
    """Consecutive minutes from `start` on, as they were judged.

    Args:
        start: the first minute.
        out: whether a minute is out of the usual.
        seen: where it is, by a window with so many transactions a minute.
        expected: and what was expected of that window.
    """

    start: datetime
    out: Flags
    seen: Numbers
    expected: Numbers


def judge(swing: Swing, known: Minutes, habits: Habits, expected: Expected) -> Judged:
    """Judge the minutes of a day, as far as they are known."""
    minutes = known.between(expected.start, min(known.end, habits.day + DAY))
    size = len(minutes.count)
    edge, spread = (expected.high, habits.upward) if swing.sign > 0 else (expected.low, habits.downward)
    strongest, seen, awaited = (np.zeros(size) for _ in range(3))
    for window in swing.windows(minutes):
        central = windowed(minutes, expected.line[:size], window.minutes)
        stray = swing.sign * windowed(minutes, edge[:size], window.minutes).stray
        bar = np.maximum(math.log(swing.factor), window.sigmas * spread[window.minutes])
        found = stray > np.maximum(np.maximum(bar, _chance(swing, central.awaited, window.sigmas)), strongest)
        strongest[found] = stray[found]
        seen[found] = central.seen[found] / central.minutes[found]
        awaited[found] = central.awaited[found] / central.minutes[found]
    first = (habits.day - expected.start) // MINUTE
    return Judged(habits.day, strongest[first:] > 0, seen[first:], awaited[first:])


def band(minutes: Minutes, habits: Habits, expected: Expected) -> tuple[Numbers, Numbers]:
    """Between which bounds traffic usually stays, logarithms: what the widest windows of spikes and drops allow."""
    down, up = Swing(Pattern.DROP).windows(minutes)[-1], Swing(Pattern.SPIKE).windows(minutes)[-1]
    low = expected.low - down.sigmas * habits.downward[down.minutes]
    return low, expected.high + up.sigmas * habits.upward[up.minutes]


def _chance(swing: Swing, awaited: Numbers, sigmas: float) -> Numbers:
    """How far counts stray by themselves, as logarithms: by the root of what is expected, however steady they were."""
    share = sigmas / np.sqrt(awaited + 1)
    if swing.sign > 0:
        return share
    return np.where(share < 1, -np.log1p(-np.minimum(share, 0.999)), np.inf)
