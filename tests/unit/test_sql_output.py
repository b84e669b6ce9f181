"""How `txhub sql` shows rows: as a table where it fits or nobody looks, else each row by itself."""

from __future__ import annotations

import io

import polars as pl
import pytest
from rich.console import Console

from txhub.cli import sql
from txhub.query.statement import Answered

ROWS = pl.DataFrame({"hash": ["0x" + "ab" * 32, "0x" + "cd" * 32], "value": [1, 20]})


@pytest.mark.parametrize(
    ("terminal", "width", "lines"),
    [
        (True, 100, 3),
        (False, 40, 3),
        (True, 40, 6),
    ],
)
def test_rows_are_shown_whole(monkeypatch: pytest.MonkeyPatch, terminal: bool, width: int, lines: int) -> None:
    page = io.StringIO()
    monkeypatch.setattr(sql, "out", Console(file=page, width=width, force_terminal=terminal, color_system=None))
    sql._write(Answered(ROWS, ["text", "int8"], truncated=False), sql.Format.TABLE)
    shown = page.getvalue()
    assert shown.count("\n") == lines
    assert all(name in shown for name in ROWS.columns)
    assert all(hash_ in shown for hash_ in ROWS["hash"])
