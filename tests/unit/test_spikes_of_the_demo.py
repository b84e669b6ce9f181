"""Recall and precision on the demo network's planted spikes, by its blocks' sizes, without making transactions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

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


def demo_minutes(chain: Chain, network: DemoNetwork, days: int) -> Minutes:
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
    minutes = demo_minutes(chain, network, days)
    traffic = Traffic(chain, minutes)
    since = START + LEARNING
    found = traffic.look(SPIKES, since, minutes.end).findings
    spans = [(each.started_at, datetime.fromisoformat(each.details["until"])) for each in found]
    planted = [
        (datetime.fromtimestamp(thing.start, UTC), datetime.fromtimestamp(thing.end, UTC))
        for thing in network.planted(since.timestamp(), minutes.end.timestamp())
        if thing.pattern is Pattern.SPIKE
    ]
    # One on a slow chain may end before a block could show it.
    planted = [each for each in planted if minutes.between(ceiling(each[0]), ceiling(each[1])).seconds.any()]
    late = 10 * MINUTE
    hits = [any(begin < end + late and until > start for begin, until in spans) for start, end in planted]
    right = [any(begin < end + late and until > start for start, end in planted) for begin, until in spans]
    said = f"{chain.name}: {sum(hits)} of {len(hits)} found, {sum(right)} of {len(right)} planted"
    assert len(hits) >= 10, said
    assert sum(hits) >= recall * len(hits), said
    assert sum(right) >= precision * len(right), said
    assert len(traffic.look(DROPS, since, minutes.end).findings) <= days / 15


def ceiling(moment: datetime) -> datetime:
    return moment + (START - moment) % MINUTE
