"""Which transactions a question asks for: understood once, then said to the database and to the archive alike."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple, TypedDict

import polars as pl
from sqlalchemy import ColumnElement, Numeric, Text, and_, cast, false, or_, tuple_

from txhub.contract import ChainInfo, Kind
from txhub.errors import UsageError
from txhub.query import address as addresses
from txhub.query import amount
from txhub.query.choice import chains_of, some_of
from txhub.query.cursor import Cursor
from txhub.query.height import block_number
from txhub.query.sought import Sought
from txhub.query.timerange import ALWAYS, TimeRange
from txhub.store import schema

PLACE = ("block_time", "chain_id", "block_number", "tx_index")
"""The order of all transactions, and what a cursor holds."""
_T = schema.transactions.c
_DIGITS = 78
"""Of the greatest amount that a chain's 256 bits hold."""


class Worth(NamedTuple):
    """The least and the greatest value, base units, both included, on chains whose coin has so many decimals.

    None: no bound.
    """

    decimals: int
    chains: Sequence[int]
    least: int | None
    most: int | None


class Filters(TypedDict, total=False):
    """What people write; several values of one name are alternatives. Whole coins are those of each chain."""

    chain: Iterable[str]
    """Names of chains."""
    kind: Iterable[str]
    """Names of kinds."""
    from_: Iterable[str]
    """Senders."""
    to: Iterable[str]
    """Recipients."""
    address: Iterable[str]
    """Senders or recipients."""
    min_value: str | None
    """Whole coins, included."""
    max_value: str | None
    """Whole coins, included."""
    block: str | None
    """Number of a block of the one chain that is named."""


@dataclass(frozen=True, slots=True)
class Criteria:
    """What transactions have to meet: all of it. Several values of one field are alternatives; none: anything does.

    Addresses are in their stored form. Of `values` one has to be met: the same amount is another number of base units
    where a coin has other decimals.
    """

    range: TimeRange
    chains: Sequence[int] = ()
    kinds: Sequence[Kind] = ()
    senders: Sequence[bytes] = ()
    recipients: Sequence[bytes] = ()
    parties: Sequence[bytes] = ()
    values: Sequence[Worth] = ()
    block: int | None = None

    @property
    def sought(self) -> Sought:
        """The addresses by which filters of days know where there is nothing."""
        return Sought(addresses=[group for group in (self.senders, self.recipients, self.parties) if group])

    def in_database(self, below: Cursor | None) -> list[ColumnElement[bool]]:
        """The conditions on the columns of `txhub.transactions`, and those of a page below a cursor."""
        return [
            *([_T.block_time >= self.range.start] if self.range.start > ALWAYS.start else []),
            *([_T.block_time < self.range.end] if self.range.end < ALWAYS.end else []),
            *([_T.chain_id.in_(self.chains)] if self.chains else []),
            *([_T.kind.in_([cast(each.value, schema.TX_KIND) for each in self.kinds])] if self.kinds else []),
            *([_T.from_address.in_(self.senders)] if self.senders else []),
            *([_T.to_address.in_(self.recipients)] if self.recipients else []),
            *([or_(_T.from_address.in_(self.parties), _T.to_address.in_(self.parties))] if self.parties else []),
            *([or_(false(), *map(_worth, self.values))] if self.values else []),
            *([_T.block_number == self.block] if self.block is not None else []),
            *([_below(below)] if below is not None else []),
        ]

    def in_archive(self, decimals: int, wide: bool, below: Cursor | None) -> pl.Expr:
        """The same conditions on the columns of a file of the archive of one of the chains.

        Args:
            decimals: the chain's.
            wide: whether amounts are text in this file.
            below: as for `in_database`.
        """
        conditions = [pl.col("block_time").is_between(*self.range, closed="left")]
        if self.kinds:
            conditions.append(pl.col("kind").is_in([each.value for each in self.kinds]))
        for columns, wanted in (
            (("from_address",), self.senders),
            (("to_address",), self.recipients),
            (("from_address", "to_address"), self.parties),
        ):
            if wanted:
                conditions.append(pl.any_horizontal(pl.col(column).is_in(list(wanted)) for column in columns))
        for value in self.values:
            if value.decimals == decimals:
                conditions += _worth_in_file(value, wide)
        if self.block is not None:
            conditions.append(pl.col("block_number") == self.block)
        if below is not None:
            conditions.append(_below_in_file(below))
        return pl.all_horizontal(conditions)


def understand(known: Sequence[ChainInfo], time: TimeRange, filters: Filters) -> Criteria:
    """The criteria that filters mean.

    Raises:
        UsageError: one cannot be understood.
    """
    names = list(filters.get("chain", ()))
    chains = chains_of(known, names)
    min_value, max_value = filters.get("min_value"), filters.get("max_value")
    block = filters.get("block")
    if block is not None and len(set(names)) != 1:
        raise UsageError("block is of no chain", hint="send chain= with the one whose block it is")
    values = []
    if min_value is not None or max_value is not None:
        for decimals in sorted({each.decimals for each in chains}):
            alike = [each.chain_id for each in chains if each.decimals == decimals]
            least = None if min_value is None else amount.at_least("min_value", min_value, decimals)
            most = None if max_value is None else amount.at_most("max_value", max_value, decimals)
            values.append(Worth(decimals, alike, least, most))
    return Criteria(
        time,
        chains=[each.chain_id for each in chains] if names else (),
        kinds=some_of("kind", filters.get("kind", ()), Kind),
        senders=addresses.stored("from", filters.get("from_", ()), chains),
        recipients=addresses.stored("to", filters.get("to", ()), chains),
        parties=addresses.stored("address", filters.get("address", ()), chains),
        values=values,
        block=None if block is None else block_number("block", block),
    )


def _numeric(number: int) -> ColumnElement[Any]:
    """A number of any size: drivers bind integers of 64 bits."""
    return cast(cast(str(number), Text), Numeric)


def _worth(value: Worth) -> ColumnElement[bool]:
    return and_(
        _T.chain_id.in_(value.chains),
        *([_T.value >= _numeric(value.least)] if value.least is not None else []),
        *([_T.value <= _numeric(value.most)] if value.most is not None else []),
    )


def _worth_in_file(worth: Worth, wide: bool) -> list[pl.Expr]:
    """Digits of one length compare as text as the numbers do; decimals of a file hold 38."""
    value = pl.col("value").str.zfill(_DIGITS) if wide else pl.col("value")
    greatest = 10 ** (_DIGITS if wide else 38) - 1
    conditions = []
    if worth.least is not None:
        conditions.append(pl.lit(False) if worth.least > greatest else value >= _literal(worth.least, wide))
    if worth.most is not None:
        conditions.append(value <= _literal(min(worth.most, greatest), wide))
    return conditions


def _literal(number: int, wide: bool) -> pl.Expr:
    return pl.lit(str(number).zfill(_DIGITS)) if wide else pl.lit(Decimal(number), dtype=pl.Decimal(38, 0))


def _below(place: Cursor) -> ColumnElement[bool]:
    """What comes after the cursor. The first condition follows from the second; it is what indexes understand."""
    return and_(_T.block_time <= place.block_time, tuple_(*(_T[name] for name in PLACE)) < tuple_(*place))


def _below_in_file(place: Cursor) -> pl.Expr:
    below = pl.lit(False)
    for name, bound in reversed(place._asdict().items()):
        below = (pl.col(name) < bound) | ((pl.col(name) == bound) & below)
    return below
