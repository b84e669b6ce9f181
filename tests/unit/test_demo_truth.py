"""What is said to be planted is there, and what is large was planted."""

from __future__ import annotations

from collections import Counter, defaultdict
from functools import cache

import pytest

from tests.unit.test_demo_network import NETWORKS, NOW, decode
from txhub.chain.demo.network import DEMO_CHAINS
from txhub.chain.demo.truth import Pattern, Planted
from txhub.model import Chain, Transaction

DAY = 86_400
every_chain = pytest.mark.parametrize("chain", DEMO_CHAINS, ids=lambda chain: chain.name)


@cache
def planted(chain: Chain) -> list[Planted]:
    return NETWORKS[chain.name].planted(NOW - 3 * DAY, NOW)


def stored(chain: Chain, address: str) -> bytes:
    return address.encode() if chain.family == "utxo" else bytes.fromhex(address[2:])


@every_chain
def test_every_planted_transfer_is_in_its_block(chain: Chain) -> None:
    wanted: dict[int, list[tuple[bytes, bytes, int]]] = defaultdict(list)
    for thing in planted(chain):
        for transfer in thing.transfers:
            payment = (stored(chain, transfer.sender), stored(chain, transfer.receiver), transfer.value)
            wanted[transfer.number].append(payment)
    head = max(number for number in wanted if NETWORKS[chain.name].time(number) <= NOW)
    for number in [number for number in wanted if number <= head][:30]:
        there = Counter(
            (row.from_address, row.to_address, int(row.value)) for row in decode(chain, number).transactions
        )
        assert Counter(wanted[number]) <= there


@every_chain
def test_what_is_large_is_a_planted_whale(chain: Chain) -> None:
    network = NETWORKS[chain.name]
    whales = [thing.transfers[0] for thing in planted(chain) if thing.pattern is Pattern.WHALE]
    at = [number for number, _ in Counter(whale.number for whale in whales).most_common() if network.time(number) < NOW]
    large: list[Transaction] = []
    looked_at = {number + step for number in at[:20] for step in (0, 1)}
    for number in looked_at:
        rows = decode(chain, number).transactions
        large += [row for row in rows if row.value >= chain.large_value * 10**chain.decimals]
    expected = sorted(whale.value for whale in whales if whale.number in looked_at)
    assert sorted(int(row.value) for row in large) == expected
    assert len(expected) >= 15


@every_chain
def test_a_day_has_every_pattern_and_some_are_rare(chain: Chain) -> None:
    counts = Counter(thing.pattern for thing in planted(chain))
    missing = {Pattern.FAILED_BURST, Pattern.REORG} if chain.family == "utxo" else set()
    assert set(Pattern) - set(counts) == missing
    assert counts[Pattern.WHALE] > 5 * counts[Pattern.STRUCTURING]


@every_chain
def test_things_planted_are_listed_where_they_happen(chain: Chain) -> None:
    network = NETWORKS[chain.name]
    for thing in planted(chain):
        assert thing.start < thing.end
        assert thing.start // 21_600 == (thing.end - 1) // 21_600
        assert all(thing.covers(network.time(transfer.number)) for transfer in thing.transfers)
        assert thing in network.planted(thing.start, thing.start + 1)
        assert thing not in network.planted(thing.end, thing.end + 600)


def test_a_spike_multiplies_traffic() -> None:
    network = NETWORKS["demo-eth"]
    for spike in (thing for thing in planted(DEMO_CHAINS[0]) if thing.pattern is Pattern.SPIKE):
        blocks = (spike.end - spike.start) // 12
        first = next(n for n in range((spike.start - 1_735_689_600) // 12, 10**8) if network.time(n) >= spike.start)
        during = sum(network.count(n) for n in range(first, first + blocks))
        before = sum(network.count(n) for n in range(first - blocks, first))
        assert during > 1.8 * before


@every_chain
def test_labels_name_each_address_once(chain: Chain) -> None:
    labels = NETWORKS[chain.name].labels()
    assert len({label.address for label in labels}) == len(labels)
    assert {label.chain for label in labels} == {chain.name}
    assert {"exchange", "mixer", "sanctioned"} <= {label.category for label in labels}
    listed = {label.address for label in labels if label.category == "sanctioned"}
    for thing in planted(chain):
        if thing.pattern is Pattern.LISTED:
            assert listed & {thing.transfers[0].sender, thing.transfers[0].receiver}
