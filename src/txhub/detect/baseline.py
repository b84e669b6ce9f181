"""What traffic a chain usually has at each time of the day and week, and by how much it usually strays from that.

All of it is learned from the minutes before, by medians, so that single outliers, spikes of the past among them, do
not move it. Expected traffic is a level times a shape:

- the *shape* of a day: for each slot of ten minutes (an hour on slow chains) the median of its logarithm relative to
  the week's over the 28 days before, shrunk by n / (n + ½) where it was seen n times; and for each hour of the week how
  the same hours of the weeks before differed from that, shrunk likewise. One day of history makes two thirds of a
  shape, four make nine tenths; a peak that comes every day is expected after a few.
- the *level*: the median over the last 24 hours of traffic relative to the shape, so that lasting growth is followed
  within a day, and spikes of some hours are not.

The *spread* is how far windows of so many minutes strayed from what was expected of them in the seven days before,
upward and downward by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from txhub.detect.minutes import DAY, MINUTES_A_DAY, Minutes, Numbers

Table: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]

SHAPE_DAYS = 28
SPREAD_DAYS = 7
HISTORY = (SHAPE_DAYS + SPREAD_DAYS + 1) * DAY
"""So much before a day is looked at to learn what is usual on it."""
UNKNOWN_SPREAD = 0.25
"""Taken until six hours of a chain were seen."""
_LEAST_SEEN_S = 6 * 3600
_LEAST_SLOTS = 3
_NORMAL = 1.4826
"""A normal distribution's standard deviation, divided by its median absolute deviation."""
_DOUBT = 0.5
"""So many days, or weeks, without any shape are counted beside those that were seen."""
_FLAT_DAYS = 3
"""Before so many days a single outlier can make a shape. So less than the level, too, has to be a drop."""
_AROUND = 1
"""A peak may come this many slots earlier or later than it used to."""


@dataclass(frozen=True, slots=True)
class Habits:
    """What the days before a day tell of it.

    Args:
        day: its midnight.
        shapes: the shape of the day before and its own, where there is a day before, a column for each slot.
        seen_days: how many days before it there are.
        upward: by width of windows (minutes), the spread upward, of logarithms.
        downward: the spread downward.
    """

    day: datetime
    shapes: Table
    seen_days: int
    upward: Mapping[int, float]
    downward: Mapping[int, float]


@dataclass(frozen=True, slots=True)
class Expected:
    """What is expected of consecutive minutes, logarithms of transactions a minute; nan: too little is known.

    Args:
        start: the first minute.
        line: what is expected.
        low: the least that is expected in a slot before or after.
        high: the most.
    """

    start: datetime
    line: Numbers
    low: Numbers
    high: Numbers


def habits(known: Minutes, day: datetime, widths: Iterable[int]) -> Habits:
    """What is known of a day before it begins.

    Args:
        known: minutes from the midnight `HISTORY` before the day (or from the chain's first) on; what is after the
            day's beginning does not matter.
        day: its midnight.
        widths: of the windows whose spread is wanted, minutes.
    """
    rates = _slot_rates(known.between(known.start, day))
    today = len(rates)
    first = max(today - SPREAD_DAYS - 1, 0)
    shapes = np.stack([_shape(rates[:number]) for number in range(first, today + 1)])
    before = known.between(known.start + first * DAY, day)
    line = _by_minute(shapes[:-1] + _levels(rates[first:] - shapes[:-1]))
    strays = {width: windowed(before, line, width).stray for width in widths}
    return Habits(
        day,
        shapes[-2:],
        today,
        {width: _spread(found, known) for width, found in strays.items()},
        {width: _spread(-found, known) for width, found in strays.items()},
    )


def expect(habits: Habits, known: Minutes) -> Expected:
    """What is expected of the day and, for windows that begin there, of the day before.

    The level at each slot comes from the slots before it.

    Args:
        habits: of the day.
        known: minutes that hold the day before, and the day as far as it is known.
    """
    start = habits.day - (len(habits.shapes) - 1) * DAY
    rates = _slot_rates(known.between(start, min(known.end, habits.day + DAY)))
    levels = _levels(rates - habits.shapes)
    around = np.pad(habits.shapes, ((0, 0), (_AROUND, _AROUND)), mode="wrap")
    nearby = np.lib.stride_tricks.sliding_window_view(around, 2 * _AROUND + 1, axis=1)
    low = nearby.min(axis=2)
    return Expected(
        start,
        _by_minute(habits.shapes + levels),
        _by_minute((np.minimum(low, 0) if habits.seen_days < _FLAT_DAYS else low) + levels),
        _by_minute(nearby.max(axis=2) + levels),
    )


class Windowed(NamedTuple):
    """The windows that end with each minute: what was seen in them, and what was expected.

    Args:
        seen: transactions.
        awaited: transactions.
        minutes: for how much time the window speaks.
        stray: the logarithm of the quotient of both, one transaction added to each, so that a few more than none are
            no sensation; nan where not all of the window speaks (on slow chains: less than half, or not its end).
    """

    seen: Numbers
    awaited: Numbers
    minutes: Numbers
    stray: Numbers


def windowed(minutes: Minutes, line: Numbers, width: int) -> Windowed:
    """Windows of so many minutes, beside what is expected of each minute (logarithms of transactions a minute)."""
    speaks = (minutes.seconds > 0) & ~np.isnan(line)
    weight = np.where(speaks, minutes.seconds, 0.0) / 60
    awaited = _window_sums(np.exp(np.where(speaks, line, 0.0)) * weight, width)
    seen = _window_sums(np.where(speaks, minutes.count, 0.0), width)
    spoken = _window_sums(weight, width)
    judged = speaks & (spoken >= (width / 2 if minutes.slow else width))
    return Windowed(seen, awaited, spoken, np.where(judged, np.log((seen + 1) / (awaited + 1)), np.nan))


def _window_sums(values: Numbers, width: int) -> Numbers:
    """The sum of each value and the ones before it, `width` in all; fewer at the beginning.

    Not by differences of a running sum, whose rounding would depend on where the minutes begin.
    """
    padded = np.concatenate([np.zeros(width), values])
    sums: Numbers = np.lib.stride_tricks.sliding_window_view(padded, width)[1:].sum(axis=1)
    return sums


def _slot_rates(minutes: Minutes) -> Table:
    """Logarithms of transactions a minute, a row for each day and a column for each of its slots.

    nan where less than half of a slot speaks, as in the rest of a day that is not over.
    """
    slot = minutes.slot
    rest = -len(minutes.count) % MINUTES_A_DAY
    count, seconds = (
        np.pad(each, (0, rest)).reshape(-1, MINUTES_A_DAY // slot, slot).sum(axis=2)
        for each in (minutes.count, minutes.seconds)
    )
    spoken = seconds >= slot * 30
    return np.where(spoken, np.log((count + 1) / np.where(spoken, seconds, 1.0) * 60), np.nan)


def _shape(rates: Table) -> Numbers:
    """The shape of a day, from the rates of the days before it."""
    rates = rates[-SHAPE_DAYS:]
    days, slots = rates.shape
    if not days:
        return np.zeros(slots)
    weeks = [_median(rates[max(day - 6, 0) : day + 1].ravel()) for day in range(days)]
    relative = rates - np.array(weeks)[:, np.newaxis]
    daily = _shrunk_median(relative)
    hours = (relative - daily).reshape(days, 24, -1)
    same_weekday = _median(np.moveaxis(hours, 2, 0))[::-1][6::7]
    shape: Numbers = daily + np.repeat(_shrunk_median(same_weekday), slots // 24)
    return shape


def _levels(ratios: Table) -> Table:
    """For each slot the median of the ratios (a row for each day) of the slots before it, a day of them at most."""
    slots = ratios.shape[1]
    padded = np.concatenate([np.full(slots, np.nan), ratios.ravel()])
    before = np.lib.stride_tricks.sliding_window_view(padded, slots)[:-1].T
    enough = (~np.isnan(before)).sum(axis=0) >= _LEAST_SLOTS
    return np.where(enough, _median(before), np.nan).reshape(ratios.shape)


def _shrunk_median(values: Table) -> Numbers:
    """The median of each column, drawn towards 0 the more, the fewer values it has."""
    seen = (~np.isnan(values)).sum(axis=0)
    shrunk: Numbers = np.nan_to_num(_median(values)) * seen / (seen + _DOUBT)
    return shrunk


def _median(values: Table) -> Table:
    """The median along the first axis of what is known; nan where nothing is."""
    known = (~np.isnan(values)).sum(axis=0)
    if not len(values):
        return np.full(known.shape, np.nan)
    rising = np.sort(values, axis=0)  # what is not known comes last
    middle = [
        np.take_along_axis(rising, place[np.newaxis], 0)[0] for place in (np.maximum(known - 1, 0) // 2, known // 2)
    ]
    return np.where(known > 0, (middle[0] + middle[1]) / 2, np.nan)


def _spread(strays: Numbers, minutes: Minutes) -> float:
    """The standard deviation above the median, by the median of what is above it."""
    seen = strays[~np.isnan(strays)]
    if len(seen) * max(minutes.block_time_s if minutes.slow else 60.0, 60.0) < _LEAST_SEEN_S:
        return UNKNOWN_SPREAD
    above = seen - np.median(seen)
    return float(_NORMAL * np.median(above[above > 0])) if (above > 0).any() else 0.0


def _by_minute(slots: Table) -> Numbers:
    return np.repeat(slots.ravel(), MINUTES_A_DAY // slots.shape[-1])
