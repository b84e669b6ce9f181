"""The tables that a benchmark shows, for programs: `txhub bench --json FILE …` writes them, `bench all` reads them."""

from __future__ import annotations

from pathlib import Path

import msgspec
from rich.table import Table

from txhub.cli.console import out


class Shown(msgspec.Struct):
    """A table as it was shown: every cell is text."""

    title: str
    columns: list[str]
    rows: list[list[str]]

    def cell(self, row: str, column: str) -> str | None:
        """The cell under a heading in the row whose first or second cell is these words; None where there is none."""
        if column not in self.columns:
            return None
        at = self.columns.index(column)
        return next((each[at] for each in self.rows if row in each[:2]), None)


def write_tables(file: Path) -> None:
    """Write all tables that were shown so far."""
    file.write_bytes(msgspec.json.encode([_shown(table) for table in out.tables]))


def read_tables(file: Path) -> list[Shown]:
    """The tables that `write_tables` wrote; none where it was not reached."""
    return msgspec.json.decode(file.read_bytes(), type=list[Shown]) if file.exists() else []


def _shown(table: Table) -> Shown:
    columns = [list(map(str, column.cells)) for column in table.columns]
    return Shown(
        str(table.title or ""),
        [str(column.header) for column in table.columns],
        [list(row) for row in zip(*columns, strict=True)],
    )
