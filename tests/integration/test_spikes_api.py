"""Spikes found in a ledger are alerts and annotations of charts, in both editions; what is missing there is no drop."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import httpx
import polars as pl
import pytest

from tests.blocks import BITCOIN, ETHEREUM
from tests.conftest import open_database
from tests.traffic import DROPS, SPIKES
from txhub.api.app import create_app
from txhub.client import AsyncClient
from txhub.config import Settings
from txhub.contract import Anomaly, AnomalyKind, Page, Severity
from txhub.detect.backtest import backtest
from txhub.detect.defaults import keep_rules
from txhub.detect.rules import define
from txhub.detect.traffic import Traffic
from txhub.detect.trafficrunner import TrafficRunner
from txhub.errors import UsageError
from txhub.store.alerts import Raiser, reconcile
from txhub.store.edition import Edition
from txhub.store.ledger import Ledger
from txhub.store.pool import Pool, open_pool
from txhub.store.read import Reader
from txhub.store.server import Server

START = datetime(2026, 3, 2, tzinfo=UTC)
NOW = START + timedelta(days=3)
SPIKE = NOW - timedelta(hours=5)
DROP = NOW - timedelta(minutes=40)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
# 90 to 110 transactions a block of 12 seconds; three times as many for a quarter of an hour, hardly any at last.
BLOCKS = """
INSERT INTO txhub.blocks (chain_id, number, hash, parent_hash, time, tx_count, dropped_count)
SELECT 1, number, '\\x00', '\\x00', time,
       CASE WHEN time >= $3 AND time < $3 + INTERVAL '15 minutes' THEN 3 WHEN time >= $4 THEN 0.1 ELSE 1 END
           * (90 + number * 7919 % 21) + 5,
       5
FROM (SELECT row_number() OVER () AS number, time FROM generate_series($1, $2, INTERVAL '12 seconds') AS time) AS made
"""
NEXT = """
INSERT INTO txhub.blocks (chain_id, number, hash, parent_hash, time, tx_count)
SELECT 1, (SELECT max(number) FROM txhub.blocks) + row_number() OVER (), '\\x00', '\\x00', time, 100
FROM generate_series($1, $2, INTERVAL '12 seconds') AS time
"""


async def fill(url: str) -> None:
    async with open_pool(url, name="test") as pool:
        await Ledger(pool, ETHEREUM).register()
        await Ledger(pool, BITCOIN).register()
        await pool.execute(BLOCKS, START, NOW, SPIKE, DROP)


@pytest.fixture(scope="module", params=list(Edition), ids=str)
def filled(
    request: pytest.FixtureRequest, servers: Callable[[Edition], Server], migrated: Callable[[Edition], str]
) -> Iterator[str]:
    with open_database(servers(request.param), migrated(request.param)) as url:
        asyncio.run(fill(url))
        yield url


@asynccontextmanager
async def asking(url: str) -> AsyncIterator[tuple[Pool, Reader, httpx.AsyncClient]]:
    app = create_app(url, Settings(), clock=lambda: NOW)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with (
        open_pool(url, name="test") as pool,
        Reader(url) as reader,
        app.lifespan(),
        httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client,
    ):
        yield pool, reader, client


async def test_a_spike_is_an_alert_and_an_annotation(filled: str) -> None:
    async with asking(filled) as (pool, reader, client):
        traffic = await Traffic.read(reader, ETHEREUM, NOW - DAY)
        assert traffic.minutes.end == NOW
        look = traffic.look(SPIKES, NOW - DAY, NOW)
        raiser = Raiser(1, 1, "spike", "spike", Severity.HIGH)
        done = await reconcile(pool, raiser, 1, look.start, look.end, look.findings)
        (alert,) = done.raised
        again = await reconcile(pool, raiser, 1, look.start, look.end, look.findings)
        assert again == ([], [], [])
        look = traffic.look(DROPS, NOW - DAY, NOW)
        await reconcile(pool, Raiser(2, 1, "drop", "drop", Severity.LOW), 1, look.start, look.end, look.findings)

        drop, spike = (await client.get("/v1/anomalies")).json()["items"]
        assert spike["id"] == alert
        assert (spike["kind"], spike["chain"], spike["subject"], spike["severity"]) == (
            "spike",
            "ethereum",
            "ethereum",
            "high",
        )
        assert datetime.fromisoformat(spike["start"]) == SPIKE
        assert 15 * MINUTE <= datetime.fromisoformat(spike["end"]) - SPIKE <= 25 * MINUTE
        assert spike["expected"] == pytest.approx(500, rel=0.1)
        assert spike["factor"] == pytest.approx(3, rel=0.1)
        assert spike["unit"] == "transactions/minute"
        assert (drop["kind"], drop["end"]) == ("drop", None)
        assert drop["factor"] < 0.5

        async def found(**query: object) -> list[str]:
            answer = await client.get("/v1/anomalies", params=query)  # type: ignore[arg-type]
            assert answer.status_code == 200, answer.text
            return [item["kind"] for item in answer.json()["items"]]

        assert await found(kind="spike") == ["spike"]
        assert await found(chain="bitcoin") == []
        assert await found(start=(SPIKE + 10 * MINUTE).isoformat(), end=(SPIKE + 11 * MINUTE).isoformat()) == ["spike"]
        assert await found(end=SPIKE.isoformat()) == []
        assert await found(start="-1m") == ["drop"]
        first = (await client.get("/v1/anomalies", params={"limit": 1})).json()
        assert await found(cursor=first["next"]) == ["spike"]
        assert (await client.get("/v1/anomalies", params={"kind": "nothing"})).status_code == 400
        table = pl.read_ipc_stream((await client.get("/v1/anomalies", params={"format": "arrow"})).content)
        assert table["kind"].to_list() == ["drop", "spike"]
        await reconcile(pool, raiser, 1, NOW - DAY, NOW, [])
        assert await found() == ["drop"]


async def test_what_is_expected_is_told_with_its_bounds(filled: str) -> None:
    async with asking(filled) as (_, _, client):
        answer = await client.get("/v1/expected", params={"chain": "ethereum", "start": "-6h", "end": NOW.isoformat()})
        told = answer.json()
        assert (told["metric"], told["unit"]) == ("tx_rate", "transactions/minute")
        (line,) = told["series"]
        assert line["chain"] == "ethereum"
        assert len(line["points"]) == 36
        for _, expected, low, high in line["points"]:
            assert 470 < expected < 530
            assert low < expected < high
        bitcoin = await client.get("/v1/expected", params={"chain": "bitcoin"})
        assert bitcoin.json()["series"] == []
        too_long = await client.get("/v1/expected", params={"start": "-40d"})
        assert too_long.status_code == 400
        assert "31" in too_long.json()["hint"]
        frame = pl.read_ipc_stream(
            (await client.get("/v1/expected", params={"start": "-6h", "format": "arrow"})).content
        )
        assert frame.columns == ["time", "chain", "expected", "low", "high"]
        first_day = await client.get(
            "/v1/expected", params={"start": START.isoformat(), "end": (START + DAY).isoformat(), "format": "json"}
        )
        points = first_day.json()["series"][0]["points"]
        assert [point[1] is None for point in points[:4]] == [True, True, True, False]


async def test_rules_on_traffic_are_tried_on_the_past(filled: str) -> None:
    async with asking(filled) as (_, reader, _):
        done: list[float] = []

        async def progress(share: float) -> None:
            done.append(share)

        tried = await backtest(reader, define({"pattern": "spike"}), NOW - DAY, NOW, progress)
        look = (await Traffic.read(reader, ETHEREUM, NOW - DAY)).look(SPIKES, NOW - DAY, NOW)
        assert [(each.started_at, each.title) for each in tried.samples] == [
            (each.started_at, each.title) for each in look.findings
        ]
        assert (tried.alerts, tried.rows, tried.limits, done[-1]) == (1, 7200, [], 1.0)
        before = await backtest(reader, define({"pattern": "spike"}), START - DAY, SPIKE, progress)
        assert (before.alerts, before.limits) == (0, ["ethereum: what is usual is known from 2026-03-02 00:00 on"])
        drops = await backtest(reader, define({"pattern": "drop"}), NOW - DAY, NOW, progress)
        assert [each.chain for each in drops.samples] == ["ethereum"]
        with pytest.raises(UsageError, match="may have learned from it") as refused:
            await backtest(reader, define({"pattern": "anomaly", "by": "transaction"}), NOW - DAY, NOW, progress)
        assert "txhub anomaly score --chain NAME --by transaction" in str(refused.value.hint)


async def test_blocks_that_come_late_or_are_missing_are_no_drop(filled: str) -> None:
    async with asking(filled) as (pool, reader, _):
        async with pool.acquire() as connection, connection.transaction():
            taken = await connection.fetch(
                "DELETE FROM txhub.blocks WHERE chain_id = 1 AND time >= $1 AND number % 3 > 0 RETURNING *", DROP
            )
        behind = await Traffic.read(reader, ETHEREUM, NOW - DAY)
        assert behind.look(DROPS, NOW - DAY, NOW).findings == []
        assert behind.minutes.end == DROP - MINUTE  # the block after that minute is missing
        columns = list(taken[0].keys())
        await pool.copy_records_to_table("blocks", schema_name="txhub", records=map(tuple, taken), columns=columns)
        await behind.update(reader, DROP)
        assert behind.minutes.end == NOW
        (drop,) = behind.look(DROPS, NOW - DAY, NOW).findings
        fresh = await Traffic.read(reader, ETHEREUM, NOW - DAY)
        assert fresh.look(DROPS, NOW - DAY, NOW).findings == [drop]


async def test_the_client_reads_both(filled: str) -> None:
    async with asking(filled) as (_, _, inner):
        client = AsyncClient("http://127.0.0.1")
        await client._http.aclose()
        client._http = inner
        page = await client.anomalies(start="-7d", kind=["spike", "drop"])
        assert isinstance(page, Page)
        assert all(isinstance(each, Anomaly) and each.kind in AnomalyKind for each in page.items)
        frame = await client.expected(chain="ethereum", start="-1h")
        assert frame.height == 6
        assert json.loads(frame.write_json())[0]["chain"] == "ethereum"


async def test_rules_on_traffic_are_looked_for_as_blocks_come_and_again_where_they_changed(
    servers: Callable[[Edition], Server], migrated: Callable[[Edition], str]
) -> None:
    with open_database(servers(Edition.PLAIN), migrated(Edition.PLAIN)) as url:
        await fill(url)
        async with open_pool(url, name="test") as pool, Reader(url) as reader:
            await keep_rules(pool, {"quiet": {"pattern": "spike", "scope": {"chains": ["bitcoin"]}}})
            runner = TrafficRunner(pool, reader, url)

            async def standing() -> list[tuple[str, datetime, bool]]:
                rows = await pool.fetch(
                    "SELECT rule, started_at, details->>'until' IS NULL AS goes_on FROM txhub.alerts"
                    " WHERE chain_state <> 'retracted' ORDER BY started_at"
                )
                return [tuple(row) for row in rows]

            async def tell(event: str, start: datetime) -> None:
                data = json.dumps({"start": start.isoformat(), "end": start.isoformat()})
                await pool.execute(
                    "INSERT INTO txhub.stream_events (event, chain_id, data) VALUES ($1, 1, $2)", event, data
                )

            await runner.catch_up()
            (spike, dropped) = await standing()
            assert spike == ("spike", SPIKE, False)
            assert (dropped[0], dropped[2]) == ("drop", True)
            history = await pool.fetchval("SELECT count(*) FROM txhub.alert_events")
            await TrafficRunner(pool, reader, url).catch_up()
            assert await pool.fetchval("SELECT count(*) FROM txhub.alert_events") == history

            await pool.execute(NEXT, NOW + timedelta(seconds=12), NOW + 20 * MINUTE)
            await tell("block", NOW + timedelta(seconds=12))
            await runner.catch_up()
            (same, over) = await standing()
            assert (same, over) == (spike, (*dropped[:2], False))

            await pool.execute("UPDATE txhub.blocks SET tx_count = 105 WHERE time >= $1 AND tx_count > 200", SPIKE)
            await tell("backfill", SPIKE)
            await runner.catch_up()
            assert await standing() == [over]
            assert await pool.fetchval("SELECT count(*) FROM txhub.alerts") == 2
