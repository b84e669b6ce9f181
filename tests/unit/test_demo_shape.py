"""The demo network's traffic against the figures that were measured on main networks.

The figures stand here a second time, on purpose: as what was measured (50 blocks, 9,278 transactions), not as what
the generator draws from.
"""

from __future__ import annotations

import asyncio
import json
import math
from collections import Counter
from datetime import UTC, datetime
from functools import cache
from typing import Any

import pytest

from txhub.chain.demo.network import DEMO_CHAINS, DemoNetwork
from txhub.chain.demo.truth import Pattern

NOW = datetime(2026, 11, 23, 18, tzinfo=UTC).timestamp()
WEEK = 7 * 86_400
SAMPLE = 9_278
"""Transactions that popularity was measured on."""


@cache
def network(at: int) -> DemoNetwork:
    return DemoNetwork(DEMO_CHAINS[at], clock=lambda: NOW)


@cache
def transactions() -> list[dict[str, Any]]:
    """About 40,000 of the Ethereum-like chain, from blocks spread over a week."""
    served = network(0)
    head = asyncio.run(served.head_number())
    blocks = [json.loads(asyncio.run(served.block_json(n)) or b"") for n in range(head - WEEK // 12, head, 37)]
    return [transaction for block in blocks for transaction in block["transactions"]]


@cache
def payments() -> list[dict[str, Any]]:
    """About 15,000 of the Bitcoin-like chain, coinbases left out."""
    served = network(2)
    head = asyncio.run(served.head_number())
    blocks = [json.loads(asyncio.run(served.block_json(n)) or b"") for n in range(head - 1000, head, 40)]
    return [transaction for block in blocks for transaction in block["tx"][1:]]


def quantile(values: list[float], share: float) -> float:
    return sorted(values)[int(share * len(values))]


def share(condition: str, wanted: str) -> float:
    return sum(transaction[condition] == wanted for transaction in transactions()) / len(transactions())


def test_half_of_all_transactions_move_no_value() -> None:
    assert share("value", "0x0") == pytest.approx(0.496, abs=0.02)


@pytest.mark.parametrize(
    ("at", "log10"),
    [
        (0.01, -13.0),
        (0.05, -8.0),
        (0.10, -5.0),
        (0.25, -2.62),
        (0.50, -1.64),
        (0.75, -0.85),
        (0.90, -0.05),
        (0.95, 0.30),
    ],
)
def test_values_are_spread_as_measured(at: float, log10: float) -> None:
    # Where values are rare a little chance, and what is planted, moves them far.
    moved = [math.log10(int(each["value"], 16) / 1e18) for each in transactions() if each["value"] != "0x0"]
    assert quantile(moved, at) == pytest.approx(log10, abs=0.35 if at < 0.1 else 0.12 if at < 0.95 else 0.25)


@pytest.mark.parametrize(("tx_type", "measured"), [(0, 0.1515), (1, 0.0029), (2, 0.8434), (3, 0.0016), (4, 0.0005)])
def test_types_are_mixed_as_measured(tx_type: int, measured: float) -> None:
    assert share("type", hex(tx_type)) == pytest.approx(measured, abs=0.01 if tx_type in (0, 2) else 0.001)


def test_kinds_are_mixed_as_measured() -> None:
    assert share("input", "0x") == pytest.approx(0.3655, abs=0.015)
    creations = sum(each["to"] is None for each in transactions()) / len(transactions())
    assert creations == pytest.approx(0.0013, abs=0.001)


@pytest.mark.parametrize(
    ("selector", "measured"), [("a9059cbb", 0.218), ("095ea7b3", 0.063), ("3593564c", 0.045), ("23b872dd", 0.007)]
)
def test_methods_are_called_as_often_as_measured(selector: str, measured: float) -> None:
    called = sum(each["input"].startswith("0x" + selector) for each in transactions()) / len(transactions())
    assert called == pytest.approx(measured, abs=0.01)


@pytest.mark.parametrize(("at", "size"), [(0.25, 0), (0.50, 68), (0.75, 164), (0.90, 644), (0.95, 1060)])
def test_inputs_are_as_long_as_measured(at: float, size: int) -> None:
    sizes = [len(each["input"]) / 2 - 1 for each in transactions()]
    assert quantile(sizes, at) == pytest.approx(size, abs=64)


@pytest.mark.parametrize(("at", "gas"), [(0.25, 21_000), (0.50, 70_000), (0.75, 207_128), (0.90, 311_003)])
def test_gas_limits_are_as_measured(at: float, gas: int) -> None:
    assert quantile([int(each["gas"], 16) for each in transactions()], at) == pytest.approx(
        gas, rel=0.05 if at < 0.9 else 0.15
    )


def test_the_median_gas_price_is_as_measured() -> None:
    assert quantile([int(each["gasPrice"], 16) / 1e9 for each in transactions()], 0.5) == pytest.approx(12.37, rel=0.15)


@pytest.mark.parametrize(
    ("side", "top_1", "top_10", "top_100", "new"),
    [("to", 0.113, 0.278, 0.440, 0.388), ("from", 0.022, 0.068, 0.165, 0.674)],
)
def test_some_addresses_are_as_popular_as_measured(
    side: str, top_1: float, top_10: float, top_100: float, new: float
) -> None:
    sample = [each[side] for each in transactions()[:SAMPLE]]
    ranked = [count for _, count in Counter(sample).most_common(100)]
    assert ranked[0] / SAMPLE == pytest.approx(top_1, abs=0.015)
    assert sum(ranked[:10]) / SAMPLE == pytest.approx(top_10, abs=0.03)
    assert sum(ranked) / SAMPLE == pytest.approx(top_100, abs=0.05)
    # What seven blocks of 186 had not seen yet.
    seen = set(sample[:1300])
    unseen = sum(address not in seen for address in sample[1300:3300]) / 2000
    assert unseen == pytest.approx(new, abs=0.12)


def test_calls_fail_as_often_as_measured() -> None:
    served = network(0)
    head = asyncio.run(served.head_number())
    bursts = [thing for thing in served.planted(NOW - WEEK, NOW) if thing.pattern is Pattern.FAILED_BURST]
    calm = [n for n in range(head - WEEK // 12, head, 97) if not any(burst.covers(served.time(n)) for burst in bursts)]
    receipts = [each for n in calm for each in json.loads(asyncio.run(served.receipts_json(n)) or b"")]
    assert sum(each["status"] == "0x0" for each in receipts) / len(receipts) == pytest.approx(0.0433, abs=0.008)


def test_blocks_and_minutes_scatter_as_measured() -> None:
    served = network(0)
    head = asyncio.run(served.head_number())
    spikes = [thing for thing in served.planted(NOW - WEEK, NOW) if thing.pattern is Pattern.SPIKE]
    calm = [n for n in range(head - WEEK // 12, head) if not any(spike.covers(served.time(n)) for spike in spikes)]
    counts = [served.count(n) for n in calm]
    mean = sum(counts) / len(counts)
    for at, of_mean in (
        (0.05, 30 / 185.6),
        (0.25, 120 / 185.6),
        (0.50, 154 / 185.6),
        (0.75, 264 / 185.6),
        (0.95, 417 / 185.6),
    ):
        assert quantile(counts, at) / mean == pytest.approx(of_mean, abs=0.15)
    minutes = [sum(counts[at : at + 5]) for at in range(0, len(counts) - 4, 5)]
    mean = sum(minutes) / len(minutes)
    deviation = math.sqrt(sum((minute - mean) ** 2 for minute in minutes) / len(minutes))
    assert deviation / mean == pytest.approx(306 / 807.8, abs=0.06)


def test_days_of_the_week_differ_as_measured() -> None:
    served = network(0)
    totals: Counter[int] = Counter()
    for n in range(10_000, 10_000 + 12 * WEEK // 12, 3):  # twelve weeks, so that chance and spikes even out
        totals[datetime.fromtimestamp(served.time(n), UTC).weekday()] += served.count(n)
    week = sum(totals.values()) / 7
    weekend = (totals[5] + totals[6]) / 2 / week
    assert weekend == pytest.approx((0.963 + 0.941) / 2, abs=0.03)


@pytest.mark.parametrize(
    ("at", "log10"), [(0.05, -4.55), (0.25, -2.98), (0.50, -2.01), (0.75, -0.94), (0.95, 0.73), (0.99, 1.54)]
)
def test_bitcoin_outputs_are_spread_as_measured(at: float, log10: float) -> None:
    amounts = [output["value"] for each in payments() for output in each["vout"]]
    assert quantile([math.log10(amount) for amount in amounts if amount], at) == pytest.approx(log10, abs=0.15)
    assert sum(amount == 0 for amount in amounts) / len(amounts) == pytest.approx(0.109, abs=0.02)


@pytest.mark.parametrize(
    ("side", "measured"),
    [("vin", {0.5: 1, 0.75: 1, 0.95: 4, 0.99: 18}), ("vout", {0.5: 2, 0.75: 2, 0.95: 3, 0.99: 11})],
)
def test_bitcoin_transactions_have_as_many_sides_as_measured(side: str, measured: dict[float, int]) -> None:
    counts: list[float] = [len(each[side]) for each in payments()]
    assert {at: quantile(counts, at) for at in measured} == {
        at: pytest.approx(n, abs=n // 8) for at, n in measured.items()
    }


@pytest.mark.parametrize(("at", "size"), [(0.5, 226), (0.95, 797), (0.99, 3440)])
def test_bitcoin_transactions_are_as_large_as_measured(at: float, size: int) -> None:
    assert quantile([each["size"] for each in payments()], at) == pytest.approx(size, rel=0.25)
