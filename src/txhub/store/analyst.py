"""The role of analysts: who may read a database and nothing else."""

from __future__ import annotations

import psycopg
from sqlalchemy import Connection, text

from txhub.store.sqlfiles import queries

ANALYST = "txhub_analyst"
"""The role that people log in as; `sql/queries/analyst.sql` says what it may do."""
LANE = "txhub_analyst_lane"
"""The role that statements of others are answered with: the same rights, and nobody can log in as it."""

_SQL = queries("analyst")


def admit(connection: Connection) -> None:
    """Let analysts read this database, if its user may: make their role where the server has none, and grant.

    Where it may not, nothing is changed, and `Lane.answer` says what to do.
    """
    try:
        with connection.begin_nested():
            cursor = connection.connection.cursor()
            cursor.execute(_SQL["make_roles"])
            cursor.execute(_SQL["admit"])
    except psycopg.errors.InsufficientPrivilege:
        return


def admitted(connection: Connection) -> bool:
    """Whether analysts may read this database."""
    return bool(connection.execute(text(_SQL["admitted"])).scalar_one())
