"""Statements by name, from the files under `sql/queries/`.

A file holds statements, each under a line `-- name: what_it_does`. A file that both editions have
under its own folder (`timescale/`, `plain/`) is read from the folder of the edition asked for.
"""

from __future__ import annotations

import re
from functools import cache

from txhub.resources import resource

_NAME = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)


@cache
def queries(file: str, folder: str = "") -> dict[str, str]:
    """The statements of `sql/queries/[folder/]file.sql`, by name.

    Raises:
        FileNotFoundError: there is no such file.
    """
    text = (resource("sql") / "queries" / folder / f"{file}.sql").read_text(encoding="utf-8")
    _, *parts = _NAME.split(text)
    return {name: statement.strip() for name, statement in zip(parts[::2], parts[1::2], strict=True)}
