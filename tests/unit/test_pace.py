"""How much of a node is asked at once after it complained, and when it is asked again."""

from __future__ import annotations

import asyncio

import pytest

from txhub.chain import pace
from txhub.chain.pace import Pace
from txhub.errors import NodeBusy, NodeUnavailable

AT_ONCE = NodeBusy("busy", after_s=0.0)


async def test_there_is_no_limit_before_the_node_complains() -> None:
    node = Pace()
    async with node.turn(1000) as first, node.turn(1000) as second:
        assert (first, second) == (1000, 1000)
    assert node.limits == {}


async def test_half_of_what_was_under_way_is_asked_after_a_complaint() -> None:
    node = Pace()
    async with node.turn(20), node.turn(20):
        assert node.slow_down(AT_ONCE)
    async with node.turn(15) as first, node.turn(15) as second:
        assert (first, second) == (15, 5)
        third = asyncio.create_task(wait_for_turn(node))
        await asyncio.sleep(0)
        assert not third.done()
    assert await third == 15


async def wait_for_turn(node: Pace) -> int:
    async with node.turn(15) as calls:
        return calls


async def test_answers_raise_the_limit_again() -> None:
    node = Pace()
    async with node.turn(8):
        node.slow_down(AT_ONCE)
    for expected in (4, 5, 6):
        async with node.turn(100) as calls:
            assert calls == expected
            node.answered(calls)
    assert node.complaints == 0


async def test_complaints_of_one_moment_count_once() -> None:
    node = Pace()
    async with node.turn(20), node.turn(20), node.turn(20), node.turn(20):
        lower = [node.slow_down(NodeBusy("busy", after_s=60)) for _ in range(4)]
    assert lower == [True, False, False, False]
    assert (node.complaints, node.limits) == (1, {"calls_at_once": 40})


async def test_a_pause_is_as_long_as_the_node_says_else_twice_as_long_each_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pauses = []
    for after_s, complaints in ((7.0, 0), (7.0, 3), (None, 0), (None, 1), (None, 2), (None, 5000)):
        node = Pace()
        node.complaints = complaints
        async with node.turn(1):
            monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: 1000.0)
            node.slow_down(NodeBusy("busy", after_s=after_s))
            pauses.append(node._pause())
            monkeypatch.undo()
    said, first, second, third, last = pauses[:2], *pauses[2:]
    assert said == [7.0, 7.0]
    assert 0.5 <= first <= 1 <= second <= 2 <= third <= 4
    assert last == pace.LONGEST_PAUSE_S


async def test_a_size_that_was_refused_is_never_asked_again() -> None:
    node = Pace()
    node.ask_less(21)
    node.ask_less(100)
    async with node.turn(100) as calls:
        assert calls == 10
    for _ in range(10):
        node.ask_less(1)
    async with node.turn(100) as calls:
        assert calls == 1


async def test_nobody_waits_for_a_connection_that_was_given_up() -> None:
    node = Pace()
    async with node.turn(1):
        node.slow_down(NodeBusy("busy", after_s=3600))
    waiting = asyncio.create_task(wait_for_turn(node))
    await asyncio.sleep(0)
    node.end()
    with pytest.raises(NodeUnavailable):
        await waiting
