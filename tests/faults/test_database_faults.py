"""Whatever happens to the database under the ingester, it ends as an undisturbed one.

The server is one of its own: it is restarted, and filled with connections.
"""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, suppress
from datetime import timedelta

import psycopg
import pytest
from sqlalchemy import make_url
from structlog.testing import capture_logs

from tests.conftest import NO_TIMESCALE, QUICK, installation_of_each, open_home
from tests.faults.stage import SETTINGS, Contents, Stage, contents, open_stage, play
from txhub.chain.demo.proxy import Proxy, open_proxy
from txhub.cli import ingest
from txhub.config import Settings
from txhub.errors import DatabaseUnavailable
from txhub.ingest import backfill
from txhub.ops import facts, presence
from txhub.ops import watch as watching
from txhub.ports import free_port
from txhub.store import ledger, read
from txhub.store import pool as sessions
from txhub.store.cluster import Cluster
from txhub.store.edition import Edition
from txhub.store.faults import translated
from txhub.store.migrate import migrate
from txhub.store.pool import Pool, open_pool
from txhub.store.read import Reader
from txhub.store.server import Server, open_server

pytestmark = pytest.mark.usefixtures("impatient")

CONNECTIONS = 16
COMMIT_BLOCKS = 20
"""A commit waits for so many blocks at most, in the test that counts them."""
UNDER_WAY = SETTINGS.request_blocks * (2 * SETTINGS.parallel_requests + 1)
"""Blocks that requests, the queue behind them and one at the head may hold."""


class OwnServer:
    """A server that a test may do anything to, with one migrated database."""

    def __init__(self, cluster: Cluster, server: Server, database: str) -> None:
        self.database = database
        self._cluster = cluster
        self._admin_url = server.admin_url

    async def restart(self, mode: str) -> None:
        """Restart it on its port: `fast` as an operator does it, `immediate` as after a crash."""
        program = self._cluster.installation().programs / "pg_ctl"
        done = await asyncio.to_thread(
            self._cluster.account.run,
            [program, "restart", "--wait", f"--mode={mode}"],
            environment={"PGDATA": str(self._cluster.data)},
            output=subprocess.DEVNULL,
        )
        assert done.returncode == 0

    async def take_all_connections(self, stack: AsyncExitStack, proxy: Proxy) -> None:
        """Hold every connection that ordinary users may have, until the stack ends; those through the proxy are cut.

        Nobody gets through the proxy meanwhile: who goes while the last connections are taken leaves one for itself.
        """
        proxy.hold()
        proxy.cut()
        admin = await stack.enter_async_context(
            await psycopg.AsyncConnection.connect(self._admin_url or "", autocommit=True)
        )
        ends = """
            SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity
            WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
        """
        while (await (await admin.execute(ends)).fetchone()) != (0,):
            pass
        with suppress(psycopg.OperationalError):
            while True:
                holder = await psycopg.AsyncConnection.connect(self.database)
                await stack.enter_async_context(holder)
        proxy.release()


@pytest.fixture(scope="module", params=list(Edition), ids=str)
def own_server(request: pytest.FixtureRequest) -> Iterator[OwnServer]:
    if request.param not in installation_of_each():
        pytest.skip(NO_TIMESCALE)
    with ExitStack() as stack:
        home = stack.enter_context(open_home())
        extra = {**QUICK, "max_connections": str(CONNECTIONS)}
        cluster = Cluster(home, installation_of_each()[request.param], extra=extra)
        settings = Settings(home=home, database_url=None)
        server = stack.enter_context(open_server(settings, stop_if_last=True, cluster=cluster))
        migrate(server.url)
        yield OwnServer(cluster, server, server.url)


@pytest.mark.parametrize("mode", ["fast", "immediate"], ids=["restarted", "crashed"])
async def test_a_restart_of_the_database(own_server: OwnServer, undisturbed: Contents, mode: str) -> None:
    async def restart(stage: Stage) -> None:
        restarting = asyncio.create_task(own_server.restart(mode))
        await stage.grow(20)
        await restarting

    assert await play(own_server.database, restart) == undisturbed


@asynccontextmanager
async def proxied(database: str) -> AsyncIterator[tuple[Proxy, str]]:
    """A proxy before a database, and the database's URL through it."""
    url = make_url(database)
    async with open_proxy(url.port or 5432) as proxy:
        yield proxy, url.set(port=proxy.port).render_as_string(hide_password=False)


async def test_no_connection_left(own_server: OwnServer, undisturbed: Contents) -> None:
    async with proxied(own_server.database) as (proxy, url):

        async def take_all(stage: Stage) -> None:
            async with AsyncExitStack() as stack:
                await own_server.take_all_connections(stack, proxy)
                await stage.grow(20)
                await proxy.connections(proxy.accepted + 3)  # it has tried to connect again, in vain

        assert await play(own_server.database, take_all, ingester_database=url) == undisturbed


@pytest.mark.parametrize("way", ["cut", "reset"])
async def test_lost_connections_to_the_database(own_server: OwnServer, undisturbed: Contents, way: str) -> None:
    async with proxied(own_server.database) as (proxy, url):

        async def lose(stage: Stage) -> None:
            for _ in range(3):
                getattr(proxy, way)()
                await stage.grow(10)

        assert await play(own_server.database, lose, ingester_database=url) == undisturbed


async def test_half_open_connections_to_the_database(
    own_server: OwnServer, undisturbed: Contents, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody closes them and nothing comes: the ingester leaves them, and what they held the server takes back."""
    monkeypatch.setattr(ingest, "SERVICE_PATIENCE_S", 1.0)
    monkeypatch.setattr(ledger, "_KEPT_ALIVE_S", 0.5)
    monkeypatch.setattr(presence, "BEAT_S", 0.5)
    async with proxied(own_server.database) as (proxy, url):

        async def leave_half_open(stage: Stage) -> None:
            for _ in range(2):
                proxy.half_open()
                await stage.grow(10)
                await stage.caught_up()

        assert await play(own_server.database, leave_half_open, ingester_database=url) == undisturbed


async def test_half_open_connections_of_readers(own_server: OwnServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read, "_GRACE_S", 0.5)
    loop = asyncio.get_running_loop()
    async with proxied(own_server.database) as (proxy, url):
        async with Reader(url, size=1, patience=timedelta(seconds=0.5)) as reader:
            assert (await reader.frame("SELECT 1 AS one")).item() == 1
            proxy.half_open()
            with pytest.raises(DatabaseUnavailable):
                await reader.frame("SELECT 1 AS one")
            assert (await reader.frame("SELECT 2 AS two")).item() == 2
            proxy.half_open()
            with suppress(TimeoutError):
                async with asyncio.timeout(0.1):
                    await reader.frame("SELECT 1 AS one")
            began = loop.time()
        assert loop.time() - began < 10
        async with open_pool(url, name="test", size=1, patience_s=1) as pool:
            assert await pool.fetchval("SELECT current_setting('idle_in_transaction_session_timeout')") == "1500ms"
            proxy.half_open()
            with pytest.raises(DatabaseUnavailable), translated():
                await pool.fetchval("SELECT 1")
            assert await pool.fetchval("SELECT 2") == 2
            proxy.half_open()
            began = loop.time()
        assert loop.time() - began < 10


async def test_a_half_open_transaction_is_left_at_once(own_server: OwnServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither its rollback nor the connection's reset is waited for, and the server takes back what it had locked."""
    monkeypatch.setattr(sessions, "_WORD_S", 0.1)
    monkeypatch.setattr(sessions, "_PAUSE_S", 1.0)
    async with proxied(own_server.database) as (proxy, url), open_pool(url, name="test", size=2, patience_s=15) as pool:
        began = asyncio.get_running_loop().time()

        async def lock_and_lose() -> None:
            async with pool.acquire() as holding, pool.acquire() as connection, connection.transaction():
                await holding.execute("SELECT")
                await connection.execute("SELECT pg_advisory_xact_lock(77)")
                proxy.half_open()
                await connection.execute("SELECT", timeout=1)

        with pytest.raises(DatabaseUnavailable), translated():
            await lock_and_lose()
        assert asyncio.get_running_loop().time() - began < 10
        await pool.execute("SELECT pg_advisory_xact_lock(77)", timeout=10)


async def test_a_slow_statement_keeps_its_connection(own_server: OwnServer) -> None:
    async with open_pool(own_server.database, name="test", size=1, patience_s=15) as pool, pool.acquire() as connection:
        before = connection.get_server_pid()
        with pytest.raises(TimeoutError):
            await connection.execute("SELECT pg_sleep(10)", timeout=0.2)
        assert await connection.fetchval("SELECT pg_backend_pid()") == before


async def test_the_worker_tells_of_a_database_that_was_away(
    own_server: OwnServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "INTERVAL_S", 0.2)
    async with (
        proxied(own_server.database) as (proxy, url),
        open_pool(url, name="test", patience_s=1) as pool,
        Reader(url, size=1) as reader,
    ):
        watch = watching.Watch(pool, reader, {})
        await watch.look(await facts.read_now(pool))
        looking = asyncio.create_task(watch.run())
        await own_server.restart("fast")
        async with asyncio.timeout(120):
            async with open_pool(own_server.database, name="test", size=1) as direct:
                await told(direct, "database_restarted")
                port, proxy.to = proxy.to, free_port()  # where nobody listens
                with capture_logs() as logs:
                    proxy.cut()
                    while not any(line["event"] == "database_away" for line in logs):  # noqa: ASYNC110
                        await asyncio.sleep(0.1)
                proxy.to = port
                await told(direct, "database_away")
                await told(direct, "restarted")
                await told(direct, "interrupted")
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)


async def test_a_slow_database_holds_up_fetching(own_server: OwnServer, undisturbed: Contents) -> None:
    """Every message to and from the database takes longer than a block."""
    most = 0
    async with proxied(own_server.database) as (proxy, url):

        async def be_slow(stage: Stage) -> None:
            nonlocal most
            proxy.delay(0.02)
            growing = asyncio.create_task(stage.grow(40))
            async with await psycopg.AsyncConnection.connect(own_server.database, autocommit=True) as connection:
                while not growing.done():
                    fetched = len(stage.network.asked)
                    most = max(most, fetched - await committed(connection, stage))
                    await asyncio.sleep(0.01)
            proxy.delay(0)
            await stage.caught_up()

        assert await play(own_server.database, be_slow, ingester_database=url) == undisturbed
    assert most <= UNDER_WAY


async def test_a_locked_ledger_holds_up_fetching(own_server: OwnServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """While nothing can be committed, only so many blocks are held in memory, whatever there is to load."""
    monkeypatch.setattr(backfill, "COMMIT_BLOCKS", COMMIT_BLOCKS)
    head = 20 * COMMIT_BLOCKS
    async with open_stage(own_server.database, head=head, transactions=1) as stage:
        await stage.committed(1)
        async with await psycopg.AsyncConnection.connect(own_server.database) as blocking:
            await blocking.execute("LOCK TABLE txhub.blocks IN ACCESS EXCLUSIVE MODE")
            before = await committed(blocking, stage)
            await no_more_fetched(stage)
            assert len(stage.network.asked) - before <= COMMIT_BLOCKS + UNDER_WAY
            fetched = len(stage.network.asked)
            await stage.grow(30)
            await no_more_fetched(stage)
            assert len(stage.network.asked) - fetched <= 1
        await stage.caught_up()
        locked = contents(own_server.database, stage.chain.chain_id)
    async with open_stage(own_server.database, head=head + 30, transactions=1) as stage:
        await stage.caught_up()
        assert contents(own_server.database, stage.chain.chain_id) == locked


async def told(pool: Pool, event: str) -> None:
    """Wait until the event log has it."""
    while not await pool.fetchval("SELECT count(*) FROM txhub.event_log WHERE event = $1", event):  # noqa: ASYNC110
        await asyncio.sleep(0.1)


async def committed(connection: psycopg.AsyncConnection, stage: Stage) -> int:
    question = "SELECT count(*) FROM txhub.blocks WHERE chain_id = %s"
    row = await (await connection.execute(question, (stage.chain.chain_id,))).fetchone()
    return int(row[0]) if row else 0


async def no_more_fetched(stage: Stage) -> None:
    """Wait until nothing new was fetched for a while."""
    before = -1
    while before < (before := len(stage.network.asked)):  # noqa: ASYNC110 (that nothing happens is no event)
        await asyncio.sleep(0.5)
