"""From rows to the database: encoded for COPY, committed as a backfill's batch, and rolled up."""

from __future__ import annotations

from datetime import timedelta
from io import BytesIO
from itertools import count
from typing import Any

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from tests.benchmarks.conftest import Run
from tests.blocks import make_blocks
from txhub.model import Block
from txhub.rollup.refresh import Span, refresh
from txhub.store.edition import Edition
from txhub.store.ledger import Ledger
from txhub.store.pool import open_pool
from txhub.store.rows import HEADER, TRAILER, encode

BLOCKS, TRANSACTIONS, ROUNDS = 50, 200, 8


@pytest.fixture
def batches() -> list[list[Block]]:
    """Batches that follow each other, one a round and one to warm up."""
    return [
        make_blocks(range(first, first + BLOCKS), transactions=TRANSACTIONS)
        for first in range(0, (ROUNDS + 1) * BLOCKS, BLOCKS)
    ]


def test_encode(benchmark: BenchmarkFixture, run: Run[Any], database: str, edition: Edition) -> None:
    rows = [row for block in make_blocks(range(BLOCKS), transactions=TRANSACTIONS) for row in block.transactions]

    async def copy() -> int:
        async with open_pool(database, name="bench", size=1) as pool, pool.acquire() as connection:
            await connection.execute("CREATE TEMP TABLE bench_rows (LIKE txhub.transactions)")
            source = BytesIO(HEADER + encode(rows) + TRAILER)
            await connection.copy_to_table("bench_rows", source=source, format="binary")
            return int(await connection.fetchval("SELECT count(*) FROM bench_rows"))

    assert benchmark.pedantic(lambda: run(copy()), rounds=ROUNDS, warmup_rounds=1) == len(rows)
    benchmark.extra_info |= {"what": f"encode: COPY without indexes, {edition}", "item": "row", "items": len(rows)}


def test_batch(
    benchmark: BenchmarkFixture, run: Run[Any], ledger: Ledger, batches: list[list[Block]], edition: Edition
) -> None:
    turn = count()

    def commit() -> None:
        run(ledger.commit(batches[next(turn)], bulk=True))

    benchmark.pedantic(commit, rounds=ROUNDS, warmup_rounds=1)
    assert run(ledger.tip()).number == (ROUNDS + 1) * BLOCKS - 1
    what = f"batch: a backfill's commit of {BLOCKS} blocks, {edition}"
    benchmark.extra_info |= {"what": what, "item": "transaction", "items": BLOCKS * TRANSACTIONS}


@pytest.mark.parametrize("edition", [Edition.TIMESCALE], ids=str)  # in the other one a commit does it
def test_refresh(
    benchmark: BenchmarkFixture, run: Run[Any], database: str, ledger: Ledger, batches: list[list[Block]]
) -> None:
    turn = count()

    def commit() -> tuple[tuple[Span], dict[str, Any]]:
        batch = batches[next(turn)]
        run(ledger.commit(batch, bulk=True))
        return (Span(batch[0].time, batch[-1].time),), {}

    async def work(span: Span) -> None:
        async with open_pool(database, name="bench", size=1) as pool:
            await refresh(pool, [span], span.end + timedelta(days=1))

    benchmark.pedantic(lambda span: run(work(span)), setup=commit, rounds=ROUNDS)
    what = f"refresh: every rollup over a batch of {BLOCKS} blocks"
    benchmark.extra_info |= {"what": what, "item": "transaction", "items": BLOCKS * TRANSACTIONS}
