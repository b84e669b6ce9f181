"""On TimescaleDB the API's questions are answered by continuous aggregates and the columnstore, as plans tell it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import timedelta
from typing import Any

import pytest

from tests.archived import NOW, commit, three_days
from tests.asking import asking
from tests.blocks import BASE, BITCOIN, ETHEREUM, START, make_block
from txhub.rollup.policies import apply_policies
from txhub.rollup.settle import settle
from txhub.store.edition import Edition
from txhub.store.ledger import Ledger
from txhub.store.pool import Pool, open_pool
from txhub.store.read import Reader, _Session

RANGE = {"start": "2026-03-02T00:00:00Z", "end": "2026-03-04T00:00:00Z", "chain": "ethereum"}
FROM_ROLLUPS: list[tuple[str, dict[str, str]]] = [
    *((f"/v1/series/{metric}", RANGE | {"bucket": bucket})
      for metric in ("tx_rate", "avg_value", "volume", "fees", "gas_used", "failed_rate")
      for bucket in ("15m", "1h", "1d")),
    ("/v1/series/tx_rate", RANGE | {"by": "kind"}),
    ("/v1/series/active_addresses", RANGE),
    ("/v1/series/value_quantiles", RANGE),
    ("/v1/peaks", RANGE),
    ("/v1/peaks", RANGE | {"window": "15m"}),
    ("/v1/peaks", RANGE | {"window": "6h"}),
    ("/v1/top/senders", RANGE),
    ("/v1/top/receivers", RANGE),
    ("/v1/flows", RANGE),
    ("/v1/coverage", RANGE),
    ("/v1/tokens", RANGE),
    ("/v1/tokens/ethereum/0x" + "00" * 20, {"start": RANGE["start"], "end": RANGE["end"]}),
    ("/v1/origins", RANGE),
    ("/v1/search", {"q": "exchange"}),
]  # fmt: skip
FROM_TABLES = {
    "/v1/series/active_addresses",
    "/v1/top/senders",
    "/v1/top/receivers",
    "/v1/flows",
    "/v1/coverage",
    "/v1/search",
}
"""What is answered from lists, sketches, labels and the ledger."""
Statement = tuple[str, Sequence[object]]


@pytest.fixture
def edition() -> Edition:
    return Edition.TIMESCALE


@pytest.fixture
async def pool(database: str) -> AsyncIterator[Pool]:
    """Three days of two chains, in the columnstore and the aggregates."""
    async with open_pool(database, name="test") as pool:
        await commit(pool, three_days(ETHEREUM, transactions=20))
        await commit(pool, three_days(BITCOIN, transactions=20), BITCOIN)
        await settle(pool, START, NOW, NOW)
        await pool.execute("ANALYZE")
        yield pool


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Statement]:
    """Every statement that the API sends."""
    statements: list[Statement] = []
    fetch = _Session._fetch

    def noted(self: _Session, sql: str, parameters: Sequence[object]) -> Any:
        statements.append((sql, parameters))
        return fetch(self, sql, parameters)

    monkeypatch.setattr(_Session, "_fetch", noted)
    return statements


EXPLAIN = "EXPLAIN (ANALYZE, FORMAT JSON)"


def executed(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The nodes of a plan that ran."""
    if node["Actual Loops"]:
        yield node
        for child in node.get("Plans", ()):
            yield from executed(child)


async def explained(reader: Reader, pool: Pool, sql: str, values: Sequence[object]) -> str:
    """How a statement ran, as JSON. The reader copies what a statement without parameters answers; not so a plan."""
    if values:
        return str((await reader.frame(f"{EXPLAIN} {sql}", *values)).item())
    return str(await pool.fetchval(f"{EXPLAIN} {sql}"))


async def scans(database: str, statements: Sequence[Statement]) -> list[dict[str, Any]]:
    """What statements read, as the database plans and runs them."""
    async with Reader(database) as reader, open_pool(database, name="test", size=1) as pool:
        plans = [
            # What has no parameters the reader would copy, and a plan cannot be.
            (await reader.frame(f"{EXPLAIN} {sql}", *values)).item()
            if values
            else await pool.fetchval(f"{EXPLAIN} {sql}")
            for sql, values in statements
        ]
    nodes = [node for plan in plans for node in executed(json.loads(plan)[0]["Plan"])]
    return [node for node in nodes if "Relation Name" in node]


async def chunks(pool: Pool, hypertables: str) -> set[str]:
    """The chunks of hypertables whose schema and name are like a pattern, in rows or in the columnstore."""
    names = await pool.fetchval(
        "SELECT array_agg(chunk_name::text) FROM timescaledb_information.chunks"
        " WHERE hypertable_schema || '.' || hypertable_name LIKE $1",
        hypertables,
    )
    return {each for name in names for each in (name, f"{name}_compressed")}


async def test_what_rollups_know_is_not_read_from_rows(pool: Pool, database: str, asked: list[Statement]) -> None:
    raw, aggregates = await chunks(pool, "txhub.%"), await chunks(pool, r"%\_materialized\_hypertable\_%")
    async with asking(database, NOW) as api:
        for path, parameters in FROM_ROLLUPS:
            asked.clear()
            answer = await api.get(path, params=parameters)
            assert answer.status_code == 200, path
            read = {node["Relation Name"] for node in await scans(database, list(asked))}
            assert not read & raw, (path, parameters)
            if path not in FROM_TABLES:
                assert read & aggregates, (path, parameters)


async def test_an_address_is_looked_for_in_the_columnstore_of_its_day(
    pool: Pool, database: str, asked: list[Statement]
) -> None:
    day = {"start": "2026-03-02T00:00:00Z", "end": "2026-03-03T00:00:00Z"}
    address = "0x" + (7).to_bytes(20, "big").hex()
    questions = [("/v1/transactions", day | {"address": address}), (f"/v1/addresses/ethereum/{address}", day)]
    async with asking(database, NOW) as api:
        for path, parameters in questions:
            asked.clear()
            answer = (await api.get(path, params=parameters)).json()
            assert answer.get("items") or answer["tx_count"], path
            found = [node for node in await scans(database, list(asked)) if node["Relation Name"].startswith("_hyper_")]
            days = await pool.fetch(
                "SELECT DISTINCT range_start::text FROM timescaledb_information.chunks"
                " WHERE ARRAY[chunk_name::text, chunk_name || '_compressed'] && $1::text[]",
                [node["Relation Name"] for node in found],
            )
            assert [row["range_start"][:10] for row in days] == ["2026-03-02"], path
            assert any(node.get("Custom Plan Provider") == "ColumnarScan" for node in found), path


async def test_rows_go_to_the_columnstore_by_their_policy(pool: Pool) -> None:
    """What a backfill wrote is there already; live blocks are in rows until the policy takes their chunk."""
    uncompressed = (
        "SELECT count(*) FROM timescaledb_information.chunks"
        " WHERE hypertable_schema = 'txhub' AND hypertable_name = 'transactions' AND NOT is_compressed"
    )
    assert await pool.fetchval(uncompressed) == 0
    await apply_policies(pool, chunk_interval=timedelta(days=1), compress_after=timedelta(days=2))
    rows = await pool.fetchval("SELECT count(*) FROM txhub.transactions")
    await Ledger(pool, BASE).register()
    await Ledger(pool, BASE).commit([make_block(0, chain=BASE, transactions=5, start=START - timedelta(days=5))])
    assert await pool.fetchval(uncompressed) == 1
    for job in await pool.fetch("SELECT job_id FROM timescaledb_information.jobs WHERE hypertable_schema = 'txhub'"):
        await pool.execute("CALL run_job($1)", job["job_id"])
    assert await pool.fetchval(uncompressed) == 0
    assert await pool.fetchval("SELECT count(*) FROM txhub.transactions") == rows + 5
