"""Blocks that come where the rollups have passed already are in all of them soon: a real worker, and the clock."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from dataclasses import replace

import psycopg
import pytest

from tests.blocks import BASE, ETHEREUM, make_blocks
from tests.commands import environment, running
from txhub.model import Block, Chain
from txhub.store.ledger import Ledger
from txhub.store.pool import Pool, open_pool

VIEWS = ("tx_1m", "tx_1h", "tx_1d", "chain_1m")
TRANSACTIONS = 5
_PATIENCE_S = 120


@pytest.fixture
async def pool(database: str) -> AsyncIterator[Pool]:
    async with open_pool(database, name="test") as pool:
        yield pool


async def seconds_until_visible(database: str, chain: Chain, blocks: int) -> float:
    """Wait until every view counts so many blocks of a chain; how long that took."""
    start = time.monotonic()
    async with await psycopg.AsyncConnection.connect(database, autocommit=True) as connection:
        for view in VIEWS:
            question = f"SELECT coalesce(sum(tx_count), 0) FROM txhub.{view} WHERE chain_id = %s"
            while True:
                [found] = await (await connection.execute(question, (chain.chain_id,))).fetchone() or (0,)
                if found == blocks * TRANSACTIONS:
                    break
                assert time.monotonic() - start < _PATIENCE_S, f"{view} counts {found} transactions"
                await asyncio.sleep(0.05)
    return time.monotonic() - start


async def watermark_passed(pool: Pool) -> None:
    """Wait until the worker has seen all that was committed: what comes after that for the same time is behind."""
    question = """
        SELECT EXISTS (SELECT FROM txhub.cursors WHERE reader = 'rollup' AND event_id =
                       (SELECT max(id) FROM txhub.stream_events))
    """
    async with asyncio.timeout(_PATIENCE_S):
        while not await pool.fetchval(question):  # noqa: ASYNC110 (a cursor tells nobody)
            await asyncio.sleep(0.05)


async def commit(pool: Pool, chain: Chain, blocks: Iterable[Block], *, bulk: bool) -> None:
    ledger = Ledger(pool, chain)
    await ledger.register()
    await ledger.commit(list(blocks), bulk=bulk)


def made(chain: Chain, numbers: range) -> list[Block]:
    return make_blocks(numbers, chain=chain, transactions=TRANSACTIONS)


async def test_late_chains_are_seen_soon(database: str, pool: Pool, capsys: pytest.CaptureFixture[str]) -> None:
    slow = replace(BASE, block_time_s=12.0)
    with running("worker", env=environment(database)):
        await commit(pool, ETHEREUM, made(ETHEREUM, range(2_000)), bulk=True)
        await watermark_passed(pool)
        await commit(pool, slow, made(slow, range(10)), bulk=False)
        took = {"ten live blocks": await seconds_until_visible(database, slow, 10)}
        for first in range(10, 1_500, 50):  # as a follower catches up
            await commit(pool, slow, made(slow, range(first, min(first + 50, 1_500))), bulk=False)
        took["a chain that catches up with 1,490 blocks"] = await seconds_until_visible(database, slow, 1_500)
        await commit(pool, slow, made(slow, range(1_500, 2_000)), bulk=True)
        took["a backfill of 500 blocks"] = await seconds_until_visible(database, slow, 2_000)
    with capsys.disabled():
        for what, seconds in took.items():
            print(f"\n{what}: in every rollup {seconds:.1f} s after the commit", end="")  # noqa: T201 (the figure)
