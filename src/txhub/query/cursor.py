"""Where a page ends: an opaque text, that is ours or is refused."""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Annotated, NamedTuple, TypeVar

import msgspec
import polars as pl

from txhub.errors import UsageError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CHECK = 4
_Moment = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
_Int = Annotated[int, msgspec.Meta(ge=0, lt=2**31)]
_Bigint = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
_fields = msgspec.msgpack.Decoder(tuple[_Moment, _Int, _Bigint, _Int])
_dated = msgspec.msgpack.Decoder(tuple[_Moment, _Bigint])
_id = msgspec.msgpack.Decoder(_Bigint)
_NEWEST = 2**63 - 1
Fields = TypeVar("Fields")


class Cursor(NamedTuple):
    """The last transaction of a page, as its place in the order of all."""

    block_time: datetime
    chain_id: int
    block_number: int
    tx_index: int


def just_before(moment: datetime) -> Cursor:
    """The place after all transactions from a moment on."""
    return Cursor(moment - timedelta.resolution, 2**31 - 1, _NEWEST, 2**31 - 1)


def encode(cursor: Cursor) -> str:
    """The text of a cursor, safe in a URL."""
    return _pack((cursor.block_time - _EPOCH) // timedelta.resolution, *cursor[1:])


def decode(text: str) -> Cursor:
    """The cursor of a text.

    Raises:
        UsageError: it is not one that `encode` made: it was cut off or changed.
    """
    place, *rest = _unpack(text, _fields.decode)
    return Cursor(_EPOCH + timedelta(microseconds=place), *rest)


def newest_id(cursor: str | None) -> int:
    """The greatest id that belongs on a page of ids, the newest first; without a cursor, on the first one.

    Raises:
        UsageError: it is not a cursor that `cut` made.
    """
    return _NEWEST if cursor is None else _unpack(cursor, _id.decode) - 1


def cut(frame: pl.DataFrame, limit: int) -> tuple[pl.DataFrame, str | None]:
    """A page of at most so many rows with an `id`, out of one more where there are more; the next one's cursor."""
    rows = frame.head(limit)
    return rows, _pack(rows["id"][-1]) if frame.height > limit else None


def dated_place(cursor: str) -> tuple[datetime, int]:
    """The moment and the id of the last row of a page.

    Raises:
        UsageError: it is not a cursor that `cut_dated` made.
    """
    moment, row_id = _unpack(cursor, _dated.decode)
    return _EPOCH + timedelta(microseconds=moment), row_id


def cut_dated(frame: pl.DataFrame, column: str, limit: int) -> tuple[pl.DataFrame, str | None]:
    """As `cut`, for rows in order of a moment and then of their `id`."""
    rows = frame.head(limit)
    if frame.height <= limit:
        return rows, None
    return rows, _pack((rows[column][-1] - _EPOCH) // timedelta.resolution, rows["id"][-1])


def _pack(*fields: int) -> str:
    body = msgspec.msgpack.encode(fields if len(fields) > 1 else fields[0])
    return _text(_check(body) + body)


def _unpack(text: str, read: Callable[[bytes], Fields]) -> Fields:
    with suppress(ValueError, binascii.Error, msgspec.DecodeError):
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        check, body = raw[:_CHECK], raw[_CHECK:]
        if check == _check(body) and _text(raw) == text:
            return read(body)
    raise UsageError(
        f"cursor is {text[:80]!r}, which is not one of ours", hint="send `next` of the page before, unchanged"
    )


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _check(body: bytes) -> bytes:
    return zlib.crc32(body).to_bytes(_CHECK, "big")
