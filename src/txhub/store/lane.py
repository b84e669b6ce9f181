"""The analysts' lane: statements that others wrote, answered within limits, by the database's own rules.

A statement travels as a parameter of the function `txhub.answer` (sql/queries/analyst.sql), which opens a cursor for it
with the rights of a role that can only read. Nothing here looks into its text. Each has a session of its own, so that
nothing that one leaves behind meets the next.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from typing import NamedTuple

import asyncpg
import polars as pl

from txhub.errors import AnalystMissing, LaneBusy, StatementFailed, StatementRefused, UsageError
from txhub.store.faults import translated
from txhub.store.sqlfiles import queries

MAX_BYTES = 64_000_000
"""Of an answer, as the database sends it."""

_SQL = queries("analyst")
_REFUSED = {
    "25006": "only statements that read are answered",
    "42501": "docs/sql.md lists what analysts may read and call",
    "42P11": "send one SELECT, VALUES, TABLE, EXPLAIN or SHOW",
}
"""SQLSTATEs of what analysts may not do, and what they may."""
_NOT_ITS_FAULT = ("08", "28", "3D000", "40", "53", "55P03", "57", "58")
"""How SQLSTATEs begin that a statement cannot help."""
_HOW_TO_ASK = "send one statement of PostgreSQL's SQL; docs/sql.md has the views and their columns"
_HOW_TO_ADMIT = (
    "the database's user may not make roles: run `CREATE ROLE txhub_analyst; CREATE ROLE txhub_analyst_lane IN ROLE "
    "txhub_analyst; GRANT txhub_analyst, txhub_analyst_lane TO` that user as a superuser, then `txhub db migrate`"
)


class Rows(NamedTuple):
    """A statement's rows, the PostgreSQL type of each column, and whether more rows were left out."""

    frame: pl.DataFrame
    types: list[str]
    truncated: bool


class Lane:
    """At most `size` statements at a time; who has to wait longer than `wait` is sent away.

    It has connections of its own, so that statements of others never keep the API's own questions waiting.
    """

    def __init__(self, url: str, *, size: int = 2, wait: timedelta = timedelta(seconds=3)) -> None:
        self._url = url
        self._wait = wait
        self._free = asyncio.Semaphore(size)

    async def answer(self, statement: str, *, max_rows: int, patience: timedelta) -> Rows:
        """The rows of one statement, at most `max_rows` of them.

        Columns keep PostgreSQL's types where those are logical, whole or floating numbers, dates or times (UTC); all
        else is text: numeric exactly, bytea in hex, arrays as JSON.

        Raises:
            StatementRefused: it does something else than read what analysts may read.
            StatementFailed: the database cannot understand or compute it.
            TooLong: it took longer than `patience`.
            LaneBusy: others are before it, and take too long.
            AnalystMissing: the database has no role to answer with.
            DatabaseUnavailable, DatabaseRefused: see `faults`.
        """
        if "\0" in statement:
            raise UsageError("the statement contains a null character", hint="leave it out")
        async with self._place():
            columns, rows = await self._ask(statement, max_rows + 1, patience)
        return await asyncio.to_thread(_rows, columns, rows, max_rows)

    @asynccontextmanager
    async def _place(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._wait.total_seconds()):
                await self._free.acquire()
        except TimeoutError:
            raise LaneBusy(hint="try again in a few seconds") from None
        try:
            yield
        finally:
            self._free.release()

    async def _ask(
        self, statement: str, max_rows: int, patience: timedelta
    ) -> tuple[tuple[asyncpg.Attribute, ...], list[asyncpg.Record]]:
        with translated():
            session = await asyncpg.connect(
                self._url,
                timeout=10,
                command_timeout=patience.total_seconds() + 10,
                server_settings={"application_name": "txhub sql", "timezone": "UTC"},
            )
            try:
                async with session.transaction(readonly=True):
                    await session.fetchrow(_SQL["limit_session"], str(int(patience.total_seconds() * 1000)))
                    if not await session.fetchval(_SQL["admitted"]):
                        raise AnalystMissing(hint=_HOW_TO_ADMIT)
                    with _its_own_fault():
                        columns = (await session.prepare(statement)).get_attributes()
                        return columns, await session.fetch(_SQL["answer"], statement, max_rows, MAX_BYTES)
            finally:
                await session.close(timeout=5)


@contextmanager
def _its_own_fault() -> Iterator[None]:
    """Tell what is wrong with a statement, rather than with us or the database."""
    try:
        yield
    except asyncpg.PostgresError as error:
        code, message = error.sqlstate or "", str(error.args[0])
        if code in _REFUSED:
            raise StatementRefused(message, hint=_REFUSED[code]) from error
        if code.startswith(_NOT_ITS_FAULT):
            raise
        place = f" (at character {error.position})" if error.position else ""
        raise StatementFailed(message + place, hint=error.hint or _HOW_TO_ASK) from error


def _rows(columns: Sequence[asyncpg.Attribute], rows: Sequence[asyncpg.Record], max_rows: int) -> Rows:
    names = _distinct([column.name for column in columns])
    types = [column.type.name for column in columns]
    frame = pl.DataFrame([row[0] for row in rows[:max_rows]], dict.fromkeys(names, pl.String), orient="row")
    try:
        frame = frame.with_columns(_typed(name, type_) for name, type_ in zip(names, types, strict=True))
    except pl.exceptions.InvalidOperationError as error:
        raise StatementFailed("a time is not within the years 1 to 9999", hint="cast it to text") from error
    return Rows(frame, types, truncated=len(rows) > max_rows)


def _typed(name: str, type_: str) -> pl.Expr:
    column = pl.col(name)
    match type_:
        case "bool":
            return column == "true"
        case "int2" | "int4" | "int8":
            return column.cast(pl.Int64)
        case "float4" | "float8":
            return column.cast(pl.Float64)
        case "date":
            return column.str.to_date("%Y-%m-%d")
        case "timestamptz":
            return column.str.to_datetime("%+", time_unit="us", time_zone="UTC")
        case "bytea":
            return column.str.replace(r"^\\x", "0x")
        case _:
            return column


def _distinct(names: Sequence[str]) -> list[str]:
    """The same names; of equal ones the second is `name_2`."""
    distinct: list[str] = []
    for name in names:
        number, candidate = 1, name
        while candidate in distinct:
            number += 1
            candidate = f"{name}_{number}"
        distinct.append(candidate)
    return distinct
