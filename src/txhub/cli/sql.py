"""`txhub sql`: one reading statement, answered."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from txhub.cli import wiring
from txhub.cli.console import err, out, plain_table
from txhub.cli.logs import configure_logs
from txhub.errors import UsageError
from txhub.query.statement import DEFAULT_ROWS, DEFAULT_SECONDS, Answered, answer_statement


class Format(StrEnum):
    """How rows are written."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    ARROW = "arrow"
    PARQUET = "parquet"


_BINARY = {Format.ARROW, Format.PARQUET}
_WIDEST = 100_000
"""Nothing is folded: what is not on a terminal is read by programs, and a terminal folds by itself."""


def sql(
    statement: Annotated[
        str, typer.Argument(metavar="STATEMENT", help="One statement that reads; `-` reads it from standard input.")
    ],
    format_: Annotated[Format, typer.Option("--format", help="How rows are written.")] = Format.TABLE,
    max_rows: Annotated[int, typer.Option(metavar="N", help="Answer at most so many rows.")] = DEFAULT_ROWS,
    timeout: Annotated[float, typer.Option(metavar="SECONDS", help="Take at most so long.")] = DEFAULT_SECONDS,
    home: wiring.HomeOption = None,
) -> None:
    """Ask the database one reading statement; docs/sql.md has the views, and questions to start from."""
    if format_ in _BINARY and sys.stdout.isatty():
        raise UsageError(f"{format_} is not for terminals", hint="send it to a file: > rows." + format_)
    settings = wiring.settings_of(home=home)
    configure_logs(settings)
    text = sys.stdin.read() if statement == "-" else statement
    # Imported here: the frames' libraries take long, and a wrong option is refused without them.
    from txhub.store.lane import Lane

    with wiring.readers_database(settings) as url:
        found = wiring.run(answer_statement(Lane(url, size=1), text, max_rows=max_rows, timeout_s=timeout))
    if found is None:
        raise typer.Exit(130)
    _write(found, format_)
    if found.truncated:
        err.print(f"only the first {max_rows:,} rows: there are more")


def _write(found: Answered, format_: Format) -> None:
    """Write the rows; a table too wide for a terminal becomes a record for each row."""
    from txhub.api import formats

    if format_ is not Format.TABLE:
        facts = {"truncated": str(found.truncated).lower()}
        answer = formats.Answer("sql", found.rows, found.as_contract, facts)
        sys.stdout.buffer.write(formats.encode(answer, formats.Format(format_.value)))
        return
    names = found.rows.columns
    rows = [[_text(value) for value in row] for row in found.rows.iter_rows()]
    table = plain_table()
    for name, dtype in found.rows.schema.items():
        table.add_column(name, justify="right" if dtype.is_numeric() else "left", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    whole = Console(file=out.file, width=_WIDEST, highlight=False)
    if out.is_terminal and whole.measure(table).maximum > out.width:
        for row in rows:
            record = Table.grid(padding=(0, 2, 0, 0))
            for name, value in zip(names, row, strict=True):
                record.add_row(name, value)
            whole.print(record)
            whole.print()
    else:
        whole.print(table)


def _text(value: Any) -> str:
    return "" if value is None else str(value).replace("[", r"\[")
