"""Beyond what it can take, ingest slows down, says so, and recovers: nothing is lost and memory stays flat.

The database is made so far away that a commit takes longer than a block: half of what comes can be taken.
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime

import psutil
import psycopg
import pytest
from sqlalchemy import make_url

from tests.faults.stage import Stage, contents, impatient, open_stage
from txhub.chain.demo.proxy import open_proxy
from txhub.ops import findings, watch
from txhub.ops.watch import Watch
from txhub.store.pool import Pool, open_pool
from txhub.store.read import Reader

__all__ = ["impatient"]

pytestmark = pytest.mark.usefixtures("impatient")

BLOCK_TIME_S = 0.2
OVERLOADED_S = 60.0
_BEFORE = 20
_PATIENCE_S = 120


async def grow_live(stage: Stage, began: float) -> None:
    """Let the network have a block whenever one is due, with the time of now."""
    while True:
        due = int((time.monotonic() - began) / BLOCK_TIME_S) + _BEFORE - await stage.network.head_number()
        if due > 0:
            await stage.network.grow(due)
        await asyncio.sleep(BLOCK_TIME_S / 2)


async def open_findings(pool: Pool) -> set[str]:
    return {row["name"] for row in await pool.fetch("SELECT name FROM txhub.findings WHERE ended_at IS NULL")}


async def until(pool: Pool, look: Watch, name: str, *, there: bool) -> None:
    async with asyncio.timeout(_PATIENCE_S):
        while True:
            await look.look(datetime.now(UTC))
            if (name in await open_findings(pool)) is there:
                return
            await asyncio.sleep(1)


@pytest.mark.timeout(600)
async def test_it_slows_down_says_so_and_recovers(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(findings, "LAG_WATCHED", (watched := findings.LAG_WATCHED / 12))
    monkeypatch.setattr(watch, "LAG_WATCHED", watched)
    monkeypatch.setattr("tests.faults.made_network.START", int(time.time() - _BEFORE * BLOCK_TIME_S))
    url = make_url(database)
    async with (
        open_proxy(url.port or 5432) as proxy,
        open_pool(database, name="test") as pool,
        Reader(database, size=1) as reader,
        open_stage(
            database,
            ingester_database=url.set(port=proxy.port).render_as_string(hide_password=False),
            head=_BEFORE,
            block_time_s=BLOCK_TIME_S,
            transactions=40,
        ) as stage,
    ):
        await stage.caught_up()
        look = Watch(pool, reader, {})
        growing = asyncio.create_task(grow_live(stage, time.monotonic()))
        proxy.delay(0.05)
        await until(pool, look, "lag_growing", there=True)
        resident = psutil.Process().memory_info().rss
        await asyncio.sleep(OVERLOADED_S)
        assert psutil.Process().memory_info().rss < 1.2 * resident
        async with await psycopg.AsyncConnection.connect(database) as connection:
            row = await (await connection.execute("SELECT count(*) FROM txhub.blocks")).fetchone()
        assert row is not None
        assert _BEFORE < row[0] < await stage.network.head_number()  # slower than blocks come, but it goes on
        proxy.delay(0)
        await until(pool, look, "lag_growing", there=False)
        growing.cancel()
        await asyncio.wait([growing])
        await stage.caught_up()
        held = contents(database, stage.chain.chain_id)
        blocks = await stage.network.head_number() + 1
        assert held["ledger"][0][:3] == (blocks, 0, blocks - 1)
        assert held["transactions"][0][:2] == (40 * blocks, 40 * blocks)
