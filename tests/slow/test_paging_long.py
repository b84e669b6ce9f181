"""A hundred thousand transactions page by page while others write."""

from __future__ import annotations

from tests.paging import page_through


async def test_pages_hold_each_row_once_while_blocks_come_and_go(database: str) -> None:
    paged = await page_through(database, rows=100_000, limit=500)
    assert len(paged.seen) == len(set(paged.seen)) >= 95_000
    assert paged.before & paged.after <= set(paged.seen) <= paged.before | paged.after
    assert paged.before - paged.after
    assert paged.after - paged.before
