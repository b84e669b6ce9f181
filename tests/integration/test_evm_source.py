"""Blocks and heads of an EVM chain over WebSocket and HTTP, from nodes that behave and nodes that do not."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from aiohttp import WSMsgType, web

from tests.blocks import ETHEREUM
from tests.data import FIRST, LAST, recorded
from txhub.chain import pace
from txhub.chain.demo.node import serve
from txhub.chain.demo.recorded import Recorded
from txhub.chain.evm import EvmSource
from txhub.chain.registry import open_source
from txhub.errors import BadBlock, NodeRefused, NodeUnavailable
from txhub.model import Block, Head
from txhub.ports import free_port

NUMBERS = range(FIRST, LAST + 1)
SCHEMES = ("ws", "http")
RECEIPTS = {"eth_getBlockReceipts", "eth_getTransactionReceipt", "eth_getLogs"}
HOST = r"127\.0\.0\.1"
Answering = Callable[[Any], object]
"""From a decoded request (or batch) to the answer: bytes as they are, anything else as JSON, None for silence."""


@pytest.fixture(params=SCHEMES)
def scheme(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "FIRST_PAUSE_S", 0.01)


@asynccontextmanager
async def source_of(*urls: str, silent_s: float = 10.0, timeout_s: float = 10.0) -> AsyncIterator[EvmSource]:
    """A source that is closed in the end; whatever a test waits for has to happen before it gives up."""
    source = EvmSource(replace(ETHEREUM, endpoints=urls, block_time_s=0.02), silent_s=silent_s, timeout_s=timeout_s)
    try:
        async with asyncio.timeout(60):
            yield source
    finally:
        await source.close()


@asynccontextmanager
async def recording(scheme: str, *, hidden: int = 0, repeat: int = 1) -> AsyncIterator[tuple[str, Recorded]]:
    """The URL of a node with the recorded blocks, and its network."""
    network = Recorded(recorded(), hidden=hidden, repeat=repeat)
    async with serve({"ethereum": network}) as url:
        yield f"{scheme}{url.removeprefix('http')}/ethereum", network


@asynccontextmanager
async def served(app: web.Application, scheme: str) -> AsyncIterator[str]:
    """The URL of a server that does not wait for those who are still asking when it ends."""
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"{scheme}://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def node(scheme: str, answering: Answering) -> AsyncIterator[str]:
    """The URL of a node that answers as told."""

    def answer(text: str | bytes) -> bytes | None:
        said = answering(json.loads(text))
        return said if isinstance(said, bytes | None) else json.dumps(said).encode()

    async def on_post(request: web.Request) -> web.Response:
        said = answer(await request.read())
        if said is None:
            await asyncio.sleep(3600)
        return web.Response(body=said)

    async def on_websocket(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            said = answer(message.data)
            if said is not None:
                await socket.send_frame(said, WSMsgType.TEXT)
        return socket

    app = web.Application()
    app.router.add_post("/", on_post)
    app.router.add_get("/", on_websocket)
    async with served(app, scheme) as url:
        yield url


def honest(request: Any, **results: object) -> Any:
    """Answers of a node that is on Ethereum's main network and knows these results; it has no receipts, else null."""
    if isinstance(request, list):
        return [honest(one, **results) for one in request]
    result = {"eth_chainId": "0x1", "eth_subscribe": "0x1"} | results
    if request["method"] in RECEIPTS - set(results):
        return {"jsonrpc": "2.0", "id": request["id"], "error": {"code": -32601, "message": "method not found"}}
    return {"jsonrpc": "2.0", "id": request["id"], "result": result.get(request["method"])}


def greeted(answering: Answering) -> Answering:
    """The same, but the chain id is told first, so that the fault shows in what comes after it."""
    return lambda request: (
        honest(request) if "eth_chainId" in json.dumps(request) else answering(request)  # single or in a batch
    )


async def test_recorded_blocks_arrive_whole(scheme: str) -> None:
    async with recording(scheme) as (url, _), source_of(url) as source:
        await source.check()
        blocks = [block for block in await source.blocks(NUMBERS) if isinstance(block, Block)]
        assert [block.number for block in blocks] == list(NUMBERS)
        rows = [row for block in blocks for row in block.transactions]
        assert (len(rows), sum(row.value for row in rows)) == (2137, 1491219908150491057278)
        assert await source.block_by_hash(blocks[3].hash, FIRST + 3) == blocks[3]
        head = await source.head()
        assert (head.number, head.hash, head.parent_hash, head.time) == (
            LAST,
            blocks[-1].hash,
            blocks[-1].parent_hash,
            blocks[-1].time,
        )


async def test_requests_run_side_by_side(scheme: str) -> None:
    async with recording(scheme, repeat=30) as (url, _), source_of(url) as source:
        runs = [range(start, start + 5) for start in range(FIRST, FIRST + 400, 5)]
        answers = await asyncio.gather(*map(source.blocks, runs))
        for run, blocks in zip(runs, answers, strict=True):
            assert [block.number for block in blocks if isinstance(block, Block)] == list(run)


async def test_a_block_that_is_not_there_does_not_hold_up_the_others(scheme: str) -> None:
    async with recording(scheme, hidden=1) as (url, _), source_of(url) as source:
        good, missing, other = await source.blocks([FIRST, LAST, FIRST + 1])
        assert isinstance(good, Block)
        assert isinstance(other, Block)
        assert isinstance(missing, BadBlock)
        assert str(LAST) in str(missing)
        with pytest.raises(BadBlock, match=str(LAST)):
            await source.block_by_hash(b"\x00" * 32, LAST)
        with pytest.raises(BadBlock, match=str(FIRST)):
            await source.block_by_hash(b"\x00" * 32, FIRST)


async def test_a_bad_block_does_not_hold_up_the_others(scheme: str) -> None:
    network = Recorded(recorded())

    class Spoiled(Recorded):
        async def block_json(self, number: int) -> bytes | None:
            text = await network.block_json(number) or b"null"
            spoilt = {
                FIRST + 1: text.replace(b'"parentHash"', b'"fatherHash"'),
                FIRST + 2: text.replace(b'"blockNumber":"0x11408', b'"blockNumber":"0x11409', 1),
                FIRST + 3: b'{"hash":[]}',
            }
            return spoilt.get(number, text)

    async with serve({"bad": Spoiled(recorded())}) as url, source_of(f"{scheme}{url[4:]}/bad") as source:
        answers = await source.blocks(range(FIRST, FIRST + 5))
        assert [type(answer) for answer in answers] == [Block, BadBlock, BadBlock, BadBlock, Block]
        for number in range(FIRST + 1, FIRST + 4):
            assert f"ethereum block {number}" in str(answers[number - FIRST])


async def first_of(heads: AsyncGenerator[Head, None], network: Recorded) -> Head:
    """The first head that arrives: a subscription tells nothing of the time before it, so blocks are revealed until."""
    first = asyncio.ensure_future(anext(heads))
    while not first.done():
        await network.reveal(1)
        await asyncio.wait({first}, timeout=0.1)
    return first.result()


async def listen(heads: AsyncGenerator[Head, None]) -> None:
    """Take heads until the stream is lost."""
    async for _ in heads:
        pass


async def test_heads_are_announced(scheme: str) -> None:
    async with (
        recording(scheme, hidden=900, repeat=70) as (url, network),
        source_of(url) as source,
        aclosing(source.heads()) as heads,
    ):
        seen = await first_of(heads, network)
        last = await network.head_number() + 4
        await network.reveal(4)
        while seen.number < last:
            newer = await anext(heads)
            assert newer.number > seen.number
            seen = newer
        block = await source.block_by_hash(seen.hash, last)
        assert (seen.hash, seen.parent_hash, seen.time) == (block.hash, block.parent_hash, block.time)


async def test_heads_with_long_extra_data_are_read() -> None:
    """BNB and Polygon write signatures there, longer than Ethereum allows."""

    class ProofOfAuthority(Recorded):
        async def header_json(self, number: int) -> bytes | None:
            header = json.loads(await super().header_json(number) or b"null")
            return json.dumps(header | {"extraData": "0x" + "ab" * 97}).encode()

        async def heads(self) -> AsyncGenerator[int, None]:
            yield LAST
            await asyncio.Event().wait()

    async with (
        serve({"poa": ProofOfAuthority(recorded())}) as url,
        source_of(f"ws{url[4:]}/poa") as source,
        aclosing(source.heads()) as heads,
    ):
        assert (await anext(heads)).number == LAST


async def test_a_stream_that_is_closed_in_order_is_lost() -> None:
    network = Recorded(recorded(), hidden=LAST - FIRST)
    async with asyncio.timeout(60), AsyncExitStack() as node_runs:
        base = await node_runs.enter_async_context(serve({"ethereum": network}))
        async with source_of(f"ws{base[4:]}/ethereum") as source, aclosing(source.heads()) as heads:
            await first_of(heads, network)
            await node_runs.aclose()
            with pytest.raises(NodeUnavailable, match=f"{HOST}.*closed"):
                await listen(heads)


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(b"{", id="half a JSON"),
        pytest.param(b"5", id="a number"),
        pytest.param(
            b'{"jsonrpc":"2.0","method":"eth_subscription","params":{"subscription":"0x1","result":{}}}', id="{}"
        ),
        pytest.param(
            b'{"jsonrpc":"2.0","method":"eth_subscription","params":{"subscription":"0x1","result":{"number":"x"}}}',
            id="no number",
        ),
    ],
)
async def test_a_head_that_cannot_be_read_ends_the_stream(head: bytes) -> None:
    async def on_websocket(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            call = json.loads(message.data)
            await socket.send_json(honest(call))
            if call["method"] == "eth_subscribe":
                await socket.send_frame(head, WSMsgType.TEXT)
        return socket

    app = web.Application()
    app.router.add_get("/", on_websocket)
    async with served(app, "ws") as url, source_of(url) as source:
        with pytest.raises(NodeUnavailable, match=HOST):
            await anext(source.heads())


async def test_no_node_at_all(scheme: str) -> None:
    secret = "s3cret"
    url = f"{scheme}://user:{secret}@127.0.0.1:{free_port()}/{secret}?key={secret}"
    async with source_of(url) as source:
        for ask in (source.check, source.head, lambda: anext(source.heads()), lambda: source.blocks([1])):
            with pytest.raises(NodeUnavailable, match="refused") as failure:
                await ask()
            assert secret not in f"{failure.value} {failure.value.hint} {failure.value!r}"


async def test_the_next_endpoint_takes_over(scheme: str) -> None:
    nobody = f"{scheme}://127.0.0.1:{free_port()}"
    async with recording(scheme) as (url, _), source_of(nobody, url) as source:
        await source.check()
        assert (await source.head()).number == LAST


async def test_the_endpoint_is_given_up_when_it_dies(scheme: str) -> None:
    async with recording(scheme) as (survivor, _), AsyncExitStack() as node_runs:
        dying, _ = await node_runs.enter_async_context(recording(scheme))
        async with source_of(dying, survivor) as source:
            assert (await source.head()).number == LAST
            await node_runs.aclose()
            with pytest.raises(NodeUnavailable, match=HOST):
                await source.head()
            assert (await source.head()).number == LAST


async def test_a_node_of_another_chain_is_refused(scheme: str) -> None:
    async with (
        node(scheme, lambda request: honest(request, eth_chainId="0x89")) as url,
        source_of(url) as source,
    ):
        with pytest.raises(NodeRefused, match=r"polygon.*ethereum"):
            await source.check()


@pytest.mark.parametrize("said", [b"<html>Hello</html>", b"", b'{"no": "answer"}', b"[]", b"7", b'"0x1"', b"null"])
async def test_what_is_no_answer(scheme: str, said: bytes) -> None:
    async with node(scheme, lambda _: said) as url, source_of(url, timeout_s=2.0) as source:
        with pytest.raises((NodeRefused, NodeUnavailable), match=HOST):
            await source.check()
    async with node(scheme, greeted(lambda _: said)) as url, source_of(url, timeout_s=2.0) as source:
        with pytest.raises((NodeRefused, NodeUnavailable), match=HOST):
            await source.blocks([FIRST, FIRST + 1])


async def test_half_an_answer(scheme: str) -> None:
    def half(request: Any) -> bytes:
        return json.dumps(honest(request, eth_getBlockByNumber={"hash": "0x12"})).encode()[:-20]

    async with node(scheme, greeted(half)) as url, source_of(url) as source:
        with pytest.raises(NodeUnavailable, match=HOST):
            await source.blocks([FIRST, FIRST + 1])


async def test_a_node_that_never_answers(scheme: str) -> None:
    async with node(scheme, greeted(lambda _: None)) as url, source_of(url, timeout_s=0.2) as source:
        with pytest.raises(NodeUnavailable, match=r"127\.0\.0\.1.* 0\.2 s"):
            await source.blocks([FIRST])


async def test_an_error_for_one_block_does_not_hold_up_the_others(scheme: str) -> None:
    async with recording("http") as (real, _), source_of(real) as source:
        assert isinstance((await source.blocks([FIRST]))[0], Block)
        block = json.loads(await Recorded(recorded()).block_json(FIRST) or b"null")

    def answer(request: Any) -> object:
        if isinstance(request, dict):
            return honest(request)
        first, second = request
        error = {"jsonrpc": "2.0", "id": second["id"], "error": {"code": -32000, "message": "pruned history"}}
        return [error, honest(first, eth_getBlockByNumber=block)]  # in another order, as is allowed

    async with node(scheme, greeted(answer)) as url, source_of(url) as source:
        good, bad = await source.blocks([FIRST, FIRST + 1])
        assert isinstance(good, Block)
        assert isinstance(bad, BadBlock)
        assert "pruned history" in str(bad)


async def test_being_asked_too_much_is_worth_another_try(scheme: str) -> None:
    def limited(request: Any) -> object:
        many = request if isinstance(request, list) else [request]
        answers = [
            {"jsonrpc": "2.0", "id": one["id"], "error": {"code": -32005, "message": "limit exceeded"}} for one in many
        ]
        return answers if isinstance(request, list) else answers[0]

    async with node(scheme, greeted(limited)) as url, source_of(url) as source:
        with pytest.raises(NodeUnavailable, match="limit exceeded"):
            await source.blocks([FIRST, FIRST + 1])


@pytest.mark.parametrize(
    ("status", "error"),
    [(429, NodeUnavailable), (503, NodeUnavailable), (413, NodeRefused), (401, NodeRefused), (404, NodeRefused)],
)
async def test_http_statuses(status: int, error: type[Exception]) -> None:
    async def on_post(_: web.Request) -> web.Response:
        return web.Response(status=status, text="no")

    app = web.Application()
    app.router.add_post("/", on_post)
    async with served(app, "http") as url, source_of(url) as source:
        with pytest.raises(error, match=f"{HOST}.*{status}"):
            await source.check()


async def test_number_at(scheme: str) -> None:
    async with recording(scheme, repeat=3) as (url, _), source_of(url) as source:
        blocks = [block for block in await source.blocks(range(FIRST, FIRST + 42)) if isinstance(block, Block)]
        second = timedelta(seconds=1)
        for before, block in pairwise(blocks[10:20]):
            assert await source.number_at(block.time) == block.number
            assert await source.number_at(before.time + second) == block.number
        assert await source.number_at(blocks[-1].time + second) == blocks[-1].number + 1
        assert await source.number_at(datetime(2015, 1, 1, tzinfo=UTC)) == FIRST


async def test_calls_under_way_end_with_the_source(scheme: str) -> None:
    async with node(scheme, greeted(lambda _: None)) as url, source_of(url) as source:
        asking = asyncio.create_task(source.blocks([FIRST]))
        await asyncio.sleep(0.2)
        await source.close()
        with pytest.raises(NodeUnavailable):
            await asking


async def test_a_closed_source_leaves_no_task_behind(scheme: str) -> None:
    async with recording(scheme, hidden=1) as (url, _):
        before = asyncio.all_tasks()
        source = open_source(replace(ETHEREUM, endpoints=(url,)))
        await source.check()
        heads = source.heads()
        waiting = asyncio.ensure_future(anext(heads))
        await asyncio.sleep(0.3)
        waiting.cancel()
        await asyncio.wait({waiting})
        await heads.aclose()
        await source.close()
        await asyncio.sleep(0.1)
        ours = {task for task in asyncio.all_tasks() - before if "aiohttp/web" not in repr(task.get_coro())}
        assert not {task for task in ours if "txhub" in repr(task) or "websockets" in repr(task)}


async def test_a_node_tells_its_peers_or_refuses(scheme: str) -> None:
    told = [{"network": {"remoteAddress": "81.2.69.142:30303"}}, {"network": {"remoteAddress": "[2001:218::1]:1"}}, {}]
    async with node(scheme, lambda request: honest(request, admin_peers=told)) as url, source_of(url) as source:
        assert [peer and str(peer) for peer in await source.peers()] == ["81.2.69.142", "2001:218::1", None]
    async with recording(scheme) as (url, _), source_of(url) as source:
        with pytest.raises(NodeRefused, match="admin_peers"):
            await source.peers()
