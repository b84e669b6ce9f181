"""Where new contracts are: what a transaction creates has an address that follows from its sender and nonce."""

from __future__ import annotations

from eth_utils.crypto import keccak

_ADDRESS_BYTES = 20
_SHORT, _LIST = 0x80, 0xC0
"""RLP: what is added to the length of a short text, and of a short list."""


def created_address(sender: bytes, nonce: int) -> bytes:
    """The address of the contract that a transaction creates: the end of the hash of RLP's [sender, nonce].

    Source: Ethereum yellow paper, section 7, equation 88.
    """
    number = nonce.to_bytes((nonce.bit_length() + 7) // 8, "big")
    encoded = number if nonce and nonce < _SHORT else bytes([_SHORT + len(number)]) + number
    parts = bytes([_SHORT + _ADDRESS_BYTES]) + sender + encoded
    return keccak(bytes([_LIST + len(parts)]) + parts)[-_ADDRESS_BYTES:]
