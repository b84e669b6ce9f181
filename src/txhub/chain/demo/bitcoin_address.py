"""Addresses of a Bitcoin-like test network, and the scripts that they stand for.

Prefixes and version bytes are those of regtest, Bitcoin's own private test network: the addresses are
valid, with checksums, and can never be addresses of the main network.
"""

from __future__ import annotations

from base64 import b32decode, b32encode
from functools import reduce
from hashlib import sha256
from operator import xor
from typing import NamedTuple

_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_TO_BECH32 = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", _BECH32, "=")
_FROM_BECH32 = str.maketrans(_BECH32, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")
_PREFIX = "bcrt"
_CHECKSUM_END = {0: 1, 1: 0x2BC830A3}
"""What makes a checksum valid by witness version: bech32 (BIP 173) for 0, bech32m (BIP 350) from 1 on."""


def _carry(top: int) -> int:
    """Return what the checksum's code adds for ten bits that are shifted out, two letters at once."""
    generator = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
    high, low = top >> 5, top & 31
    first = reduce(xor, (term for bit, term in enumerate(generator) if high >> bit & 1), 0)
    second = low ^ first >> 25
    return reduce(xor, (term for bit, term in enumerate(generator) if second >> bit & 1), (first & 0x1FFFFFF) << 5)


_CARRY = [_carry(top) for top in range(1024)]


class Party(NamedTuple):
    """Somebody who can be paid: an address, and the script that pays it, as nodes describe it in JSON."""

    address: str
    script: str


def key_party(program: bytes) -> Party:
    """Return the native segwit address (`bcrt1q…`) of a public key's 20 hash bytes."""
    return _party(_segwit(0, program), "0014" + program.hex(), "witness_v0_keyhash")


def key_party_at(address: str) -> Party:
    """Return the party behind an address that `key_party` made."""
    start = len(_PREFIX) + 2
    return key_party(b32decode(address[start : start + 32].translate(_FROM_BECH32)))


def taproot_party(program: bytes) -> Party:
    """Return the taproot address (`bcrt1p…`) of 32 bytes."""
    return _party(_segwit(1, program), "5120" + program.hex(), "witness_v1_taproot")


def old_key_party(program: bytes) -> Party:
    """Return the original kind of address (`m…` or `n…`) of a public key's 20 hash bytes."""
    return _party(_base58check(b"\x6f" + program), f"76a914{program.hex()}88ac", "pubkeyhash")


def script_party(program: bytes) -> Party:
    """Return the address (`2…`) of a script's 20 hash bytes."""
    return _party(_base58check(b"\xc4" + program), f"a914{program.hex()}87", "scripthash")


def _party(address: str, script: str, kind: str) -> Party:
    return Party(address, f'{{"hex":"{script}","address":"{address}","type":"{kind}"}}')


def _base58check(payload: bytes) -> str:
    rest = int.from_bytes(payload + sha256(sha256(payload).digest()).digest()[:4], "big")
    letters = []
    while rest:
        rest, digit = divmod(rest, 58)
        letters.append(_BASE58[digit])
    return "".join(reversed(letters))


def _step(checksum: int, letters: int) -> int:
    """Take two more letters, ten bits, into a checksum."""
    return (checksum & 0xFFFFF) << 10 ^ letters ^ _CARRY[checksum >> 20]


def _checksum_after_prefix(version: int) -> int:
    values = [*(ord(letter) >> 5 for letter in _PREFIX), 0, *(ord(letter) & 31 for letter in _PREFIX), version]
    # A checksum begins as 1; with an even number of values they go in by twos.
    return reduce(_step, (high << 5 | low for high, low in zip(values[::2], values[1::2], strict=True)), 1)


_AFTER_PREFIX = {version: _checksum_after_prefix(version) for version in _CHECKSUM_END}


def _segwit(version: int, program: bytes) -> str:
    # Bech32 and base 32 cut bytes into the same groups of five bits, they only spell them differently.
    data = b32encode(program).decode().translate(_TO_BECH32)
    bits = int.from_bytes(program, "big") << 5 * len(data) - 8 * len(program)
    checksum = _AFTER_PREFIX[version]
    for shift in range(5 * len(data) - 10, -1, -10):
        checksum = _step(checksum, bits >> shift & 1023)
    for _ in range(3):
        checksum = _step(checksum, 0)
    checksum ^= _CHECKSUM_END[version]
    end = "".join(_BECH32[checksum >> shift & 31] for shift in (25, 20, 15, 10, 5, 0))
    return f"{_PREFIX}1{_BECH32[version]}{data}{end}"
