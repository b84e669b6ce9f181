"""Pages of transactions while others write: no row twice, and none missed of those that stay."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from tests.asking import asking
from tests.blocks import ETHEREUM, make_blocks, make_branch
from tests.paging import page_through
from txhub.store.ledger import Ledger
from txhub.store.pool import open_pool
from txhub.store.read import Reader


async def test_pages_hold_each_row_once_while_blocks_come_and_go(database: str) -> None:
    paged = await page_through(database, rows=10_000, limit=250)
    assert len(paged.seen) == len(set(paged.seen))
    assert paged.before & paged.after <= set(paged.seen)
    assert set(paged.seen) <= paged.before | paged.after
    assert paged.before - paged.after  # the reorg took some away
    assert paged.after - paged.before


async def test_a_reorg_in_the_middle_of_a_page_ends_no_list(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page looks twice at its last moment; what was there at first may be fewer rows the second time."""
    async with open_pool(database, name="test") as pool, asking(database) as client:
        ledger = Ledger(pool, ETHEREUM)
        await ledger.register()
        await ledger.commit(make_blocks(range(3), transactions=50))
        look, reorgs = Reader.frame, 0

        async def interrupted(reader: Reader, statement: Any, *parameters: object) -> pl.DataFrame:
            nonlocal reorgs
            rows = await look(reader, statement, *parameters)
            if rows.height == 61 and not reorgs:
                reorgs += 1
                await ledger.replace(0, make_branch(range(1, 4), "b", fork=0, transactions=3))
            return rows

        monkeypatch.setattr(Reader, "frame", interrupted)
        page = (await client.get("/v1/transactions", params={"limit": 60})).raise_for_status().json()
        assert reorgs == 1
        assert [row["block_number"] for row in page["items"]] == [2] * 50 + [1] * 3 + [0] * 7
        rest = await client.get("/v1/transactions", params={"limit": 60, "cursor": page["next"]})
        assert [row["block_number"] for row in rest.json()["items"]] == [0] * 43
