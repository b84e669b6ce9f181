"""Spikes and drops are told from what is usual: soon, once, and never because ingest or the chain stands still."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.blocks import BITCOIN, ETHEREUM
from tests.traffic import DROPS, MONDAY, SPIKES, found, made_minutes, scaled, silenced, told_after
from txhub.detect.minutes import MINUTE, Minutes, minutes_of
from txhub.detect.spikes import Swing
from txhub.detect.traffic import Traffic
from txhub.store.alerts import Finding

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NOON = timedelta(hours=12)


def test_a_peak_every_twelve_hours_is_no_spike_once_it_has_come_a_few_times() -> None:
    peaks = [MONDAY + number * NOON + HOUR for number in range(8)]
    minutes = scaled(made_minutes(4), peaks, timedelta(minutes=20), 3)
    alarmed = found(minutes, SPIKES)
    assert alarmed[0] - peaks[0] <= MINUTE
    assert all(any(peak <= at < peak + HOUR for peak in peaks[:4]) for at in alarmed)


def test_peaks_that_come_some_minutes_earlier_or_later_are_still_expected() -> None:
    late = np.random.default_rng(3).integers(-8, 9, 20)
    peaks = [MONDAY + number * NOON + HOUR + int(each) * MINUTE for number, each in enumerate(late)]
    minutes = scaled(made_minutes(10), peaks, timedelta(minutes=20), 3)
    assert found(minutes, SPIKES, MONDAY + 4 * DAY) == []


def test_a_peak_of_one_hour_of_the_week_is_expected_after_some_weeks() -> None:
    peaks = [MONDAY + week * 7 * DAY + 9 * HOUR for week in range(6)]
    minutes = scaled(made_minutes(36), peaks, HOUR, 2.6)
    assert found(minutes, SPIKES, MONDAY + 21 * DAY) == []
    assert found(minutes, SPIKES)[0] == peaks[0]


@pytest.mark.parametrize("days", [0.1, 0.6, 1, 2, 4, 9])
@pytest.mark.parametrize("at", [timedelta(0), timedelta(hours=3, minutes=7), timedelta(hours=15, minutes=30)])
def test_three_times_the_expected_rate_alarms_within_two_minutes(days: float, at: timedelta) -> None:
    start = MONDAY + timedelta(days=days) + at
    minutes = made_minutes((start + HOUR - MONDAY) / DAY, seed=int(10 * days))
    assert found(minutes, SPIKES) == []
    assert told_after(scaled(minutes, [start], timedelta(minutes=15), 3), SPIKES, start) <= 2 * MINUTE


def test_three_times_on_top_of_a_peak_that_is_expected_alarms_too() -> None:
    peaks = [MONDAY + number * NOON + HOUR for number in range(9)]
    minutes = scaled(made_minutes(4.2), peaks, timedelta(minutes=30), 3)
    minutes = scaled(minutes, [peaks[8] + 5 * MINUTE], timedelta(minutes=10), 3)
    assert told_after(minutes, SPIKES, peaks[8]) <= 8 * MINUTE


def test_an_episode_is_one_alert_that_says_what_was_seen_and_until_when() -> None:
    start = MONDAY + 3 * DAY + 5 * HOUR
    minutes = scaled(made_minutes(4), [start], timedelta(minutes=30), 3.5)
    minutes = scaled(minutes, [start + 10 * MINUTE], timedelta(minutes=6), 0.3)  # a pause that ends nothing
    going_on = Traffic(ETHEREUM, minutes.between(MONDAY, start + 5 * MINUTE))
    (early,) = going_on.look(SPIKES, start, start + 5 * MINUTE).findings
    (late,) = Traffic(ETHEREUM, minutes).look(SPIKES, start + HOUR - MINUTE, start + HOUR).findings or [None]
    assert late is None
    (late,) = Traffic(ETHEREUM, minutes).look(SPIKES, start + 20 * MINUTE, start + HOUR).findings
    assert (early.subject, early.started_at) == (late.subject, late.started_at) == ("ethereum", start)
    assert early.details["until"] is None
    assert early.details["factor"] == pytest.approx(3.5, rel=0.4)
    assert early.details["seen"] == pytest.approx(early.details["factor"] * early.details["expected"], rel=0.001)
    assert late.details["until"] in {(start + late * MINUTE).isoformat() for late in range(30, 40)}
    assert late.details["peak"]["factor"] >= late.details["factor"] == early.details["factor"]
    assert "times its usual traffic" in early.title


def test_lasting_growth_is_one_episode_of_less_than_a_day_and_then_usual() -> None:
    start = MONDAY + 10 * DAY + 7 * HOUR
    minutes = scaled(made_minutes(16), [start], 6 * DAY, 3)
    assert found(minutes, SPIKES) == [start]
    look = Traffic(ETHEREUM, minutes).look(SPIKES, start, start + DAY)
    assert timedelta(0) < datetime.fromisoformat(look.findings[0].details["until"]) - start < DAY


def test_a_drop_is_told_after_some_minutes_and_one_of_a_third_is_none() -> None:
    start = MONDAY + 4 * DAY + 3 * HOUR
    minutes = scaled(made_minutes(5), [start], HOUR, 0.2)
    assert told_after(minutes, DROPS, start) <= 12 * MINUTE
    assert found(minutes, SPIKES) == []
    assert found(scaled(made_minutes(5), [start], HOUR, 0.67), DROPS) == []


@pytest.mark.parametrize("length", [timedelta(minutes=3), timedelta(minutes=50), timedelta(hours=7)])
def test_a_chain_that_stands_still_and_a_ledger_with_a_hole_are_no_drop(length: timedelta) -> None:
    start = MONDAY + 4 * DAY + 3 * HOUR + 7 * MINUTE
    minutes = silenced(made_minutes(5), start, length)
    assert found(minutes, DROPS) == found(minutes, SPIKES) == []
    assert found(minutes.between(MONDAY, start + length), DROPS) == []


def test_a_real_drop_right_after_a_hole_is_told() -> None:
    start = MONDAY + 4 * DAY + 3 * HOUR
    minutes = silenced(scaled(made_minutes(5), [start], 2 * HOUR, 0.1), start, HOUR)
    assert told_after(minutes, DROPS, start + HOUR) <= 12 * MINUTE


def test_few_transactions_more_than_hardly_any_are_no_spike() -> None:
    dice = np.random.default_rng(5)
    minutes = made_minutes(6)
    minutes.count[:] = dice.poisson(1.5, len(minutes.count))
    assert found(minutes, SPIKES) == found(minutes, DROPS) == []


def test_nothing_is_said_before_half_an_hour_was_seen() -> None:
    minutes = scaled(made_minutes(0.05), [MONDAY + 20 * MINUTE], timedelta(minutes=5), 9)
    assert found(minutes, SPIKES) == []
    assert Traffic(ETHEREUM, made_minutes(0)).look(SPIKES, MONDAY, MONDAY + HOUR).findings == []


def ledger(*minutes: tuple[int, int, int, int]) -> pl.DataFrame:
    """Rows of minute (after `MONDAY`), blocks, first and last number; ten transactions a block."""
    rows = [(MONDAY + at * MINUTE, blocks, first, last, 10.0 * blocks) for at, blocks, first, last in minutes]
    schema = ["minute", "blocks", "first", "last", "transactions"]
    return pl.DataFrame(rows, schema=schema, orient="row").with_columns(pl.col("minute").cast(pl.Datetime("us", "UTC")))


@pytest.mark.parametrize(
    ("rows", "spoken"),
    [
        ([(0, 5, 1, 5), (1, 5, 6, 10), (2, 5, 11, 15)], [1]),
        ([(0, 5, 1, 5), (1, 4, 6, 10), (2, 5, 11, 15)], []),
        ([(0, 5, 1, 5), (1, 5, 6, 10), (2, 5, 12, 16), (3, 5, 17, 21), (4, 1, 22, 22)], [3]),
        ([(0, 5, 1, 5), (1, 5, 6, 10), (3, 5, 11, 15), (4, 2, 16, 17)], [1, 3]),
        ([(0, 5, 1, 5), (1, 5, 6, 10), (40, 5, 11, 15), (41, 5, 16, 20), (42, 1, 21, 21)], [41]),
        ([], []),
    ],
    ids=["edges", "block missing", "block missing between", "no block in a minute", "stood still", "nothing"],
)
def test_a_minute_speaks_if_no_block_is_missing_around_it(
    rows: list[tuple[int, int, int, int]], spoken: list[int]
) -> None:
    minutes = minutes_of(ETHEREUM, ledger(*rows), MONDAY, MONDAY + HOUR)
    assert list(np.flatnonzero(minutes.seconds)) == spoken
    assert list(minutes.count[spoken]) == [50.0 for _ in spoken]


def test_blocks_of_a_slow_chain_speak_for_their_block_time() -> None:
    rows = [(0, 1, 1, 1), (7, 1, 2, 2), (19, 2, 3, 4), (44, 1, 5, 5)]
    minutes = minutes_of(BITCOIN, ledger(*rows), MONDAY, MONDAY + HOUR)
    assert {int(place): minutes.seconds[place] for place in np.flatnonzero(minutes.seconds)} == {7: 600, 19: 1200}


def told(minutes: Minutes, swing: Swing, edges: list[datetime], see: Callable[[datetime], Minutes]) -> list[Finding]:
    """What stands after looking at one span after the other: `reconcile` in memory."""
    standing: dict[datetime, Finding] = {}
    traffic = Traffic(ETHEREUM, see(edges[0]))
    for start, end in pairwise(edges):
        grown = see(end)
        traffic.take(grown.between(max(start - 10 * MINUTE, MONDAY), grown.end))
        look = traffic.look(swing, start, end)
        standing = {at: each for at, each in standing.items() if not look.start <= at < look.end}
        standing |= {finding.started_at: finding for finding in look.findings}
    return [standing[at] for at in sorted(standing)]


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 99),
    cuts=st.lists(st.integers(1, 2 * 1440 - 1), max_size=12, unique=True),
    swing=st.sampled_from([SPIKES, DROPS]),
)
def test_live_and_again_in_any_batches_are_the_same(seed: int, cuts: list[int], swing: Swing) -> None:
    dice = np.random.default_rng(seed)
    minutes = made_minutes(4, chance=0.25, seed=seed)
    for _ in range(6):
        start = MONDAY + 2 * DAY + int(dice.integers(0, 2 * 1440 - 60)) * MINUTE
        minutes = scaled(minutes, [start], int(dice.integers(2, 60)) * MINUTE, 3.5 if swing is SPIKES else 0.1)
    minutes = silenced(minutes, MONDAY + 3 * DAY, 20 * MINUTE)
    first = MONDAY + 2 * DAY
    edges = [first, *(first + cut * MINUTE for cut in sorted(cuts)), minutes.end]
    live = told(minutes, swing, edges, lambda moment: minutes.between(MONDAY, moment))
    again = told(minutes, swing, edges, lambda moment: minutes)
    at_once = Traffic(ETHEREUM, minutes).look(swing, first, minutes.end).findings
    assert live == again == at_once
    assert live
