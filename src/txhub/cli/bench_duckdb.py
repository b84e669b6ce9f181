"""DuckDB beside txhub: the same questions over the same rows, in Parquet files as the archive writes them."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from txhub.cli.bench_questions import Asked, Question, Told
from txhub.store.sqlfiles import queries

_SQL = queries("duckdb")


class DuckDB:
    """A database in memory whose `transactions` are files."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def ask(self, question: Question, asked: Asked) -> tuple[Told, float]:
        """What it answers, and the milliseconds until all of that was here; only for questions with a statement."""
        statement = _SQL[question.statement or ""]
        named = {name: getattr(asked, name) for name in re.findall(r"\$(\w+)", statement)}
        began = time.perf_counter()
        rows = self._connection.sql(statement, params=named).to_arrow_table()
        milliseconds = (time.perf_counter() - began) * 1000
        last = [float(value) for value in rows.column(rows.num_columns - 1).to_pylist()]
        values = [value for value in last if value] if question.path.startswith("/v1/series") else last
        return Told(len(values), sum(values)), milliseconds


@contextmanager
def open_duckdb(files: Sequence[Path]) -> Iterator[DuckDB | None]:
    """DuckDB over these files, the first ones looked at first; None where it is not installed."""
    try:
        import duckdb
    except ImportError:
        yield None
        return
    with duckdb.connect(config={"autoinstall_known_extensions": "false"}) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.read_parquet([str(file) for file in files]).create_view("transactions")
        yield DuckDB(connection)
