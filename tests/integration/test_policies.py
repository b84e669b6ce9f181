"""Policies and states: what the catalog and the settings say is what the database does, and it is told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from tests.blocks import ETHEREUM, START, make_blocks
from tests.commands import environment, run
from txhub.errors import UsageError
from txhub.rollup.catalog import HYPERTABLES, ROLLUPS
from txhub.rollup.policies import apply_policies, choose_policy
from txhub.rollup.refresh import Span, refresh
from txhub.rollup.states import read_hypertables, read_rollups
from txhub.store.edition import Edition
from txhub.store.ledger import Ledger
from txhub.store.pool import Pool, open_pool

DAY = timedelta(days=1)


async def apply(pool: Pool, after: timedelta = 2 * DAY) -> None:
    await apply_policies(pool, chunk_interval=DAY, compress_after=after)


async def test_states_name_every_rollup_and_table_of_the_catalog(database: str, edition: Edition) -> None:
    async with open_pool(database, name="test") as pool:
        ledger = Ledger(pool, ETHEREUM)
        await ledger.register()
        await ledger.commit(make_blocks(range(900)), bulk=True)
        await apply(pool)
        await refresh(pool, [Span(START - DAY, START + DAY)], datetime.now(UTC))
        assert [state.rollup for state in await read_rollups(pool)] == list(ROLLUPS)
        tables = {state.name: state for state in await read_hypertables(pool)}
        assert tuple(tables) == HYPERTABLES
        assert tables["transactions"].chunks == 2
        assert tables["transactions"].bytes > 0
        if edition is Edition.TIMESCALE:
            minutes = (await read_rollups(pool))[0]
            assert minutes.watermark == START + timedelta(hours=3)
            assert minutes.next_run is not None
            assert tables["transactions"].columnstore_chunks == 2
            assert tables["transactions"].compress_after == 2 * DAY


async def test_applying_policies_again_leaves_their_history(database: str, edition: Edition) -> None:
    if edition is Edition.PLAIN:
        pytest.skip("the plain edition has no jobs in the database")
    jobs = "SELECT array_agg(job_id ORDER BY job_id) FROM timescaledb_information.jobs WHERE job_id >= 1000"
    async with open_pool(database, name="test") as pool:
        await apply(pool)
        before = await pool.fetchval(jobs)
        await apply(pool)
        assert await pool.fetchval(jobs) == before
        await choose_policy(pool, "token_transfers", "compress_after", timedelta(hours=6))
        await apply(pool, 3 * DAY)
        ages = {state.name: state.compress_after for state in await read_hypertables(pool)}
        assert ages == {"transactions": 3 * DAY, "token_transfers": timedelta(hours=6), "utxo_io": 3 * DAY}


async def test_a_rollup_that_is_new_to_a_database_with_data_is_filled(database: str, edition: Edition) -> None:
    """As after an upgrade: rows older than the policy looks back must not vanish behind its watermark."""
    async with open_pool(database, name="test") as pool:
        ledger = Ledger(pool, ETHEREUM)
        await ledger.register()
        await ledger.commit(make_blocks(range(300)), bulk=True)
        await apply(pool)
        question = "SELECT sum(tx_count)::bigint FROM txhub.value_hist_1h"
        assert await pool.fetchval(question) == 6000
        if edition is Edition.TIMESCALE:
            stored = "SELECT materialized_only FROM timescaledb_information.continuous_aggregates LIMIT 1"
            assert await pool.fetchval(stored) is False
            await pool.execute("ALTER MATERIALIZED VIEW txhub_rollup.value_hist_1h SET (timescaledb.materialized_only)")
            assert await pool.fetchval(question) == 6000


async def test_small_batches_of_a_backfill_are_compacted(database: str, edition: Edition) -> None:
    if edition is Edition.PLAIN:
        pytest.skip("the plain edition has no jobs in the database")
    job = """
        SELECT job_id FROM timescaledb_information.jobs
        WHERE hypertable_name = 'transactions' AND proc_name = 'policy_compression'
    """
    async with open_pool(database, name="test") as pool:
        ledger = Ledger(pool, ETHEREUM)
        await ledger.register()
        for first in range(0, 300, 10):
            await ledger.commit(make_blocks(range(first, first + 10)), bulk=True)
        await apply(pool)
        assert await batches(pool) == 30
        rows = await pool.fetch("SELECT * FROM txhub.transactions ORDER BY block_number, tx_index")
        await pool.execute(f"CALL run_job({await pool.fetchval(job)})")
        assert await batches(pool) == 6
        assert await pool.fetch("SELECT * FROM txhub.transactions ORDER BY block_number, tx_index") == rows


async def batches(pool: Pool) -> int:
    """How many batches, of up to a thousand rows each, the transactions of the columnstore are in."""
    stores = await pool.fetch("""
        SELECT s.compress_relid::text AS store
        FROM timescaledb_information.chunks k
        JOIN _timescaledb_catalog.compression_settings s
            ON s.relid = format('%I.%I', k.chunk_schema, k.chunk_name)::regclass
        WHERE k.hypertable_name = 'transactions' AND k.is_compressed
    """)
    return sum([await pool.fetchval(f"SELECT count(*) FROM {row['store']}") for row in stores])


async def test_a_table_without_policies_is_refused(database: str) -> None:
    async with open_pool(database, name="test") as pool:
        with pytest.raises(UsageError, match="'blocks' is no table with policies"):
            await choose_policy(pool, "blocks", "compress_after", DAY)


def test_the_command_line_shows_and_sets_them(database: str, edition: Edition) -> None:
    env = environment(database)
    shown = run("rollup", "list", env=env | {"COLUMNS": "200"})
    assert shown.returncode == 0, shown.stderr
    assert all(rollup.name in shown.stdout for rollup in ROLLUPS)
    changed = run("policy", "set", "utxo_io", "compress_after", "6h", env=env)
    assert changed.returncode == 0, changed.stderr
    listed = run("policy", "list", env=env | {"COLUMNS": "200"})
    assert ("6:00:00" if edition is Edition.TIMESCALE else "no columnstore") in listed.stdout
    assert "raw rows are never dropped; none is gone" in listed.stdout
    with psycopg.connect(database) as connection:
        connection.execute("UPDATE txhub.horizon SET time = '2026-03-01Z'")
    listed = run("policy", "list", env=env | {"COLUMNS": "200", "TXHUB_RETENTION": "30d"})
    assert "raw rows are dropped after 30 days" in listed.stdout
    assert "those before 2026-03-01 00:00 UTC are gone" in listed.stdout
    refreshed = run("rollup", "refresh", "--start", "2026-03-01", "--end", "2026-03-02", env=env)
    assert refreshed.returncode == 0, refreshed.stderr
    for wrong in (
        ("policy", "set", "utxo_io", "compress_after", "soon"),
        ("policy", "set", "utxo_io", "nothing", "6h"),
    ):
        refused = run(*wrong, env=env)
        assert refused.returncode == 2
        assert "Traceback" not in refused.stderr
