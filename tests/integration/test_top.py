"""The busiest of a range: what is counted is exact, and what is not is within the bounds that are told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from decimal import Decimal

import psycopg
import pytest

from tests.asking import asking
from tests.blocks import ETHEREUM, START, make_block
from tests.conftest import open_database
from txhub.contract import Rank
from txhub.errors import UsageError
from txhub.model import Block, Transaction
from txhub.query.top import Side, TopAnswer, read_top
from txhub.rollup import hours
from txhub.rollup.hours import close_hours
from txhub.rollup.refresh import catch_up
from txhub.store.edition import Edition
from txhub.store.ledger import Ledger
from txhub.store.migrate import migrate
from txhub.store.pool import Pool, open_pool
from txhub.store.read import Reader
from txhub.store.server import Server

BLOCKS = [make_block(number, transactions=9) for number in range(900)]
"""22:30 to 01:30; the hours 22, 23 and 00 are closed, the last one is not."""
NOW = START + timedelta(hours=3, minutes=5)
TOP = 10
Key = tuple[bytes, ...]
KEYS: dict[Side, Callable[[Transaction], tuple[bytes | None, ...]]] = {
    Side.SENDERS: lambda row: (row.from_address,),
    Side.RECEIVERS: lambda row: (row.to_address,),
    Side.FLOWS: lambda row: (row.from_address, row.to_address),
}


async def bring(pool: Pool, blocks: list[Block], now: datetime) -> None:
    """Commit blocks, and close what is over then."""
    ledger = Ledger(pool, ETHEREUM)
    await ledger.register()
    await ledger.commit(blocks, bulk=True)
    while await catch_up(pool, now):
        pass
    await close_hours(pool, now)


@contextmanager
def open_closed(server: Server, fill: Callable[[Pool], Awaitable[None]]) -> Iterator[str]:
    """A migrated database, filled while lists keep the first ten only."""

    async def connected(url: str) -> None:
        async with open_pool(url, name="test") as pool:
            await fill(pool)

    with open_database(server) as url, pytest.MonkeyPatch.context() as patch:
        patch.setattr(hours, "TOP", TOP)
        migrate(url)
        asyncio.run(connected(url))
        yield url


@pytest.fixture(scope="module", params=list(Edition), ids=str)
def closed(request: pytest.FixtureRequest, servers: Callable[[Edition], Server]) -> Iterator[str]:
    with open_closed(servers(request.param), lambda pool: bring(pool, BLOCKS, NOW)) as url:
        yield url


@pytest.fixture
async def reader(closed: str) -> AsyncIterator[Reader]:
    async with Reader(closed) as reader:
        yield reader


def counted(blocks: list[Block], side: Side, start: datetime, end: datetime) -> dict[Key, list[int]]:
    """The values of each key's transactions."""
    found: dict[Key, list[int]] = {}
    for row in (row for block in blocks if start <= block.time < end for row in block.transactions):
        key = KEYS[side](row)
        if None not in key:
            found.setdefault(key, []).append(int(row.value))  # type: ignore[arg-type]
    return found


def keys_of(answer: TopAnswer, side: Side) -> list[Key]:
    columns = ("from_address", "to_address") if side is Side.FLOWS else ("address",)
    return [tuple(bytes.fromhex(text[2:]) for text in row) for row in answer.rows.select(columns).iter_rows()]


def assert_within_bounds(answer: TopAnswer, side: Side, truth: dict[Key, list[int]]) -> None:
    """What is told is not more than there is, and with its bound not less; of nobody twice."""
    keys = keys_of(answer, side)
    assert len(set(keys)) == len(keys)
    for key, row in zip(keys, answer.rows.iter_rows(named=True), strict=True):
        values = truth[key]
        value, bound = int(Decimal(row["value"]) * 10**18), int(Decimal(row["value_bound"]) * 10**18)
        assert row["tx_count"] <= len(values) <= row["tx_count"] + row["count_bound"]
        assert value <= sum(values) <= value + bound
        assert int(Decimal(row["value_max"]) * 10**18) <= max(values)
    assert answer.coverage == 1.0


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize("rank", list(Rank))
async def test_what_is_told_and_what_may_be_missing_hold_against_the_rows(
    reader: Reader, side: Side, rank: Rank
) -> None:
    start, end = START.replace(minute=0), NOW
    answer = await read_top(reader, side, start=start.isoformat(), end=end.isoformat(), rank=rank, limit=1000, now=NOW)
    truth = counted(BLOCKS, side, start, end)
    keys = keys_of(answer, side)
    assert len(keys) > TOP
    assert_within_bounds(answer, side, truth)
    column = {Rank.COUNT: "tx_count", Rank.VALUE: "value", Rank.LARGEST: "value_max"}[rank]
    ranked = [Decimal(value) for value in answer.rows[column]]
    assert ranked == sorted(ranked, reverse=True)
    missed = max((len(values) for key, values in truth.items() if key not in set(keys)), default=0)
    assert missed <= answer.rows["count_bound"].max()  # type: ignore[operator]


async def test_an_hour_that_is_not_closed_is_counted_from_its_rows(reader: Reader) -> None:
    start = START.replace(minute=0) + timedelta(hours=3)
    answer = await read_top(reader, Side.SENDERS, start=start.isoformat(), limit=1000, now=NOW)
    truth = counted(BLOCKS, Side.SENDERS, start, NOW)
    assert dict(zip(keys_of(answer, Side.SENDERS), answer.rows["tx_count"], strict=True)) == {
        key: len(values) for key, values in truth.items()
    }
    assert set(answer.rows["count_bound"]) == {0}


async def test_a_rank_that_does_not_exist_is_refused(reader: Reader) -> None:
    with pytest.raises(UsageError, match="rank is 'fame'"):
        await read_top(reader, Side.FLOWS, rank="fame", now=NOW)


@pytest.mark.parametrize("path", ["/v1/top/senders", "/v1/top/receivers", "/v1/flows"])
async def test_the_routes_answer_in_every_format(closed: str, path: str) -> None:
    async with asking(closed, NOW) as client:
        question = {"rank": "value", "limit": 3, "start": "-4h"}
        body = (await client.get(path, params=question)).raise_for_status().json()
        assert (len(body["items"]), body["rank"], body["coverage"]) == (3, "value", 1.0)
        table = (await client.get(path, params=question | {"format": "csv"})).text
        first = body["items"][0]
        assert body["labels"] == []
        assert table.splitlines()[1].split(",")[-3:-1] == [first["symbol"], str(first["count_bound"])]
        assert (await client.get(path, params={"rank": "fame"})).status_code == 400


async def test_the_busiest_go_by_the_names_that_are_known(closed: str) -> None:
    async with asking(closed, NOW) as client:
        question = {"limit": 3, "start": "-4h"}
        [busiest, *_] = (await client.get("/v1/top/senders", params=question)).json()["items"]
        with psycopg.connect(closed) as connection:
            connection.execute(
                "INSERT INTO txhub.labels (address, name, category, source, list_version, valid_from)"
                " VALUES (txhub.addr(%s), 'Harbour Exchange', 'exchange', 'made', '1', %s)",
                (busiest["address"], START),
            )
        [label] = (await client.get("/v1/top/senders", params=question)).json()["labels"]
        assert (label["address"], label["name"]) == (busiest["address"], "Harbour Exchange")
