"""The database as it was at one moment, read as Arrow, batch by batch: for tables that are larger than memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
from adbc_driver_postgresql import dbapi

from txhub.errors import DatabaseUnavailable
from txhub.store.faults import meaning
from txhub.store.read import libpq_address

_SESSION = """
SELECT set_config('TimeZone', 'UTC', false) AS zone,
       set_config('default_transaction_read_only', 'on', false) AS read_only,
       set_config('default_transaction_isolation', 'repeatable read', false) AS isolation
"""


class Snapshot:
    """What one transaction sees; it serves one thread, and one statement at a time."""

    def __init__(self, connection: dbapi.Connection) -> None:
        self._connection = connection

    def row(self, sql: str, *parameters: object) -> dict[str, Any]:
        """The only row of a statement, by name of column."""
        with self._connection.cursor() as cursor:
            cursor.execute(sql, parameters or None)
            [row] = cursor.fetch_arrow_table().to_pylist()
        return dict(row)

    def batches(self, sql: str, *parameters: object) -> Iterator[pa.RecordBatch]:
        """The rows of a statement as they come, a few megabytes at a time."""
        with self._connection.cursor() as cursor:
            cursor.execute(sql, parameters or None)
            yield from cursor.fetch_record_batch()


@contextmanager
def open_snapshot(url: str, *, name: str) -> Iterator[Snapshot]:
    """The database as it is now, until the block ends; shows as `txhub NAME` in pg_stat_activity.

    Raises:
        DatabaseUnavailable, DatabaseRefused, DiskFull: see `faults`.
    """
    try:
        with dbapi.connect(libpq_address(url, name), autocommit=True) as connection:
            with connection.cursor() as cursor:
                cursor.execute(_SESSION)
            connection.adbc_connection.set_autocommit(False)
            yield Snapshot(connection)
            connection.rollback()
    except dbapi.Error as error:
        if known := meaning(error.sqlstate, str(error)):
            raise known from error
        if error.sqlstate is None:
            raise DatabaseUnavailable from error
        raise
