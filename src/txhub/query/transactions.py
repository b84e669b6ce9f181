"""Transactions, newest first, a page at a time: from the database, and where rows were dropped from the archive.

Pages follow one another by key, not by counting: the next one starts below the place where the last
one ended, so it costs the same however deep it is, and what is committed meanwhile does not shift it.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, Unpack

import polars as pl
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    ColumnElement,
    DateTime,
    FromClause,
    Integer,
    Interval,
    LargeBinary,
    Numeric,
    Select,
    SmallInteger,
    Text,
    cast,
    column,
    func,
    literal_column,
    select,
)
from sqlalchemy.sql.base import ReadOnlyColumnCollection
from sqlalchemy.types import TypeEngine

from txhub.contract import ChainInfo, Kind, Source, Transaction, TransactionPage
from txhub.query import cursor as cursors
from txhub.query.chains import read_chains
from txhub.query.criteria import PLACE, Criteria, Filters, understand
from txhub.query.cursor import Cursor
from txhub.query.timerange import TimeRange, open_range
from txhub.store import schema
from txhub.store.coldread import ColdReader, ColdRows, DroppedFile, dropped_transactions
from txhub.store.read import Reader

SEARCHED_ROWS = 20_000_000
"""Rows of the archive that one page searches at most, or those of a single day."""
SEARCHED_S = 2.0
"""Seconds of search in the database after which a page is handed over as it is."""
_PRICE_HOLDS = literal_column("INTERVAL '1 day'", Interval)
"""A price that is older than this at the time of a transaction says nothing of it: its value in USD is unknown."""
_RAW_TYPES: dict[str, TypeEngine[Any] | type[TypeEngine[Any]]] = {
    "chain_id": Integer,
    "block_number": BigInteger,
    "block_time": DateTime(timezone=True),
    "tx_index": Integer,
    "hash": LargeBinary,
    "from_address": LargeBinary,
    "to_address": LargeBinary,
    "value": Numeric,
    "fee": Numeric,
    "gas_used": BigInteger,
    "gas_price": BigInteger,
    "tx_type": SmallInteger,
    "kind": schema.TX_KIND,
    "method_id": LargeBinary,
    "input_size": Integer,
    "nonce": BigInteger,
    "success": Boolean,
}


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
    rows, reached = await _newest(reader, criteria, _spans(criteria, chains, below), below, limit + 1)
    floor = rows["block_time"][-1] if rows.height > limit else reached
    sources = [Source.RAW]
    files = await dropped_transactions(reader, *_older(criteria.range, floor, below))
    if files := [file for file in files if not criteria.chains or file.chain_id in criteria.chains]:
        some, searched = _first_of(files)
        found = await cold.newest(
            [ColdRows(each, criteria.in_archive(each.decimals, each.wide, below)) for each in some], PLACE, limit + 1
        )
        if found.height:
            sources = [*([Source.RAW] if rows.height else []), Source.ARCHIVE]
            shaped = await reader.frame(_shaped(_given(found), limit + 1))
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


def _spans(criteria: Criteria, chains: Sequence[ChainInfo], below: Cursor | None) -> Iterator[TimeRange]:
    """The range in pieces, the newest first: the day of the newest block, then each twice as long as the one before.

    So a page of what is frequent is planned for one chunk instead of all, and a search for what is rare can stop.
    """
    asked = criteria.range
    held = [each for each in chains if not criteria.chains or each.chain_id in criteria.chains]
    newest = max((each.last_time for each in held if each.last_time), default=asked.start)
    oldest = max(min((each.first_time for each in held if each.first_time), default=asked.start), asked.start)
    end, width = asked.end, timedelta(days=1)
    start = min(newest, end, below.block_time if below else end).replace(hour=0, minute=0, second=0, microsecond=0)
    while start > oldest:
        yield TimeRange(start, end)
        end, start, width = start, start - width, 2 * width
    yield TimeRange(asked.start, end)


async def _newest(
    reader: Reader, criteria: Criteria, spans: Iterable[TimeRange], below: Cursor | None, limit: int
) -> tuple[pl.DataFrame, datetime | None]:
    """The newest rows of the database; and if the search was broken off, from when on all that match are among them."""
    began = time.monotonic()
    found: list[pl.DataFrame] = []
    for span in spans:
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
    rows = await reader.frame(_shaped(newest.subquery("page"), limit))
    if rows.height < limit:
        return rows
    last = rows["block_time"][-1]
    moment = select(t).where(*conditions, t.c.block_time == last)
    its_rows = await reader.frame(_shaped(moment.subquery("page"), limit))
    return pl.concat([rows.filter(pl.col("block_time") > last), its_rows]).head(limit)


def _given(found: pl.DataFrame) -> FromClause:
    """Rows of the archive, handed to the database: it says what they mean in the very words it has for its own."""
    digits = pl.selectors.binary().bin.encode("hex")
    text = found.with_columns(digits.str.replace("^", r"\x"), pl.col("block_time").dt.strftime("%+"))
    columns: list[ColumnElement[Any]] = [column(name, type_) for name, type_ in _RAW_TYPES.items()]
    return (
        func.json_to_recordset(cast(cast(text.write_json(), Text), JSON))
        .table_valued(*columns, name="page")
        .render_derived(name="page", with_types=True)
    )


def _in_usd(p: ReadOnlyColumnCollection[str, Any], c: ReadOnlyColumnCollection[str, Any]) -> ColumnElement[Any]:
    """US dollars to the cent: exact but for the last step, and null where no price is fresh."""
    price = func.txhub.price(c.symbol, p.block_time, _PRICE_HOLDS)
    return func.round(func.txhub.to_native(p.value, c.decimals) * price, literal_column("2"))


def _shaped(page: FromClause, limit: int) -> Select[Any]:
    """The rows of a page as people read them: what is shown is made for these only."""
    p, c = page.c, schema.chains.c
    method = literal_column("'0x'", Text) + func.encode(p.method_id, literal_column("'hex'"), type_=Text)
    return (
        select(
            p.chain_id,
            c.name.label("chain"),
            p.block_number,
            p.block_time,
            p.tx_index,
            func.txhub.hash_text(p.hash, c.family).label("hash"),
            func.txhub.address_text(p.from_address, c.family).label("from_address"),
            func.txhub.address_text(p.to_address, c.family).label("to_address"),
            p.kind,
            func.txhub.to_native(p.value, c.decimals).label("value"),
            p.value.label("value_base"),
            _in_usd(p, c).label("value_usd"),
            func.txhub.to_native(p.fee, c.decimals).label("fee"),
            c.symbol,
            p.gas_used,
            p.gas_price,
            p.tx_type,
            method.label("method_id"),
            p.input_size,
            p.nonce,
            p.success,
        )
        .join_from(page, schema.chains, c.chain_id == p.chain_id)
        .order_by(*(p[name].desc() for name in PLACE))
        .limit(limit)
    )
