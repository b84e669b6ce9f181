"""Whatever a chain and a follower do, in any order, the ledger ends as the winning chain (hypothesis)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.branching import Branching
from tests.conftest import open_database
from txhub.chain.decode import RawBlock, decode_block, refused
from txhub.chain.source import Notify
from txhub.errors import BadBlock
from txhub.ingest.follow import Follower
from txhub.ingest.stream import Stream
from txhub.ingest.supervisor import supervise
from txhub.model import Block, Chain, Head
from txhub.store.edition import Edition
from txhub.store.ledger import Ledger
from txhub.store.migrate import migrate
from txhub.store.pool import Pool, open_pool
from txhub.store.server import Server

CHAIN = Chain(1, "ethereum", "evm", "ETH", 18, 1.0, 80, Decimal(100))
"""Final only below what any story can replace."""


class Direct:
    """A source that reads the network without a socket between them."""

    def __init__(self, network: Branching) -> None:
        self.chain = CHAIN
        self.notify: Notify = lambda notice: None
        self._network = network

    async def check(self) -> None:
        await asyncio.sleep(0)

    async def head(self) -> Head:
        return self._head(self._network.tip)

    async def heads(self) -> AsyncGenerator[Head, None]:
        announced = self._network.heads()
        yield self._head(self._network.tip)
        async for number in announced:
            if number in self._network.blocks:
                yield self._head(number)

    async def blocks(self, numbers: Sequence[int]) -> list[Block | BadBlock]:
        await asyncio.sleep(0)
        return [self._block(number) for number in numbers]

    async def block_by_hash(self, hash: bytes, number: int) -> Block:  # noqa: A002 (the field's word)
        block = self._block(number)
        if isinstance(block, BadBlock):
            raise block
        if block.hash != hash:
            raise refused(CHAIN, number, "the node has another one in its place")
        return block

    async def number_at(self, time: datetime) -> int:
        return min(self._network.blocks)

    async def close(self) -> None:
        """Nothing is open."""

    def _block(self, number: int) -> Block | BadBlock:
        made = self._network.blocks.get(number)
        if made is None:
            return refused(CHAIN, number, "the node does not have it (yet)")
        return decode_block(CHAIN, msgspec.json.decode(made.body, type=RawBlock), number)

    def _head(self, number: int) -> Head:
        block = self._block(number)
        assert isinstance(block, Block)
        return Head(block.number, block.hash, block.parent_hash, block.time)


class Play:
    """A chain, a follower that may crash, and the steps of a story."""

    def __init__(self, pool: Pool) -> None:
        self.network = Branching(blocks=6, spacing_s=1, transactions=2)
        self._pool = pool
        self._following: asyncio.Task[None] | None = None

    async def extend(self, blocks: int) -> None:
        await self.network.extend(blocks)

    async def reorg(self, depth: int) -> None:
        depth = min(depth, len(self.network.blocks) - 1)
        await self.network.reorg(depth, depth + 1)

    async def rollback(self, depth: int) -> None:
        await self.network.rollback(min(depth, len(self.network.blocks) - 1))
        await self.network.extend(1)

    async def stale(self, depth: int) -> None:
        await self.network._announce(max(self.network.tip - depth, min(self.network.blocks)))

    async def wait(self, turns: int) -> None:
        for _ in range(turns):
            await asyncio.sleep(0.003)

    async def crash(self, _: int) -> None:
        if self._following is not None:
            self._following.cancel()
            await asyncio.wait([self._following])
            self._following = None

    async def resume(self, _: int) -> None:
        if self._following is None:
            ledger = Ledger(self._pool, CHAIN)
            follower = Follower(
                Direct(self.network),
                ledger,
                Stream(ledger),
                history=timedelta(days=9999),
                request_blocks=3,
                parallel_requests=2,
            )
            self._following = asyncio.create_task(supervise("play", follower.run))

    async def ends_well(self) -> None:
        """The follower, whatever it went through, brings the ledger to the chain as it is now."""
        await self.resume(0)
        await self.network.extend(1)
        wanted = {number: bytes.fromhex(block.hash[2:]) for number, block in self.network.blocks.items()}
        for _ in range(2000):
            rows = await self._pool.fetch("SELECT number, hash FROM txhub.blocks")
            if {row["number"]: row["hash"] for row in rows} == wanted:
                break
            assert self._following is not None
            if self._following.done():
                self._following.result()
            await asyncio.sleep(0.01)
        else:
            pytest.fail(f"the ledger holds {sorted(row['number'] for row in rows)}, the chain {sorted(wanted)}")
        await self.crash(0)


steps = st.lists(
    st.tuples(st.sampled_from(["extend", "reorg", "rollback", "stale", "wait", "crash", "resume"]), st.integers(1, 5)),
    min_size=3,
    max_size=14,
)


async def play(pool: Pool, story: Sequence[tuple[str, int]]) -> None:
    playing = Play(pool)
    steps: dict[str, Callable[[int], Coroutine[Any, Any, None]]] = {
        name: getattr(playing, name) for name in ("extend", "reorg", "rollback", "stale", "wait", "crash", "resume")
    }
    try:
        for step, strength in story:
            await steps[step](strength)
        await playing.ends_well()
        blocks = [msgspec.json.decode(block.body) for block in playing.network.blocks.values()]
        rows = [row for block in blocks for row in block["transactions"]]
        total = sum(int(row["value"], 16) for row in rows)
        for view in ("transactions", "tx_1m", "tx_1d"):
            count, value = ("count(*)", "sum(value)") if view == "transactions" else ("sum(tx_count)", "sum(value_sum)")
            assert tuple(await pool.fetchrow(f"SELECT {count}, {value} FROM txhub.{view}")) == (len(rows), total), view
        assert await Ledger(pool, CHAIN).unlinked(0, 10**9) == []
    finally:
        await playing.crash(0)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(story=steps)
def test_any_story_ends_as_the_winning_chain(
    servers: Callable[[Edition], Server], story: list[tuple[str, int]]
) -> None:
    """On plain PostgreSQL, whose commits keep the rollups themselves, so that a wrong one shows at once."""
    with open_database(servers(Edition.PLAIN)) as url:
        migrate(url)

        async def run() -> None:
            async with open_pool(url, name="test", size=6) as pool:
                await play(pool, story)

        asyncio.run(run())
