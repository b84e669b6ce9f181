"""Blocks of Bitcoin-like chains over the wire, recorded and simulated."""

from __future__ import annotations

import asyncio
import itertools
from base64 import b64encode
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.bitcoins import RecordedBitcoin, block_text, early_blocks
from txhub.chain import pace
from txhub.chain.bitcoin import BitcoinSource
from txhub.chain.demo.network import DEMO_CHAINS, DemoNetwork
from txhub.chain.demo.node import Network, serve
from txhub.chain.registry import CHAINS, open_source
from txhub.chain.source import Notice
from txhub.errors import BadBlock, NodeRefused, NodeUnavailable
from txhub.model import Block, Chain, Head

BITCOIN = CHAINS["bitcoin"]
DEMO = DEMO_CHAINS[2]
NOW = datetime(2026, 11, 23, 18, tzinfo=UTC)


@asynccontextmanager
async def at(chain: Chain, *urls: str) -> AsyncIterator[BitcoinSource]:
    """A source that is closed in the end."""
    source = BitcoinSource(replace(chain, endpoints=urls), poll_s=0.01)
    try:
        yield source
    finally:
        await source.close()


def served(network: Network) -> AbstractAsyncContextManager[str]:
    return serve({"btc": network})


def demo(now: datetime = NOW) -> DemoNetwork:
    return DemoNetwork(DEMO, clock=now.timestamp)


async def test_recorded_blocks_arrive_whole() -> None:
    async with served(RecordedBitcoin(early_blocks())) as url, at(BITCOIN, f"{url}/btc") as source:
        await source.check()
        blocks = [block for block in await source.blocks(range(439)) if isinstance(block, Block)]
        assert [block.number for block in blocks] == list(range(439))
        assert (await source.head()).hash == blocks[-1].hash
        assert await source.block_by_hash(blocks[170].hash, 170) == blocks[170]


@pytest.mark.parametrize(("height", "fees"), [(361_582, 3_687_509), (739_990, 1_983_001)])
async def test_large_blocks_arrive_whole(height: int, fees: int) -> None:
    async with served(RecordedBitcoin([block_text(height)])) as url, at(BITCOIN, f"{url}/btc") as source:
        [block] = await source.blocks([height])
        assert isinstance(block, Block)
        assert sum(row.fee or 0 for row in block.transactions) == fees
        others = [move for move in block.utxo_io if move.tx_index > 0]
        assert sum(move.amount if move.side == "in" else -move.amount for move in others) == fees


async def test_the_demo_network_arrives_as_it_is_planted() -> None:
    network = demo()
    async with served(network) as url, at(DEMO, f"{url}/btc") as source:
        await source.check()
        head = await source.head()
        blocks = await source.blocks(range(head.number - 5, head.number + 1))
        assert [block.tx_count for block in blocks if isinstance(block, Block)] == [
            network.count(number) for number in range(head.number - 5, head.number + 1)
        ]
        for block in blocks:
            assert isinstance(block, Block)
            fees: dict[int, Decimal] = defaultdict(Decimal)
            for move in block.utxo_io:
                fees[move.tx_index] += move.amount if move.side == "in" else -move.amount
            assert [fees[row.tx_index] for row in block.transactions[1:]] == [row.fee for row in block.transactions[1:]]
        assert isinstance(blocks[-1], Block)
        assert (blocks[-1].hash, blocks[-1].time) == (head.hash, head.time)


async def test_blocks_that_are_missing_or_wrong_do_not_spoil_the_others() -> None:
    network = RecordedBitcoin(early_blocks()[:8], hidden=2)
    network.spoil(3, tx=[])
    network.spoil(4, tx="none")
    async with served(network) as url, at(BITCOIN, f"{url}/btc") as source:
        blocks = await source.blocks([5, 6, 3, 4, 1])
        assert [block.number for block in blocks if isinstance(block, Block)] == [5, 1]
        faults = [str(block) for block in blocks if isinstance(block, BadBlock)]
        assert [fault.partition(":")[0] for fault in faults] == [f"bitcoin block {n} is refused" for n in (6, 3, 4)]
        with pytest.raises(BadBlock, match="block 6 is refused"):
            await source.block_by_hash(bytes(32), 6)
        assert await source.blocks([]) == []


async def test_new_heads_are_found() -> None:
    network = RecordedBitcoin(early_blocks()[:8], hidden=3)
    async with served(network) as url, at(BITCOIN, f"{url}/btc") as source:
        async with aclosing(source.heads()) as heads:
            seen: list[Head] = [await anext(heads)]
            for _ in range(3):
                network.grow()
                seen.append(await anext(heads))
        assert [head.number for head in seen] == [4, 5, 6, 7]
        assert all(child.parent_hash == parent.hash for parent, child in itertools.pairwise(seen))


async def test_a_moment_leads_to_its_block() -> None:
    network = demo()
    async with served(network) as url, at(DEMO, f"{url}/btc") as source:
        head = await source.head()
        for number in (0, 1, 12, 5000, head.number):
            time = datetime.fromtimestamp(network.time(number), UTC)
            assert await source.number_at(time) == number
            assert await source.number_at(time + timedelta(seconds=1)) == number + 1
        assert await source.number_at(datetime(2000, 1, 1, tzinfo=UTC)) == 0
        assert await source.number_at(NOW + timedelta(days=1)) == head.number + 1


async def test_another_network_is_refused() -> None:
    async with served(demo()) as url, at(BITCOIN, f"{url}/btc") as source:
        with pytest.raises(NodeRefused, match=r"'regtest'.* not bitcoin"):
            await source.check()


async def test_the_next_endpoint_is_tried_when_one_is_silent() -> None:
    async with (
        served(demo()) as url,
        at(DEMO, "http://127.0.0.1:9", f"{url}/btc") as source,
    ):
        told: list[Notice] = []
        source.notify = told.append
        assert (await source.head()).number > 0
        [notice] = told
        assert (notice.event, notice.details["from"], notice.details["to"]) == (
            "endpoint_changed",
            "http://127.0.0.1:9",
            url,
        )
        assert "no node answers" in str(notice.details["reason"])


async def test_the_next_endpoint_takes_over_the_heads() -> None:
    async with AsyncExitStack() as first_runs, served(demo()) as survivor:
        first = await first_runs.enter_async_context(served(demo()))
        async with at(DEMO, f"{first}/btc", f"{survivor}/btc") as source:
            seen = await anext(heads := source.heads())
            await first_runs.aclose()
            with pytest.raises(NodeUnavailable, match=first):
                await anext(heads)
            async with aclosing(source.heads()) as heads:
                assert (await anext(heads)).number >= seen.number


async def test_another_network_is_refused_at_every_endpoint() -> None:
    async with (
        served(demo()) as url,
        served(RecordedBitcoin(early_blocks()[:8])) as bitcoin,
        at(BITCOIN, f"{url}/btc", f"{bitcoin}/btc") as source,
    ):
        assert (await source.head()).number == 7


async def test_a_closed_source_is_unavailable() -> None:
    async with served(demo()) as url:
        async with at(DEMO, f"{url}/btc") as source:
            await source.head()
        with pytest.raises(NodeUnavailable, match="closed"):
            await source.head()


@pytest.mark.parametrize(
    ("answer", "error", "says"),
    [
        ('{"id":ID,"error":{"code":-28,"message":"Loading block index"}}', NodeUnavailable, "still starting"),
        ('{"id":ID,"error":{"code":-32601,"message":"Method not found"}}', NodeRefused, "Method not found"),
        ('{"id":ID,"result":17}', NodeRefused, "unexpected"),
        ('{"id":ID,"result":null}', NodeRefused, "unexpected"),
        ('{"id":0,"result":1}', NodeUnavailable, "without an answer"),
        ("<html>", NodeRefused, "not answer in JSON"),
        ('{"id":ID,"res', NodeUnavailable, "broke off"),
    ],
)
async def test_answers_that_are_errors_are_said_plainly(answer: str, error: type[Exception], says: str) -> None:
    async def on_post(request: web.Request) -> web.Response:
        call = await request.json()
        if call["method"] == "getblockchaininfo":
            return web.json_response({"result": {"chain": "main"}, "error": None, "id": call["id"]})
        return web.Response(text=answer.replace("ID", str(call["id"])))

    app = web.Application()
    app.router.add_post("/", on_post)
    async with TestServer(app) as server, at(BITCOIN, str(server.make_url("/"))) as source:
        with pytest.raises(error, match=says):
            await source.head()


async def test_a_busy_node_that_takes_no_batches_is_asked_more_slowly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "FIRST_PAUSE_S", 0.01)
    node = RecordedBitcoin(early_blocks()[:8])
    told: list[str] = []
    asked = 0

    async with served(node) as url:

        async def on_post(request: web.Request) -> web.Response:
            nonlocal asked
            asked += 1
            body = await request.read()
            if body.startswith(b"["):
                refusal = {"result": None, "error": {"code": -32600, "message": "no batches here"}, "id": None}
                return web.json_response(refusal)
            if asked % 3 == 0:
                return web.Response(status=429)
            async with aiohttp.ClientSession() as session, session.post(f"{url}/btc", data=body) as answer:
                return web.Response(body=await answer.read(), status=answer.status)

        app = web.Application()
        app.router.add_post("/", on_post)
        async with TestServer(app) as server, at(BITCOIN, str(server.make_url("/"))) as source:
            source.notify = lambda notice: told.append(notice.event)
            blocks = await source.blocks(range(8))
    assert [block.number for block in blocks if isinstance(block, Block)] == [*range(8)]
    assert told == ["slowed_down"] * len(told)
    assert len(told) >= 2


async def test_a_node_that_starts_is_asked_again() -> None:
    async def on_post(request: web.Request) -> web.Response:
        error = {"code": -28, "message": "Loading block index"}
        return web.json_response({"result": None, "error": error, "id": (await request.json())["id"]}, status=500)

    app = web.Application()
    app.router.add_post("/", on_post)
    async with TestServer(app) as server, at(BITCOIN, str(server.make_url("/"))) as source:
        with pytest.raises(NodeUnavailable, match="still starting"):
            await source.check()


async def test_user_and_password_are_sent_and_never_shown() -> None:
    given: list[str] = []

    async def on_post(request: web.Request) -> web.Response:
        given.append(request.headers["Authorization"])
        return web.Response(status=401)

    app = web.Application()
    app.router.add_post("/", on_post)
    async with TestServer(app) as server:
        url = f"http://rpcuser:s%3Acret@127.0.0.1:{server.port}/"
        source = open_source(replace(BITCOIN, endpoints=(url,)))
        with pytest.raises(NodeRefused, match="401") as refusal:
            await source.head()
        await source.close()
    assert given == ["Basic " + b64encode(b"rpcuser:s:cret").decode()]
    assert "cret" not in f"{refusal.value} {refusal.value.hint}"


async def test_requests_may_run_at_the_same_time() -> None:
    async with served(demo()) as url, at(DEMO, f"{url}/btc") as source:
        first, second = await asyncio.gather(source.blocks([4, 5]), source.blocks([5, 4]))
        assert first == second[::-1]
