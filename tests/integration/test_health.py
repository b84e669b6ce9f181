"""What is said of a chain's stream as its newest block grows old."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from tests.asking import asking
from tests.blocks import ETHEREUM, make_block, make_blocks
from txhub.model import Chain
from txhub.ops.health import is_down, read_health
from txhub.store.ledger import Ledger
from txhub.store.pool import open_pool
from txhub.store.read import Reader

BLOCKS = make_blocks(range(3))
LAST = BLOCKS[-1].time


@pytest.mark.parametrize(
    ("age_s", "status"), [(0, "ok"), (60, "ok"), (61, "late"), (360, "late"), (361, "down"), (10**8, "down")]
)
async def test_a_followed_chain_is_judged_by_its_block_time(database: str, age_s: int, status: str) -> None:
    async with open_pool(database, name="test") as pool, Reader(database) as reader:
        ledger = Ledger(pool, ETHEREUM)
        await ledger.register()
        await Ledger(pool, Chain(5, "silent", "evm", "S", 18, 1.0, 1, Decimal(1))).register()
        await ledger.commit(BLOCKS)
        await ledger.follow_from(0)
        ethereum, silent = await read_health(reader, LAST + timedelta(seconds=age_s))
    assert (ethereum.chain, ethereum.status, ethereum.last_block, ethereum.lag_s) == ("ethereum", status, 2, age_s)
    assert ethereum.reason
    assert (silent.status, silent.last_block, silent.lag_s) == ("empty", None, None)
    assert is_down([ethereum, silent]) == (status == "down")


@pytest.mark.parametrize(
    ("state", "silent_s", "status", "reason"),
    [
        ("following", 0, "ok", "blocks are committed"),
        ("halted", 0, "down", "a reorg is too deep"),
        ("halted", 10**6, "down", "a reorg is too deep"),
        ("node_stuck", 0, "late", "a reorg is too deep"),
        ("node_stuck", 61, "late", "no ingester follows it now"),
        ("following", 61, "late", "no ingester follows it now"),
    ],
)
async def test_what_the_follower_says_explains_the_verdict(
    database: str, state: str, silent_s: int, status: str, reason: str
) -> None:
    now = datetime.now(UTC)
    age = timedelta(seconds=5 if status == "ok" else 90)
    blocks = [replace(make_block(0, transactions=0), time=now - age)]
    async with open_pool(database, name="test") as pool, Reader(database) as reader:
        ledger = Ledger(pool, ETHEREUM)
        await ledger.register()
        [fresh] = await read_health(reader, now)
        assert (fresh.status, fresh.state, fresh.lag_blocks) == ("empty", None, None)
        await ledger.commit(blocks)
        assert [each.status for each in await read_health(reader, now)] == ["idle"]
        await ledger.follow_from(0)
        await ledger.set_stream(state, "a reorg is too deep", "ws://127.0.0.1:8545", 7)
        await pool.execute("UPDATE txhub.streams SET updated_at = $1", now - timedelta(seconds=silent_s))
        [told] = await read_health(reader, now)
    assert (told.status, told.state, told.endpoint, told.head) == (status, state, "ws://127.0.0.1:8545", 7)
    assert told.lag_blocks == 7
    assert told.since is not None
    assert reason in told.reason


async def test_a_chain_that_is_down_answers_503_with_every_stream(database: str) -> None:
    async with open_pool(database, name="test") as pool:
        ledger = Ledger(pool, ETHEREUM)
        await ledger.register()
        await ledger.commit(BLOCKS)
        await ledger.follow_from(0)
    async with asking(database, LAST + timedelta(days=1)) as client:
        response = await client.get("/health/stream")
    assert response.status_code == 503
    assert [item["status"] for item in response.json()["items"]] == ["down"]


async def test_a_chain_whose_follower_never_got_a_block_is_down(database: str) -> None:
    now = datetime.now(UTC)
    async with open_pool(database, name="test") as pool, Reader(database) as reader:
        ledger = Ledger(pool, ETHEREUM)
        await ledger.register()
        await ledger.set_stream("waiting", "the node does not answer")
        assert [each.status for each in await read_health(reader, now + timedelta(seconds=119))] == ["empty"]
        [late] = await read_health(reader, now + timedelta(seconds=125))
        assert late.status == "down"
        assert is_down([late])
        await ledger.set_stream("catching_up", "older blocks are missing")
        assert [each.status for each in await read_health(reader, now + timedelta(seconds=125))] == ["empty"]


async def test_health_tells_the_interval_and_the_coverage_of_the_last_hour(database: str) -> None:
    now = LAST + timedelta(seconds=1)
    async with open_pool(database, name="test") as pool, Reader(database) as reader:
        ledger = Ledger(pool, ETHEREUM)
        await ledger.register()
        start = now - timedelta(minutes=90)
        blocks = [
            make_block(number, transactions=0, start=start) for number in range(451) if number not in range(400, 430)
        ]
        await ledger.commit(blocks)
        [idle] = await read_health(reader, now)
        assert (idle.expected_interval_s, idle.coverage) == (12.0, None)
        await ledger.follow_from(0)
        [followed] = await read_health(reader, now)
    assert followed.coverage == 1 - 30 / 300
