"""The event log: what operators have to know, newest first."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import msgspec
import polars as pl

from txhub.contract import Event, Page
from txhub.errors import UsageError
from txhub.query import cursor as cursors
from txhub.query.chains import read_chains
from txhub.query.choice import chains_of, some_of
from txhub.query.timerange import open_range
from txhub.store.read import Reader
from txhub.store.sqlfiles import queries

_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_SQL = queries("events")


class Level(StrEnum):
    """How much an event matters."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class EventsAnswer:
    """A page: a column for each field of the contract, `details` as JSON text, and the cursor of the page after it."""

    rows: pl.DataFrame
    next: str | None

    def as_contract(self) -> Page[Event]:
        """The same in the contract's shape."""
        rows = self.rows.iter_rows(named=True)
        return Page([Event(**{**row, "details": msgspec.json.decode(row["details"])}) for row in rows], self.next)


async def read_log(
    reader: Reader,
    *,
    chain: Iterable[str] = (),
    level: Iterable[str] = (),
    component: Iterable[str] = (),
    event: Iterable[str] = (),
    start: str | None = None,
    end: str | None = None,
    cursor: str | None = None,
    limit: int = 100,
    now: datetime,
) -> EventsAnswer:
    """The events of a range that meet every condition; several values of one are alternatives.

    Raises:
        UsageError: a parameter cannot be understood.
    """
    asked = open_range(start, end, now)
    newest = cursors.newest_id(cursor)
    levels = [each.value for each in some_of("level", level, Level)]
    names = list(chain)
    if names:
        chains_of(await read_chains(reader, counted=False), names)
    choices = (names, _names("component", component), _names("event", event), levels)
    frame = await reader.frame(_SQL["events"], *map(",".join, choices), *asked, newest, limit + 1)
    return EventsAnswer(*cursors.cut(frame, limit))


def _names(parameter: str, texts: Iterable[str]) -> list[str]:
    names = list(texts)
    for name in names:
        if not _NAME.fullmatch(name):
            raise UsageError(f"{parameter} is {name[:80]!r}", hint="send small letters and underscores, such as worker")
    return names
