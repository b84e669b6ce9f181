"""Transactions, newest first, a page at a time.

Pages follow one another by key, not by counting: the next one starts below the place where the last
one ended, so it costs the same however deep it is, and what is committed meanwhile does not shift it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

import polars as pl
from sqlalchemy import (
    ColumnElement,
    Interval,
    Numeric,
    Select,
    Text,
    and_,
    cast,
    false,
    func,
    literal_column,
    or_,
    select,
    tuple_,
)
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from txhub.contract import ChainInfo, Kind, Page, Transaction
from txhub.query import address as addresses
from txhub.query import amount
from txhub.query import cursor as cursors
from txhub.query.chains import read_chains
from txhub.query.choice import chains_of, some_of
from txhub.query.cursor import Cursor
from txhub.query.timerange import parse_moment, parse_range
from txhub.store import schema
from txhub.store.read import Reader

_T = schema.transactions.c
_PRICE_HOLDS = literal_column("INTERVAL '1 day'", Interval)
"""A price that is older than this at the time of a transaction says nothing of it: its value in USD is unknown."""
_PLACE = ("block_time", "chain_id", "block_number", "tx_index")
"""The order of all transactions, and what a cursor holds."""


@dataclass(frozen=True, slots=True)
class TransactionsAnswer:
    """A page: a column for each field of the contract, and the cursor of the page after it, if there is one."""

    rows: pl.DataFrame
    next: str | None

    def as_contract(self) -> Page[Transaction]:
        """The same in the contract's shape."""
        rows = self.rows.iter_rows(named=True)
        return Page([Transaction(**{**row, "kind": Kind(row["kind"])}) for row in rows], self.next)


async def read_transactions(
    reader: Reader,
    *,
    chain: Iterable[str] = (),
    kind: Iterable[str] = (),
    from_: Iterable[str] = (),
    to: Iterable[str] = (),
    address: Iterable[str] = (),
    min_value: str | None = None,
    max_value: str | None = None,
    start: str | None = None,
    end: str | None = None,
    cursor: str | None = None,
    limit: int = 100,
    now: datetime,
) -> TransactionsAnswer:
    """The transactions that meet every condition; several values of one parameter are alternatives.

    Args:
        reader: where to ask.
        chain: names of chains.
        kind: names of kinds.
        from_: senders.
        to: recipients.
        address: senders or recipients.
        min_value: whole coins of each chain, included.
        max_value: whole coins of each chain, included.
        start: the first moment, see `timerange`; None: from the first block on.
        end: the moment after the last; None: no end.
        cursor: `next` of the page before.
        limit: transactions on a page.
        now: what relative times count from.

    Raises:
        UsageError: a parameter cannot be understood.
    """
    kinds = some_of("kind", kind, Kind)
    names = list(chain)
    chains = chains_of(await read_chains(reader, counted=False), names)
    conditions = [
        *_in_time(start, end, now),
        *([_T.chain_id.in_([each.chain_id for each in chains])] if names else []),
        *([_T.kind.in_([cast(each.value, schema.TX_KIND) for each in kinds])] if kinds else []),
        *_with_parties("from", from_, (_T.from_address,), chains),
        *_with_parties("to", to, (_T.to_address,), chains),
        *_with_parties("address", address, (_T.from_address, _T.to_address), chains),
        *_with_value(min_value, max_value, chains),
        *([_below(cursors.decode(cursor))] if cursor is not None else []),
    ]
    frame = await reader.frame(_statement(conditions, limit + 1))
    rows = frame.head(limit)
    more = frame.height > limit
    following = cursors.encode(Cursor(*rows.select(_PLACE).row(-1))) if more else None
    return TransactionsAnswer(rows.drop("chain_id"), following)


def _in_time(start: str | None, end: str | None, now: datetime) -> list[ColumnElement[bool]]:
    if start is not None and end is not None:
        asked = parse_range(start, end, now)
        return [_T.block_time >= asked.start, _T.block_time < asked.end]
    if start is not None:
        return [_T.block_time >= parse_moment("start", start, now)]
    return [_T.block_time < parse_moment("end", end, now)] if end is not None else []


def _with_parties(
    parameter: str, texts: Iterable[str], columns: Sequence[ColumnElement[Any]], chains: Sequence[ChainInfo]
) -> list[ColumnElement[bool]]:
    stored = addresses.stored(parameter, texts, chains)
    return [or_(*(column.in_(stored) for column in columns))] if stored else []


def _with_value(least: str | None, most: str | None, chains: Sequence[ChainInfo]) -> list[ColumnElement[bool]]:
    """Whole coins are other numbers of base units on chains with other decimals."""
    if least is None and most is None:
        return []
    alternatives: list[ColumnElement[bool]] = []
    for decimals, alike in groupby(sorted(chains, key=lambda each: each.decimals), lambda each: each.decimals):
        bounds: list[ColumnElement[bool]] = [_T.chain_id.in_([each.chain_id for each in alike])]
        if least is not None:
            bounds.append(_T.value >= _numeric(amount.at_least("min_value", least, decimals)))
        if most is not None:
            bounds.append(_T.value <= _numeric(amount.at_most("max_value", most, decimals)))
        alternatives.append(and_(*bounds))
    return [or_(false(), *alternatives)]


def _in_usd(p: ReadOnlyColumnCollection[str, Any], c: ReadOnlyColumnCollection[str, Any]) -> ColumnElement[Any]:
    """US dollars to the cent: exact but for the last step, and null where no price is fresh."""
    price = func.txhub.price(c.symbol, p.block_time, _PRICE_HOLDS)
    return func.round(func.txhub.to_native(p.value, c.decimals) * price, literal_column("2"))


def _numeric(number: int) -> ColumnElement[Any]:
    """A number of any size: drivers bind integers of 64 bits."""
    return cast(cast(str(number), Text), Numeric)


def _below(place: Cursor) -> ColumnElement[bool]:
    """What comes after the cursor. The first condition follows from the second; it is what indexes understand."""
    return and_(_T.block_time <= place.block_time, tuple_(*(_T[name] for name in _PLACE)) < tuple_(*place))


def _statement(conditions: Sequence[ColumnElement[bool]], limit: int) -> Select[Any]:
    """The rows of the page first, then their text: what is shown is made for these only.

    By time alone, and with all that share the last one's, the database walks an index from the newest chunk on and
    stops; by the whole order it would sort a chunk, a day of transactions, for each page.
    """
    page = (
        select(schema.transactions)
        .where(*conditions)
        .order_by(_T.block_time.desc())
        .fetch(limit, with_ties=True)
        .subquery("page")
    )
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
        .order_by(*(p[name].desc() for name in _PLACE))
        .limit(limit)
    )
