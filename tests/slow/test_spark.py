"""The archive is an open table: Spark answers from its files what the rollups answer from the database.

pip install pyspark        # and Java 17; neither is needed for anything else here
"""

from __future__ import annotations

import asyncio
import shutil
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.archived import NOW, archive_all, commit, three_days
from tests.blocks import BITCOIN, ETHEREUM, START
from txhub.rollup.settle import settle
from txhub.store.place import Place
from txhub.store.pool import open_pool

pyspark = pytest.importorskip("pyspark.sql", reason="pyspark is not installed: pip install pyspark")

QUESTION = """
SELECT chain, kind, day, count(*) AS tx_count, count(success) AS status_known_count,
       count_if(NOT success) AS failed_count, sum(value) AS value_sum, max(value) AS value_max, sum(fee) AS fee_sum,
       sum(gas_used) AS gas_used
FROM transactions
GROUP BY chain, kind, day
"""
Day = tuple[str, str, date, int, int, int, Decimal, Decimal, Decimal | None, int | None]


@pytest.mark.timeout(300)
@pytest.mark.skipif(shutil.which("java") is None, reason="there is no Java, which Spark runs on")
async def test_spark_tells_the_same_daily_series_as_tx_1d(database: str, tmp_path: Path) -> None:
    place = Place(str(tmp_path / "archive"))
    async with open_pool(database, name="test") as pool:
        await commit(pool, three_days(ETHEREUM, transactions=40))
        await commit(pool, three_days(BITCOIN, transactions=40), BITCOIN)
        await archive_all(pool, database, place)
        await settle(pool, START, NOW, NOW)
        expected = await pool.fetch(
            "SELECT t.chain, t.kind::text, m.day, t.tx_count, t.status_known_count, t.failed_count, t.value_sum,"
            " t.value_max, t.fee_sum, t.gas_used::bigint FROM txhub.tx_1d t JOIN txhub.archive_manifest m"
            " ON m.chain_id = t.chain_id AND m.day = (t.bucket AT TIME ZONE 'UTC')::date"
            " WHERE m.table_name = 'transactions' ORDER BY 1, 2, 3",
        )
    found = await asyncio.to_thread(ask_spark, Path(place.shown) / "table=transactions")
    assert found == [tuple(row) for row in expected]
    assert len({row[:3:2] for row in found}) == 7  # three whole days of one chain, four of the other


def ask_spark(table: Path) -> list[Day]:
    session: Any = (
        pyspark.SparkSession.builder.master("local[2]")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.shuffle.partitions", "4")
        .getOrCreate()
    )
    try:
        session.read.parquet(str(table)).createOrReplaceTempView("transactions")
        return sorted(tuple(row) for row in session.sql(QUESTION).collect())
    finally:
        session.stop()
