"""The roles of the services: each may do what its service does, and no more."""

from __future__ import annotations

import psycopg
from sqlalchemy import Connection, text

from txhub.store.sqlfiles import queries

INGEST, WORKER, API = SERVICES = ("txhub_ingest", "txhub_worker", "txhub_api")

_SQL = queries("roles")


def grant(connection: Connection) -> None:
    """Make the roles where the server has none, and give them their rights in this database, if its user may.

    Where it may not, nothing is changed: services go on with the owner's role.
    """
    cursor = connection.connection.cursor()
    for names in (("make_roles", "grant"), ("answer",)):
        try:
            with connection.begin_nested():
                for name in names:
                    cursor.execute(_SQL[name])
        # A role that is not there is an undefined object to GRANT, and an invalid value to SET ROLE.
        except (
            psycopg.errors.InsufficientPrivilege,
            psycopg.errors.UndefinedObject,
            psycopg.errors.InvalidParameterValue,
        ):
            continue


def granted(connection: Connection) -> bool:
    """Whether the roles have their rights in this database."""
    return bool(connection.execute(text(_SQL["granted"])).scalar_one())
