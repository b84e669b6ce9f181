"""Hashes that a question names, in their stored form."""

from __future__ import annotations

import re

from txhub.errors import UsageError

_WRITTEN = re.compile(r"(?:0[xX])?([0-9a-fA-F]{64})")


def stored_hash(parameter: str, text: str) -> bytes:
    """The 32 bytes of a hash.

    Raises:
        UsageError: the text is none; names the parameter.
    """
    found = hash_in(text)
    if found is None:
        raise UsageError(
            f"{parameter} is {text[:100]!r}, which is not a hash", hint="send 64 hexadecimal digits, with 0x or without"
        )
    return found


def hash_in(text: str) -> bytes | None:
    """The 32 bytes of a hash, or None where the text is none."""
    written = _WRITTEN.fullmatch(text)
    return bytes.fromhex(written[1]) if written else None
