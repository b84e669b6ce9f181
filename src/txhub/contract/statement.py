"""The answer to a statement of SQL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(slots=True)
class StatementColumn:
    """A column of a statement's answer, and its type in PostgreSQL; of equal names the second is `name_2`."""

    name: str
    type: str


@dataclass(slots=True)
class StatementAnswer:
    """The rows of a statement of SQL. Exact numbers (`numeric`), raw bytes (hex) and arrays (JSON) are text."""

    columns: list[StatementColumn]
    rows: list[list[Any]]
    truncated: bool
    """Whether there are more rows than were asked for."""
