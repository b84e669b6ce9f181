"""Addresses as people write them, and their stored form."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from txhub.contract import ChainInfo
from txhub.errors import UsageError

_EVM = re.compile(r"0[xX][0-9a-fA-F]{40}")
_BITCOIN = re.compile(r"[1-9A-HJ-NP-Za-km-z]{26,40}|[a-z]{2,6}1[02-9ac-hj-np-z]{8,87}")
_WRITTEN = {"evm": "0x and 40 hexadecimal digits", "utxo": "a Bitcoin address such as bc1q… or 1…"}


def stored(parameter: str, texts: Iterable[str], chains: Sequence[ChainInfo]) -> list[bytes]:
    """The stored form of each address: 20 bytes on EVM chains, the ASCII text on Bitcoin.

    Raises:
        UsageError: a text is not an address of any of these chains; names the parameter and how one is written.
    """
    families = {chain.family for chain in chains} or set(_WRITTEN)
    return [_stored(parameter, text, families) for text in dict.fromkeys(texts)]


def _stored(parameter: str, text: str, families: set[str]) -> bytes:
    if "evm" in families and _EVM.fullmatch(text):
        return bytes.fromhex(text[2:])
    if "utxo" in families and _BITCOIN.fullmatch(text):
        return text.encode("ascii")
    written = " or ".join(_WRITTEN[family] for family in sorted(families))
    raise UsageError(f"{parameter} is {text[:100]!r}, which is not an address of these chains", hint=f"send {written}")
