"""A chain's recent traffic, kept in memory, and the spikes and drops in any span of it.

Looking at a span looks two days around it, longer than an episode lasts (by then the level has followed), so that what
is found does not depend on how time was cut into spans.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple, Self

from txhub.detect.baseline import HISTORY, Expected, Habits, expect, habits
from txhub.detect.episodes import episodes, finding, quiet
from txhub.detect.minutes import DAY, Minutes, OfChain, midnight, reach, read_minutes
from txhub.detect.spikes import Judged, Swing, judge, widths
from txhub.store.alerts import Finding
from txhub.store.read import Reader

_AROUND = 2 * DAY
LOOKBACK = HISTORY + _AROUND
"""So much before the midnight of a look's start has to be known, or all that there is of the chain."""


class Look(NamedTuple):
    """All findings that started within [start, end), which reaches back to what was going on at its beginning."""

    start: datetime
    end: datetime
    findings: list[Finding]


class Traffic:
    """The traffic of a chain.

    Args:
        chain: whose it is.
        minutes: from a midnight on.
        since: from when on those are all that there are; None: from their start.
    """

    def __init__(self, chain: OfChain, minutes: Minutes, since: datetime | None = None) -> None:
        self.chain = chain
        self.minutes = minutes
        self._since = since or minutes.start
        self._habits: dict[datetime, Habits] = {}

    @classmethod
    async def read(cls, reader: Reader, chain: OfChain, start: datetime) -> Self:
        """All that is needed to look at whatever is from a moment on.

        Raises:
            DatabaseUnavailable, DatabaseRefused, SchemaMismatch, TooLong: see `Reader.frame`.
        """
        since = midnight(start) - LOOKBACK
        return cls(chain, await read_minutes(reader, chain, since), since)

    async def update(self, reader: Reader, since: datetime) -> None:
        """Take in what became of blocks with times from a moment on.

        Raises:
            DatabaseUnavailable, DatabaseRefused, SchemaMismatch, TooLong: see `Reader.frame`; nothing was taken in.
        """
        start = max(since.replace(second=0, microsecond=0) - reach(self.chain), self.minutes.start)
        self.take(await read_minutes(reader, self.chain, start))

    def take(self, rest: Minutes) -> None:
        """Let minutes be those from their start on."""
        self.minutes = self.minutes.then(rest)
        self._habits = {day: known for day, known in self._habits.items() if day <= rest.start}

    def look(self, swing: Swing, start: datetime, end: datetime) -> Look:
        """The spikes or drops that began in [start, end), and those that went on or ended there.

        `LOOKBACK` before the start has to be known.
        """
        calm = quiet(self.minutes)
        judged = self._judged(swing, midnight(start) - _AROUND, end + _AROUND)
        touching = [
            each
            for each in episodes(swing, judged, self.minutes.end, calm)
            if each.first.minute < end and (each.until is None or each.until + calm > start)
        ]
        begun = min([start, *(each.first.minute for each in touching)])
        return Look(begun, end, [finding(self.chain, swing, each) for each in touching])

    def covers(self, start: datetime) -> bool:
        """Whether enough is known to look from a moment on."""
        return midnight(start) - LOOKBACK >= self._since and start <= self.minutes.end

    def expected(self, start: datetime, end: datetime) -> list[tuple[Habits, Expected]]:
        """What is usual on each day that [start, end) touches, and what is expected of it and of the day before."""
        days = map(self._habits_of, self._days(start, end))
        return [(habits, expect(habits, self.minutes)) for habits in days]

    def _judged(self, swing: Swing, start: datetime, end: datetime) -> list[Judged]:
        return [
            judge(swing, self.minutes, known, expect(known, self.minutes))
            for known in map(self._habits_of, self._days(start, end))
        ]

    def _days(self, start: datetime, end: datetime) -> list[datetime]:
        first = max(midnight(start), self.minutes.start)
        after = min(end, self.minutes.end)
        return [first + number * DAY for number in range(-((first - after) // DAY))]

    def _habits_of(self, day: datetime) -> Habits:
        if day not in self._habits:
            since = max(day - HISTORY, self.minutes.start)
            self._habits[day] = habits(self.minutes.between(since, self.minutes.end), day, widths(self.minutes))
        return self._habits[day]
