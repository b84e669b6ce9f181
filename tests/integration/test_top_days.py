"""Lists of days: made of the lists of hours, within the bounds that are told, and made again when an hour is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from tests.blocks import ETHEREUM, START, make_block
from tests.conftest import open_database
from tests.integration.test_top import KEYS, keys_of
from txhub.contract import Rank
from txhub.query.top import Side, read_top
from txhub.rollup import hours
from txhub.rollup.hours import close_hours
from txhub.rollup.refresh import catch_up
from txhub.store.edition import Edition
from txhub.store.ledger import Ledger
from txhub.store.migrate import migrate
from txhub.store.pool import Pool, open_pool
from txhub.store.read import Reader
from txhub.store.server import Server

CHAIN = replace(ETHEREUM, block_time_s=600.0)
BLOCKS = [make_block(number, chain=CHAIN, transactions=9) for number in range(450)]
"""1 March 22:30 to 5 March 01:30."""
NOW = START + timedelta(minutes=10 * 450 + 30)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
MIDNIGHT = START.replace(hour=0, minute=0) + DAY
LATE = range(150, 153)
"""Blocks of 2 March that come when the day is closed."""


async def bring(pool: Pool, numbers: list[int]) -> None:
    ledger = Ledger(pool, ETHEREUM)
    await ledger.register()
    await ledger.commit([BLOCKS[number] for number in numbers], bulk=True)
    while await catch_up(pool, NOW):
        pass
    await close_hours(pool, NOW)


@pytest.fixture(scope="module", params=list(Edition), ids=str)
def closed(request: pytest.FixtureRequest, servers: Callable[[Edition], Server]) -> Iterator[str]:
    async def fill(url: str) -> None:
        async with open_pool(url, name="test") as pool:
            await bring(pool, [number for number in range(len(BLOCKS)) if number not in LATE])
            before = await pool.fetchval("SELECT sum(tx_count) FROM txhub.top_senders_1d")
            await bring(pool, list(LATE))
            assert await pool.fetchval("SELECT sum(tx_count) FROM txhub.top_senders_1d") == before + 9 * len(LATE)

    with open_database(servers(request.param)) as url, pytest.MonkeyPatch.context() as patch:
        patch.setattr(hours, "TOP", 10)
        migrate(url)
        asyncio.run(fill(url))
        yield url


@pytest.fixture
async def reader(closed: str) -> AsyncIterator[Reader]:
    async with Reader(closed) as reader:
        yield reader


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize(
    ("start", "end"),
    [
        (START.replace(minute=0), NOW),
        (MIDNIGHT, MIDNIGHT + 3 * DAY),
        (MIDNIGHT - HOUR, MIDNIGHT + DAY + 5 * HOUR),
        (MIDNIGHT + HOUR, MIDNIGHT + DAY - HOUR),
        (MIDNIGHT + 2 * DAY, MIDNIGHT + 3 * DAY),
    ],
    ids=str,
)
async def test_what_is_told_and_what_may_be_missing_hold_against_the_rows(
    reader: Reader, side: Side, start: datetime, end: datetime
) -> None:
    truth: dict[tuple[bytes | None, ...], list[int]] = {}
    for row in (row for block in BLOCKS if start <= block.time < end for row in block.transactions):
        truth.setdefault(KEYS[side](row), []).append(int(row.value))
    for rank in Rank:
        answer = await read_top(
            reader, side, start=start.isoformat(), end=end.isoformat(), rank=rank, limit=1000, now=NOW
        )
        keys = keys_of(answer, side)
        assert len(set(keys)) == len(keys) >= 10
        for key, row in zip(keys, answer.rows.iter_rows(named=True), strict=True):
            value, bound = (int(Decimal(row[name]) * 10**18) for name in ("value", "value_bound"))
            assert row["tx_count"] <= len(truth[key]) <= row["tx_count"] + row["count_bound"]
            assert value <= sum(truth[key]) <= value + bound
            assert int(Decimal(row["value_max"]) * 10**18) <= max(truth[key])
        assert answer.coverage == 1.0


async def test_days_are_read_instead_of_their_hours(closed: str, reader: Reader) -> None:
    whole = {"start": MIDNIGHT.isoformat(), "end": (MIDNIGHT + 3 * DAY).isoformat(), "limit": 1000, "now": NOW}
    before = (await read_top(reader, Side.SENDERS, **whole)).rows  # type: ignore[arg-type]
    async with open_pool(closed, name="test") as pool, pool.acquire() as connection:
        await connection.execute("CREATE TABLE kept AS SELECT * FROM txhub_rollup.top_senders_1h")
        await connection.execute("DELETE FROM txhub_rollup.top_senders_1h")
        assert (await read_top(reader, Side.SENDERS, **whole)).rows.equals(before)  # type: ignore[arg-type]
        await connection.execute("INSERT INTO txhub_rollup.top_senders_1h SELECT * FROM kept")
        await connection.execute("DROP TABLE kept")
        await connection.execute("UPDATE txhub_rollup.closed_days SET stale = true")
        by_hours = (await read_top(reader, Side.SENDERS, **whole)).rows  # type: ignore[arg-type]
        assert by_hours.height > before.height
        await close_hours(pool, NOW)
        assert (await read_top(reader, Side.SENDERS, **whole)).rows.equals(before)  # type: ignore[arg-type]


async def test_every_transaction_is_in_a_list_of_its_day(closed: str) -> None:
    async with open_pool(closed, name="test") as pool:
        for view in ("top_senders", "top_receivers", "top_flows"):
            days = await pool.fetch(
                f"SELECT bucket, sum(tx_count)::bigint AS n, sum(value_sum) AS value, max(value_max) AS most"
                f" FROM txhub.{view}_1d GROUP BY 1 ORDER BY 1"
            )
            same = await pool.fetch(
                "SELECT date_trunc('day', bucket, 'UTC') AS bucket, sum(tx_count)::bigint AS n,"
                f" sum(value_sum) AS value, max(value_max) AS most FROM txhub.{view}_1h"
                " WHERE bucket < $1 GROUP BY 1 ORDER BY 1",
                MIDNIGHT + 3 * DAY,
            )
            assert days == same
            assert len(days) == 4
