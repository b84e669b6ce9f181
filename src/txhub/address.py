"""Addresses as people write them, and the bytes that they are stored as."""

from __future__ import annotations

import re
from collections.abc import Collection

_EVM = re.compile(r"0[xX][0-9a-fA-F]{40}")
_BASE58 = re.compile(r"[1-9A-HJ-NP-Za-km-z]{26,40}")
_BECH32 = re.compile(r"[a-z]{2,6}1[02-9ac-hj-np-z]{8,87}")

WRITTEN = {"evm": "0x and 40 hexadecimal digits", "utxo": "a Bitcoin address such as bc1q… or 1…"}
"""How the addresses of each family of chains are written."""


def stored_address(text: str, families: Collection[str]) -> bytes | None:
    """The stored form of an address of one of these families, or None where it is none of theirs.

    It is 20 bytes on EVM chains, whatever the case of the digits, and the ASCII text on Bitcoin: bech32, which may
    be written in capitals, in small letters; base58 as it is, since its case tells addresses apart.
    """
    if "evm" in families and _EVM.fullmatch(text):
        return bytes.fromhex(text[2:])
    if "utxo" in families:
        small = text.lower() if text.isupper() else text
        if _BECH32.fullmatch(small):
            return small.encode("ascii")
        if _BASE58.fullmatch(text):
            return text.encode("ascii")
    return None
