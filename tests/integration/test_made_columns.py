"""What benchmarks of the store are made of: the measured shape, and committed as the ledger commits."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from functools import cache

import polars as pl
import pytest

from tests.blocks import ETHEREUM
from txhub.chain.demo.columns import BLOCKS_A_DAY, Columns, make_day
from txhub.rollup.settle import settle
from txhub.store.bulk import commit_columns
from txhub.store.ledger import Ledger
from txhub.store.pool import open_pool

START = datetime(2026, 1, 1, tzinfo=UTC)


@cache
def day() -> Columns:
    return make_day(1, START, 0)


def test_a_day_has_the_measured_shape() -> None:
    blocks, rows = day()
    assert blocks.height == BLOCKS_A_DAY
    assert rows.height == blocks["tx_count"].sum() == pytest.approx(7200 * 192, rel=0.02)
    assert (
        rows.group_by("block_number")
        .len()
        .join(blocks.filter(pl.col("tx_count") > 0), left_on="block_number", right_on="number")
        .select((pl.col("len") == pl.col("tx_count")).all())
        .item()
    )
    shares = dict(rows["kind"].value_counts(normalize=True).iter_rows())
    assert shares["transfer"] == pytest.approx(0.3655, abs=0.01)
    assert shares["contract_creation"] == pytest.approx(0.0013, abs=0.0005)
    assert (rows["value"] == 0).mean() == pytest.approx(0.496, abs=0.02)
    assert (~rows["success"]).mean() == pytest.approx(0.0433, abs=0.002)
    assert rows["hash"].n_unique() == rows.height
    assert rows["to_address"].is_null().equals(rows["kind"] == "contract_creation")
    busiest = rows["from_address"].value_counts(sort=True)["count"]
    assert busiest[0] / rows.height == pytest.approx(0.022, abs=0.003)
    assert busiest.head(100).sum() / rows.height == pytest.approx(0.165, abs=0.02)


def test_the_same_day_is_made_again() -> None:
    again = make_day(1, START, 0)
    assert all(one.equals(other) for one, other in zip(again, day(), strict=True))
    assert (
        not make_day(1, START + timedelta(days=1), BLOCKS_A_DAY).transactions["hash"].equals(day().transactions["hash"])
    )


async def test_columns_are_committed_as_the_ledger_commits(database: str) -> None:
    blocks = day().blocks.head(100)
    rows = day().transactions.filter(pl.col("block_number") < 100)
    async with open_pool(database, name="test") as pool:
        await Ledger(pool, ETHEREUM).register()
        await asyncio.to_thread(commit_columns, database, ETHEREUM.chain_id, blocks, rows)
        await settle(pool, START, START + timedelta(days=1), START + timedelta(days=2))
        stored = await pool.fetchrow("SELECT count(*), sum(value), sum(fee), max(value) FROM txhub.transactions")
        exact = rows.select(pl.col("value", "fee").cast(pl.Int128))
        figures = (rows.height, exact["value"].sum(), exact["fee"].sum(), exact["value"].max())
        assert tuple(int(each) for each in stored) == figures
        for view in ("tx_1m", "tx_1h", "tx_1d", "chain_1m"):
            summed = await pool.fetchrow(
                f"SELECT sum(tx_count), sum(value_sum), sum(fee_sum), max(value_max) FROM txhub.{view}"
            )
            assert tuple(int(each) for each in summed) == figures, view
        listed = await pool.fetchval("SELECT sum(tx_count) FROM txhub.top_senders_1h")
        assert int(listed) == rows.height
