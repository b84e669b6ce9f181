"""Transactions, newest first, a page at a time: from the database, and where rows were dropped from the archive.

Pages follow one another by key, not by counting: the next one starts below the place where the last
one ended, so it costs the same however deep it is, and what is committed meanwhile does not shift it.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby
from typing import Unpack

import polars as pl
from sqlalchemy import ColumnElement, select

from txhub.contract import ChainInfo, Kind, Source, Transaction, TransactionPage
from txhub.query import cursor as cursors
from txhub.query import readable
from txhub.query.chains import read_chains
from txhub.query.criteria import PLACE, Criteria, Filters, understand
from txhub.query.cursor import Cursor
from txhub.query.expected import expected_rows
from txhub.query.sought import absent_days, newest_pieces
from txhub.query.timerange import ALWAYS, TimeRange, open_range
from txhub.store import schema
from txhub.store.coldread import ColdReader, ColdRows, DroppedFile, dropped_files
from txhub.store.read import Reader
from txhub.store.sqlfiles import queries

_BLOCKS = queries("blocks")
SEARCHED_ROWS = 20_000_000
"""Rows of the archive that one page searches at most, or those of a single day."""
EXPORTED_ROWS = 10_000
"""Transactions on a page of an export."""
SEARCHED_S = 2.0
"""Seconds of search in the database after which a page is handed over as it is."""


@dataclass(frozen=True, slots=True)
class TransactionsAnswer:
    """A page: a column for each field of the contract, the cursor of the page after it, if any, and what was read."""

    rows: pl.DataFrame
    next: str | None
    sources: list[Source]

    def as_contract(self) -> TransactionPage:
        """The same in the contract's shape."""
        rows = self.rows.iter_rows(named=True)
        items = [Transaction(**{**row, "kind": Kind(row["kind"])}) for row in rows]
        return TransactionPage(items, self.next, self.sources)


async def read_transactions(
    reader: Reader,
    cold: ColdReader,
    *,
    start: str | None = None,
    end: str | None = None,
    cursor: str | None = None,
    limit: int = 100,
    now: datetime,
    **filters: Unpack[Filters],
) -> TransactionsAnswer:
    """The transactions that meet every filter.

    The archive is searched where the page reaches days whose raw rows were dropped. One page searches only so much of
    it, and the database only so long: it may then hold fewer than `limit`, and its cursor goes on from there.

    Args:
        reader: where to ask.
        cold: where to search days that were dropped.
        start: the first moment, see `timerange`; None: from the first block on.
        end: the moment after the last; None: no end.
        cursor: `next` of the page before.
        limit: transactions on a page.
        now: what relative times count from.
        filters: see `Filters`.

    Raises:
        UsageError: a parameter cannot be understood.
        ArchiveUnavailable: the page reaches days that only the archive has, and that cannot be read.
    """
    chains = await read_chains(reader, counted=False)
    criteria = understand(chains, open_range(start, end, now), filters)
    below = None if cursor is None else cursors.decode(cursor)
    if criteria.block is not None:
        criteria = await _within_block(reader, criteria)
    rows, reached = await _newest(reader, criteria, _pieces(reader, criteria, chains, below), below, limit + 1)
    floor = rows["block_time"][-1] if rows.height > limit else reached
    sources = [Source.RAW]
    if files := await _files(reader, criteria, _older(criteria.range, floor, below)):
        some, searched = _first_of(files)
        found = await cold.newest(
            [ColdRows(each, criteria.in_archive(each.decimals, each.wide, below)) for each in some], PLACE, limit + 1
        )
        if found.height:
            sources = [*([Source.RAW] if rows.height else []), Source.ARCHIVE]
            shaped = await reader.frame(readable.transactions(readable.given(found, "transactions"), limit + 1))
            rows = pl.concat([rows, shaped]).unique(PLACE, keep="first").sort(PLACE, descending=True)
        reached = max(filter(None, (reached, searched)), default=None)
        if reached is not None:
            rows = rows.filter(pl.col("block_time") >= reached)
    page = rows.head(limit)
    following = None
    if rows.height > limit:
        following = cursors.encode(Cursor(*page.select(PLACE).row(-1)))
    elif reached is not None:
        following = cursors.encode(cursors.just_before(reached))
    return TransactionsAnswer(page.drop("chain_id"), following, sources)


async def read_every_page(
    reader: Reader,
    cold: ColdReader,
    *,
    start: str | None = None,
    end: str | None = None,
    size: int = EXPORTED_ROWS,
    now: datetime,
    **filters: Unpack[Filters],
) -> AsyncIterator[pl.DataFrame]:
    """All transactions that meet every filter, page after page, as `read_transactions` answers them.

    Raises:
        UsageError, ArchiveUnavailable: as `read_transactions`, also on a later page.
    """
    cursor = None
    while True:
        page = await read_transactions(
            reader, cold, start=start, end=end, cursor=cursor, limit=size, now=now, **filters
        )
        yield page.rows
        cursor = page.next
        if cursor is None:
            return


async def expected(
    reader: Reader,
    *,
    start: str | None = None,
    end: str | None = None,
    now: datetime,
    **filters: Unpack[Filters],
) -> int | None:
    """How many there are, where that is known without a search, see `expected_rows`.

    Raises:
        UsageError: a parameter cannot be understood.
    """
    chains = await read_chains(reader, counted=False)
    return await expected_rows(reader, understand(chains, open_range(start, end, now), filters))


async def _within_block(reader: Reader, criteria: Criteria) -> Criteria:
    """The same criteria, for the moment of the block that they name; nothing meets them where there is none."""
    known = await reader.frame(_BLOCKS["by_number"], criteria.chains[0], criteria.block)
    time = known["time"][0] if known.height else ALWAYS.start
    asked = criteria.range
    start, end = max(asked.start, time), min(asked.end, time + timedelta.resolution)
    return replace(criteria, range=TimeRange(start, max(start, end)))


def _older(asked: TimeRange, floor: datetime | None, below: Cursor | None) -> TimeRange:
    """What the archive may add to: nothing older than the floor, where there is one, can be on the page."""
    start = asked.start if floor is None else max(asked.start, floor)
    end = asked.end if below is None else min(asked.end, below.block_time + timedelta.resolution)
    return TimeRange(start, end)


def _first_of(files: Sequence[DroppedFile]) -> tuple[list[DroppedFile], datetime | None]:
    """The newest days' files that one page searches, and the start of the last of them if there are more."""
    some: list[DroppedFile] = []
    rows = 0
    for _, day in groupby(files, lambda file: file.start):
        own = list(day)
        rows += sum(file.rows for file in own)
        if some and rows > SEARCHED_ROWS:
            return some, some[-1].start
        some += own
    return some, None


async def _files(reader: Reader, criteria: Criteria, older: TimeRange) -> list[DroppedFile]:
    """The files of the archive that may have something, the newest day first."""
    files = await dropped_files(reader, "transactions", *older)
    files = [each for each in files if not criteria.chains or each.chain_id in criteria.chains]
    absent = await absent_days(reader, criteria.sought, older, {each.chain_id for each in files})
    return [each for each in files if (each.chain_id, each.start) not in absent]


def _pieces(
    reader: Reader, criteria: Criteria, chains: Sequence[ChainInfo], below: Cursor | None
) -> AsyncIterator[TimeRange]:
    held = [each for each in chains if not criteria.chains or each.chain_id in criteria.chains]
    return newest_pieces(reader, criteria.sought, criteria.range, held, below.block_time if below else None)


async def _newest(
    reader: Reader, criteria: Criteria, pieces: AsyncIterator[TimeRange], below: Cursor | None, limit: int
) -> tuple[pl.DataFrame, datetime | None]:
    """The newest rows of the database; and if the search was broken off, from when on all that match are among them."""
    began = time.monotonic()
    found: list[pl.DataFrame] = []
    async for span in pieces:
        wanted = limit - sum(each.height for each in found)
        found.append(await _newest_in(reader, replace(criteria, range=span).in_database(below), wanted))
        if found[-1].height == wanted:
            break
        if span.start > criteria.range.start and time.monotonic() - began > SEARCHED_S:
            return pl.concat(found), span.start
    return pl.concat(found), None


async def _newest_in(reader: Reader, conditions: Sequence[ColumnElement[bool]], limit: int) -> pl.DataFrame:
    """The newest rows of the database, in order of their place.

    By time alone the database walks an index from the newest chunk on and stops; by the whole order it would sort a
    chunk, a day of transactions, for each page. So the last moment of a full page may have more rows than came, and
    all of its rows are asked for once more. FETCH WITH TIES is what this is for, but over the columnstore TimescaleDB
    2.29.2 answers it with an error ("retrieved too many tuples in a bounded sort"), since it tells the sorts of its
    chunks how many rows are wanted at most. It is a statement of its own because the moment is then known when it is
    planned, and all chunks but one are left out: planning for each chunk took most of the time.
    """
    t = schema.transactions
    newest = select(t).where(*conditions).order_by(t.c.block_time.desc()).limit(limit)
    rows = await reader.frame(readable.transactions(newest.subquery("page"), limit))
    if rows.height < limit:
        return rows
    last = rows["block_time"][-1]
    moment = select(t).where(*conditions, t.c.block_time == last)
    its_rows = await reader.frame(readable.transactions(moment.subquery("page"), limit))
    rows = pl.concat([rows.filter(pl.col("block_time") > last), its_rows]).head(limit)
    if rows.height == limit:
        return rows
    # Between the two statements a reorg took rows of that moment away: what is older was not looked at yet.
    older = await _newest_in(reader, [*conditions, t.c.block_time < last], limit - rows.height)
    return pl.concat([rows, older])
