"""Demo addresses by the letter of their specifications, checked without the code that made them."""

from __future__ import annotations

from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st

from txhub.chain.demo.bitcoin_address import key_party, key_party_at, old_key_party, script_party, taproot_party

BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def remainder(address: str) -> int:
    """The remainder by BIP 173's generator, one letter and one bit at a time."""
    prefix, data = address.split("1", 1)
    values = [ord(letter) >> 5 for letter in prefix] + [0] + [ord(letter) & 31 for letter in prefix]
    checksum = 1
    for value in values + [BECH32.index(letter) for letter in data]:
        top = checksum >> 25
        checksum = (checksum & 0x1FFFFFF) << 5 ^ value
        for bit, term in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            checksum ^= term if top >> bit & 1 else 0
    return checksum


def payload(address: str) -> bytes:
    """What a base 58 address holds, once its checksum is found right."""
    number = 0
    for letter in address:
        number = number * 58 + BASE58.index(letter)
    data = number.to_bytes(25, "big")
    assert sha256(sha256(data[:21]).digest()).digest()[:4] == data[21:]
    return data[:21]


@given(st.binary(min_size=20, max_size=20))
def test_keys(program: bytes) -> None:
    party = key_party(program)
    assert party.address.startswith("bcrt1q")
    assert remainder(party.address) == 1
    assert f'"0014{program.hex()}"' in party.script
    assert key_party_at(party.address) == party


@given(st.binary(min_size=32, max_size=32))
def test_taproot(program: bytes) -> None:
    party = taproot_party(program)
    assert party.address.startswith("bcrt1p")
    assert remainder(party.address) == 0x2BC830A3


@given(st.binary(min_size=20, max_size=20))
def test_old_kinds(program: bytes) -> None:
    assert payload(old_key_party(program).address) == b"\x6f" + program
    assert payload(script_party(program).address) == b"\xc4" + program
