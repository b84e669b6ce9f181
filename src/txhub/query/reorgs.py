"""Reorgs: the times that a chain replaced committed blocks, and what became of their transactions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from txhub.contract import GoneTransaction, Page, Reorg, ReorgStory, ReplacedBlock
from txhub.errors import NotFound
from txhub.query import cursor as cursors
from txhub.query.chains import plain, read_chains
from txhub.query.choice import chains_of
from txhub.query.timerange import ALWAYS, open_range
from txhub.store.read import Reader
from txhub.store.sqlfiles import queries

MOST_GONE = 1000
"""A story lists this many transactions that did not come back; `gone_count` counts all."""
_SQL = queries("reorgs")


@dataclass(frozen=True, slots=True)
class ReorgsAnswer:
    """A page: a column for each field of the contract, and the cursor of the page after it, if there is one."""

    rows: pl.DataFrame
    next: str | None

    def as_contract(self) -> Page[Reorg]:
        """The same in the contract's shape."""
        return Page([Reorg(**row) for row in self.rows.iter_rows(named=True)], self.next)


async def read_reorgs(
    reader: Reader,
    *,
    chain: Iterable[str] = (),
    start: str | None = None,
    end: str | None = None,
    cursor: str | None = None,
    limit: int = 100,
    now: datetime,
) -> ReorgsAnswer:
    """The reorgs that were detected in a range, newest first.

    Raises:
        UsageError: a parameter cannot be understood.
    """
    asked = open_range(start, end, now)
    newest = cursors.newest_id(cursor)
    chains = chains_of(await read_chains(reader, counted=False), chain)
    ids = ",".join(str(each.chain_id) for each in chains)
    frame = await reader.frame(_SQL["reorgs"], ids, *asked, newest, limit + 1)
    return ReorgsAnswer(*cursors.cut(frame, limit))


async def read_story(reader: Reader, key: int) -> ReorgStory:
    """One reorg with its blocks, and the transactions that did not come back.

    Raises:
        NotFound: there is no such reorg.
    """
    found = await reader.frame(_SQL["reorgs"], "", *ALWAYS, key, 1)
    if found.is_empty() or found["id"][0] != key:
        raise NotFound(f"there is no reorg {key}", hint="ask /v1/reorgs for those that there are")
    blocks = await reader.frame(_SQL["replaced"], key)
    gone = await reader.frame(_SQL["gone"], key, MOST_GONE)
    return ReorgStory(
        Reorg(**found.row(0, named=True)),
        [ReplacedBlock(**row) for row in blocks.iter_rows(named=True)],
        [GoneTransaction(**{**row, "value": plain(row["value"])}) for row in gone.iter_rows(named=True)],
    )
