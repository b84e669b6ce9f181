"""The demo network: the same blocks in any order, linked, on time, and never too many."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing
from datetime import UTC, datetime
from functools import cache
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from txhub.chain.bitcoin_decode import RawBlock as RawBitcoinBlock
from txhub.chain.bitcoin_decode import decode_block as decode_bitcoin_block
from txhub.chain.decode import RawBlock, decode_block
from txhub.chain.demo.network import DEMO_CHAINS, DemoNetwork
from txhub.chain.demo.truth import Pattern
from txhub.model import Block, Chain

NOW = datetime(2026, 11, 23, 18, tzinfo=UTC).timestamp()
DAY = 86_400

NETWORKS = {chain.name: DemoNetwork(chain, clock=lambda: NOW) for chain in DEMO_CHAINS}
numbers = st.integers(1, 90_000)
few = settings(max_examples=8, deadline=None)  # a block of demo-btc takes 50 ms
every_chain = pytest.mark.parametrize("chain", DEMO_CHAINS, ids=lambda chain: chain.name)


@cache
def fresh_network(chain: Chain) -> DemoNetwork:
    """Another one, that has been asked other things."""
    return DemoNetwork(chain, clock=lambda: NOW)


def decode(chain: Chain, number: int) -> Block:
    """A block by txhub's own decoder."""
    text = asyncio.run(NETWORKS[chain.name].block_json(number))
    assert text is not None
    if chain.family == "utxo":
        return decode_bitcoin_block(chain, msgspec.json.decode(text, type=RawBitcoinBlock), number)
    return decode_block(chain, msgspec.json.decode(text, type=RawBlock), number)


@every_chain
@few
@given(number=numbers)
def test_a_block_is_the_same_from_another_node_in_another_order(chain: Chain, number: int) -> None:
    fresh = fresh_network(chain)
    after = asyncio.run(fresh.block_json(number + 1))
    assert asyncio.run(fresh.block_json(number)) == asyncio.run(NETWORKS[chain.name].block_json(number))
    assert asyncio.run(NETWORKS[chain.name].block_json(number + 1)) == after


@every_chain
def test_another_seed_gives_another_chain(chain: Chain) -> None:
    other = DemoNetwork(chain, seed=2, clock=lambda: NOW)
    assert asyncio.run(other.block_json(7)) != asyncio.run(NETWORKS[chain.name].block_json(7))


@every_chain
@few
@given(number=numbers)
def test_blocks_link_and_follow_in_time(chain: Chain, number: int) -> None:
    parent, block = decode(chain, number - 1), decode(chain, number)
    assert block.parent_hash == parent.hash
    assert block.time > parent.time
    assert block.tx_count == NETWORKS[chain.name].count(number)
    assert [row.tx_index for row in block.transactions] == list(range(block.tx_count))
    assert len({row.hash for row in block.transactions}) == block.tx_count


@every_chain
@few
@given(number=numbers)
def test_a_hash_leads_back_to_its_number(chain: Chain, number: int) -> None:
    network = NETWORKS[chain.name]
    block_hash = asyncio.run(network.block_hash(number))
    assert block_hash is not None
    assert asyncio.run(network.number_by_hash(block_hash)) == number
    spoiled = block_hash[:-1] + ("0" if block_hash[-1] != "0" else "1")
    assert asyncio.run(network.number_by_hash(spoiled)) is None


@pytest.mark.parametrize("text", ["", "0x", "0xzz", "aa", "0" * 64, "0x" + "f" * 64])
@every_chain
def test_what_is_no_hash_leads_nowhere(chain: Chain, text: str) -> None:
    assert asyncio.run(NETWORKS[chain.name].number_by_hash(text)) is None


@every_chain
def test_nothing_is_served_past_the_head(chain: Chain) -> None:
    network = NETWORKS[chain.name]
    head = asyncio.run(network.head_number())
    assert network.time(head) <= NOW < network.time(head + 1)
    assert asyncio.run(network.block_json(head)) is not None
    for answer in (network.block_json, network.header_json, network.receipts_json, network.block_hash):
        assert asyncio.run(answer(head + 1)) is None
        assert asyncio.run(answer(-1)) is None


@every_chain
def test_before_its_beginning_a_chain_has_no_blocks(chain: Chain) -> None:
    network = DemoNetwork(chain, clock=lambda: 1_000_000_000.0)
    assert asyncio.run(network.head_number()) == -1
    assert asyncio.run(network.block_json(0)) is None


@every_chain
def test_a_header_says_what_its_block_says(chain: Chain) -> None:
    network = NETWORKS[chain.name]
    header = json.loads(asyncio.run(network.header_json(4321)) or b"")
    block = json.loads(asyncio.run(network.block_json(4321)) or b"")
    assert header.items() <= block.items()


def test_gas_and_receipts_add_up() -> None:
    network = NETWORKS["demo-eth"]
    block = json.loads(asyncio.run(network.block_json(5000)) or b"")
    receipts = json.loads(asyncio.run(network.receipts_json(5000)) or b"")
    assert [receipt["transactionHash"] for receipt in receipts] == [each["hash"] for each in block["transactions"]]
    assert [receipt["effectiveGasPrice"] for receipt in receipts] == [
        each["gasPrice"] for each in block["transactions"]
    ]
    used = [int(receipt["gasUsed"], 16) for receipt in receipts]
    assert int(block["gasUsed"], 16) == sum(used) == int(receipts[-1]["cumulativeGasUsed"], 16)
    logs = [log for receipt in receipts for log in receipt["logs"]]
    assert [int(log["logIndex"], 16) for log in logs] == list(range(len(logs)))


def test_a_bitcoin_like_coinbase_takes_all_fees() -> None:
    chain = DEMO_CHAINS[2]
    coinbase, *others = decode(chain, 80_000).transactions
    assert coinbase.kind == "coinbase"
    assert coinbase.value == 312_500_000 + sum(row.fee or 0 for row in others)
    assert {row.kind for row in others} == {"transfer"}


def test_times_of_mined_blocks_scatter_and_never_go_back() -> None:
    network = NETWORKS["demo-btc"]
    pauses = [later - earlier for earlier, later in pairwise(network.time(number) for number in range(2000))]
    assert min(pauses) >= 60
    assert max(pauses) > 1000
    assert sum(pauses) / len(pauses) == pytest.approx(600, abs=1)


@pytest.mark.parametrize("days_ago", [0, 1, 2, 3, 4, 5, 6])
def test_a_day_has_at_most_half_a_million_transactions(days_ago: int) -> None:
    end = NOW - days_ago * DAY
    total = 0
    for chain in DEMO_CHAINS:
        network = DemoNetwork(chain, clock=lambda: end)
        number = asyncio.run(network.head_number())
        while network.time(number) > end - DAY:
            total += network.count(number)
            number -= 1
    assert 390_000 < total <= 500_000


@every_chain
async def test_heads_come_when_the_clock_reaches_them(chain: Chain) -> None:
    now = NOW
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        nonlocal now
        waits.append(seconds)
        now += seconds / 2 if len(waits) == 1 else seconds  # the first sleep ends too early, as real ones may

    network = DemoNetwork(chain, clock=lambda: now, sleep=sleep)
    first = await network.head_number() + 1
    async with aclosing(network.heads()) as heads:
        for number in range(first, first + 5):
            assert await anext(heads) == number
            assert network.time(number) == now
            assert await network.head_number() == number
        now += 3 * chain.block_time_s  # the machine slept: what was missed comes in order, at once
        slept = len(waits)
        assert [await anext(heads) for _ in range(2)] == [first + 5, first + 6]
        assert len(waits) == slept


@pytest.mark.parametrize("chain", [chain for chain in DEMO_CHAINS if chain.family == "evm"], ids=lambda c: c.name)
def test_a_planted_reorg_replaces_blocks_and_is_gone_afterwards(chain: Chain) -> None:
    now = NOW
    network = DemoNetwork(chain, clock=lambda: now)
    reorg = next(thing for thing in network.planted(NOW - DAY, NOW) if thing.pattern is Pattern.REORG)
    first = round((reorg.start - network.time(0)) / chain.block_time_s)
    numbers = range(first, first + int(reorg.strength))

    def block(number: int) -> Block:
        text = asyncio.run(network.block_json(number))
        assert text is not None
        return decode_block(chain, msgspec.json.decode(text, type=RawBlock), number)

    final = [block(number) for number in range(first - 1, numbers.stop + 1)]
    now = reorg.end - 1
    losing = [block(number) for number in numbers]
    branch = [final[0], *losing]
    assert all(child.parent_hash == parent.hash for parent, child in pairwise(branch))
    assert all(child.parent_hash == parent.hash for parent, child in pairwise(final))
    assert not {b.hash for b in losing} & {b.hash for b in final}
    by_hash = "0x" + losing[0].hash.hex()
    assert asyncio.run(network.number_by_hash(by_hash)) == first
    assert asyncio.run(network.number_by_hash("0x" + final[1].hash.hex())) is None
    now = reorg.end
    assert [block(number) for number in numbers] == final[1:-1]
    assert asyncio.run(network.number_by_hash(by_hash)) is None
