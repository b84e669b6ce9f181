"""The live stream: every id once and in order, whatever happens to clients, memory and database."""

from __future__ import annotations

import asyncio
import queue
import random
import socket
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import replace

import httpx
import msgspec
import pytest
from litestar.response.sse import ServerSentEventMessage

from tests.asking import SOON_S, served
from tests.blocks import BASE, ETHEREUM, make_block, make_blocks
from txhub.api import stream as live_stream
from txhub.api.stream import Feed, messages
from txhub.client import ApiError, AsyncClient, Client, StreamEvent
from txhub.contract import BackfillEvent, BlockEvent, StreamHealth
from txhub.errors import Unavailable
from txhub.model import Chain
from txhub.store.ledger import Ledger
from txhub.store.outbox import OutboxReader
from txhub.store.pool import Pool, open_pool
from txhub.store.read import Reader

BREAK = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE application_name = 'txhub outbox' AND datname = current_database()"
)
"""Ends the session by which the server follows the outbox."""


@asynccontextmanager
async def running_feed(url: str, remembered: int = 1000) -> AsyncIterator[Feed]:
    feed = Feed(OutboxReader(url), remembered)
    running = asyncio.create_task(feed.run())
    try:
        assert await feed.wait(-1, SOON_S)
        yield feed
    finally:
        await feed.close()
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


@asynccontextmanager
async def writing(url: str) -> AsyncIterator[tuple[Pool, Ledger]]:
    async with open_pool(url, name="test") as pool:
        ledger = Ledger(pool, ETHEREUM)
        await ledger.register()
        yield pool, ledger


async def taken(
    feed: Feed, reader: Reader, cursor: int | None, last: int, chains: frozenset[int] | None = None
) -> list[ServerSentEventMessage]:
    """What a client is sent until the cursor reaches `last`."""
    sent = []
    async with asyncio.timeout(SOON_S), aclosing(messages(feed, reader, cursor, chains, heartbeat=0.05)) as arriving:
        async for message in arriving:
            sent.append(message)
            if int(message.id or 0) >= last:
                return sent
    raise AssertionError("the stream ended")


def ids(sent: list[ServerSentEventMessage]) -> list[int]:
    return [int(message.id or 0) for message in sent if message.event]


async def test_clients_that_come_and_go_see_every_id_once(database: str) -> None:
    """The feed remembers five events only, so clients also read what is kept in the database."""
    async with (
        Reader(database) as reader,
        writing(database) as (pool, ledger),
        running_feed(database, remembered=5) as feed,
    ):

        async def write() -> None:
            for first in range(0, 60, 3):
                await ledger.commit(make_blocks(range(first, first + 3), transactions=1))

        async def come_and_go(seed: int) -> list[int]:
            chance, seen, cursor = random.Random(seed), [], 0
            while cursor < 60:
                stay = chance.randrange(1, 25)
                async with aclosing(messages(feed, reader, cursor, None)) as arriving:
                    async for message in arriving:
                        if message.event:
                            assert message.event == "block"
                            cursor = int(message.id or 0)
                            seen.append(cursor)
                            stay -= 1
                        if stay == 0 or cursor == 60:
                            break
                await asyncio.sleep(chance.random() / 50)
            return seen

        async with asyncio.timeout(SOON_S * 2):
            *seen, _ = await asyncio.gather(*(come_and_go(seed) for seed in range(8)), write())
        kept = [row["id"] for row in await pool.fetch("SELECT id FROM txhub.stream_events ORDER BY id")]
    assert seen == [kept] * 8


async def test_a_new_client_starts_now_and_is_told_where(database: str) -> None:
    async with Reader(database) as reader, writing(database) as (_, ledger):
        await ledger.commit(make_blocks(range(5)))
        async with running_feed(database) as feed:
            arriving = asyncio.create_task(taken(feed, reader, None, last=6))
            await asyncio.sleep(0)
            await ledger.commit([make_block(5)])
            sent = await arriving
    assert (sent[0].id, sent[0].event, sent[0].data) == (5, None, None)
    assert ids(sent) == [6]


async def test_other_chains_move_the_cursor_and_nothing_else(database: str) -> None:
    async with Reader(database) as reader, writing(database) as (pool, ledger), running_feed(database) as feed:
        other = Ledger(pool, BASE)
        await other.register()
        await ledger.commit([make_block(1)])
        await other.commit(make_blocks(range(3), chain=BASE))
        sent = await taken(feed, reader, 0, last=4, chains=frozenset({ETHEREUM.chain_id}))
    assert ids(sent) == [1]
    assert (sent[-1].id, sent[-1].comment, sent[-1].data) == (4, "heartbeat", None)


@pytest.mark.parametrize("cursor", [2, 99])
async def test_a_cursor_that_is_not_kept_is_reset(database: str, cursor: int) -> None:
    """Too old, or of another database."""
    async with Reader(database) as reader, writing(database) as (pool, ledger):
        await ledger.commit(make_blocks(range(10)))
        await pool.execute("DELETE FROM txhub.stream_events WHERE id < 5")
        async with running_feed(database) as feed:
            (sent,) = await taken(feed, reader, cursor, last=10)
            assert (sent.event, sent.id) == ("reset", 10)
            await ledger.commit([make_block(10)])
            assert ids(await taken(feed, reader, 10, last=11)) == [11]
            assert ids(await taken(feed, reader, 4, last=11)) == list(range(5, 12))


async def test_a_lost_connection_loses_no_event(database: str) -> None:
    async with Reader(database) as reader, writing(database) as (pool, ledger), running_feed(database) as feed:
        for number in range(6):
            if number % 2:
                await pool.execute(BREAK)
            await ledger.commit([make_block(number)])
        assert ids(await taken(feed, reader, 0, last=6)) == [1, 2, 3, 4, 5, 6]


def judged(chain: str, status: str, lag_s: float, state: str | None = "following") -> StreamHealth:
    return StreamHealth(chain, status, f"{lag_s} s old", 1, None, None, lag_s, state=state)


async def test_verdicts_are_told_at_first_and_when_they_change(database: str) -> None:
    """They have no id: a cursor is a place among what was committed."""
    told: asyncio.Queue[tuple[str, str]] = asyncio.Queue()

    async def listen(feed: Feed, reader: Reader) -> None:
        async for message in messages(feed, reader, None, frozenset({1}), chains={"ethereum"}):
            if message.event == "health":
                assert message.id is None
                health = msgspec.json.decode(str(message.data), type=StreamHealth)
                told.put_nowait((health.chain, health.status))

    async with Reader(database) as reader, running_feed(database) as feed:
        await feed.judge([judged("base", "ok", 1), judged("ethereum", "ok", 5)])
        listening = asyncio.create_task(listen(feed, reader))
        async with asyncio.timeout(SOON_S):
            assert await told.get() == ("ethereum", "ok")
            await feed.judge([judged("base", "down", 999), judged("ethereum", "ok", 11)])  # older, but still ok
            await feed.judge([judged("ethereum", "late", 65)])
            assert await told.get() == ("ethereum", "late")
            await feed.judge([judged("ethereum", "late", 70, "node_stuck")])
            assert await told.get() == ("ethereum", "late")
            await feed.judge([judged("ethereum", "ok", 2)])
            assert await told.get() == ("ethereum", "ok")
        assert told.empty()
        await feed.close()
        await listening


async def test_a_server_judges_its_chains(database: str) -> None:
    async with writing(database) as (_, ledger), served(database) as address, AsyncClient(address) as client:
        await ledger.commit([make_block(1)])
        async with asyncio.timeout(SOON_S), aclosing(client.stream(chain="ethereum")) as arriving:
            async for event in arriving:
                if event.event == "health":
                    break
    assert isinstance(event.data, StreamHealth)
    assert event.data.chain == "ethereum"
    assert event.data.status in ("empty", "idle")
    assert event.id in (0, 1)


async def test_a_client_that_takes_nothing_is_dropped_and_holds_up_nobody(
    database: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(live_stream, "SEND_PATIENCE_S", 0.5)
    async with writing(database) as (pool, _), served(database) as address, AsyncClient(address) as client:
        await pool.execute(
            "INSERT INTO txhub.stream_events (event, data) "
            "SELECT 'note', jsonb_build_object('text', repeat('x', 65536)) FROM generate_series(1, 200)"
        )
        host, port = address.removeprefix("http://").split(":")
        with socket.socket() as idle:
            idle.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)  # some systems take tens of MiB for a process
            idle.connect((host, int(port)))
            idle.sendall(b"GET /v1/stream HTTP/1.1\r\nHost: 127.0.0.1\r\nLast-Event-ID: 0\r\n\r\n")
            async with asyncio.timeout(SOON_S * 2):
                async with aclosing(client.stream(last_id=0)) as arriving:
                    seen = [event.id async for event in first_of(arriving, 200)]
                assert seen == list(range(1, 201))
                while "txhub_stream_clients 0.0" not in await metrics_of(address):  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
            idle.settimeout(SOON_S)
            taken = 0
            with suppress(ConnectionError):
                while piece := await asyncio.to_thread(idle.recv, 1 << 20):
                    taken += len(piece)
        assert 0 < taken < 200 * 65536
    assert capsys.readouterr().out.count("a client was dropped that took nothing") == 1


async def first_of(events: AsyncIterator[StreamEvent], count: int) -> AsyncIterator[StreamEvent]:
    async for event in events:
        if event.event != "health":
            yield event
            count -= 1
        if count == 0:
            return


async def metrics_of(address: str) -> str:
    async with httpx.AsyncClient(base_url=address) as client:
        return (await client.get("/metrics")).text


async def test_a_client_cut_fifty_times_sees_every_event_once(database: str) -> None:
    """Over real connections, while four ingesters commit at once and the server's own session breaks."""
    chains = [replace(ETHEREUM, chain_id=1000 + number, name=f"chain-{number}") for number in range(4)]
    blocks, chance, cuts, seen = 40, random.Random(5), 0, list[int]()

    async def commit(pool: Pool, chain: Chain) -> None:
        ledger = Ledger(pool, chain)
        await ledger.register()
        for number in range(blocks):
            await ledger.commit([make_block(number, chain=chain, transactions=1)])

    async with writing(database) as (pool, _), served(database) as address, AsyncClient(address) as client:
        committing = [asyncio.create_task(commit(pool, chain)) for chain in chains]
        async with asyncio.timeout(SOON_S * 3):
            while len(seen) < blocks * len(chains):
                stay = chance.randrange(1, 6) if cuts < 50 else blocks * len(chains)
                async with aclosing(client.stream(last_id=seen[-1] if seen else 0)) as arriving:
                    async for event in first_of(arriving, min(stay, blocks * len(chains) - len(seen))):
                        seen.append(event.id)
                cuts += 1
                if cuts % 10 == 0:
                    await pool.execute(BREAK)
        await asyncio.gather(*committing)
        kept = [row["id"] for row in await pool.fetch("SELECT id FROM txhub.stream_events ORDER BY id")]
    assert cuts >= 50
    assert seen == kept


async def test_clients_follow_a_server_until_it_says_goodbye(database: str) -> None:
    async def follow(address: str, arrived: asyncio.Queue[StreamEvent]) -> None:
        async with AsyncClient(address) as client:
            async for event in client.stream(last_id=0):
                if event.event != "health":
                    arrived.put_nowait(event)

    def follow_in_thread(address: str, arrived: queue.SimpleQueue[StreamEvent]) -> None:
        with Client(address) as client:
            for event in client.stream(0, chain="ethereum"):
                if event.event != "health":
                    arrived.put(event)

    async with writing(database) as (_, ledger):
        await ledger.commit(make_blocks(range(3)), bulk=True)
        here: asyncio.Queue[StreamEvent] = asyncio.Queue()
        there: queue.SimpleQueue[StreamEvent] = queue.SimpleQueue()
        async with served(database) as address:
            following = asyncio.create_task(follow(address, here))
            in_thread = asyncio.create_task(asyncio.to_thread(follow_in_thread, address, there))
            await ledger.commit(make_blocks(range(3, 5)))
            async with asyncio.timeout(SOON_S):
                first, second, third = [await here.get() for _ in range(3)]
                assert [await asyncio.to_thread(there.get) for _ in range(3)] == [first, second, third]
        async with asyncio.timeout(SOON_S):
            await following
            await in_thread
    assert [event.id for event in (first, second, third)] == [1, 2, 3]
    assert isinstance(first.data, BackfillEvent)
    assert (first.data.from_block, first.data.to_block) == (0, 2)
    assert isinstance(third.data, BlockEvent)
    assert third.data.number == 4


async def test_the_client_reads_what_the_server_says(sample: str) -> None:
    question = {"chain": "ethereum", "start": "2026-03-01T22:30:00Z", "end": "2026-03-01T22:40:00Z", "bucket": "1m"}
    async with served(sample) as address, AsyncClient(address) as client:
        assert [chain.name for chain in await client.chains()] == ["base", "bitcoin", "ethereum"]
        frame = await client.series("tx_rate", **question)
        assert frame.columns == ["time", "chain", "kind", "value"]
        series = await client.read_series("tx_rate", **question)
        assert frame["value"].to_list() == [value for _, value in series.series[0].points]
        assert (series.unit, series.quality.coverage) == ("transactions/minute", 1.0)
        peaks = await client.peaks(start="2026-03-01", chain=["ethereum", "base"], limit=2)
        assert peaks.columns == ["chain", "hour", "minute", "tx_count"]
        windows = await client.peaks(start="2026-03-01", window="15m", limit=2)
        assert windows.columns == ["chain", "start", "window", "tx_count", "rate"]
        page = await client.transactions(from_="0x" + "0" * 38 + "07", min_value="1", limit=3)
        assert len(page.items) == 3
        assert page.next
        rows = await client.transactions_frame(from_="0x" + "0" * 38 + "07", min_value="1", limit=3)
        assert rows["hash"].to_list() == [item.hash for item in page.items]
        assert {stream.chain for stream in await client.health()} == {"base", "bitcoin", "ethereum"}
        with pytest.raises(ApiError) as refused:
            await client.series("tx_rate", chain="dogecoin")
        assert refused.value.answer_status == 400
        assert "dogecoin" in refused.value.detail
        assert "ethereum" in (refused.value.hint or "")
        answers = await asyncio.to_thread(ask_in_thread, address)
        assert answers == (frame.rows(), series, page)
    async with AsyncClient(address) as client:
        with pytest.raises(Unavailable, match="does not answer"):
            await client.chains()


def ask_in_thread(address: str) -> tuple[object, ...]:
    question = {"chain": "ethereum", "start": "2026-03-01T22:30:00Z", "end": "2026-03-01T22:40:00Z", "bucket": "1m"}
    with Client(address) as client:
        return (
            client.series("tx_rate", **question).rows(),
            client.read_series("tx_rate", **question),
            client.transactions(from_="0x" + "0" * 38 + "07", min_value="1", limit=3),
        )
