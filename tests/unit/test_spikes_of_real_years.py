"""Spikes put into years of real chains' daily counts: growth, weekends and holidays are none, and those are found."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tests.blocks import BITCOIN, ETHEREUM
from tests.data import recorded
from tests.traffic import DROPS, SPIKES, scaled
from txhub.detect.minutes import DAY, MINUTE, MINUTES_A_DAY, Minutes
from txhub.detect.traffic import Traffic
from txhub.model import Chain

FOLDER = "timeseries"
LEARNING = 28 * DAY


def daily_counts(path: Path) -> dict[date, int]:
    """Transactions by day of a file; its dates are American or ISO 8601."""
    table = pl.read_csv(path)
    days, counts = table[:, 0], table[:, -1]
    pattern = "%m/%d/%Y" if "/" in days[0] else "%Y-%m-%d"
    return dict(zip(days.str.to_date(pattern), counts, strict=True))


def minutes_of(chain: Chain, counts: dict[date, int], first: date, days: int, seed: int = 1) -> Minutes:
    """Minutes whose rate goes evenly from noon to noon, with the chance of counts; a block each block time."""
    dice = np.random.default_rng(seed)
    noons = (np.arange(-1, days + 1) + 0.5) * MINUTES_A_DAY
    levels = np.log([counts[first + timedelta(days=day)] / MINUTES_A_DAY for day in range(-1, days + 1)])
    rate = np.exp(np.interp(np.arange(days * MINUTES_A_DAY), noons, levels))
    every = max(int(chain.block_time_s // 60), 1)
    holds = np.arange(len(rate)) % every == 0
    start = datetime(first.year, first.month, first.day, tzinfo=UTC)
    return Minutes(
        start,
        np.where(holds, dice.poisson(rate * every), 0).astype(float),
        np.where(holds, 60.0 * every, 0.0),
        chain.block_time_s,
    )


@pytest.mark.parametrize(
    ("chain", "name", "first"),
    [
        (ETHEREUM, "rsthornton_eth_transactions.csv", date(2017, 3, 1)),  # in which it grew tenfold
        (ETHEREUM, "rsthornton_eth_transactions.csv", date(2021, 1, 1)),
        (BITCOIN, "rsthornton_btc_transactions.csv", date(2017, 3, 1)),
        (BITCOIN, "rsthornton_btc_transactions.csv", date(2021, 1, 1)),
    ],
    ids=["ethereum-2017", "ethereum-2021", "bitcoin-2017", "bitcoin-2021"],
)
def test_what_is_put_into_a_real_year_is_found_and_nothing_else(chain: Chain, name: str, first: date) -> None:
    counts = daily_counts(recorded(f"{FOLDER}/{name}"))
    minutes = minutes_of(chain, counts, first, 180)
    starts = [minutes.start + LEARNING + number * (4 * DAY + 7 * 60 * MINUTE) for number in range(60)]
    starts = [each for each in starts if each < minutes.end - DAY]
    length = 40 * MINUTE
    traffic = Traffic(chain, scaled(minutes, starts, length, 3.0))
    found = [each.started_at for each in traffic.look(SPIKES, minutes.start + LEARNING, minutes.end).findings]
    near = [[start for start in found if planted <= start < planted + length] for planted in starts]
    assert len(starts) >= 30
    assert all(len(each) == 1 for each in near)
    assert len(found) == len(starts)
    assert all(after - before > DAY for before, after in pairwise(sorted(found)))
    assert traffic.look(DROPS, minutes.start + LEARNING, minutes.end).findings == []
