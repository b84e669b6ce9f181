"""An ingester that is killed at random points ends where an undisturbed one does."""

from __future__ import annotations

import asyncio
import json
import random
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg

from tests.commands import TXHUB, environment
from tests.faults.made_network import MadeNetwork
from tests.faults.stage import contents
from txhub.chain.demo.node import serve
from txhub.cli.ingest import follow_all
from txhub.cli.wiring import chains_of
from txhub.config import Settings

KILLS = 5
FOLLOWED, UNDISTURBED = 1_000, 1_001
"""Chain ids: of the chain whose ingesters are killed, and of the same blocks followed undisturbed."""
_CHAINS = {
    "followed": {"chain_id": FOLLOWED, "block_time_s": 0.05},
    "undisturbed": {"chain_id": UNDISTURBED, "block_time_s": 0.05},
}
_HISTORY = "36500d"
_BACKENDS = """
    SELECT count(DISTINCT client_port) FROM pg_stat_activity
    WHERE application_name = 'txhub ingest' AND datname = current_database()
"""
_COMMITTED = f"SELECT count(*) FROM txhub.blocks WHERE chain_id = {FOLLOWED}"


@asynccontextmanager
async def ingester(database: str, url: str) -> AsyncIterator[Process]:
    """A process that follows the chain until it is killed, at the latest when the block ends."""
    options = ("--chain", "followed", "--rpc", f"ws{url.removeprefix('http')}/followed")
    # Small requests make many commits, so many different points to be killed at.
    env = environment(database, chains=json.dumps(_CHAINS), history=_HISTORY, request_blocks="5")
    process = await asyncio.create_subprocess_exec(*TXHUB, "ingest", *options, env=env, stdout=DEVNULL)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def until(database: str, question: str, least: int, process: Process) -> None:
    """Wait until the answer to a question is no less, while a process lives."""
    async with asyncio.timeout(60), await psycopg.AsyncConnection.connect(database, autocommit=True) as connection:
        while (row := await (await connection.execute(question)).fetchone()) is None or row[0] < least:
            assert process.returncode is None
            await asyncio.sleep(0.01)


@asynccontextmanager
async def growing(network: MadeNetwork) -> AsyncIterator[None]:
    """Let a network grow by 20 blocks a second for the length of a block."""

    async def grow() -> None:
        while True:
            await network.grow()
            await asyncio.sleep(0.05)

    task = asyncio.create_task(grow())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


async def kill_ingesters(database: str, kills: int, seed: int) -> int:
    """Kill so many ingesters of a growing chain, let the last one finish, and return the number of the head."""
    chance = random.Random(seed)
    network = MadeNetwork(FOLLOWED, head=500)
    async with serve({"followed": network}) as url:
        async with growing(network):
            for _ in range(kills):
                async with ingester(database, url) as process:
                    await until(database, _BACKENDS, 1, process)
                    await asyncio.sleep(chance.uniform(0, 0.7))
        head = await network.head_number()
        async with ingester(database, url) as process:
            await until(database, _COMMITTED, head + 1, process)
    return head


async def expect_undisturbed(database: str, head: int) -> None:
    """Follow the same blocks as another chain, with nothing happening, and compare all that is in the database."""
    settings = Settings.model_validate({"chains": _CHAINS, "history": _HISTORY})
    async with serve({"undisturbed": MadeNetwork(UNDISTURBED, head=head)}) as url:
        chains = chains_of(["undisturbed"], [f"{url}/undisturbed"], settings)
        following = asyncio.create_task(follow_all(database, settings, chains))
        async with asyncio.timeout(60), await psycopg.AsyncConnection.connect(database, autocommit=True) as connection:
            question = f"SELECT count(*) FROM txhub.blocks WHERE chain_id = {UNDISTURBED}"
            while (await (await connection.execute(question)).fetchone()) != (head + 1,):
                assert not following.done()
                await asyncio.sleep(0.01)
        following.cancel()
        await asyncio.wait([following])
    assert contents(database, FOLLOWED) == contents(database, UNDISTURBED)


async def test_killed_ingesters_end_as_an_undisturbed_one(database: str) -> None:
    await expect_undisturbed(database, await kill_ingesters(database, KILLS, seed=1))
