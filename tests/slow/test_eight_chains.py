"""Eight chains at once in one ingester, twenty times as fast as they are; every ten seconds something goes wrong."""

from __future__ import annotations

import asyncio
import json
import random
import statistics
import time
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TypeAlias

import psutil
import psycopg
import pytest

from tests.commands import TXHUB, environment
from tests.faults.faulty_node import FaultyNode, Late, OutOfOrder, Some, an_error, half, never, serve_faulty, twice
from tests.faults.made_network import MadeNetwork
from txhub.chain.demo.node import serve
from txhub.chain.demo.proxy import Proxy, open_proxy
from txhub.chain.registry import CHAINS

SPEED = 20
CHAIN_TIME_S = 30 * 60
FAULT_EVERY_S = 10.0
LASTS_S = 6.0
"""How long a fault lasts that does not end by itself."""
SEED = 8
_PATIENCE_S = 180
_COUNTED = """
    SELECT (SELECT count(*) FROM txhub.transactions WHERE chain_id = %(chain)s),
           (SELECT count(DISTINCT (block_number, tx_index)) FROM txhub.transactions WHERE chain_id = %(chain)s),
           (SELECT sum(tx_count) FROM txhub.blocks WHERE chain_id = %(chain)s),
           (SELECT sum(tx_count) FROM txhub.chain_1m WHERE chain_id = %(chain)s)
"""


@dataclass
class Lane:
    """A chain's network, and what can go wrong between it and the ingester."""

    network: MadeNetwork
    block_time_s: float
    node: FaultyNode
    proxy: Proxy

    async def grow(self, began: float) -> None:
        """Let the network have a block whenever one is due."""
        while True:
            due = int((time.monotonic() - began) / self.block_time_s) - await self.network.head_number()
            if due > 0:
                await self.network.grow(due)
            await asyncio.sleep(min(self.block_time_s, 0.1))

    def mend(self) -> None:
        """End whatever goes wrong."""
        self.node.behave()
        self.proxy.delay(0)
        self.proxy.release()


Fault: TypeAlias = Callable[[Lane], Awaitable[None]]


async def cut(lane: Lane) -> None:
    lane.proxy.cut()


async def reset(lane: Lane) -> None:
    lane.proxy.reset()


async def half_open(lane: Lane) -> None:
    lane.proxy.half_open()


async def stall(lane: Lane) -> None:
    lane.proxy.hold()


async def slow(lane: Lane) -> None:
    lane.proxy.delay(0.2)


async def silent(lane: Lane) -> None:
    lane.node.mute()


async def errors(lane: Lane) -> None:
    lane.node.answers = Some(an_error, every=3, times=50)


async def broken(lane: Lane) -> None:
    lane.node.answers = Some(half, every=5, times=10)


async def doubled(lane: Lane) -> None:
    lane.node.answers = lane.node.heads = twice


async def late(lane: Lane) -> None:
    lane.node.answers = Late(0.1)


async def mixed_up(lane: Lane) -> None:
    lane.node.answers = OutOfOrder()


async def skipped(lane: Lane) -> None:
    lane.node.heads = Some(never, every=2, times=200)


async def bodies_late(lane: Lane) -> None:
    head = await lane.network.head_number()
    lane.network.late = dict.fromkeys(range(head + 1, head + 20), 2)


FAULTS: tuple[Fault, ...] = (
    *(cut, reset, half_open, stall, slow, silent, errors, broken, doubled, late, mixed_up, skipped, bodies_late),
)


@asynccontextmanager
async def lanes() -> AsyncIterator[dict[str, Lane]]:
    """A network for every chain of the registry, by name, with the chain's own block time made shorter."""
    networks = {
        name: MadeNetwork(
            chain.chain_id, family=chain.family, name=name, block_time_s=chain.block_time_s, transactions=3
        )
        for name, chain in CHAINS.items()
    }
    async with AsyncExitStack() as open_until_then:
        url = await open_until_then.enter_async_context(serve(networks))
        found = {}
        for name, network in networks.items():
            node = await open_until_then.enter_async_context(serve_faulty(f"{url}/{name}"))
            proxy = await open_until_then.enter_async_context(open_proxy(int(node.url.rstrip("/").rpartition(":")[2])))
            found[name] = Lane(network, CHAINS[name].block_time_s / SPEED, node, proxy)
        yield found


@asynccontextmanager
async def ingester(database: str, found: dict[str, Lane]) -> AsyncIterator[Process]:
    """The process that follows all of them."""
    options: list[str] = []
    for name, lane in found.items():
        scheme = "http" if lane.network.family == "utxo" else "ws"
        options += ["--chain", name, "--rpc", f"{name}={scheme}://127.0.0.1:{lane.proxy.port}/"]
    chains = {name: {"block_time_s": lane.block_time_s} for name, lane in found.items()}
    env = environment(database, chains=json.dumps(chains), history="36500d")
    process = await asyncio.create_subprocess_exec(*TXHUB, "ingest", *options, env=env, stdout=DEVNULL)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def resident(process: Process, samples: list[tuple[float, int]]) -> None:
    """Note the process's resident memory in bytes every half second, with the time."""
    watched = psutil.Process(process.pid)
    while True:
        samples.append((time.monotonic(), watched.memory_info().rss))
        await asyncio.sleep(0.5)


async def harm(found: dict[str, Lane], chance: random.Random, told: list[str]) -> None:
    """Do something to one chain after the other, and mend it after a while."""
    while True:
        await asyncio.sleep(FAULT_EVERY_S - LASTS_S)
        name, fault = chance.choice(list(found)), chance.choice(FAULTS)
        told.append(f"{name} {fault.__name__}")
        await fault(found[name])
        await asyncio.sleep(LASTS_S)
        found[name].mend()


async def held(database: str, chain_id: int) -> list[tuple[int, bytes]]:
    async with await psycopg.AsyncConnection.connect(database) as connection:
        question = "SELECT number, hash FROM txhub.blocks WHERE chain_id = %s ORDER BY number"
        return await (await connection.execute(question, (chain_id,))).fetchall()


async def caught_up(database: str, lane: Lane, process: Process) -> None:
    """Wait until the ledger holds as many blocks as the network has."""
    async with asyncio.timeout(_PATIENCE_S):
        while len(await held(database, lane.network.chain_id)) <= await lane.network.head_number():
            assert process.returncode is None
            await asyncio.sleep(0.5)


async def expect_everything(database: str, lane: Lane) -> int:
    """Every block of the network once, every transaction once, in the rollups as well; how many blocks that are."""
    blocks = await lane.network.head_number() + 1
    hashes = [await lane.network.block_hash(number) or "" for number in range(blocks)]
    expected = [(number, bytes.fromhex(text.removeprefix("0x"))) for number, text in enumerate(hashes)]
    assert await held(database, lane.network.chain_id) == expected
    transactions = blocks * (4 if lane.network.family == "utxo" else 3)  # the fourth is the coinbase
    async with await psycopg.AsyncConnection.connect(database) as connection:
        counted = await (await connection.execute(_COUNTED, {"chain": lane.network.chain_id})).fetchone()
    assert counted == (transactions,) * 4
    return blocks


@pytest.mark.timeout(600)
async def test_nothing_is_missing_and_memory_is_flat(database: str, capsys: pytest.CaptureFixture[str]) -> None:
    told: list[str] = []
    samples: list[tuple[float, int]] = []
    length = CHAIN_TIME_S / SPEED
    async with lanes() as found, ingester(database, found) as process:
        began = time.monotonic()
        tasks = [asyncio.create_task(lane.grow(began)) for lane in found.values()]
        tasks.append(asyncio.create_task(resident(process, samples)))
        harming = asyncio.create_task(harm(found, random.Random(SEED), told))
        await asyncio.wait([*tasks, harming], timeout=length, return_when=asyncio.FIRST_EXCEPTION)
        for task in [*tasks, harming]:
            task.cancel()
        ended = await asyncio.gather(*tasks, harming, return_exceptions=True)
        assert [each for each in ended if not isinstance(each, asyncio.CancelledError)] == [], told
        for lane in found.values():
            lane.mend()
            await lane.network.grow()  # a subscription that lost its last head hears of the next one
        await asyncio.gather(*(caught_up(database, lane, process) for lane in found.values()))
    blocks = {name: await expect_everything(database, lane) for name, lane in found.items()}
    middle, last = (
        statistics.median(size for moment, size in samples if start <= moment - began < start + length / 6)
        for start in (length / 3, length * 5 / 6)
    )
    with capsys.disabled():
        print(  # noqa: T201 (the figures)
            f"\n{sum(blocks.values()):,} blocks {blocks}; resident {middle / 1e6:.0f} MB after a third, "
            f"{last / 1e6:.0f} MB in the end; {', '.join(told)}"
        )
    assert abs(last - middle) <= 0.1 * middle
