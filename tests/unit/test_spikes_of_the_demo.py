"""Recall and precision on the demo network's planted spikes, by its blocks' sizes, without making transactions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache

import numpy as np
import pytest

from tests.traffic import DROPS, SPIKES
from txhub.chain.demo.network import DEMO_CHAINS, DemoNetwork
from txhub.chain.demo.truth import Pattern
from txhub.detect.minutes import MINUTE, Minutes
from txhub.detect.traffic import Traffic
from txhub.model import Chain

START = datetime(2026, 1, 1, tzinfo=UTC)
LEARNING = timedelta(days=3)
Span = tuple[datetime, datetime]


@lru_cache(maxsize=1)
def demo_minutes(chain: Chain, days: int) -> Minutes:
    network = DemoNetwork(chain)
    count, seconds = np.zeros(days * 1440), np.zeros(days * 1440)
    number = 0
    while network.time(number) < START.timestamp():
        number += max(int((START.timestamp() - network.time(number)) / chain.block_time_s / 2), 1)
    while (minute := int(network.time(number) - START.timestamp()) // 60) < len(count):
        count[minute] += network.count(number)
        seconds[minute] = seconds[minute] + chain.block_time_s if chain.family == "utxo" else 60
        number += 1
    return Minutes(START, count, seconds, chain.block_time_s)


@pytest.mark.parametrize(
    ("chain", "days", "recall", "precision"),
    [(DEMO_CHAINS[0], 24, 0.95, 0.95), (DEMO_CHAINS[1], 9, 0.95, 0.95), (DEMO_CHAINS[2], 120, 0.75, 0.9)],
    ids=lambda given: given.name if isinstance(given, Chain) else "",
)
def test_planted_spikes_are_found_and_hardly_any_others(
    chain: Chain, days: int, recall: float, precision: float
) -> None:
    network = DemoNetwork(chain)
    minutes = demo_minutes(chain, days)
    traffic = Traffic(chain, minutes)
    since = START + LEARNING
    found = traffic.look(SPIKES, since, minutes.end).findings
    spans = [(each.started_at, datetime.fromisoformat(each.details["until"])) for each in found]
    planted = planted_spikes(network, minutes, since)
    hits, right = compared(spans, planted)
    said = f"{chain.name}: {sum(hits)} of {len(hits)} found, {sum(right)} of {len(right)} planted"
    assert len(hits) >= 10, said
    assert sum(hits) >= recall * len(hits), said
    assert sum(right) >= precision * len(right), said
    assert len(traffic.look(DROPS, since, minutes.end).findings) <= days / 15


def test_on_a_slow_chain_not_even_hindsight_would_find_more() -> None:
    """Who knew what is usual at each hour of the week, of the future too, would find 0.95 only among as many others."""
    chain = DEMO_CHAINS[2]
    minutes = demo_minutes(chain, 120)
    since = START + LEARNING
    blocks = np.flatnonzero(minutes.seconds)
    hours = blocks // 60 % (7 * 24)
    rates = np.log(minutes.count[blocks] / minutes.seconds[blocks])
    strays = rates - np.array([np.median(rates[hours == hour]) for hour in range(7 * 24)])[hours]
    planted = planted_spikes(DemoNetwork(chain), minutes, since)
    scores = []
    for bar in np.quantile(strays, np.linspace(0.92, 0.998, 80)):
        out = blocks[(strays > bar) & (blocks >= LEARNING / MINUTE)]
        runs = np.split(out, np.flatnonzero(np.diff(out) > 20) + 1)
        spans = [(START + int(run[0]) * MINUTE, START + (int(run[-1]) + 1) * MINUTE) for run in runs]
        hits, right = compared(spans, planted)
        scores.append((sum(hits) / len(hits), sum(right) / len(right)))
    assert max(recall for recall, precision in scores if precision >= 0.9) < 0.87
    assert max(precision for recall, precision in scores if recall >= 0.95) < 0.6


def planted_spikes(network: DemoNetwork, minutes: Minutes, since: datetime) -> list[Span]:
    """From when to when they are; one on a slow chain that ends before a block could show it is left out."""
    planted = [
        (datetime.fromtimestamp(thing.start, UTC), datetime.fromtimestamp(thing.end, UTC))
        for thing in network.planted(since.timestamp(), minutes.end.timestamp())
        if thing.pattern is Pattern.SPIKE
    ]
    return [each for each in planted if minutes.between(ceiling(each[0]), ceiling(each[1])).seconds.any()]


def compared(found: list[Span], planted: list[Span]) -> tuple[list[bool], list[bool]]:
    """Which of what is planted was found, and which of what was found is planted."""
    late = 10 * MINUTE
    hits = [any(begin < end + late and until > start for begin, until in found) for start, end in planted]
    right = [any(begin < end + late and until > start for start, end in planted) for begin, until in found]
    return hits, right


def ceiling(moment: datetime) -> datetime:
    return moment + (START - moment) % MINUTE
