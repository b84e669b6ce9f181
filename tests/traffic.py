"""Made traffic: the minutes of a chain with a day's shape and chance, into which tests put spikes, drops and holes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import numpy as np

from tests.blocks import ETHEREUM
from txhub.contract.alerts import Pattern
from txhub.detect.minutes import MINUTE, MINUTES_A_DAY, Minutes
from txhub.detect.spikes import Swing
from txhub.detect.traffic import Traffic

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
SPIKES, DROPS = Swing(Pattern.SPIKE, 2.0), Swing(Pattern.DROP, 2.5)


def made_minutes(days: float, *, rate: float = 800.0, chance: float = 0.2, seed: int = 1) -> Minutes:
    """Minutes from `MONDAY` on: busier in the afternoon by a fifth, each off by a random factor."""
    dice = np.random.default_rng(seed)
    minute = np.arange(int(days * MINUTES_A_DAY))
    expected = rate * (1 + 0.2 * np.cos((minute / MINUTES_A_DAY - 0.625) * 2 * np.pi))
    return Minutes(
        MONDAY,
        np.floor(expected * np.exp(dice.normal(0, chance, len(minute)))),
        np.full(len(minute), 60.0),
        ETHEREUM.block_time_s,
    )


def scaled(minutes: Minutes, starts: Iterable[datetime], length: timedelta, factor: float) -> Minutes:
    """The same with so many times the transactions for a while."""
    for start in starts:
        first, after = minutes.place(start), minutes.place(start + length)
        minutes.count[first:after] = np.floor(minutes.count[first:after] * factor)
    return minutes


def silenced(minutes: Minutes, start: datetime, length: timedelta) -> Minutes:
    """The same with minutes that say nothing: blocks are missing there, or none were made."""
    first, after = minutes.place(start), minutes.place(start + length)
    minutes.count[first:after] = minutes.seconds[first:after] = 0
    return minutes


def found(minutes: Minutes, swing: Swing, start: datetime = MONDAY) -> list[datetime]:
    """When what is found in the minutes from `start` on began."""
    look = Traffic(ETHEREUM, minutes).look(swing, start, minutes.end)
    return [finding.started_at for finding in look.findings if finding.started_at >= start]


def told_after(minutes: Minutes, swing: Swing, start: datetime) -> timedelta:
    """How long after `start` the ledger has to be complete for the first finding from then on."""
    return found(minutes, swing, start)[0] + MINUTE - start
