"""What the watchdog finds out when no head comes, and the ways from one endpoint to the next."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import replace

import pytest
from aiohttp import web

from tests.blocks import ETHEREUM
from tests.data import FIRST, LAST, recorded
from txhub.chain import transport
from txhub.chain.demo.node import serve
from txhub.chain.demo.recorded import Recorded
from txhub.chain.evm import EvmSource
from txhub.chain.source import Notice
from txhub.errors import ListenerDied, NodeRefused, NodeStuck, NodeUnavailable
from txhub.model import Block, Head
from txhub.ports import free_port

SCHEMES = ("ws", "http")
SILENT_S = 0.4


@pytest.fixture(params=SCHEMES)
def scheme(request: pytest.FixtureRequest) -> str:
    return str(request.param)


class Told(asyncio.Queue[Notice]):
    """The notices of a source, in the order in which they came."""

    def events(self) -> list[str]:
        """What was told so far and not read yet."""
        return [self.get_nowait().event for _ in range(self.qsize())]


@asynccontextmanager
async def source_of(
    *urls: str, silent_s: float = SILENT_S, timeout_s: float = 10.0, again_s: float = 60.0
) -> AsyncIterator[tuple[EvmSource, Told]]:
    """A source and what it tells; a test that waits for something that does not happen is ended."""
    chain = replace(ETHEREUM, endpoints=urls, block_time_s=0.02)
    source = EvmSource(chain, silent_s=silent_s, timeout_s=timeout_s, again_s=again_s)
    told = Told()
    source.notify = told.put_nowait
    try:
        async with asyncio.timeout(60):
            yield source, told
    finally:
        await source.close()


@asynccontextmanager
async def served(network: Recorded, scheme: str = "ws", port: int = 0) -> AsyncIterator[str]:
    """The URL of a node; its path stands for a secret."""
    async with serve({"s3cret": network}, port) as url:
        yield f"{scheme}{url.removeprefix('http')}/s3cret"


def shown(url: str) -> str:
    return url.removesuffix("/s3cret")


async def listen(heads: AsyncGenerator[Head, None]) -> None:
    """Take heads until the stream is lost."""
    async for _ in heads:
        pass


class Mute(Recorded):
    """Announces so many of its blocks and no more, though it has them."""

    announces = 1

    async def heads(self) -> AsyncGenerator[int, None]:
        async with aclosing(super().heads()) as heads:
            for _ in range(self.announces):
                yield await anext(heads)
        await asyncio.Event().wait()


async def test_a_listener_that_died_is_told_from_a_node_that_is_fine() -> None:
    network = Mute(recorded(), hidden=5)
    async with served(network) as url, source_of(url) as (source, told):
        async with aclosing(source.heads()) as heads:
            assert (await anext(heads)).number == LAST - 5
            await network.reveal()
            assert (await anext(heads)).number == LAST - 4
            await network.reveal(3)
            with pytest.raises(ListenerDied, match=f"{shown(url)} has block {LAST - 1}.* none after block {LAST - 4}"):
                await anext(heads)
        notice = told.get_nowait()
        assert (notice.event, notice.details["endpoint"], notice.details["block"]) == (
            "listener_died",
            shown(url),
            LAST - 4,
        )
        assert "s3cret" not in str(notice)
        async with aclosing(source.heads()) as heads:  # the same node, by a new connection
            assert (await anext(heads)).number == LAST - 1
        assert told.empty()


async def test_a_listener_that_never_announces_gives_way_to_the_next_endpoint() -> None:
    mute, good = Mute(recorded(), hidden=5), Recorded(recorded(), hidden=1)
    mute.announces = 0
    async with served(mute) as first, served(good) as second, source_of(first, second) as (source, told):
        async with aclosing(source.heads()) as heads:
            await anext(heads)
            await mute.reveal()
            with pytest.raises(ListenerDied):
                await anext(heads)
        async with aclosing(source.heads()) as heads:
            assert (await anext(heads)).number == LAST - 1
        assert told.events() == ["listener_died", "endpoint_changed"]


async def test_a_node_that_is_stuck_is_left_for_one_that_is_not(scheme: str) -> None:
    stuck, good = Recorded(recorded(), hidden=5), Recorded(recorded())
    async with (
        served(stuck, scheme) as first,
        served(good, scheme) as second,
        source_of(first, second) as (source, told),
    ):
        assert (await source.head()).number == LAST - 5
        with pytest.raises(NodeStuck, match=rf"{shown(first)} .*block {LAST - 5} for .* s; {shown(second)} .*{LAST}"):
            await listen(source.heads())
        assert (await source.head()).number == LAST  # bodies come from the other one, too
        async with aclosing(source.heads()) as heads:
            assert (await anext(heads)).number == LAST
        stuck_notice, *changes = (told.get_nowait() for _ in range(told.qsize()))
        assert stuck_notice.event == "node_stuck"
        assert [notice.event for notice in changes] == ["endpoint_changed"] * 2  # of heads and of bodies
        for notice in changes:
            assert (notice.details["from"], notice.details["to"]) == (shown(first), shown(second))
            assert "stuck" in str(notice.details["reason"])
            assert "s3cret" not in str(notice)


async def test_a_node_that_is_still_syncing_is_stuck() -> None:
    header = json.loads(await Recorded(recorded()).header_json(FIRST) or b"null")
    results = {"eth_chainId": "0x1", "eth_getBlockByNumber": header, "eth_syncing": {"currentBlock": "0x1"}}

    async def on_post(request: web.Request) -> web.Response:
        call = await request.json()
        return web.json_response({"jsonrpc": "2.0", "id": call["id"], "result": results[call["method"]]})

    app = web.Application()
    app.router.add_post("/", on_post)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        async with source_of(f"http://127.0.0.1:{runner.addresses[0][1]}") as (source, told):
            with pytest.raises(NodeStuck, match="still syncing"):
                await listen(source.heads())
            assert told.events() == ["node_stuck"]
    finally:
        await runner.cleanup()


async def test_a_quiet_chain_is_no_fault(scheme: str) -> None:
    class Counting(Recorded):
        asked = asyncio.Semaphore(0)

        async def head_number(self) -> int:
            self.asked.release()
            return await super().head_number()

    network, other = Recorded(recorded(), hidden=2), Counting(recorded(), hidden=2)
    async with (
        served(network, scheme) as first,
        served(other, scheme) as second,
        source_of(first, second) as (source, told),
        aclosing(source.heads()) as heads,
    ):
        assert (await anext(heads)).number == LAST - 2
        waiting = asyncio.ensure_future(anext(heads))
        for _ in range(3):  # each time the watchdog asks, and is told the same
            await other.asked.acquire()
        notice = await told.get()
        assert (notice.level, notice.event, notice.details["block"]) == ("warning", "chain_quiet", LAST - 2)
        assert told.empty()
        await network.reveal()
        await other.reveal()
        assert (await waiting).number == LAST - 1
        notice = await told.get()
        assert (notice.event, notice.details["block"]) == ("chain_resumed", LAST - 1)


async def test_a_block_that_comes_while_the_watchdog_asks_is_no_fault() -> None:
    class Waking(Recorded):
        """Goes on in the moment in which it is asked how far it is."""

        async def head_number(self) -> int:
            await self.reveal()
            return await super().head_number()

    network = Waking(recorded(), hidden=14)
    async with served(network) as url, source_of(url) as (source, told), aclosing(source.heads()) as heads:
        while (await anext(heads)).number < FIRST + 4:
            pass
        assert told.empty()


class HalfOpen:
    """A way to a node that can end without a word: no data any more, and no end of it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._passing = asyncio.Event()
        self._passing.set()
        self._connections: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def way(self) -> AsyncIterator[int]:
        """The port where the way begins."""
        server = await asyncio.start_server(self._connect, "127.0.0.1", 0)
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            server.close()
            for connection in self._connections:
                connection.cancel()
            await asyncio.gather(*self._connections, return_exceptions=True)

    def cut(self, *, for_good: bool = False) -> None:
        """Let the connections there are carry nothing any more, nor, if it is for good, any new ones."""
        self._passing.clear()
        if not for_good:
            self._passing = asyncio.Event()
            self._passing.set()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = asyncio.current_task()
        assert connection is not None
        self._connections.add(connection)
        passing = self._passing
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            await asyncio.gather(self._carry(reader, there_writer, passing), self._carry(there_reader, writer, passing))
        except (asyncio.CancelledError, ConnectionError):
            pass  # the end of the test
        finally:
            writer.close()
            there_writer.close()

    @staticmethod
    async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, passing: asyncio.Event) -> None:
        while data := await reader.read(65536):
            await passing.wait()
            writer.write(data)
        await passing.wait()
        writer.write_eof()


@asynccontextmanager
async def half_open(network: Recorded, scheme: str = "ws") -> AsyncIterator[tuple[str, HalfOpen]]:
    async with served(network, scheme) as url:
        way = HalfOpen(int(shown(url).rpartition(":")[2]))
        async with way.way() as port:
            yield f"{scheme}://127.0.0.1:{port}/s3cret", way


async def test_a_half_open_socket_is_found_when_the_chain_goes_on() -> None:
    network = Recorded(recorded(), hidden=5)
    async with (
        half_open(network) as (url, way),
        source_of(url) as (source, told),
        aclosing(source.heads()) as heads,
    ):
        await anext(heads)
        await network.reveal()
        await anext(heads)
        way.cut()
        await network.reveal()
        with pytest.raises(ListenerDied, match=shown(url)):
            await anext(heads)
        assert told.events() == ["listener_died"]


async def test_a_node_that_is_gone_without_a_word_is_silent() -> None:
    network = Recorded(recorded(), hidden=5)
    async with (
        half_open(network) as (url, way),
        source_of(url, timeout_s=1.0) as (source, told),
        aclosing(source.heads()) as heads,
    ):
        assert (await anext(heads)).number == LAST - 5
        way.cut(for_good=True)
        with pytest.raises(NodeUnavailable, match=rf"{shown(url)} is silent.* block {LAST - 5} for .* s: ") as failure:
            await anext(heads)
        assert not isinstance(failure.value, ListenerDied | NodeStuck)
        assert told.empty()


async def test_a_half_open_socket_is_found_by_pings_while_the_chain_is_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "_PING_S", 0.2)
    network = Recorded(recorded(), hidden=5)
    async with (
        half_open(network) as (url, way),
        source_of(url, silent_s=60.0, timeout_s=1.0) as (source, _),
        aclosing(source.heads()) as heads,
    ):
        await anext(heads)
        way.cut()
        with pytest.raises(NodeUnavailable, match="ping timeout"):
            await anext(heads)


async def test_bodies_leave_a_half_open_socket(scheme: str) -> None:
    network = Recorded(recorded())
    async with (
        half_open(network, scheme) as (first, way),
        served(network, scheme) as second,
        source_of(first, second, timeout_s=0.5) as (source, told),
    ):
        await source.check()
        way.cut(for_good=True)
        with pytest.raises(NodeUnavailable, match=rf"{shown(first)} did not answer"):
            await source.blocks([FIRST])
        assert isinstance((await source.blocks([FIRST]))[0], Block)
        assert told.events() == ["endpoint_changed", "receipts_by"]


async def test_the_reasons_of_each_change_are_told() -> None:
    nobody = f"ws://user:s3cret@127.0.0.1:{free_port()}/s3cret"
    polygon, ethereum = Recorded(recorded(), chain_id=137), Recorded(recorded())
    async with (
        served(polygon) as other_chain,
        served(ethereum) as good,
        source_of(nobody, other_chain, good) as (source, told),
        aclosing(source.heads()) as heads,
    ):
        assert (await anext(heads)).number == LAST
        changes = [told.get_nowait() for _ in range(2)]
        assert [notice.event for notice in changes] == ["endpoint_changed"] * 2
        assert [notice.details["to"] for notice in changes] == [shown(other_chain), shown(good)]
        assert "refused" in str(changes[0].details["reason"])
        assert "serves polygon" in str(changes[1].details["reason"])
        assert "s3cret" not in str(changes)
        assert told.empty()
        await source.check()  # bodies go the same way
        assert told.events() == ["endpoint_changed"] * 2


async def test_heads_of_another_chain_are_refused(scheme: str) -> None:
    async with served(Recorded(recorded(), chain_id=137), scheme) as url, source_of(url, url) as (source, _):
        with pytest.raises(NodeRefused, match=r"polygon.*ethereum"):
            await anext(source.heads())


async def test_heads_are_polled_until_a_websocket_works_again() -> None:
    network = Recorded(recorded(), hidden=6)
    port = free_port()
    websocket = f"ws://127.0.0.1:{port}/s3cret"
    async with (
        served(network, "http") as http,
        source_of(http, websocket, silent_s=10.0, again_s=0.2) as (source, told),
        aclosing(source.heads()) as heads,
        AsyncExitStack() as later,
    ):
        assert (await anext(heads)).number == LAST - 6
        notice = await told.get()
        assert (notice.details["from"], notice.details["to"]) == (shown(websocket), shown(http))
        await network.reveal()
        assert (await anext(heads)).number == LAST - 5
        await later.enter_async_context(served(network, "ws", port))
        waiting = asyncio.ensure_future(anext(heads))
        notice = await told.get()
        assert (notice.details["from"], notice.details["to"]) == (shown(http), shown(websocket))
        assert (await waiting).number == LAST - 5  # where the subscription begins
        await network.reveal()
        assert (await anext(heads)).number == LAST - 4


async def test_heads_are_polled_while_websockets_are_behind() -> None:
    class Asked(Recorded):
        asked = asyncio.Semaphore(0)

        async def head_number(self) -> int:
            self.asked.release()
            return await super().head_number()

    behind, network = Asked(recorded(), hidden=6), Recorded(recorded(), hidden=1)
    async with (
        served(behind) as websocket,
        served(network, "http") as http,
        source_of(websocket, http, again_s=0.1) as (source, told),
    ):
        with pytest.raises(NodeStuck):
            await listen(source.heads())
        assert told.events() == ["node_stuck", "endpoint_changed"]
        async with aclosing(source.heads()) as heads:
            assert (await anext(heads)).number == LAST - 1
            for _ in range(4):  # the subscription, the watchdog, and two tries to return
                await behind.asked.acquire()
            assert told.empty()
            await network.reveal()
            assert (await anext(heads)).number == LAST


async def test_nothing_works() -> None:
    urls = [f"{scheme}://127.0.0.1:{free_port()}/s3cret" for scheme in ("http", "ws")]
    async with source_of(*urls) as (source, told):
        with pytest.raises(NodeUnavailable, match="refused") as failure:
            await anext(source.heads())
        assert all(shown(url) in str(failure.value) for url in urls)
        assert told.events() == ["endpoint_changed"] * 2
