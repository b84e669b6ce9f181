"""Questions to the database, answered as frames: Arrow by ADBC, in threads of its own.

Six times as fast as rows that become a frame, and the event loop never waits for a driver.
Numeric columns arrive as exact decimal text, `bytea` as bytes, times as UTC.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from types import TracebackType
from typing import Any, Self

import asyncpg
import polars as pl
import pyarrow as pa
from adbc_driver_manager import AdbcStatusCode
from adbc_driver_postgresql import dbapi
from sqlalchemy import Select, make_url
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.sql.compiler import SQLCompiler

from txhub.errors import DatabaseUnavailable
from txhub.store.faults import meaning, translated

_DIALECT = PGDialect(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]
_SESSION = """
SELECT set_config('TimeZone', 'UTC', false) AS zone,
       set_config('default_transaction_read_only', 'on', false) AS read_only,
       set_config('statement_timeout', $1, false) AS patience
"""
_CONNECT_TIMEOUT_S = 10


class Reader:
    """Read-only sessions to the database, at most `size` at a time, opened when first needed.

    A statement that takes longer than `patience` is stopped by the database. A session that broke is
    replaced, and its statement asked again: a database that was restarted goes unnoticed.
    """

    def __init__(self, url: str, size: int = 4, patience: timedelta = timedelta(seconds=20)) -> None:
        self._address = libpq_address(url, "read")
        self._url = url
        self._patience = patience
        self._threads = ThreadPoolExecutor(size, thread_name_prefix="txhub-read")
        self._own = threading.local()
        self._open: list[dbapi.Connection] = []

    async def frame(self, statement: Select[Any] | str, *parameters: object) -> pl.DataFrame:
        """The rows of a statement: of SQLAlchemy Core, or of a file under `sql/` with its parameters `$1` and on.

        Raises:
            DatabaseUnavailable, DatabaseRefused, SchemaMismatch, TooLong: see `faults`.
        """
        sql, values = (statement, parameters) if isinstance(statement, str) else _compiled(statement)
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, self._fetch, sql, values)
        except dbapi.Error as error:
            if known := meaning(error.sqlstate, _server_message(error)):
                raise known from error
            if error.sqlstate is not None:
                raise
            await self._explain(error)
            raise DatabaseUnavailable from error

    async def close(self) -> None:
        """Wait for what is being read, then close the sessions."""
        await asyncio.to_thread(self._threads.shutdown, cancel_futures=True)
        while self._open:
            self._open.pop().close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def _fetch(self, sql: str, parameters: Sequence[object]) -> pl.DataFrame:
        """In a thread: each keeps a connection, because a connection serves one statement at a time."""
        kept: dbapi.Connection | None = getattr(self._own, "connection", None)
        try:
            return _rows(kept or self._connect(), sql, parameters)
        except dbapi.OperationalError as error:
            if not _broken(error):
                raise
            self._forget()
            if kept is None:
                raise
        return _rows(self._connect(), sql, parameters)

    def _connect(self) -> dbapi.Connection:
        connection = dbapi.connect(self._address, autocommit=True)
        self._own.connection = connection
        self._open.append(connection)
        _rows(connection, _SESSION, [str(int(self._patience.total_seconds() * 1000))])
        return connection

    def _forget(self) -> None:
        connection: dbapi.Connection | None = getattr(self._own, "connection", None)
        if connection is not None:
            self._own.connection = None
            self._open.remove(connection)
            connection.close()

    async def _explain(self, error: dbapi.Error) -> None:
        """Raise why no connection can be made: libpq tells it in prose only, asyncpg by SQLSTATE."""
        with translated():
            connection = await asyncpg.connect(self._url, timeout=_CONNECT_TIMEOUT_S)
            await connection.close()


def libpq_address(url: str, name: str) -> str:
    """A database's URL for ADBC, whose sessions then show as `txhub NAME` in pg_stat_activity."""
    address = make_url(url).update_query_dict({"application_name": f"txhub {name}"})
    if "connect_timeout" not in address.query:
        address = address.update_query_dict({"connect_timeout": str(_CONNECT_TIMEOUT_S)})
    # libpq reads a plus sign as itself, not as a blank.
    return address.render_as_string(hide_password=False).replace("+", "%20")


def _compiled(statement: Select[Any]) -> tuple[str, Sequence[object]]:
    compiled = statement.compile(dialect=_DIALECT, compile_kwargs={"render_postcompile": True})
    assert isinstance(compiled, SQLCompiler)  # noqa: S101 (what a dialect's statement compiler is)
    return compiled.string, [compiled.params[name] for name in compiled.positiontup or ()]


def _rows(connection: dbapi.Connection, sql: str, parameters: Sequence[object]) -> pl.DataFrame:
    with connection.cursor() as cursor:
        cursor.execute(sql, tuple(parameters) or None)
        try:
            table: pa.Table = cursor.fetch_arrow_table()
        except OSError as error:  # the connection broke while rows came: the driver leaves that to Arrow to say
            raise dbapi.OperationalError(str(error), status_code=AdbcStatusCode.IO) from error
    # numeric and jsonb come as extension types over text; the text is what is wanted.
    plain = [
        column.cast(column.type.storage_type) if isinstance(column.type, pa.BaseExtensionType) else column
        for column in table.columns
    ]
    frame = pl.from_arrow(pa.table(plain, names=table.column_names))
    assert isinstance(frame, pl.DataFrame)  # noqa: S101 (what a table becomes)
    return frame


def _broken(error: dbapi.Error) -> bool:
    return error.sqlstate is None or error.sqlstate[:2] == "08" or error.sqlstate[:3] == "57P"


def _server_message(error: dbapi.Error) -> str:
    return str(error).partition("ERROR:")[2]
