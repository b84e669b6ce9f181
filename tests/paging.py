"""Paging through transactions while others write: new blocks come, older ones are filled in, and a reorg deletes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import NamedTuple

from tests.asking import asking
from tests.blocks import BASE, ETHEREUM, START, make_block, make_blocks, make_branch
from txhub.errors import DatabaseUnavailable
from txhub.store.ledger import Ledger
from txhub.store.pool import Pool, open_pool

Place = tuple[str, int, int, str]
"""A transaction: its chain, block, index and hash."""
PER_BLOCK = 50
DEPTH = 40
"""Blocks that the reorg replaces."""


class Paged(NamedTuple):
    """What pages told, and what was there before the first and after the last of them."""

    seen: list[Place]
    before: set[Place]
    after: set[Place]


async def page_through(url: str, rows: int, limit: int) -> Paged:
    """Read so many rows page by page from a migrated database, while one writer inserts and another one deletes."""
    async with open_pool(url, name="test", size=4) as pool, asking(url) as client:
        ledger, other = Ledger(pool, ETHEREUM), Ledger(pool, BASE)
        await ledger.register()
        await other.register()
        blocks = rows // PER_BLOCK
        for first in range(0, blocks, 200):
            await ledger.commit(make_blocks(range(first, min(first + 200, blocks)), transactions=PER_BLOCK), bulk=True)
        before = await _stored(pool)
        seen: list[Place] = []
        writing: list[asyncio.Task[None]] = []
        query: dict[str, str | int] = {"limit": limit}
        while True:
            answer = (await client.get("/v1/transactions", params=query)).raise_for_status().json()
            seen += [(row["chain"], row["block_number"], row["tx_index"], row["hash"]) for row in answer["items"]]
            if not writing:
                writing = [asyncio.create_task(each) for each in (_replace(ledger, blocks), _insert(other, blocks))]
            if answer["next"] is None:
                break
            query["cursor"] = answer["next"]
        for task in writing:
            task.cancel()
        await asyncio.wait(writing)
        assert [task.exception() for task in writing if not task.cancelled() and task.exception()] == []
        assert await pool.fetchval("SELECT count(*) FROM txhub.reorgs") == 1
        return Paged(seen, before, await _stored(pool))


async def _replace(ledger: Ledger, blocks: int) -> None:
    """Let another branch win whose rows are not yet read, or just read, and go on with its head."""
    ancestor = blocks - DEPTH - 1
    winners = make_branch(range(ancestor + 1, blocks + 1), "b", fork=ancestor, transactions=30)
    await _until_done(lambda: ledger.replace(ancestor, winners))
    for number in range(blocks + 1, blocks + 1000):
        block = make_branch([number], "b", fork=ancestor, transactions=3)
        await _until_done(partial(ledger.commit, block))


async def _insert(other: Ledger, blocks: int) -> None:
    """Fill in another chain's blocks all over the time that is read."""
    length = blocks * ETHEREUM.block_time_s / BASE.block_time_s
    for number in range(300):
        place = int(length * ((number * 0.618) % 1))
        await _until_done(partial(other.commit, [make_block(place, chain=BASE, transactions=2, start=START)]))


async def _until_done(commit: Callable[[], Awaitable[object]]) -> None:
    """Commit as followers do: where another transaction was in the way, nothing was changed, and it is tried again."""
    while True:
        try:
            await commit()
        except DatabaseUnavailable:
            await asyncio.sleep(0.05)
        else:
            return


async def _stored(pool: Pool) -> set[Place]:
    rows = await pool.fetch("SELECT chain, block_number, tx_index, hash FROM txhub.transactions_view")
    return {tuple(row) for row in rows}
