"""Pages of transactions while others write: no row twice, and none missed of those that stay."""

from __future__ import annotations

from tests.paging import page_through


async def test_pages_hold_each_row_once_while_blocks_come_and_go(database: str) -> None:
    paged = await page_through(database, rows=10_000, limit=250)
    assert len(paged.seen) == len(set(paged.seen))
    assert paged.before & paged.after <= set(paged.seen)
    assert set(paged.seen) <= paged.before | paged.after
    assert paged.before - paged.after  # the reorg took some away
    assert paged.after - paged.before
