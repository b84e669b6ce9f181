"""What tests of every tier share: a running private server for each edition, and fresh databases on them."""

from __future__ import annotations

import itertools
import logging
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path

import psycopg
import pytest
import structlog
from psycopg import sql
from sqlalchemy import make_url

from txhub.config import Settings
from txhub.store import installation as installations
from txhub.store.account import Account
from txhub.store.cluster import ROLE, Cluster
from txhub.store.edition import TIMESCALE_FLOOR, Edition
from txhub.store.installation import Installation
from txhub.store.migrate import migrate
from txhub.store.server import Server, open_server

NO_TIMESCALE = (
    "no TimescaleDB on this machine, so only the plain edition is tested; for both, install PostgreSQL 16, 17 or 18 "
    f"with TimescaleDB {'.'.join(map(str, TIMESCALE_FLOOR))} or later (Timescale's package timescaledb-2-postgresql-18)"
)
QUICK = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
"""PostgreSQL settings for databases that nobody will miss."""

_number = itertools.count(1)


@cache
def installation_of_each() -> dict[Edition, Installation]:
    """What tests of an edition run on; without TimescaleDB where there is none."""
    best: dict[Edition, Installation] = {}
    for found in installations.suitable(Account.current()):
        best.setdefault(Edition.TIMESCALE if found.timescale else Edition.PLAIN, found)
    return best


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip the half that needs TimescaleDB where there is none: here, so that all of it is one line of the summary."""
    parameters = item.callspec.params if hasattr(item, "callspec") else {}
    if parameters.get("edition") is Edition.TIMESCALE and Edition.TIMESCALE not in installation_of_each():
        pytest.skip(NO_TIMESCALE)


@contextmanager
def open_home() -> Iterator[Path]:
    """A temporary folder that other users can walk through, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp(prefix="txhub-test-"))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def servers() -> Iterator[Callable[[Edition], Server]]:
    """The private server of an edition, started when first asked for."""
    with ExitStack() as running:

        @cache
        def server(edition: Edition) -> Server:
            if edition not in installation_of_each():
                pytest.skip(NO_TIMESCALE)
            home = running.enter_context(open_home())
            cluster = Cluster(home, installation_of_each()[edition], extra=QUICK)
            settings = Settings(home=home, database_url=None)
            return running.enter_context(open_server(settings, stop_if_last=True, cluster=cluster))

        yield server


@pytest.fixture(params=list(Edition), ids=str)
def edition(request: pytest.FixtureRequest) -> Edition:
    """Each edition in turn."""
    return request.param


@pytest.fixture
def server(edition: Edition, servers: Callable[[Edition], Server]) -> Server:
    """The running server of the edition."""
    return servers(edition)


@contextmanager
def open_database(server: Server, template: str | None = None) -> Iterator[str]:
    """A new database on a server, made as a copy of another or an empty one and gone afterwards; its URL."""
    name = f"test_{next(_number)}"
    source = template or pristine(server.admin_url)
    with psycopg.connect(server.admin_url, autocommit=True) as admin:
        admin.execute(
            sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {} STRATEGY file_copy").format(
                *map(sql.Identifier, (name, ROLE, source))
            )
        )
        try:
            yield address(server.url, name)
        finally:
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@cache
def pristine(admin_url: str) -> str:
    """The name of a server's empty database that nobody can be connected to: TimescaleDB looks into template1."""
    with psycopg.connect(admin_url, autocommit=True) as admin:
        shut(admin, "template1")
        admin.execute("CREATE DATABASE pristine TEMPLATE template1 ALLOW_CONNECTIONS false")
        admin.execute("ALTER DATABASE template1 ALLOW_CONNECTIONS true")
    return "pristine"


def shut(admin: psycopg.Connection, database: str) -> None:
    """Let nobody be connected to a database any more: only such a one can be copied."""
    admin.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(sql.Identifier(database)))
    admin.execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s", (database,))


def address(url: str, database: str) -> str:
    """The same URL, for another database of its server."""
    return make_url(url).set(database=database).render_as_string(hide_password=False)


@pytest.fixture(scope="session")
def migrated(servers: Callable[[Edition], Server]) -> Callable[[Edition], str]:
    """The name of a database of each edition that is migrated and empty: to copy it takes a tenth of migrating."""

    @cache
    def template(edition: Edition) -> str:
        server, name = servers(edition), f"migrated_{edition}"
        with psycopg.connect(server.admin_url, autocommit=True) as admin:
            admin.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(*map(sql.Identifier, (name, ROLE))))
            migrate(address(server.url, name))
            if edition is Edition.TIMESCALE:
                with psycopg.connect(address(server.admin_url, name), autocommit=True) as session:
                    session.execute("SELECT _timescaledb_functions.stop_background_workers()")
            shut(admin, name)
        return name

    return template


@pytest.fixture
def empty_database(server: Server) -> Iterator[str]:
    """The URL of an empty database of the edition, where the extension can be created but is not."""
    with open_database(server) as url:
        yield url


@pytest.fixture
def database(edition: Edition, server: Server, migrated: Callable[[Edition], str]) -> Iterator[str]:
    """The URL of a migrated database of the edition, without data."""
    with open_database(server, migrated(edition)) as url:
        yield url


@pytest.fixture
def logs_as_before() -> Iterator[None]:
    """Lets a test configure logs, which are of the whole process, and write to what is captured during it only."""
    handlers, level = logging.getLogger().handlers[:], logging.getLogger().level
    yield
    structlog.reset_defaults()
    logging.getLogger().handlers[:] = handlers
    logging.getLogger().setLevel(level)
