"""Reorgs of any depth, at any moment: what is left is what the winning chain alone would have left."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from web3 import Web3

from tests.anvil import running_anvil
from tests.branching import Branching
from tests.conftest import open_database
from txhub.chain.demo.node import serve
from txhub.chain.registry import open_source, resolve
from txhub.cli.ingest import follow_all
from txhub.config import Settings
from txhub.errors import DeepReorg
from txhub.ingest.backfill import backfill
from txhub.model import Chain
from txhub.rollup.refresh import catch_up
from txhub.store.ledger import Ledger
from txhub.store.migrate import migrate
from txhub.store.pool import Pool, open_pool
from txhub.store.server import Server

SETTINGS = Settings(
    chains={"anvil": {"chain_id": 31337, "block_time_s": 1}},  # type: ignore[dict-item]
    history=timedelta(days=365 * 20),
)
VIEWS = ("transactions", "tx_1m", "tx_1h", "tx_1d", "chain_1m", "peaks_1h", "value_hist_1h")


@asynccontextmanager
async def following(database: str, *chains: Chain) -> AsyncIterator[asyncio.Task[None]]:
    """The service that follows chains, for the length of a block."""
    task = asyncio.create_task(follow_all(database, SETTINGS, chains))
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait([task])


@asynccontextmanager
async def served(*networks: Branching, names: tuple[str, ...] = ("ethereum",)) -> AsyncIterator[list[Chain]]:
    async with serve(dict(zip(names, networks, strict=True))) as url:
        yield [resolve(name, SETTINGS, [f"{url}/{name}".replace("http", "ws")]) for name in names]


async def ledger_of(pool: Pool, chain_id: int = 1) -> dict[int, str]:
    rows = await pool.fetch("SELECT number, hash FROM txhub.blocks WHERE chain_id = $1", chain_id)
    return {row["number"]: "0x" + row["hash"].hex() for row in rows}


async def until_equal(pool: Pool, network: Branching, service: asyncio.Task[None]) -> None:
    """Wait until the ledger holds the network's chain, block by block."""
    wanted: dict[int, str] = {}
    for _ in range(600):
        wanted = {number: block.hash for number, block in network.blocks.items()}
        if await ledger_of(pool, network.chain_id) == wanted:
            return
        if service.done():
            service.result()
        await asyncio.sleep(0.05)
    found = await ledger_of(pool, network.chain_id)
    pytest.fail(f"after 30 s {len(found.items() ^ wanted.items())} blocks differ: {sorted(found)[-3:]}")


async def contents(pool: Pool) -> dict[str, list[str]]:
    while await catch_up(pool, datetime.now(UTC)):
        pass
    return {view: sorted(map(repr, await pool.fetch(f"SELECT * FROM txhub.{view}"))) for view in VIEWS}


async def undisturbed(server: Server, chain: Chain, first: int, last: int) -> dict[str, list[str]]:
    """What a fresh database has after the chain was loaded once, as it is now."""
    with open_database(server) as url:
        migrate(url)
        source = open_source(chain)
        async with open_pool(url, name="test") as pool:
            ledger = Ledger(pool, chain)
            await ledger.register()
            await backfill(source, ledger, [range(first, last + 1)], request_blocks=20, parallel_requests=2)
            await source.close()
            return await contents(pool)


@pytest.mark.parametrize(("depth", "blocks"), [(1, 2), (3, 3), (12, 14), (64, 66)])
async def test_a_live_reorg(server: Server, database: str, depth: int, blocks: int) -> None:
    network = Branching(blocks=90)
    async with served(network) as [chain], open_pool(database, name="test") as pool:
        async with following(database, chain) as service:
            await until_equal(pool, network, service)
            lost = {network.blocks[number].hash for number in range(network.tip - depth + 1, network.tip + 1)}
            await network.reorg(depth, blocks)
            await until_equal(pool, network, service)
            await network.extend(2)
            await until_equal(pool, network, service)
        assert await contents(pool) == await undisturbed(server, chain, 100, network.tip)
        orphans = await pool.fetch("SELECT hash FROM txhub.orphans")
        assert {"0x" + row["hash"].hex() for row in orphans} == lost
        assert await pool.fetchval("SELECT count(*) FROM txhub.orphan_transactions") == 3 * depth
        assert await pool.fetchval("SELECT depth FROM txhub.reorgs") == depth
        said = await pool.fetchval("SELECT count(*) FROM txhub.event_log WHERE event = 'reorg'")
        assert said == 1


async def test_two_reorgs_in_a_row_a_rollback_and_a_restart(server: Server, database: str) -> None:
    network = Branching(blocks=40)
    async with served(network) as [chain], open_pool(database, name="test") as pool:
        async with following(database, chain) as service:
            await until_equal(pool, network, service)
            await network.reorg(3, 4)
            await network.reorg(6, 7)
            await until_equal(pool, network, service)
            await network.rollback(8)
            await network.extend(2)
            await until_equal(pool, network, service)
        # While nobody follows, the chain leaves the ledger once more.
        await network.reorg(5, 5)
        async with following(database, chain) as service:
            await until_equal(pool, network, service)
            await network.extend(1)
            await until_equal(pool, network, service)
        assert await contents(pool) == await undisturbed(server, chain, 100, network.tip)
        assert await Ledger(pool, chain).unlinked(0, 10**9) == []


async def test_reorgs_while_older_blocks_are_loaded(server: Server, database: str) -> None:
    network = Branching(blocks=600, transactions=2)
    async with served(network) as [chain], open_pool(database, name="test") as pool:
        async with following(database, chain) as service:
            for _ in range(8):
                await network.reorg(2, 3)
                await asyncio.sleep(0.1)
            await until_equal(pool, network, service)
        assert await contents(pool) == await undisturbed(server, chain, 100, network.tip)


async def test_a_reorg_deeper_than_finality_leaves_that_chain_and_only_that(database: str) -> None:
    deep, other = Branching(blocks=100), Branching(chain_id=8453, blocks=30, spacing_s=2)
    async with (
        served(deep, other, names=("ethereum", "base")) as chains,
        open_pool(database, name="test") as pool,
        following(database, *chains) as service,
    ):
        await until_equal(pool, deep, service)
        before = await ledger_of(pool)
        await deep.reorg(65, 67)
        await until(pool, "SELECT state FROM txhub.streams WHERE chain_id = 1", "halted", service)
        await other.extend(3)
        await other.reorg(2, 3)
        await until_equal(pool, other, service)
        assert await ledger_of(pool) == before
        level = "SELECT level FROM txhub.event_log WHERE chain_id = 1 AND event = 'halted'"
        assert await pool.fetchval(level) == "error"
    async with served(deep) as chains:
        with pytest.raises(DeepReorg, match="more than 64 blocks"):
            await asyncio.wait_for(follow_all(database, SETTINGS, chains), 30)


async def test_a_node_that_answers_nothing_does_not_hold_up_another_chain(database: str) -> None:
    stalled, other = Branching(blocks=20), Branching(chain_id=8453, blocks=20, spacing_s=2)
    async with (
        served(stalled, other, names=("ethereum", "base")) as chains,
        open_pool(database, name="test") as pool,
        following(database, *chains) as service,
    ):
        await until_equal(pool, stalled, service)
        stalled.stalled = True
        await stalled.extend(5)
        await other.extend(30)
        await until_equal(pool, other, service)
        await other.reorg(2, 3)
        await until_equal(pool, other, service)
        assert await pool.fetchval("SELECT count(*) FROM txhub.blocks WHERE chain_id = 1") == 20


async def test_heads_that_are_stale_repeated_or_lower_change_nothing(database: str) -> None:
    network = Branching(blocks=30)
    async with served(network) as [chain], open_pool(database, name="test") as pool:
        async with following(database, chain) as service:
            await until_equal(pool, network, service)
            for number in (network.tip, network.tip - 5, network.tip - 1, network.tip):
                await network._announce(number)
            await network.extend(3)
            await until_equal(pool, network, service)
        assert await pool.fetchval("SELECT count(*) FROM txhub.reorgs") == 0
        assert await pool.fetchval("SELECT count(*) FROM txhub.event_log WHERE level <> 'info'") == 0


@pytest.mark.parametrize("rolled_back", [False, True], ids=["anvil_reorg", "anvil_rollback"])
async def test_a_real_node_that_changes_its_mind(database: str, rolled_back: bool) -> None:
    with running_anvil() as node:
        web3 = Web3(Web3.HTTPProvider(f"http://{node}"))
        sender, receiver = web3.eth.accounts[:2]

        def send(count: int) -> None:
            for _ in range(count):  # each makes a block
                web3.eth.wait_for_transaction_receipt(
                    web3.eth.send_transaction({"from": sender, "to": receiver, "value": web3.to_wei(1, "ether")})
                )

        def canonical() -> dict[int, str]:
            numbers = range(web3.eth.block_number + 1)
            return {number: web3.to_hex(web3.eth.get_block(number)["hash"]) for number in numbers}

        chain = resolve("anvil", SETTINGS, [f"ws://{node}"])
        async with open_pool(database, name="test") as pool, following(database, chain) as service:
            await asyncio.to_thread(send, 8)
            await until_ledger(pool, await asyncio.to_thread(canonical), service)
            if rolled_back:
                web3.provider.make_request("anvil_rollback", [3])  # type: ignore[arg-type]
            else:
                web3.provider.make_request("anvil_reorg", [3, []])  # type: ignore[arg-type]
            await asyncio.to_thread(send, 4)
            await until_ledger(pool, await asyncio.to_thread(canonical), service)
            depth = await pool.fetchval("SELECT sum(depth) FROM txhub.reorgs")
            assert depth == 3
            rows = await pool.fetchval("SELECT count(*) FROM txhub.transactions")
            held = await pool.fetchval("SELECT sum(tx_count) FROM txhub.chain_1m")
            expected = sum(web3.eth.get_block_transaction_count(number) for number in canonical())
            assert rows == held == expected


async def until_ledger(pool: Pool, wanted: dict[int, str], service: asyncio.Task[None]) -> None:
    for _ in range(600):
        if await ledger_of(pool, 31337) == wanted:
            return
        if service.done():
            service.result()
        await asyncio.sleep(0.05)
    pytest.fail("the ledger is not the node's chain after 30 seconds")


async def until(pool: Pool, question: str, answer: object, service: asyncio.Task[None]) -> None:
    for _ in range(600):
        if await pool.fetchval(question) == answer:
            return
        if service.done():
            service.result()
        await asyncio.sleep(0.05)
    pytest.fail(f"{question} is not {answer} after 30 seconds")
