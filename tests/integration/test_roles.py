"""Each service works with the role that is made for it, and is refused what it does not need."""

from __future__ import annotations

import asyncio
import os
import secrets
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.errors import InsufficientPrivilege
from sqlalchemy import make_url

from tests.asking import asking
from tests.blocks import ETHEREUM, make_blocks, make_branch
from tests.conftest import open_database
from tests.sample import NOW, commit_sample
from txhub.cli.worker import work
from txhub.config import Settings
from txhub.ingest.tokens import look_up_tokens
from txhub.ops.presence import Presence
from txhub.store.edition import Edition
from txhub.store.ledger import Ledger
from txhub.store.migrate import migrate, require_current
from txhub.store.pool import Pool, open_pool
from txhub.store.roles import API, INGEST, SERVICES, WORKER
from txhub.store.server import Server, psql_program

CHECKOUT = Path(__file__).parents[2]
Urls = dict[str, str]


@pytest.fixture(scope="module", params=list(Edition), ids=str)
def urls(
    request: pytest.FixtureRequest, servers: Callable[[Edition], Server], migrated: Callable[[Edition], str]
) -> Iterator[Urls]:
    """A database with the sample, by the role that it is reached as; its owner as `owner`."""
    server = servers(request.param)
    with open_database(server, migrated(request.param)) as owner:
        asyncio.run(commit_sample(owner))
        yield {"owner": owner} | logins(server, owner)


@pytest.fixture
def fresh(edition: Edition, server: Server, migrated: Callable[[Edition], str]) -> Iterator[Urls]:
    """The same of an empty database."""
    with open_database(server, migrated(edition)) as owner:
        yield {"owner": owner} | logins(server, owner)


def logins(server: Server, owner: str) -> Urls:
    """Let the roles log in, as somebody who runs a server would; how each reaches the database."""
    found = {}
    with psycopg.connect(server.admin_url or "", autocommit=True) as admin:
        for role in SERVICES:
            password = secrets.token_hex(8)
            statement = sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(role), sql.Literal(password))
            admin.execute(statement)
            found[role] = make_url(owner).set(username=role, password=password).render_as_string(hide_password=False)
    return found


FAN_IN = {"pattern": "fan_in", "scope": {}, "count": 4, "window": "8m", "least": "300000", "sudden": 0.0}


class Contracts:
    """Token contracts that say little."""

    chain = ETHEREUM

    async def token(self, address: bytes) -> tuple[str | None, int | None]:
        return "T", 6


async def present(pool: Pool, presence: Presence, name: str) -> None:
    """Wait until a service has said that it lives, then let it say that it was stopped."""
    keeping = asyncio.create_task(presence.keep())
    async with asyncio.timeout(20):
        # The event that is waited for is in the database.
        while not await pool.fetchval("SELECT count(*) FROM txhub.services WHERE name = $1", name):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    keeping.cancel()
    with suppress(asyncio.CancelledError):
        await keeping


async def test_an_ingester_commits_replaces_and_tells(fresh: Urls) -> None:
    require_current(fresh[INGEST])
    blocks = make_blocks(range(30))
    async with open_pool(fresh[INGEST], name="test") as pool:
        ledger = Ledger(pool, ETHEREUM)
        await ledger.register()
        async with ledger.turn_to_follow():
            assert await ledger.follow_from(0) == 0
            assert (await ledger.commit(blocks[:20], bulk=True)).blocks == 20
            for block in blocks[20:]:
                assert (await ledger.commit([block])).blocks == 1
            winners = make_branch(range(28, 30), "other", fork=28)
            reorg = await ledger.replace(27, winners)
            assert reorg is not None
            assert reorg.depth == 2
            await ledger.set_stream("following", "test", "ws://node", 29)
            await ledger.record("info", "ingest", "follow_resumed")
        assert await look_up_tokens(Contracts(), pool, blocks[0].time - timedelta(days=1)) > 0
        await present(pool, Presence(pool, "ingest test", "ingest"), "ingest test")
    async with open_pool(fresh["owner"], name="test") as pool:
        rows = await pool.fetchval("SELECT count(*) FROM txhub.transactions WHERE chain_id = 1")
        assert rows == sum(len(block.transactions) for block in [*blocks[:28], *winners])
        minutes = await pool.fetchval("SELECT sum(tx_count) FROM txhub.tx_1m WHERE chain_id = 1")
        assert minutes == rows


async def test_a_worker_does_all_of_its_work(fresh: Urls, tmp_path: Any) -> None:
    require_current(fresh[WORKER])
    settings = Settings(database_url=fresh[WORKER], archive=str(tmp_path / "archive"))
    async with open_pool(fresh["owner"], name="test") as pool:
        ledger = Ledger(pool, ETHEREUM)
        await ledger.register()
        await ledger.commit(make_blocks(range(40)), bulk=True)
        working = asyncio.create_task(work(fresh[WORKER], settings, []))
        wanted = """
            SELECT EXISTS (SELECT FROM txhub.services WHERE name = 'worker')
               AND (SELECT count(*) FROM txhub.rules) > 0
               AND EXISTS (SELECT FROM txhub.archive_manifest WHERE verified_at IS NOT NULL)
               AND NOT EXISTS (SELECT FROM txhub_rollup.closed_hours WHERE stale)
               AND (SELECT min(event_id) FROM txhub.cursors WHERE reader = 'rollup')
                   = (SELECT max(id) FROM txhub.stream_events WHERE event IN ('block', 'backfill', 'reorg'))
        """
        async with asyncio.timeout(90):
            while not await pool.fetchval(wanted):
                if working.done():
                    working.result()
                await asyncio.sleep(0.2)
        working.cancel()
        with suppress(asyncio.CancelledError):
            await working
        owners = "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname IN ('txhub', 'txhub_rollup')"
        assert [row[0] for row in await pool.fetch(owners)] == ["txhub"]


async def test_the_api_answers_as_it_does_with_the_owners_role(urls: Urls) -> None:
    require_current(urls[API])
    async with asking(urls["owner"], NOW) as owner, asking(urls[API], NOW) as api:
        document = (await owner.get("/schema/openapi.json")).json()
        paths = [path for path, operations in document["paths"].items() if "get" in operations and "{" not in path]
        assert len(paths) > 25
        for path in paths:
            if path not in ("/v1/stream", "/schema/openapi.json"):
                expected, found = await owner.get(path), await api.get(path)
                assert (path, found.status_code, found.text[:300] if found.status_code >= 500 else "") == (
                    path,
                    expected.status_code,
                    "",
                )
        written = await api.post("/v1/rules", json={"name": "mine", "definition": FAN_IN})
        assert written.status_code == 201, written.text
        assert (await api.delete("/v1/rules/mine")).status_code == 204
        listed = await api.post("/v1/watchlist", json={"chain": "ethereum", "address": "0x" + "ab" * 20, "name": "A"})
        assert listed.status_code == 201, listed.text
        tested = await api.post("/v1/rules/backtest", json={"definition": FAN_IN})
        assert tested.status_code == 202, tested.text
        answered = await api.post("/v1/sql", json={"sql": "SELECT count(*) FROM txhub.transactions"})
        assert answered.is_success, answered.text
    async with open_pool(urls[API], name="test") as pool:
        await present(pool, Presence(pool, "serve test", "api"), "serve test")


@pytest.mark.parametrize(
    ("role", "statement"),
    [
        (API, "INSERT INTO txhub.blocks SELECT * FROM txhub.blocks LIMIT 1"),
        (API, "DELETE FROM txhub.transactions"),
        (API, "UPDATE txhub.transactions SET value = 0"),
        (API, "UPDATE txhub.alert_events SET actor = 'nobody'"),
        (API, "DELETE FROM txhub.event_log"),
        (API, "INSERT INTO txhub_access.keys (name, role, requests_per_minute, digest) VALUES ('x', 'admin', 1, '')"),
        (API, "UPDATE txhub_access.keys SET revoked_at = NULL"),
        (API, "SELECT txhub_rollup.make_room(now(), now())"),
        (API, "CREATE TABLE txhub.mine (x int)"),
        (INGEST, "SELECT * FROM txhub_access.keys"),
        (INGEST, "SELECT * FROM txhub.labels"),
        (INGEST, "SELECT * FROM txhub.rules"),
        (INGEST, "SELECT * FROM txhub.alerts"),
        (INGEST, "UPDATE txhub.transactions SET value = 0"),
        (INGEST, "DELETE FROM txhub.event_log"),
        (INGEST, "UPDATE txhub.horizon SET time = now()"),
        (INGEST, "CREATE TABLE txhub.mine (x int)"),
        (WORKER, "CREATE ROLE mine"),
        (WORKER, "SELECT pg_read_file('PG_VERSION')"),
        (WORKER, "COPY (SELECT 1) TO PROGRAM 'true'"),
    ],
)
def test_what_a_service_does_not_need_is_refused(urls: Urls, role: str, statement: str) -> None:
    refusal = InsufficientPrivilege
    with psycopg.connect(urls[role]) as connection, pytest.raises(refusal):
        connection.execute(statement)  # type: ignore[call-overload]


def test_the_scripts_of_compose_let_each_service_log_in(fresh: Urls, server: Server, tmp_path: Path) -> None:
    """Twice, as after a change of passwords; the addresses that they write are for compose's network."""
    admin, owner = make_url(server.admin_url or ""), make_url(fresh["owner"])
    psql = psql_program(Settings(database_url=fresh["owner"])).parent
    environment = os.environ | {
        "PATH": f"{psql}:{os.environ['PATH']}",
        "PGHOST": admin.host or "",
        "PGPORT": str(admin.port),
        "PGPASSWORD": admin.password or "",
        "POSTGRES_USER": admin.username or "",
        "POSTGRES_DB": owner.database or "",
        "SECRETS": str(tmp_path / "secrets"),
    }
    for script in ("secrets.sh", "roles.sh"):
        (tmp_path / script).write_text((CHECKOUT / "compose" / script).read_text())
    for _ in range(2):
        subprocess.run(["sh", tmp_path / "secrets.sh"], check=True)
        subprocess.run(["sh", tmp_path / "roles.sh"], check=True, env=environment)
    assert (tmp_path / "secrets").stat().st_mode & 0o777 == 0o700
    for service, role in zip(("ingest", "worker", "api"), SERVICES, strict=True):
        given = make_url((tmp_path / "secrets" / f"{service}_url").read_text())
        assert (given.username, given.host, given.port, given.database) == (role, "db", 5432, "txhub")
        there = given.set(host=owner.host, port=owner.port, database=owner.database)
        with psycopg.connect(there.render_as_string(hide_password=False)) as connection:
            assert connection.execute("SELECT current_user").fetchone() == (role,)
        (tmp_path / "secrets" / f"{service}_url").unlink()


def test_a_database_from_before_gets_the_roles_rights(server: Server) -> None:
    with open_database(server) as database:
        migrate(database)
        with psycopg.connect(database, autocommit=True) as owner:
            owner.execute("REVOKE ALL ON ALL TABLES IN SCHEMA txhub FROM txhub_api")
        migrate(database)
        with psycopg.connect(logins(server, database)[API]) as api:
            assert api.execute("SELECT count(*) FROM txhub.transactions").fetchone() == (0,)
