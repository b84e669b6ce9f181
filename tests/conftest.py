"""What tests of every tier share: a running private server for each edition, and fresh databases on them."""

from __future__ import annotations

import itertools
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import make_url

from txhub.config import Settings
from txhub.store import installation as installations
from txhub.store.account import Account
from txhub.store.cluster import ROLE, Cluster
from txhub.store.edition import Edition
from txhub.store.installation import Installation
from txhub.store.migrate import migrate
from txhub.store.server import Server, open_server

NO_TIMESCALE = (
    "no TimescaleDB on this machine, so only the plain edition is tested: install TimescaleDB 2.29.1 or later "
    "with PostgreSQL 16 to 18 (https://docs.timescale.com/self-hosted/latest/install/)"
)
QUICK = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
"""PostgreSQL settings for databases that nobody will miss."""

_number = itertools.count(1)


@cache
def installation_for(edition: Edition) -> Installation:
    """The installation that tests of an edition run on; skips the test where there is none."""
    account = Account.current()
    for found in installations.suitable(account):
        if (found.timescale is not None) == (edition is Edition.TIMESCALE):
            return found
    return pytest.skip(NO_TIMESCALE)


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
            installation = installation_for(edition)
            home = running.enter_context(open_home())
            cluster = Cluster(home, installation, extra=QUICK)
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


@pytest.fixture
def empty_database(server: Server) -> Iterator[str]:
    """The URL of an empty database of the edition, where the extension can be created but is not."""
    name = f"test_{next(_number)}"
    with psycopg.connect(server.admin_url, autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(name), sql.Identifier(ROLE)))
        try:
            yield make_url(server.url).set(database=name).render_as_string(hide_password=False)
        finally:
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def database(empty_database: str) -> str:
    """The URL of a migrated database of the edition, without data."""
    migrate(empty_database)
    return empty_database
