"""Rows of blocks as COPY takes them in binary, encoded a column at a time.

A commit of a backfill writes hundreds of thousands of fields. asyncpg, which looks up an encoder for each of them,
needs longer for it than decoding the node's JSON takes. Here each column knows its type beforehand, what repeats
within a block is encoded once, and amounts go to `numeric` by integers alone.

The format is that of https://www.postgresql.org/docs/current/sql-copy.html ("Binary Format"), each field as its
type's `…_recv` reads it. `tests/integration/test_rows.py` compares it with what asyncpg writes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import chain as concatenated
from itertools import repeat
from struct import Struct
from typing import Any, TypeAlias

from txhub.model import CoinMove, TokenTransfer, Transaction

HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
"""What a COPY in binary begins with: no flags, no extension."""
TRAILER = b"\xff\xff"
"""What it ends with."""

Rows: TypeAlias = Sequence[Transaction] | Sequence[TokenTransfer] | Sequence[CoinMove]
"""Rows of one table."""
Column: TypeAlias = Callable[[Sequence[Any]], Iterable[bytes]]
"""Encodes all fields of a column, each with its length before it."""

_NULL = b"\xff\xff\xff\xff"
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_LENGTHS = [length.to_bytes(4, "big") for length in range(256)]
_BASE = 10_000
"""PostgreSQL keeps a `numeric` as digits to this base."""


def encode(rows: Rows) -> bytes:
    """Encode rows, the fields of each in their order.

    Raises:
        struct.error: a number is out of its column's range.
        ValueError: an amount is below zero, or no whole number of base units.
    """
    if not rows:
        return b""
    columns = COLUMNS[type(rows[0])].values()
    counts = repeat(len(columns).to_bytes(2, "big"), len(rows))
    fields = [column(values) for column, values in zip(columns, zip(*rows, strict=True), strict=True)]
    return b"".join(concatenated.from_iterable(zip(counts, *fields, strict=True)))


def _integer(code: str) -> Column:
    """`smallint`, `integer` or `bigint`, by their code in `struct`."""
    layout = Struct(">i" + code)
    pack, length = layout.pack, layout.size - 4
    return lambda values: [_NULL if value is None else pack(length, value) for value in values]


def _binary(values: Sequence[bytes | None]) -> Iterable[bytes]:
    """`bytea`."""
    return [_NULL if value is None else _sized(value) for value in values]


def _sized(value: bytes) -> bytes:
    length = len(value)
    return (_LENGTHS[length] if length < 256 else length.to_bytes(4, "big")) + value


def _amount(values: Sequence[Any]) -> Iterable[bytes]:
    """`numeric` of whole numbers from zero on."""
    return [_NULL if value is None else _numeric(value) if value else _ZERO for value in values]


def _numeric(value: Any) -> bytes:
    rest = int(value)
    if rest != value or rest < 0:
        raise ValueError(f"{value} is no number of base units")
    digits = []
    while rest:
        rest, digit = divmod(rest, _BASE)
        digits.append(digit)
    digits.reverse()
    count = len(digits)
    return _pack_numeric(count)(8 + 2 * count, count, count - 1, 0, 0, *digits)


@cache
def _pack_numeric(digits: int) -> Callable[..., bytes]:
    """Length, number of digits, weight of the first, sign, decimals that are shown, and the digits."""
    return Struct(f">ihhhh{digits}h").pack


def _word(value: str) -> bytes:
    """A label of an enum."""
    return _sized(value.encode())


def _time(value: datetime) -> bytes:
    """`timestamptz`: microseconds since the year 2000."""
    return _sized(((value - _EPOCH) // _MICROSECOND).to_bytes(8, "big", signed=True))


def _few(encoded: Callable[[Any], bytes]) -> Column:
    """A column with few different values, each encoded once."""

    def column(values: Sequence[Any]) -> Iterable[bytes]:
        known = {value: _NULL if value is None else encoded(value) for value in set(values)}
        return map(known.__getitem__, values)

    return column


def _flag(value: bool) -> bytes:
    """`boolean`."""
    return _sized(bytes([value]))


_ZERO = _pack_numeric(0)(8, 0, 0, 0, 0)
_smallint, _int, _bigint = map(_integer, "hiq")
_PLACE: Mapping[str, Column] = {
    "chain_id": _int,
    "block_number": _bigint,
    "block_time": _few(_time),
    "tx_index": _int,
}
COLUMNS: Mapping[type, Mapping[str, Column]] = {
    Transaction: {
        **_PLACE,
        "hash": _binary,
        "from_address": _binary,
        "to_address": _binary,
        "value": _amount,
        "fee": _amount,
        "gas_used": _bigint,
        "gas_price": _bigint,
        "tx_type": _smallint,
        "kind": _few(_word),
        "method_id": _binary,
        "input_size": _int,
        "nonce": _bigint,
        "success": _few(_flag),
    },
    TokenTransfer: {
        **_PLACE,
        "log_index": _int,
        "token_address": _binary,
        "standard": _few(_word),
        "from_address": _binary,
        "to_address": _binary,
        "token_id": _amount,
        "amount": _amount,
    },
    CoinMove: {
        **_PLACE,
        "side": _few(_word),
        "n": _int,
        "address": _binary,
        "script": _binary,
        "amount": _amount,
    },
}
"""The columns of each type of row, in the order of its fields."""
