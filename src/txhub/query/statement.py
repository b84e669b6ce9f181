"""A statement of SQL that an analyst wrote, and its answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import polars as pl

from txhub.contract import StatementAnswer, StatementColumn
from txhub.errors import UsageError
from txhub.store.lane import Lane

DEFAULT_ROWS = 10_000
MOST_ROWS = 100_000
DEFAULT_SECONDS = 30.0
MOST_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Answered:
    """The rows of a statement; `types` are PostgreSQL's names, `truncated` that there are more rows."""

    rows: pl.DataFrame
    types: list[str]
    truncated: bool

    def as_contract(self) -> StatementAnswer:
        """The same in the contract's shape."""
        columns = [StatementColumn(name, kind) for name, kind in zip(self.rows.columns, self.types, strict=True)]
        return StatementAnswer(columns, [list(row) for row in self.rows.iter_rows()], self.truncated)


async def answer_statement(
    lane: Lane, sql: str, *, max_rows: int = DEFAULT_ROWS, timeout_s: float = DEFAULT_SECONDS
) -> Answered:
    """Ask the database one reading statement.

    Numbers that are exact (numeric) come as decimal text, bytea as hex text, times as UTC.

    Raises:
        UsageError: there is no statement, or a limit is not within its bounds.
        StatementRefused, StatementFailed, TooLong, LaneBusy, AnalystMissing: see `Lane.answer`.
    """
    if not sql.strip():
        raise UsageError("sql is empty", hint="send a statement, such as SELECT * FROM txhub.chains")
    if not 1 <= max_rows <= MOST_ROWS:
        raise UsageError(f"max_rows is {max_rows}", hint=f"send 1 to {MOST_ROWS:,}, or aggregate in the statement")
    if not 0 < timeout_s <= MOST_SECONDS:
        raise UsageError(f"timeout is {timeout_s:g}", hint=f"send seconds, up to {MOST_SECONDS:g}")
    return Answered(*await lane.answer(sql, max_rows=max_rows, patience=timedelta(seconds=timeout_s)))
