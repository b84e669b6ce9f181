"""From a node to committed rows: the recorded mainnet blocks, and a real node."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from decimal import Decimal

import pytest
from web3 import Web3

from tests.anvil import running_anvil
from tests.branching import Branching
from tests.commands import ROWS, WEI, environment, recorded_node, run, running
from tests.data import FIRST, LAST, recorded
from txhub.chain.demo.node import serve
from txhub.chain.demo.recorded import Recorded
from txhub.chain.registry import resolve
from txhub.cli.ingest import follow_all
from txhub.config import Settings
from txhub.errors import NodeRefused, NodeUnavailable
from txhub.model import Chain
from txhub.store.ledger import Ledger
from txhub.store.pool import Pool, open_pool

SETTINGS = Settings(chains={"anvil": {"chain_id": 31337, "block_time_s": 1}}, history=timedelta(0))  # type: ignore[dict-item]


@asynccontextmanager
async def following(database: str, chain: Chain, settings: Settings = SETTINGS) -> AsyncIterator[asyncio.Task[None]]:
    """The service that follows a chain, for the length of a block."""
    task = asyncio.create_task(follow_all(database, settings, [chain]))
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait([task])


async def until(pool: Pool, question: str, answer: object, service: asyncio.Task[None]) -> None:
    """Wait until a question to the database has this answer; a service that has failed raises its error."""
    for _ in range(600):
        if await pool.fetchval(question) == answer:
            return
        if service.done():
            service.result()
        await asyncio.sleep(0.05)
    pytest.fail(f"{question} is {await pool.fetchval(question)}, not {answer}, after 30 seconds")


def test_the_recorded_blocks_end_as_exactly_their_rows(database: str) -> None:
    with recorded_node() as node:
        options = ("--chain", "ethereum", "--rpc", node, "--from", "2023-09-08T07:27", "--to", "2023-09-08T07:30")
        first = run("backfill", *options, env=environment(database))
        assert first.returncode == 0, first.stderr
        assert "14 blocks with 2,137 transactions added" in first.stdout
        again = run("backfill", *options, env=environment(database))
        assert "0 blocks with 0 transactions added" in again.stdout
    # By psql, so by no line of txhub.
    count = run(
        "db", "psql", "--", "-Atc", "SELECT count(*), sum(value) FROM txhub.transactions", env=environment(database)
    )
    assert count.stdout.strip() == f"{ROWS}|{WEI}"


def test_a_range_in_which_the_chain_has_no_block_is_told(database: str) -> None:
    with recorded_node() as node:
        options = ("--chain", "ethereum", "--rpc", node, "--from", "18090210", "--to", "2023-09-08T07:27")
        done = run("backfill", *options, env=environment(database))
    assert done.returncode == 2
    assert "ethereum has no block in this range: it would begin at 18,090,210, and end before 18,090," in done.stderr
    assert "Traceback" not in done.stderr


async def test_the_series_by_minute_is_that_of_the_recording(database: str) -> None:
    network = Recorded(recorded())
    async with serve({"recorded": network}) as url, open_pool(database, name="test") as pool:
        chain = resolve("ethereum", SETTINGS, [f"{url}/recorded".replace("http", "ws")])
        async with following(database, chain, Settings(history=timedelta(days=365 * 50))) as service:
            await until(pool, "SELECT count(*) FROM txhub.blocks", LAST - FIRST + 1, service)
        minutes = await pool.fetch("SELECT to_char(bucket, 'HH24:MI'), tx_count FROM txhub.chain_1m ORDER BY 1")
        assert [tuple(minute) for minute in minutes] == [("07:27", 600), ("07:28", 838), ("07:29", 699)]
        average = (
            "SELECT txhub.ratio(txhub.to_native(value_sum, decimals), tx_count) FROM txhub.chain_1m ORDER BY bucket"
        )
        assert await pool.fetchval(average) == 0.6807252359209582
        kinds = await pool.fetch("SELECT kind, sum(tx_count) FROM txhub.tx_1d GROUP BY 1")
        assert sum(row["sum"] for row in kinds) == ROWS
        large = await pool.fetch("SELECT value FROM txhub.transactions_view WHERE value >= 100 ORDER BY value")
        assert [row["value"] for row in large] == [Decimal("122.104"), Decimal("244.28383946057690214")]


async def test_new_heads_are_committed_as_they_come_and_gaps_behind_them_too(database: str) -> None:
    network = Recorded(recorded(), repeat=12, hidden=120)
    tip = FIRST + 12 * (LAST - FIRST + 1) - 1 - 120

    async def announce(blocks: int) -> None:
        for _ in range(blocks):
            await asyncio.sleep(0.05)
            await network.reveal()

    async with serve({"recorded": network}) as url, open_pool(database, name="test") as pool:
        chain = resolve("ethereum", SETTINGS, [f"{url}/recorded".replace("http", "ws")])
        async with following(database, chain) as service:
            await until(pool, "SELECT count(*) FROM txhub.chains WHERE follow_from IS NOT NULL", 1, service)
            await announce(20)
            await until(pool, "SELECT max(number) FROM txhub.blocks", tip + 20, service)
        live = await pool.fetchval("SELECT count(*) FROM txhub.stream_events WHERE event = 'block'")
        assert live > 10
        # While nobody follows, more blocks come than a reorg may be deep: they are repaired behind the next head.
        await network.reveal(80)
        async with following(database, chain) as service:
            await until(pool, f"SELECT count(*) FROM txhub.blocks WHERE number > {tip}", 100, service)
            await announce(20)
            await until(pool, f"SELECT count(*) FROM txhub.blocks WHERE number > {tip}", 120, service)
        assert await Ledger(pool, chain).missing(tip + 1, tip + 120) == []


async def test_a_node_of_another_chain_is_refused(database: str) -> None:
    async with serve({"recorded": Recorded(recorded())}) as url:
        with pytest.raises(NodeRefused, match=r"serves ethereum \(chain 1\), not base"):
            await follow_all(database, SETTINGS, [resolve("base", SETTINGS, [f"{url}/recorded"])])


async def test_one_chain_without_a_node_does_not_hold_up_another(database: str) -> None:
    network = Recorded(recorded(), hidden=2)
    async with serve({"recorded": network}) as url, open_pool(database, name="test") as pool:
        chains = [
            resolve("base", SETTINGS, ["ws://127.0.0.1:1"]),
            resolve("ethereum", SETTINGS, [f"{url}/recorded"]),
        ]
        service = asyncio.create_task(
            follow_all(database, SETTINGS.model_copy(update={"history": timedelta(0)}), chains)
        )
        await until(pool, "SELECT count(*) FROM txhub.chains WHERE follow_from IS NOT NULL", 1, service)
        await network.reveal(1)
        # The head at the start, from which on nothing may be missing, and the one that came.
        await until(pool, "SELECT array_agg(number ORDER BY number) FROM txhub.blocks", [LAST - 2, LAST - 1], service)
        service.cancel()
        await asyncio.wait([service])
    with pytest.raises(NodeUnavailable):
        await follow_all(database, SETTINGS, chains[:1])


async def test_a_second_ingester_takes_over_when_the_first_is_killed(database: str) -> None:
    network = Branching(blocks=30)
    async with serve({"ethereum": network}) as url, open_pool(database, name="test") as pool, AsyncExitStack() as stack:
        node = f"{url}/ethereum".replace("http", "ws")
        command = ("ingest", "--chain", "ethereum", "--rpc", node)

        async def start() -> subprocess.Popen[bytes]:
            process = stack.enter_context(running(*command, env=environment(database, history="18000d")))
            stack.push_async_callback(asyncio.to_thread, process.terminate)
            return process

        idle = asyncio.create_task(asyncio.Event().wait())
        stack.callback(idle.cancel)
        first = await start()
        await until(pool, "SELECT count(*) FROM txhub.blocks", 30, idle)
        await start()
        await until(pool, "SELECT count(*) FROM txhub.event_log WHERE event = 'waiting_for_turn'", 1, idle)
        await network.extend(1)
        await until(pool, "SELECT count(*) FROM txhub.blocks", 31, idle)
        stream = "SELECT state FROM txhub.streams"
        assert await pool.fetchval(stream) == "following", "the one that waits says nothing of the stream"
        first.kill()
        await asyncio.to_thread(first.wait)
        await network.extend(2)
        await until(pool, "SELECT count(*) FROM txhub.blocks", 33, idle)
        assert await pool.fetchval(stream) == "following"


async def test_transactions_sent_to_a_real_node_are_in_the_database(database: str) -> None:
    with running_anvil(block_time=1) as node:
        web3 = Web3(Web3.HTTPProvider(f"http://{node}"))
        sender, receiver = web3.eth.accounts[:2]
        chain = resolve("anvil", SETTINGS, [f"ws://{node}"])
        async with open_pool(database, name="test") as pool, following(database, chain) as service:
            await until(pool, "SELECT count(*) > 0 FROM txhub.blocks", True, service)
            sent = {
                web3.eth.send_transaction({"from": sender, "to": receiver, "value": web3.to_wei(n, "ether")})
                for n in (1, 2, 3)
            }
            await until(pool, "SELECT count(*) FROM txhub.transactions", 3, service)
            rows = await pool.fetch("SELECT hash, from_address, to_address, value FROM txhub.transactions_view")
            assert {row["hash"] for row in rows} == {"0x" + bytes(hash_).hex() for hash_ in sent}
            assert {(row["from_address"], row["to_address"]) for row in rows} == {(sender.lower(), receiver.lower())}
            assert {row["value"] for row in rows} == {Decimal(1), Decimal(2), Decimal(3)}
