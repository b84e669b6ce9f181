"""Gaps: listed with the reason, filled on demand, and by the worker once they are overdue."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from subprocess import CompletedProcess

import pytest

from tests.asking import asking
from tests.branching import Branching, Direct
from tests.commands import environment, run
from tests.integration.test_reorg import contents, following, served, undisturbed, until, until_equal
from txhub.chain.registry import resolve
from txhub.config import Settings
from txhub.errors import BrokenLink, DeepReorg, NotFound
from txhub.ingest import follow, gaps
from txhub.ingest.gaps import Gap, keep_filling, overdue, read_gaps
from txhub.ingest.reorg import follow_branch
from txhub.model import Block, Chain
from txhub.store.ledger import Ledger
from txhub.store.pool import Pool, open_pool
from txhub.store.server import Server

CHAIN = resolve("ethereum", Settings(), ["ws://127.0.0.1:1"])


async def command(database: str, *arguments: str) -> CompletedProcess[str]:
    """Run `txhub gaps …`, while this process serves the node."""
    return await asyncio.to_thread(run, "gaps", *arguments, env=environment(database) | {"COLUMNS": "200"})


@asynccontextmanager
async def gappy(database: str, network: Branching, withheld: set[int]) -> AsyncIterator[tuple[Chain, Pool]]:
    """A ledger whose follower has gone and was never given some blocks."""
    network.withheld = withheld
    async with served(network) as [chain], open_pool(database, name="test") as pool:
        async with following(database, chain) as service:
            held = f"SELECT count(*) = {len(network.blocks) - len(withheld)} FROM txhub.blocks"
            await until(pool, held, True, service)
            refused = "SELECT count(*) >= $1 FROM txhub.event_log WHERE event = 'block_refused'"
            await until(pool, refused.replace("$1", str(len(withheld))), True, service)
        yield chain, pool


async def test_what_a_node_does_not_have_is_listed_and_filled_when_it_has(server: Server, database: str) -> None:
    network = Branching(blocks=200)
    async with gappy(database, network, {110, 111, 150}) as (chain, pool):
        times = dict(await pool.fetch("SELECT number, time FROM txhub.blocks"))
        reason = "ethereum block {} is refused: the node does not have it (yet)"
        [newer, older] = await read_gaps(pool)
        assert newer == Gap("ethereum", 150, 150, times[149], times[151], reason.format(150))
        assert (older.first, older.last, older.since, older.until) == (110, 111, times[109], times[112])
        listed = await command(database, "list")
        assert listed.returncode == 0, listed.stderr
        for word in ("ethereum", "110", "111", "150", "does not have it (yet)"):
            assert word in listed.stdout
        # The node has one of them by now.
        network.withheld = {110, 111}
        options = ("repair", "--chain", "ethereum", "--rpc", chain.endpoints[0])
        partly = await command(database, *options)
        assert partly.returncode == 1
        assert "2 blocks are still missing, because: ethereum block 11" in partly.stderr
        assert [(gap.first, gap.last) for gap in await read_gaps(pool, "ethereum")] == [(110, 111)]
        network.withheld = set()
        wholly = await command(database, *options)
        assert wholly.returncode == 0, wholly.stderr
        assert "2 blocks with 6 transactions added" in wholly.stdout
        assert await read_gaps(pool) == []
        assert "nothing is missing" in (await command(database, "repair")).stderr
        assert await contents(pool) == await undisturbed(server, chain, 100, network.tip)


async def test_an_unknown_chain_and_a_lost_node_are_told(database: str) -> None:
    network = Branching(blocks=100)
    async with gappy(database, network, {110}) as (_, pool):
        with pytest.raises(NotFound, match="chain 'nowhere' is not in the database"):
            await read_gaps(pool, "nowhere")
        lost = await command(database, "repair", "--chain", "ethereum", "--rpc", "ws://127.0.0.1:1")
        assert lost.returncode == 1
        assert "1 blocks are still missing, because: " in lost.stderr


async def test_the_worker_fills_what_is_overdue_and_leaves_the_rest_to_the_follower(database: str) -> None:
    network = Branching(blocks=200)
    async with gappy(database, network, {110, 111, 290}) as (chain, pool):
        ledger = Ledger(pool, chain)
        await ledger.set_stream("catching_up", "older blocks are missing")
        assert await overdue(pool, chain) == []
        await ledger.set_stream("following", "blocks are committed as they come")
        assert await overdue(pool, chain) == [range(110, 112)], "not what a reorg may still replace"
        network.withheld = {110}
        job = asyncio.create_task(keep_filling(pool, chain, request_blocks=20, parallel_requests=2))
        await until(pool, "SELECT count(*) FROM txhub.blocks WHERE number = 111", 1, job)
        told = "SELECT count(*) FROM txhub.event_log WHERE component = 'worker' AND event = 'block_refused'"
        await until(pool, told, 1, job)
        job.cancel()
        await asyncio.wait([job])
        assert [(gap.first, gap.last) for gap in await read_gaps(pool)] == [(290, 290), (110, 110)]


async def test_a_young_gap_is_the_followers_own(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with gappy(database, Branching(blocks=200), {110}) as (chain, pool):
        monkeypatch.setattr(gaps, "OVERDUE", timedelta(days=365 * 50))
        assert await overdue(pool, chain) == []


async def test_a_branch_that_lost_below_a_gap_is_found(server: Server, database: str) -> None:
    """Its newest block is right, and says nothing of what lies below the gap."""
    network = Branching(blocks=30)
    source = Direct(CHAIN, network)
    async with open_pool(database, name="test") as pool:
        ledger = Ledger(pool, CHAIN)
        await ledger.register()
        await ledger.commit(await blocks(source, range(100, 130)))
        await network.reorg(4, 12)
        await ledger.commit(await blocks(source, range(132, 138)))
        assert await follow_branch(source, ledger, 5) is None
        with pytest.raises(BrokenLink):
            await ledger.commit(await blocks(source, range(130, 132)))
        reorg = await follow_branch(source, ledger, 5, below=130)
        assert reorg is not None
        assert reorg.ancestor == 125
        assert await follow_branch(source, ledger, 5, below=130) is None
        assert await ledger.hashes(0, 1000) == {
            number: bytes.fromhex(block.hash[2:]) for number, block in network.blocks.items()
        }


async def test_a_branch_that_lost_too_deep_below_a_gap_is_not_followed(database: str) -> None:
    network = Branching(blocks=30)
    source = Direct(CHAIN, network)
    async with open_pool(database, name="test") as pool:
        ledger = Ledger(pool, CHAIN)
        await ledger.register()
        await ledger.commit(await blocks(source, range(100, 130)))
        await network.reorg(4, 200)
        await ledger.commit(await blocks(source, range(310, 326)))
        with pytest.raises(DeepReorg, match="more than 64 blocks"):
            await follow_branch(source, ledger, 5, below=310)


async def test_a_reorg_of_the_few_blocks_above_a_long_gap_is_no_deep_one(database: str) -> None:
    network = Branching(blocks=300)
    source = Direct(CHAIN, network)
    async with open_pool(database, name="test") as pool:
        ledger = Ledger(pool, CHAIN)
        await ledger.register()
        await ledger.commit(await blocks(source, range(100, 130)))
        await ledger.commit(await blocks(source, range(396, 400)))
        await network.reorg(10, 12)
        reorg = await follow_branch(source, ledger, 20)
        assert reorg is not None
        assert reorg.depth == 4
        assert (await ledger.hashes(399, 399))[399].hex() == network.blocks[399].hash[2:]
        assert await ledger.unlinked(0, 1000) == []
        assert len(await ledger.hashes(100, 129)) == 30


async def test_gaps_of_a_follower_that_goes_on_close_by_themselves(
    server: Server, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow, "REPAIR_INTERVAL", 0.5)
    network = Branching(blocks=120)
    network.withheld = {130, 225}
    async with served(network) as [chain], open_pool(database, name="test") as pool:
        async with following(database, chain) as service:
            await until(pool, "SELECT count(*) = 119 FROM txhub.blocks", True, service)
            await network.extend(9)
            await until(pool, "SELECT count(*) = 127 FROM txhub.blocks", True, service)
            network.withheld = set()
            await network.extend(1)
            await until_equal(pool, network, service)
        assert await contents(pool) == await undisturbed(server, chain, 100, network.tip)


async def blocks(source: Direct, numbers: range) -> list[Block]:
    return [block for block in await source.blocks(numbers) if isinstance(block, Block)]


async def test_a_chain_that_is_followed_no_more_is_waited_for_no_more(database: str) -> None:
    network = Branching(blocks=200)
    async with gappy(database, network, {110}) as (chain, pool), following(database, chain) as service:
        await until(pool, "SELECT state = 'following' FROM txhub.streams", True, service)
        env = environment(database)
        refused = await asyncio.to_thread(run, "unfollow", "ethereum", env=env)
        assert refused.returncode == 2
        assert "ethereum is being followed now" in refused.stderr
        assert len(await read_gaps(pool)) == 1
        service.cancel()
        await asyncio.wait([service])
        unknown = await asyncio.to_thread(run, "unfollow", "nowhere", env=env)
        assert "chain 'nowhere' is not in the database" in unknown.stderr
        blocks = await pool.fetchval("SELECT count(*) FROM txhub.blocks")
        done = await asyncio.to_thread(run, "unfollow", "ethereum", env=env)
        assert done.returncode == 0, done.stderr
        assert await read_gaps(pool) == []
        assert len(await gaps.promised(pool, chain)) == 0
        async with asking(database) as api:
            [stream] = (await api.get("/health/stream")).json()["items"]
            assert (stream["status"], stream["state"]) == ("idle", None)
        assert await pool.fetchval("SELECT count(*) FROM txhub.blocks") == blocks
        async with following(database, chain) as again:
            await until(pool, "SELECT follow_from IS NOT NULL FROM txhub.chains", True, again)
