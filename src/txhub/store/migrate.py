"""Bringing a database to this release's schema, by Alembic, from any earlier one."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from sqlalchemy import Connection, create_engine, make_url, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from txhub.errors import SchemaMismatch
from txhub.resources import resource
from txhub.store import edition as editions
from txhub.store.analyst import admit, admitted
from txhub.store.edition import Edition
from txhub.store.faults import translated
from txhub.store.pool import DEAD_PEERS, try_connection
from txhub.store.roles import grant, granted

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
        if not before.current:
            if before.revision is not None and before.revision not in _revisions():
                raise _mismatch(before)
            _upgrade(connection, chosen)
        if not (before.current and admitted(connection)):
            admit(connection)
            connection.commit()
        if not (before.current and granted(connection)):
            grant(connection)
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
    if found.edition is None:
        raise SchemaMismatch("the database has no txhub schema yet", hint="run `txhub db migrate`")
    if not found.current:
        raise _mismatch(found)
    return found.edition


def apply_files(connection: Connection, revision: str, edition: Edition) -> None:
    """Run a revision's files of `sql/migrations` in order: the common ones, and of twins the edition's."""
    other = {Edition.TIMESCALE: "_plain", Edition.PLAIN: "_timescale"}[edition]
    for file in sorted((resource("sql") / "migrations" / revision).glob("*.sql")):
        if not file.stem.endswith(other):
            # The driver's own cursor: many statements at a time, and no parameters to be looked for.
            connection.connection.cursor().execute(file.read_text(encoding="utf-8"))


def _upgrade(connection: Connection, edition: Edition) -> None:
    # Imported here: it takes longer than all the rest of a start, and only a database that is behind needs it.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(resource("alembic")).replace("%", "%%"))
    config.attributes.update(connection=connection, edition=edition)
    command.upgrade(config, "head")
    connection.commit()


def _state(connection: Connection) -> State:
    recorded = connection.execute(text("SELECT to_regclass('txhub.alembic_version')")).scalar_one()
    version = text("SELECT version_num FROM txhub.alembic_version")
    revision = connection.execute(version).scalar_one_or_none() if recorded else None
    return State(editions.recorded(connection), revision, _revisions()[-1])


def _revisions() -> list[str]:
    """The revisions that this release knows, in order: each is a folder of `sql/migrations`, and Alembic's too."""
    return sorted(folder.name for folder in (resource("sql") / "migrations").iterdir() if folder.is_dir())


def _mismatch(found: State) -> SchemaMismatch:
    known = found.revision in _revisions()
    hint = "run `txhub db migrate`" if known else "use the later release of txhub that made it"
    return SchemaMismatch(f"the database is at revision {found.revision}; this release needs {found.wanted}", hint=hint)


@contextmanager
def _connection(url: str) -> Iterator[Connection]:
    engine = create_engine(
        make_url(url).set(drivername="postgresql+psycopg"),
        poolclass=NullPool,
        connect_args={
            "connect_timeout": 10,
            "application_name": "txhub migrate",
            "options": "-c timezone=UTC",
            **DEAD_PEERS,
        },
    )
    with translated():
        try:
            connection = engine.connect()
        except OperationalError:
            # libpq does not say why in a way that programs can read; asyncpg does.
            asyncio.run(try_connection(url))
            raise
        with connection:
            yield connection
