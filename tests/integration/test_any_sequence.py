"""Whatever a chain and a follower do, in any order, the ledger ends as the winning chain (hypothesis)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.branching import Branching, Direct
from tests.conftest import open_database
from txhub.ingest import follow
from txhub.ingest.follow import Follower
from txhub.ingest.stream import Stream
from txhub.ingest.supervisor import supervise
from txhub.model import Chain
from txhub.store.edition import Edition
from txhub.store.ledger import Ledger
from txhub.store.migrate import migrate
from txhub.store.pool import Pool, open_pool
from txhub.store.server import Server

CHAIN = Chain(1, "ethereum", "evm", "ETH", 18, 0.01, 80, Decimal(100))
"""Final only below what any story can replace, and so fast that what is not there is soon asked for again."""


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

    async def withhold(self, blocks: int) -> None:
        tip = self.network.tip
        self.network.withheld = {tip, *range(tip + 1, tip + blocks, 2)}

    async def give(self, _: int) -> None:
        self.network.withheld = set()

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
                Direct(CHAIN, self.network),
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
        await self.give(0)
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


STEPS = ("extend", "reorg", "rollback", "stale", "withhold", "give", "wait", "crash", "resume")
stories = st.lists(st.tuples(st.sampled_from(STEPS), st.integers(1, 5)), min_size=3, max_size=14)


async def play(pool: Pool, story: Sequence[tuple[str, int]]) -> None:
    playing = Play(pool)
    steps: dict[str, Callable[[int], Coroutine[Any, Any, None]]] = {name: getattr(playing, name) for name in STEPS}
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


def run(server: Server, story: Sequence[tuple[str, int]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "REPAIR_INTERVAL", 0.1)
    monkeypatch.setattr(follow, "LONGEST_REPAIR_INTERVAL", 0.1)
    with open_database(server) as url:
        migrate(url)

        async def run() -> None:
            async with open_pool(url, name="test", size=6) as pool:
                await play(pool, story)

        asyncio.run(run())


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(story=stories)
def test_any_story_ends_as_the_winning_chain(
    servers: Callable[[Edition], Server], monkeypatch: pytest.MonkeyPatch, story: list[tuple[str, int]]
) -> None:
    """On plain PostgreSQL, whose commits keep the rollups themselves, so that a wrong one shows at once."""
    run(servers(Edition.PLAIN), story, monkeypatch)
