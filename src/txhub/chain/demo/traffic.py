"""How many transactions a block holds: the chain's mean, and how busy it is at the moment."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

from txhub.chain.demo.chance import Chance
from txhub.chain.demo.schedule import Schedule
from txhub.chain.demo.shape import Quantiles, urn
from txhub.chain.demo.truth import Truth

_MAX_FILL = 12
"""No block holds more than this many times the mean, however busy the moment: blockspace is limited."""
_SWING_S = 600
"""Seconds between two independent levels of activity; in between it moves on a straight line."""
_SWING = 0.28
"""Size of the swings (of the logarithm). With the scatter of single blocks it gives that of minutes: measured was a
standard deviation of 306 transactions a minute, of 807.8."""
_DAY_SWING = 0.18
_BUSIEST_HOUR = 15
"""UTC, when Europe and America are both awake. No hours were measured: this is the one figure here that is assumed."""


class Traffic:
    """A chain's transactions over time: days of the week, hours, swings of some minutes, planted spikes.

    `mean` is the transactions of a block at average activity, without anything planted.
    """

    def __init__(
        self,
        mean: float,
        fill: Quantiles,
        weekdays: Sequence[float],
        chance: Chance,
        schedule: Schedule,
        truth: Truth,
    ) -> None:
        slots = urn(fill)
        scale = mean / (sum(slots) / len(slots))
        self._fill = [slot * scale for slot in slots]
        self._most = int(mean * _MAX_FILL)
        self._weekdays = weekdays
        self._chance = chance
        self._schedule = schedule
        self._truth = truth
        self._knot = lru_cache(maxsize=4096)(self._draw_knot)

    def activity(self, time: float) -> float:
        """Return how busy the chain is at a Unix time: 1.0 on average, a planted spike included."""
        day, second = divmod(time, 86_400)
        weekday = self._weekdays[int(day + 3) % 7]  # 1970 began on a Thursday
        hour = 1 + _DAY_SWING * math.cos((second / 3600 - _BUSIEST_HOUR) * math.pi / 12)
        knot, past = divmod(time, _SWING_S)
        before, after = self._knot(int(knot)), self._knot(int(knot) + 1)
        swing = math.exp(before + (after - before) * past / _SWING_S)
        return weekday * hour * swing * self._truth.traffic(time)

    def count(self, number: int) -> int:
        """Return how many transactions a block holds, without planted transfers."""
        chance = self._chance.integer("fill", number)
        mean = self._fill[chance % len(self._fill)] * self.activity(self._schedule.time(number))
        rounding = (chance >> 32) / (1 << 32)
        return min(int(mean + rounding), self._most)

    def _draw_knot(self, knot: int) -> float:
        # The sum of three uniform draws is close to a bell curve, of variance 1/4.
        draws = sum(self._chance.fraction("swing", 3 * knot + draw) for draw in range(3)) - 1.5
        return 2 * _SWING * draws - _SWING**2 / 3  # the last term keeps the mean of the exponential near 1
