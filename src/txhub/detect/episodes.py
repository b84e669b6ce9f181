"""Episodes: minutes out of the usual one after the other, told as one alert from their start to their end."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple, TypeAlias

import numpy as np

from txhub.detect.minutes import MINUTE, Minutes, OfChain
from txhub.detect.spikes import Judged, Swing
from txhub.store.alerts import Finding

Places: TypeAlias = np.ndarray[tuple[int], np.dtype[np.int64]]
_COLUMNS = ("out", "seen", "expected")


class Moment(NamedTuple):
    """A minute of an episode: what was seen in the window that ends with it, and what was expected."""

    minute: datetime
    seen: float
    expected: float

    @property
    def factor(self) -> float:
        """How many times the expected was seen."""
        return self.seen / self.expected


class Episode(NamedTuple):
    """From when on traffic was out of the usual, and until when; None: it still is, as far as is known."""

    first: Moment
    until: datetime | None
    peak: Moment
    """Where it was furthest from the expected; of an episode that goes on, its first minute."""


def quiet(minutes: Minutes) -> timedelta:
    """How long traffic has to be as usual for an episode to be over."""
    return max(timedelta(minutes=10), 2 * timedelta(seconds=minutes.block_time_s))


def episodes(swing: Swing, days: Sequence[Judged], known_until: datetime, calm: timedelta) -> list[Episode]:
    """The episodes in consecutive days.

    Args:
        swing: what is looked for.
        days: as they were judged.
        known_until: the end of the newest minute that could be judged.
        calm: how long an interruption ends an episode.
    """
    if not days:
        return []
    judged = Judged(days[0].start, *(np.concatenate([getattr(day, name) for day in days]) for name in _COLUMNS))
    places = np.flatnonzero(judged.out)
    breaks = np.flatnonzero(np.diff(places) * MINUTE > calm) + 1
    return [_episode(swing, judged, run, known_until, calm) for run in np.split(places, breaks) if len(run)]


def _episode(swing: Swing, judged: Judged, run: Places, known_until: datetime, calm: timedelta) -> Episode:
    def moment(place: int) -> Moment:
        return Moment(judged.start + place * MINUTE, float(judged.seen[place]), float(judged.expected[place]))

    first, end = moment(int(run[0])), judged.start + (int(run[-1]) + 1) * MINUTE
    if known_until - end < calm:
        return Episode(first, None, first)
    strays = swing.sign * np.log((judged.seen[run] + 1e-9) / judged.expected[run])
    return Episode(first, end, moment(int(run[np.argmax(strays)])))


def finding(chain: OfChain, swing: Swing, episode: Episode) -> Finding:
    """An episode as an alert: it says what was seen as it began and, once it is over, until when and at the most."""
    first, until, peak = episode
    if until is None:
        title = (
            f"{chain.name} has {_times(first.factor)} its usual traffic: "
            f"{_rate(first.seen)} transactions a minute, {_rate(first.expected)} are expected"
        )
    else:
        title = (
            f"{chain.name} had {_times(peak.factor)} its usual traffic, for {_length(until - first.minute)}: "
            f"{_rate(peak.seen)} transactions a minute, {_rate(peak.expected)} were expected"
        )
    return Finding(
        chain.name,
        first.minute,
        title,
        {
            "metric": "tx_rate",
            "unit": "transactions/minute",
            "seen": round(first.seen, 2),
            "expected": round(first.expected, 2),
            "factor": round(first.factor, 3),
            "until": None if until is None else until.isoformat(),
            "peak": None
            if until is None
            else {
                "minute": peak.minute.isoformat(),
                "seen": round(peak.seen, 2),
                "expected": round(peak.expected, 2),
                "factor": round(peak.factor, 3),
            },
        },
    )


def _times(factor: float) -> str:
    return f"{factor:.1f} times" if factor >= 1 else f"{factor:.0%} of"


def _rate(rate: float) -> str:
    return f"{rate:,.0f}" if rate >= 10 else f"{rate:.1f}"


def _length(span: timedelta) -> str:
    hours, minutes = divmod(span // MINUTE, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
