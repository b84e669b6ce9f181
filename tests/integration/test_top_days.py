"""Lists of days: made of the lists of hours, within the bounds that are told, and made again when an hour is."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from tests.blocks import ETHEREUM, START, make_block
from tests.integration.test_top import TOP, assert_within_bounds, bring, counted, open_closed
from txhub.contract import Rank
from txhub.query.top import Side, read_top
from txhub.rollup.hours import close_hours
from txhub.store.edition import Edition
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


async def fill(pool: Pool) -> None:
    await bring(pool, [block for block in BLOCKS if block.number not in LATE], NOW)
    before = await pool.fetchval("SELECT sum(tx_count) FROM txhub.top_senders_1d")
    await bring(pool, [BLOCKS[number] for number in LATE], NOW)
    assert await pool.fetchval("SELECT sum(tx_count) FROM txhub.top_senders_1d") == before + 9 * len(LATE)


@pytest.fixture(scope="module", params=list(Edition), ids=str)
def closed(request: pytest.FixtureRequest, servers: Callable[[Edition], Server]) -> Iterator[str]:
    with open_closed(servers(request.param), fill) as url:
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
    truth = counted(BLOCKS, side, start, end)
    for rank in Rank:
        answer = await read_top(
            reader, side, start=start.isoformat(), end=end.isoformat(), rank=rank, limit=1000, now=NOW
        )
        assert answer.rows.height >= TOP
        assert_within_bounds(answer, side, truth)


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


async def test_of_a_chain_without_closed_hours_only_its_own_rows_are_read(closed: str) -> None:
    """Else a chain that was just added would have all rows of the range looked through, every chain's."""
    start, end = START.replace(minute=0), NOW.replace(minute=0) + HOUR
    async with open_pool(closed, name="test") as pool:
        edge = await pool.fetchval(
            "SELECT max(bucket) + INTERVAL '1 hour' FROM txhub_rollup.closed_hours WHERE NOT stale"
        )
        rows = await pool.fetch("SELECT * FROM txhub_rollup.open_hours($1, $2, $3)", [CHAIN.chain_id, 7], start, end)
    assert start < edge < end
    assert {row["chain_id"]: (row["start"], row["first_block"]) for row in rows} == {
        CHAIN.chain_id: (edge, min(block.time for block in BLOCKS if block.time >= edge)),
        7: (start, end),
    }


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
