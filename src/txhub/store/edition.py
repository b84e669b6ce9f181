"""Which edition a database is: the only place that asks.

`timescale` is TimescaleDB Community, `plain` any PostgreSQL. What differs between them stands in twin
SQL files under `sql/migrations` and `sql/queries/{timescale,plain}`; everything else is one text.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import Connection, text

from txhub.errors import SchemaMismatch
from txhub.store.pool import Connection as AsyncConnection
from txhub.store.pool import Pool

POSTGRES_FLOOR = 16
TIMESCALE_FLOOR = (2, 29, 1)
"""Earlier releases crash or delete too much when rows leave a compressed hypertable under an aggregate."""


class Edition(StrEnum):
    """What a database was migrated to be; it never changes afterwards."""

    TIMESCALE = "timescale"
    PLAIN = "plain"


class Choice(NamedTuple):
    """An edition and the reason for it, in words for people."""

    edition: Edition
    reason: str


def choose(connection: Connection) -> Choice:
    """The edition this server can carry, by what it can do; where that is `timescale`, its extension is created.

    Raises:
        SchemaMismatch: the server is older than PostgreSQL 16.
        DatabaseRefused: TimescaleDB is there, but this user may not create extensions.
    """
    postgres = connection.execute(text("SELECT current_setting('server_version_num')::int / 10000")).scalar_one()
    if postgres < POSTGRES_FLOOR:
        raise SchemaMismatch(
            f"the server is PostgreSQL {postgres}; txhub needs {POSTGRES_FLOOR} or later",
            hint="upgrade it, or unset TXHUB_DATABASE_URL to use the embedded one",
        )
    version = "SELECT coalesce(installed_version, default_version) FROM pg_available_extensions WHERE name = :name"
    offered = connection.execute(text(version), {"name": "timescaledb"}).scalar_one_or_none()
    if offered is None:
        return Choice(Edition.PLAIN, "the server does not offer TimescaleDB")
    if _release(offered) < TIMESCALE_FLOOR:
        floor = ".".join(map(str, TIMESCALE_FLOOR))
        return Choice(Edition.PLAIN, f"the server offers TimescaleDB {offered}; txhub needs {floor} or later")
    if _setting(connection, "timescaledb.disable_load") is None:  # defined by the library once it is preloaded
        return Choice(Edition.PLAIN, "TimescaleDB is installed, but not in shared_preload_libraries")
    connection.execute(text("CREATE EXTENSION IF NOT EXISTS timescaledb"))
    if _setting(connection, "timescaledb.license") != "timescale":
        connection.rollback()
        return Choice(Edition.PLAIN, "this build of TimescaleDB has no continuous aggregates (its licence is Apache)")
    connection.commit()
    return Choice(Edition.TIMESCALE, f"the server offers TimescaleDB {offered}")


def recorded(connection: Connection) -> Edition | None:
    """The edition this database was migrated to be, or None before the first migration."""
    if connection.execute(text("SELECT to_regclass('txhub.installation')")).scalar_one() is None:
        return None
    return Edition(connection.execute(text("SELECT edition FROM txhub.installation")).scalar_one())


async def edition_of(connection: AsyncConnection | Pool) -> Edition:
    """The same for a running service, which needs a migrated database.

    Raises:
        SchemaMismatch: by way of `faults.translated`, when there is none.
    """
    return Edition(await connection.fetchval("SELECT edition FROM txhub.installation"))


def _setting(connection: Connection, name: str) -> str | None:
    value = connection.execute(text("SELECT current_setting(:name, true)"), {"name": name}).scalar_one()
    return None if value is None else str(value)


def _release(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("-")[0].split("."))
