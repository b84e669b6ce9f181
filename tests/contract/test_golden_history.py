"""Untidy pasts, recorded and made, in both editions: every view equals the other's, and what Polars makes of the rows.

Reorgs, a hole that is filled after its hour was closed, a chain that comes behind the watermark, and real blocks years
before all of them.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import msgspec
import polars as pl
import psycopg
import pytest

from tests.blocks import BASE, ETHEREUM, START, make_block, make_blocks, make_branch
from tests.data import recorded
from txhub.chain.decode import RawBlock, decode_block
from txhub.model import Block
from txhub.rollup.hours import TOP, close_hours
from txhub.rollup.refresh import catch_up
from txhub.store.edition import Edition
from txhub.store.ledger import Ledger
from txhub.store.pool import open_pool
from txhub.store.read import Reader

LATER = START + timedelta(days=30)
LATE = range(400, 420)
VIEWS = (
    *("tx_1m", "tx_1h", "tx_1d", "chain_1m", "peaks_1h", "value_hist_1h", "token_1h", "active_1h"),
    *(
        "top_senders_1h",
        "top_receivers_1h",
        "top_flows_1h",
        "top_senders_1d",
        "top_receivers_1d",
        "top_flows_1d",
        "transactions_view",
        "token_transfers",
        "orphan_transactions",
    ),
)


def mainnet() -> Iterator[Block]:
    with gzip.open(recorded()) as lines:
        for line in lines:
            raw = msgspec.json.decode(line, type=RawBlock)
            yield decode_block(ETHEREUM, raw, int(raw.number, 16))


async def live_through(url: str) -> None:
    async with open_pool(url, name="test") as pool:
        ethereum, base = Ledger(pool, ETHEREUM), Ledger(pool, BASE)
        await ethereum.register()
        await base.register()
        own = make_blocks(range(900))
        await ethereum.commit([block for block in own[:890] if block.number not in LATE], bulk=True)
        await catch_up(pool, LATER)
        for block in own[890:]:
            await ethereum.commit([block])
        await ethereum.replace(893, make_branch(range(894, 902), "first", fork=893))
        await close_hours(pool, LATER)
        await ethereum.replace(880, make_branch(range(881, 905), "second", fork=880))
        await base.commit([make_block(number, chain=BASE, transactions=3) for number in range(1500)], bulk=True)
        await ethereum.commit([own[number] for number in LATE], bulk=True)
        await ethereum.commit(list(mainnet()), bulk=True)
        while await catch_up(pool, LATER):
            pass
        await close_hours(pool, LATER)


def rows_of(url: str, view: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url, options="-c timezone=UTC") as connection:
        return sorted(connection.execute(f"SELECT * FROM txhub.{view}").fetchall(), key=repr)


async def frame_of(url: str, view: str) -> pl.DataFrame:
    async with Reader(url) as reader:
        return await reader.frame(f"SELECT * FROM txhub.{view}")


@pytest.fixture(scope="module")
def answers() -> dict[Edition, dict[str, list[tuple[Any, ...]]]]:
    return {}


async def test_every_view_equals_the_other_edition_and_what_polars_makes_of_the_rows(
    database: str, edition: Edition, answers: dict[Edition, dict[str, list[tuple[Any, ...]]]]
) -> None:
    await live_through(database)
    raw = (await frame_of(database, "transactions")).with_columns(pl.col("value", "fee").cast(pl.Int128))
    assert raw.height == 905 * 20 + 1500 * 3 + 2137

    for view, width in (("tx_1m", "1m"), ("tx_1h", "1h"), ("tx_1d", "1d"), ("chain_1m", "1m")):
        keys = ["chain_id", "bucket"] if view == "chain_1m" else ["chain_id", "kind", "bucket"]
        wanted = rollup(raw.with_columns(bucket=pl.col("block_time").dt.truncate(width)), keys)
        found = (await frame_of(database, view)).select(wanted.columns)
        assert exact(found, keys).equals(exact(wanted, keys)), view

    minutes = rollup(raw.with_columns(bucket=pl.col("block_time").dt.truncate("1m")), ["chain_id", "bucket"])
    busiest = (
        minutes.sort("bucket")
        .sort("tx_count", descending=True, maintain_order=True)
        .group_by("chain_id", pl.col("bucket").dt.truncate("1h").alias("hour"), maintain_order=True)
        .agg(pl.col("bucket", "tx_count").first())
    )
    peaks = (await frame_of(database, "peaks_1h")).select("chain_id", "bucket", "minute", "tx_count")
    assert sorted(peaks.rows()) == sorted(busiest.rows())

    hours = raw.with_columns(bucket=pl.col("block_time").dt.truncate("1h"))
    for view, keys in (
        ("top_senders_1h", ["from_address"]),
        ("top_receivers_1h", ["to_address"]),
        ("top_flows_1h", ["from_address", "to_address"]),
    ):
        found = await frame_of(database, view)
        listed = found.rename({"address": keys[0]}) if "address" in found.columns else found
        sums = (
            hours.drop_nulls(keys)
            .group_by("chain_id", "bucket", *keys)
            .agg(
                pl.len().cast(pl.Int64).alias("tx_count"),
                pl.col("value").sum().alias("value_sum"),
                pl.col("value").max().alias("value_max"),
            )
        )
        top, others = busiest_of(sums, keys)
        assert exact(listed.drop_nulls(keys), keys).select(top.columns).equals(exact(top, keys)), view
        rest = exact(listed.filter(pl.col(keys[0]).is_null()), []).with_columns(pl.col("value_bound").cast(pl.Int128))
        assert rest.select(others.columns).equals(others), view

    answers[edition] = {view: rows_of(database, view) for view in VIEWS}
    if len(answers) == len(Edition):
        for view in VIEWS:
            assert answers[Edition.TIMESCALE][view] == answers[Edition.PLAIN][view], view


def busiest_of(sums: pl.DataFrame, keys: list[str]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The first of each hour by count and by value, and all others in one row, with the most that one of them has."""
    ranks = []
    for first, second in (("tx_count", "value_sum"), ("value_sum", "tx_count")):
        ordered = sums.sort(first, second, *keys, descending=[True, True, *[False] * len(keys)])
        ranks.append(ordered.group_by("chain_id", "bucket", maintain_order=True).head(TOP))
    top = pl.concat(ranks).unique()
    others = (
        sums.join(top, on=["chain_id", "bucket", *keys], how="anti")
        .group_by("chain_id", "bucket")
        .agg(
            pl.col("tx_count").sum(),
            pl.col("value_sum").sum(),
            pl.col("value_max").max(),
            pl.col("tx_count").max().alias("count_bound"),
            pl.col("value_sum").max().alias("value_bound"),
        )
    )
    return top, others.sort("chain_id", "bucket")


def rollup(rows: pl.DataFrame, keys: list[str]) -> pl.DataFrame:
    """What the contract says of a bucket; sums of nothing known are null, as SQL has them."""
    known = pl.col("success").is_not_null()
    return rows.group_by(keys).agg(
        pl.len().cast(pl.Int64).alias("tx_count"),
        known.sum().cast(pl.Int64).alias("status_known_count"),
        (known & ~pl.col("success")).sum().cast(pl.Int64).alias("failed_count"),
        pl.col("value").sum().alias("value_sum"),
        pl.col("value").max().alias("value_max"),
        *(
            pl.when(pl.col(name).count() > 0).then(pl.col(name).sum()).cast(pl.Int128).alias(shown)
            for name, shown in (("fee", "fee_sum"), ("gas_used", "gas_used"))
        ),
    )


def exact(rows: pl.DataFrame, keys: list[str]) -> pl.DataFrame:
    """Amounts as integers, whatever they came as, in order of the keys."""
    amounts = [name for name in ("value_sum", "value_max", "fee_sum", "gas_used") if name in rows.columns]
    return rows.with_columns(pl.col(amounts).cast(pl.Int128)).sort("chain_id", "bucket", *keys)
