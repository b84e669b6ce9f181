"""Questions to the database, answered as frames: Arrow by ADBC, in threads of its own.

Six times as fast as rows that become a frame, and the event loop never waits for a driver.
Numeric columns arrive as exact decimal text, `bytea` as bytes, times as UTC.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from datetime import timedelta
from queue import SimpleQueue
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
from sqlalchemy.util import LRUCache

from txhub.errors import DatabaseUnavailable
from txhub.store.faults import meaning, translated
from txhub.store.pool import DEAD_PEERS

_DIALECT = PGDialect(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]
_SESSION = """
SELECT set_config('TimeZone', 'UTC', false) AS zone,
       set_config('default_transaction_read_only', 'on', false) AS read_only,
       set_config('statement_timeout', $1, false) AS patience
"""
_CONNECT_TIMEOUT_S = 10
_GRACE_S = 15.0
"""A statement that has no answer so long after the database was to stop it gets none: the connection is half open."""
_GOODBYE_S = 5.0
_COMPILED: LRUCache[Any, SQLCompiler] = LRUCache(300)


class Reader:
    """Read-only sessions to the database, at most `size` at a time, opened when first needed.

    A statement that takes longer than `patience` is stopped by the database. A session that broke is
    replaced, and its statement asked again: a database that was restarted goes unnoticed. One that does not even
    say that it stopped is left alone, and another takes its place.
    """

    def __init__(self, url: str, size: int = 4, patience: timedelta = timedelta(seconds=20)) -> None:
        self._address = libpq_address(url, "read")
        self._url = url
        self._patience = patience
        self._places = asyncio.Semaphore(size)
        self._idle: list[_Session] = []
        self._asked: dict[asyncio.Future[pl.DataFrame], _Session] = {}

    async def frame(self, statement: Select[Any] | str, *parameters: object) -> pl.DataFrame:
        """The rows of a statement: of SQLAlchemy Core, or of a file under `sql/` with its parameters `$1` and on.

        Raises:
            DatabaseUnavailable, DatabaseRefused, SchemaMismatch, TooLong: see `faults`.
        """
        sql, values = (statement, parameters) if isinstance(statement, str) else _compiled(statement)
        try:
            return await self._answer(sql, values)
        except dbapi.Error as error:
            if known := meaning(error.sqlstate, _server_message(error)):
                raise known from error
            if error.sqlstate is not None:
                raise
            await self._explain(error)
            raise DatabaseUnavailable from error

    async def close(self) -> None:
        """Wait a little for what is being read, then close the sessions."""
        if self._asked:
            await asyncio.wait(list(self._asked), timeout=_GOODBYE_S)
        while self._idle:
            await asyncio.to_thread(self._idle.pop().end)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _answer(self, sql: str, values: Sequence[object]) -> pl.DataFrame:
        await self._places.acquire()
        session = self._idle.pop() if self._idle else _Session(self._address, self._patience)
        answer = asyncio.wrap_future(session.ask(sql, values))
        self._asked[answer] = session
        answer.add_done_callback(self._answered)
        # Whoever gives up waiting does not end the statement: its session is busy until the answer is there.
        done, _ = await asyncio.wait({answer}, timeout=self._patience.total_seconds() + _GRACE_S)
        if not done:
            del self._asked[answer]
            self._places.release()
            raise DatabaseUnavailable
        return answer.result()

    def _answered(self, answer: asyncio.Future[pl.DataFrame]) -> None:
        answer.exception()  # told to whom still waits
        session = self._asked.pop(answer, None)
        if session is not None:
            self._idle.append(session)
            self._places.release()

    async def _explain(self, error: dbapi.Error) -> None:
        """Raise why no connection can be made: libpq tells it in prose only, asyncpg by SQLSTATE."""
        with translated():
            connection = await asyncpg.connect(self._url, timeout=_CONNECT_TIMEOUT_S)
            await connection.close()


class _Session:
    """A connection and the thread that it serves, because it serves one statement at a time.

    The thread does not keep the process from ending: the driver may wait for ever for a connection that is half open.
    """

    def __init__(self, address: str, patience: timedelta) -> None:
        self._address = address
        self._patience = patience
        self._connection: dbapi.Connection | None = None
        self._questions: SimpleQueue[tuple[Future[pl.DataFrame], str, Sequence[object]] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._serve, name="txhub-read", daemon=True)
        self._thread.start()

    def ask(self, sql: str, parameters: Sequence[object]) -> Future[pl.DataFrame]:
        """The rows of a statement, when they are there."""
        answer: Future[pl.DataFrame] = Future()
        answer.set_running_or_notify_cancel()
        self._questions.put((answer, sql, parameters))
        return answer

    def end(self) -> None:
        """Close the connection; blocks."""
        self._questions.put(None)
        self._thread.join(_GOODBYE_S)

    def _serve(self) -> None:
        while (question := self._questions.get()) is not None:
            answer, sql, parameters = question
            try:
                answer.set_result(self._fetch(sql, parameters))
            except BaseException as error:  # noqa: BLE001 (raised where the answer is awaited)
                answer.set_exception(error)
            del answer, question  # the rows belong to who asked
        self._forget()

    def _fetch(self, sql: str, parameters: Sequence[object]) -> pl.DataFrame:
        kept = self._connection
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
        self._connection = connection = dbapi.connect(self._address, autocommit=True)
        _rows(connection, _SESSION, [str(int(self._patience.total_seconds() * 1000))])
        return connection

    def _forget(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def libpq_address(url: str, name: str) -> str:
    """A database's URL for ADBC, whose sessions then show as `txhub NAME` in pg_stat_activity."""
    address = make_url(url).update_query_dict({"application_name": f"txhub {name}"})
    limits = {"connect_timeout": _CONNECT_TIMEOUT_S} | DEAD_PEERS
    address = address.update_query_dict(
        {name: str(value) for name, value in limits.items() if name not in address.query}
    )
    # libpq reads a plus sign as itself, not as a blank.
    return address.render_as_string(hide_password=False).replace("+", "%20")


def _compiled(statement: Select[Any]) -> tuple[str, Sequence[object]]:
    """Its text and its parameters in order; statements of one shape are compiled once, as SQLAlchemy itself does."""
    key = statement._generate_cache_key()  # noqa: SLF001 (there is no other way to its cache without its engine)
    compiled = None if key is None else _COMPILED.get(key.key)
    if compiled is None:
        compiled = statement.compile(dialect=_DIALECT, cache_key=key)
        assert isinstance(compiled, SQLCompiler)  # noqa: S101 (what a dialect's statement compiler is)
        if key is not None:
            _COMPILED[key.key] = compiled
    own = None if key is None else key.bindparams
    state = compiled.construct_expanded_state(compiled.construct_params(extracted_parameters=own))
    return state.statement, [state.parameters[name] for name in state.positiontup or ()]


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
