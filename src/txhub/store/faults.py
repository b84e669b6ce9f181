"""The one place that turns drivers' errors into txhub's tree.

asyncpg, psycopg (also inside SQLAlchemy) and ADBC each carry PostgreSQL's SQLSTATE; what they mean is
the same for all. An SQLSTATE that is not listed here is a bug of txhub and is let through.
Source of the codes: PostgreSQL manual, appendix A.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg
import psycopg
from sqlalchemy.exc import DBAPIError

from txhub.errors import DatabaseRefused, DatabaseUnavailable, DiskFull, InTheWay, SchemaMismatch, TooLong, TxhubError

_UNREACHABLE = (
    "the database does not answer",
    "is it running? `txhub doctor` looks at each part of the way to it",
)
_MEANING: dict[str, tuple[type[TxhubError], str, str]] = {
    "08": (DatabaseUnavailable, *_UNREACHABLE),
    "57P": (DatabaseUnavailable, "the database is shutting down or starting up", "wait for it, then try again"),
    "57014": (TooLong, "the database was told to stop: it took too long", "ask for less, such as a shorter time range"),
    "53100": (DiskFull, "the database has no space left on its disk", "make room, then try again; nothing is lost"),
    "53200": (DatabaseUnavailable, "the database is out of memory", "try again, or give it more memory"),
    "53300": (
        DatabaseUnavailable,
        "the database has no connection left",
        "raise max_connections, or stop other clients",
    ),
    "25006": (
        DatabaseRefused,
        "the database is a replica, which only reads",
        "give the address of the primary as TXHUB_DATABASE_URL",
    ),
    "40001": (InTheWay, "another transaction was in the way", "try again"),
    "40P01": (InTheWay, "another transaction was in the way", "try again"),
    "55P03": (InTheWay, "another transaction was in the way", "try again"),
    "28P01": (
        DatabaseRefused,
        "the database refuses the password",
        "check the user and password in TXHUB_DATABASE_URL",
    ),
    "28000": (
        DatabaseRefused,
        "the database refuses this user",
        "check the user in TXHUB_DATABASE_URL and pg_hba.conf",
    ),
    "3D000": (DatabaseRefused, "there is no such database", "create it, or check the name in TXHUB_DATABASE_URL"),
    "42501": (DatabaseRefused, "the database does not give this user the right", "grant it, or use the owner's role"),
    "3F000": (SchemaMismatch, "the database has no txhub schema yet", "run `txhub db migrate`"),
    "42P01": (SchemaMismatch, "the database lacks a table or view of this release", "run `txhub db migrate`"),
    "42703": (SchemaMismatch, "the database lacks a column of this release", "run `txhub db migrate`"),
    "42883": (SchemaMismatch, "the database lacks a function of this release", "run `txhub db migrate`"),
}


def meaning(sqlstate: str | None, detail: str = "") -> TxhubError | None:
    """The error of txhub's tree for an SQLSTATE, or None for one that should not happen."""
    for length in (5, 3, 2):
        if sqlstate and (known := _MEANING.get(sqlstate[:length])):
            kind, message, hint = known
            first_line = detail.strip().splitlines()[0] if detail.strip() else ""
            return kind(f"{message} ({first_line})" if first_line else message, hint=hint)
    return None


@contextmanager
def translated() -> Iterator[None]:
    """Let only errors of txhub's tree, and bugs, out of a block that talks to the database.

    Raises:
        DatabaseUnavailable, DatabaseRefused, DiskFull, SchemaMismatch: as `meaning` says.
    """
    try:
        yield
    except asyncpg.PostgresError as error:
        if known := meaning(error.sqlstate, str(error)):
            raise known from error
        raise
    except DBAPIError as error:
        with translated():
            raise error.orig or error from error
    except psycopg.Error as error:
        if known := meaning(error.sqlstate, str(error)):
            raise known from error
        if error.sqlstate is None and isinstance(error, psycopg.OperationalError):  # the connection broke
            raise DatabaseUnavailable(_UNREACHABLE[0], hint=_UNREACHABLE[1]) from error
        raise
    # asyncpg's internal error is what its pool stumbles over when a server that shuts down ends a connection in use.
    except (OSError, asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
        raise DatabaseUnavailable(_UNREACHABLE[0], hint=_UNREACHABLE[1]) from error
