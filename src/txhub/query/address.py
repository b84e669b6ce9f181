"""Addresses that a question names, in their stored form, and back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from txhub.address import WRITTEN, stored_address
from txhub.contract import ChainInfo
from txhub.errors import UsageError


def stored(parameter: str, texts: Iterable[str], chains: Sequence[ChainInfo]) -> list[bytes]:
    """The stored form of each address: 20 bytes on EVM chains, the ASCII text on Bitcoin.

    Raises:
        UsageError: a text is not an address of any of these chains; names the parameter and how one is written.
    """
    families = {chain.family for chain in chains} or set(WRITTEN)
    return [_stored(parameter, text, families) for text in dict.fromkeys(texts)]


def text(address: bytes, chain: ChainInfo) -> str:
    """A stored address as people write it, as `txhub.address_text`."""
    return f"0x{address.hex()}" if chain.family == "evm" else address.decode()


def _stored(parameter: str, text: str, families: set[str]) -> bytes:
    address = stored_address(text, families)
    if address is None:
        written = " or ".join(WRITTEN[family] for family in sorted(families))
        raise UsageError(
            f"{parameter} is {text[:100]!r}, which is not an address of these chains", hint=f"send {written}"
        )
    return address
