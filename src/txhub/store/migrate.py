"""Bringing a database to this release's schema, by Alembic, from any earlier one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, make_url, text
from sqlalchemy.pool import NullPool

from txhub.errors import SchemaMismatch
from txhub.resources import resource
from txhub.store import edition as editions
from txhub.store.edition import Edition
from txhub.store.faults import translated

_ONE_AT_A_TIME = 0x747868756201
"""Key of the advisory lock that keeps two migrations of one database apart."""


class State(NamedTuple):
    """Where a database stands: its edition (None: empty), its revision and the one this release wants."""

    edition: Edition | None
    revision: str | None
    wanted: str

    @property
    def current(self) -> bool:
        """Whether this release can work with the database as it is."""
        return self.revision == self.wanted


def migrate(url: str) -> tuple[State, str]:
    """Apply every migration that is missing, and say which edition the database is and why.

    Raises:
        SchemaMismatch: the server is too old, or the database is of a later release.
        DatabaseUnavailable, DatabaseRefused: see `faults`.
    """
    with _connection(url) as connection:
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _ONE_AT_A_TIME})
        connection.commit()
        before = _state(connection)
        if before.edition is None:
            chosen, reason = editions.choose(connection)
        else:
            chosen, reason = before.edition, "decided when this database was first migrated"
        config = _config()
        config.attributes.update(connection=connection, edition=chosen)
        if not before.current:
            command.upgrade(config, "head")
            connection.commit()
        return _state(connection), reason


def state(url: str) -> State:
    """Where the database stands, without changing it."""
    with _connection(url) as connection:
        return _state(connection)


def require_current(url: str) -> Edition:
    """The edition of a database that this release can work with.

    Raises:
        SchemaMismatch: it has to be migrated first.
    """
    found = state(url)
    if found.edition is None or not found.current:
        have = "has no txhub schema yet" if found.revision is None else f"is at revision {found.revision}"
        raise SchemaMismatch(f"the database {have}; this release needs {found.wanted}", hint="run `txhub db migrate`")
    return found.edition


def apply_files(connection: Connection, revision: str, edition: Edition) -> None:
    """Run a revision's files of `sql/migrations` in order: the common ones, and of twins the edition's."""
    other = {Edition.TIMESCALE: "_plain", Edition.PLAIN: "_timescale"}[edition]
    for file in sorted((resource("sql") / "migrations" / revision).glob("*.sql")):
        if not file.stem.endswith(other):
            # The driver's own cursor: many statements at a time, and no parameters to be looked for.
            connection.connection.cursor().execute(file.read_text(encoding="utf-8"))


def _state(connection: Connection) -> State:
    wanted = ScriptDirectory.from_config(_config()).get_current_head()
    if wanted is None:
        raise SchemaMismatch("this installation of txhub has no migrations", hint="install it again")
    revision = MigrationContext.configure(connection, opts={"version_table_schema": "txhub"}).get_current_revision()
    return State(editions.recorded(connection), revision, wanted)


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(resource("alembic")).replace("%", "%%"))
    return config


@contextmanager
def _connection(url: str) -> Iterator[Connection]:
    engine = create_engine(
        make_url(url).set(drivername="postgresql+psycopg"),
        poolclass=NullPool,
        connect_args={"connect_timeout": 10, "application_name": "txhub migrate", "options": "-c timezone=UTC"},
    )
    with translated(), engine.connect() as connection:
        yield connection
