"""When blocks happen: number and time turn into one another by arithmetic, without walking the chain."""

from __future__ import annotations

import math

from txhub.chain.demo.chance import Chance

GENESIS = 1_735_689_600
"""Unix time of every demo chain's block 0: 2025-01-01T00:00:00Z."""


class Schedule:
    """Blocks every `interval` seconds; with `jitter`, each off its beat by up to that many seconds.

    A jitter below half of the interval keeps times strictly rising, so that number and time stay invertible.
    """

    def __init__(self, chance: Chance, interval: int, jitter: int = 0) -> None:
        if not 0 <= 2 * jitter < interval:
            raise ValueError("a jitter has to be less than half of the interval")
        self.interval = interval
        self._jitter = jitter
        self._chance = chance

    def time(self, number: int) -> int:
        """Return the Unix time of a block, in whole seconds."""
        beat = GENESIS + number * self.interval
        if not self._jitter or number == 0:
            return beat
        return beat + self._chance.integer("jitter", number) % (2 * self._jitter + 1) - self._jitter

    def head(self, now: float) -> int:
        """Return the number of the newest block at a moment, or -1 before the first."""
        number = max(-1, int((now - GENESIS) // self.interval) + 1)
        while number >= 0 and self.time(number) > now:
            number -= 1
        return number

    def number_at(self, time: float) -> int:
        """Return the number of the first block at or after a moment."""
        return self.head(math.ceil(time) - 1) + 1
