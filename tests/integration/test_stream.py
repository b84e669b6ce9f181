"""The live stream: every id once and in order, whatever happens to clients, memory and database."""

from __future__ import annotations

import asyncio
import queue
import random
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress

import pytest
from litestar.response.sse import ServerSentEventMessage

from tests.asking import SOON_S, served
from tests.blocks import BASE, ETHEREUM, make_block, make_blocks
from txhub.api.stream import Feed, messages
from txhub.client import ApiError, AsyncClient, Client, StreamEvent
from txhub.contract import BackfillEvent, BlockEvent
from txhub.errors import Unavailable
from txhub.store.ledger import Ledger
from txhub.store.outbox import OutboxReader
from txhub.store.pool import Pool, open_pool
from txhub.store.read import Reader


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
                await pool.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE application_name = 'txhub outbox' AND datname = current_database()"
                )
            await ledger.commit([make_block(number)])
        assert ids(await taken(feed, reader, 0, last=6)) == [1, 2, 3, 4, 5, 6]


async def test_clients_follow_a_server_until_it_says_goodbye(database: str) -> None:
    async def follow(address: str, arrived: asyncio.Queue[StreamEvent]) -> None:
        async with AsyncClient(address) as client:
            async for event in client.stream(last_id=0):
                arrived.put_nowait(event)

    def follow_in_thread(address: str, arrived: queue.SimpleQueue[StreamEvent]) -> None:
        with Client(address) as client:
            for event in client.stream(0, chain="ethereum"):
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
