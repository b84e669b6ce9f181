"""Whatever happens between a node and the ingester, the database ends as that of an undisturbed one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing, suppress
from typing import TypeAlias

import psycopg
import pytest
from aiohttp import web

from tests.blocks import ETHEREUM, START
from tests.faults.faulty_node import Late, OutOfOrder, Some, an_error, half, never, twice
from tests.faults.made_network import MadeNetwork
from tests.faults.stage import TIMEOUT_S, TOTAL, Contents, Stage, play
from txhub.chain import subscription
from txhub.errors import NodeUnavailable
from txhub.model import Chain, Head

_GOODBYE = b"\x88\x02\x03\xe8"
"""A WebSocket's frame that closes it, with code 1000 (RFC 6455, 5.5.1)."""
Fault: TypeAlias = Callable[[Stage], Awaitable[None]]

pytestmark = pytest.mark.usefixtures("impatient")


async def closed_cleanly(stage: Stage) -> None:
    for _ in range(3):
        stage.proxy.cut()
        await stage.grow(10)


async def reset(stage: Stage) -> None:
    for _ in range(3):
        stage.proxy.reset()
        await stage.grow(10)


async def half_open(stage: Stage) -> None:
    """Nobody closes the connections, so the ingester has to find out and to make new ones."""
    stage.proxy.half_open()
    await stage.grow(20)
    await stage.caught_up()


async def silent(stage: Stage) -> None:
    """The ingester has to make a new subscription: the old one never says anything again."""
    stage.node.mute()
    await stage.grow(20)
    await stage.caught_up()


async def stalled(stage: Stage) -> None:
    before = stage.proxy.accepted
    stage.proxy.hold()
    await stage.grow(20)
    await stage.proxy.connections(before + 2)  # it has given up and tries again, in vain
    stage.proxy.release()
    await stage.caught_up()


async def late(stage: Stage) -> None:
    stage.node.answers = stage.node.heads = Late(0.05)
    await stage.grow(20)
    await stage.caught_up()
    stage.node.behave()


async def answers_out_of_order(stage: Stage) -> None:
    stage.node.answers = swapping = OutOfOrder()
    await stage.grow(20)
    await stage.caught_up()
    assert swapping.swapped


async def twice_each(stage: Stage) -> None:
    stage.node.answers = stage.node.heads = twice
    await stage.grow(20)
    await stage.caught_up()


async def errors(stage: Stage) -> None:
    stage.node.answers = failing = Some(an_error, every=3, times=10)
    await stage.grow(30)
    await stage.caught_up()
    assert failing.done


async def half_a_json(stage: Stage) -> None:
    stage.node.answers = breaking = Some(half, every=5, times=5)
    await stage.grow(20)
    await stage.caught_up()
    assert breaking.done == 5


async def half_a_head(stage: Stage) -> None:
    stage.node.heads = breaking = Some(half, every=5, times=3)
    await stage.grow(20)
    await stage.caught_up()
    assert breaking.done


async def heads_skipped(stage: Stage) -> None:
    stage.node.heads = skipping = Some(never, every=3, times=5)
    await stage.grow(20)
    await stage.caught_up()
    assert skipping.done


async def heads_out_of_order(stage: Stage) -> None:
    stage.node.heads = swapping = OutOfOrder()
    await stage.grow(20)
    await stage.caught_up()
    assert swapping.swapped


async def announced_before_the_body(stage: Stage) -> None:
    head = await stage.network.head_number()
    stage.network.late = dict.fromkeys(range(head + 1, head + 20, 2), 3)
    await stage.grow(20)
    await stage.caught_up()
    assert not any(stage.network.late.values())


FAULTS: dict[str, Fault] = {
    "socket closed cleanly": closed_cleanly,
    "socket reset": reset,
    "socket half open": half_open,
    "subscription silent": silent,
    "node stalls": stalled,
    "answers late": late,
    "answers out of order": answers_out_of_order,
    "answers and heads twice": twice_each,
    "answers with an error": errors,
    "half a JSON": half_a_json,
    "half a head": half_a_head,
    "heads skipped": heads_skipped,
    "heads out of order": heads_out_of_order,
    "head before its body": announced_before_the_body,
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
async def test_the_database_ends_as_an_undisturbed_one(
    shared_database: str, undisturbed: Contents, fault: Fault
) -> None:
    assert await play(shared_database, fault) == undisturbed


async def test_frames_of_more_than_a_mebibyte(shared_database: str) -> None:
    """Both ways that a body comes: announced and asked for one by one, and many in one answer."""
    big = frozenset(range(15, 45, 3))
    followed = await play(shared_database, big=big)
    loaded = await play(shared_database, big=big, head=TOTAL - 11)
    assert followed == loaded
    with psycopg.connect(shared_database) as connection:
        sizes = connection.execute("SELECT count(*) FROM txhub.transactions WHERE input_size > 500000").fetchone()
    assert sizes == (2 * len(big),)


async def test_a_node_that_lags_is_left_for_one_that_does_not(shared_database: str, undisturbed: Contents) -> None:
    second = MadeNetwork(0, head=9)

    async def lag(stage: Stage) -> None:
        await second.grow(TOTAL - 1 - await second.head_number())
        await stage.committed(TOTAL)

    assert await play(shared_database, lag, second_node=second) == undisturbed


async def test_a_receiver_that_swallows_being_cancelled_is_ended_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """As `asyncio.wait_for` of Python 3.11 does when the answer comes at the same moment."""
    ended = asyncio.Event()

    async def receive(chain: Chain, url: str, timeout_s: float, heads: asyncio.Queue[Head | None]) -> None:
        heads.put_nowait(Head(1, bytes(32), bytes(32), START))
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    monkeypatch.setattr(subscription, "_receive", receive)
    monkeypatch.setattr(subscription, "_ENDING_S", 0.01)
    async with aclosing(subscription.announced(ETHEREUM, "ws://127.0.0.1:1", TIMEOUT_S)) as heads:
        await anext(heads)
    assert ended.is_set()


async def test_a_socket_that_its_node_only_begins_to_close_is_ended() -> None:
    """web3.py would leave it open: the node says goodbye, and then neither goes nor listens."""
    gone = asyncio.Event()

    async def say_goodbye(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.receive()
        assert request.transport is not None
        request.transport.write(_GOODBYE)
        while request.transport is not None:  # noqa: ASYNC110 (aiohttp has no event for a client that has gone)
            await asyncio.sleep(0.01)
        gone.set()
        return socket

    app = web.Application()
    app.router.add_get("/", say_goodbye)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"ws://127.0.0.1:{runner.addresses[0][1]}/"
        with pytest.raises(NodeUnavailable):
            async with aclosing(subscription.announced(ETHEREUM, url, TIMEOUT_S)) as heads:
                await anext(heads)
        async with asyncio.timeout(10):
            await gone.wait()
    finally:
        await runner.cleanup()
