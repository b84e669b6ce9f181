"""Readers pointed at a streaming replica: questions, SQL and the live stream, while the primary is written to."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path

import pytest
from sqlalchemy import make_url

from tests.archived import commit
from tests.blocks import make_blocks
from tests.commands import environment, run, running
from tests.conftest import QUICK, installation_of_each, open_home
from txhub.client import AsyncClient
from txhub.ports import free_port, wait_for_port
from txhub.store import postmaster
from txhub.store.account import Account
from txhub.store.cluster import DATABASE, Cluster
from txhub.store.edition import Edition
from txhub.store.migrate import migrate
from txhub.store.outbox import OutboxEvent, OutboxReader
from txhub.store.pool import Pool, open_pool


@pytest.fixture
def primary(edition: Edition) -> Iterator[tuple[Cluster, str]]:
    """A server of its own with a migrated database: a copy of the shared one would copy every test's."""
    with open_home() as home:
        cluster = Cluster(home, installation_of_each()[edition], extra=QUICK)
        url = cluster.url(cluster.start())
        migrate(url)
        try:
            yield cluster, url
        finally:
            cluster.stop()


@pytest.fixture
def replica(primary: tuple[Cluster, str], edition: Edition) -> Iterator[str]:
    """The URL of a streaming replica of the primary."""
    cluster, url = primary
    running = cluster.running()
    assert running is not None
    admin = make_url(cluster.url(running, user="postgres"))
    account, programs = Account.current(), installation_of_each()[edition].programs
    with open_home() as folder:
        for name in ("data", "log", "socket"):
            (folder / name).mkdir(mode=0o700)
            account.give(folder / name)
        copied = account.run(
            [
                programs / "pg_basebackup",
                *("--pgdata", folder / "data", "--write-recovery-conf", "--wal-method", "stream"),
                *("--checkpoint", "fast", "--no-sync"),
                *("--host", str(admin.host), "--port", str(admin.port), "--username", str(admin.username)),
            ],
            environment={"PGPASSWORD": str(admin.password)},
        )
        assert copied.returncode == 0, copied.stdout
        postmaster.launch(folder, programs, account, {**QUICK, "unix_socket_directories": str(folder / "socket")})
        standby = postmaster.find(folder)
        assert standby is not None
        try:
            yield make_url(url).set(port=standby.port, database=DATABASE).render_as_string(hide_password=False)
        finally:
            postmaster.stop(folder, standby)


async def caught_up(pool: Pool, replica: Pool) -> None:
    async with asyncio.timeout(30):
        position = await pool.fetchval("SELECT pg_current_wal_lsn()::text")
        question = "SELECT pg_last_wal_replay_lsn() >= $1::text::pg_lsn"
        while not await replica.fetchval(question, position):  # noqa: ASYNC110 (another server)
            await asyncio.sleep(0.05)


async def test_events_reach_readers_of_a_replica_in_order(primary: tuple[Cluster, str], replica: str) -> None:
    found: list[OutboxEvent] = []
    async with (
        open_pool(primary[1], name="test") as pool,
        aclosing(OutboxReader(replica).follow()) as batches,
        asyncio.timeout(60),
    ):
        await anext(batches)
        await commit(pool, make_blocks(range(5)))
        await commit(pool, make_blocks(range(5, 10)))
        async for _, events in batches:
            found += events
            if len(found) == 2:
                break
    assert [event.id for event in found] == sorted({event.id for event in found})
    assert {event.event for event in found} == {"backfill"}


async def test_commands_that_read_ask_the_replica_and_start_no_server(
    primary: tuple[Cluster, str], replica: str, tmp_path: Path
) -> None:
    async with open_pool(primary[1], name="test") as pool, open_pool(replica, name="test") as standby:
        await commit(pool, make_blocks(range(30), transactions=4))
        await caught_up(pool, standby)
    env = environment(read_database_url=replica, home=str(tmp_path / "home"))
    counted = await asyncio.to_thread(
        run, "sql", "SELECT count(*), pg_is_in_recovery() FROM txhub.transactions", "--format", "csv", env=env
    )
    assert counted.stdout.split() == ["count,pg_is_in_recovery", "120,true"], counted.stderr
    port = free_port()
    with running("serve", "--port", str(port), env=env) as server:
        await asyncio.to_thread(wait_for_port, port, server)
        async with AsyncClient(f"http://127.0.0.1:{port}") as client:
            page = await client.transactions(limit=1000)
            assert len(page.items) == 120
            rate = await client.series("tx_rate", start="2026-03-01T22:30:00Z", end="2026-03-01T22:36:00Z", bucket="1m")
            assert rate["value"].sum() == 120
    assert not (tmp_path / "home").exists()
