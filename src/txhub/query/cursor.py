"""Where a page of transactions ends: an opaque text, that is ours or is refused."""

from __future__ import annotations

import base64
import binascii
import zlib
from datetime import UTC, datetime, timedelta
from typing import Annotated, NamedTuple

import msgspec

from txhub.errors import UsageError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CHECK = 4
_Moment = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
_Int = Annotated[int, msgspec.Meta(ge=0, lt=2**31)]
_Bigint = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
_fields = msgspec.msgpack.Decoder(tuple[_Moment, _Int, _Bigint, _Int])


class Cursor(NamedTuple):
    """The last transaction of a page, as its place in the order of all."""

    block_time: datetime
    chain_id: int
    block_number: int
    tx_index: int


def encode(cursor: Cursor) -> str:
    """The text of a cursor, safe in a URL."""
    place = (cursor.block_time - _EPOCH) // timedelta.resolution
    body = msgspec.msgpack.encode((place, *cursor[1:]))
    return base64.urlsafe_b64encode(_check(body) + body).decode().rstrip("=")


def decode(text: str) -> Cursor:
    """The cursor of a text.

    Raises:
        UsageError: it is not one that `encode` made: it was cut off or changed.
    """
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        check, body = raw[:_CHECK], raw[_CHECK:]
        place, *rest = _fields.decode(body)
        cursor = Cursor(_EPOCH + timedelta(microseconds=place), *rest)
    except (ValueError, OverflowError, binascii.Error, msgspec.DecodeError):
        check, body, cursor = b"", b"", None
    if cursor is None or check != _check(body):
        raise UsageError(
            f"cursor is {text[:80]!r}, which is not one of ours", hint="send `next` of the page before, unchanged"
        )
    return cursor


def _check(body: bytes) -> bytes:
    return zlib.crc32(body).to_bytes(_CHECK, "big")
