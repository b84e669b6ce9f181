"""Chance that repeats itself: the same question always gets the same answer, in any order of asking."""

from __future__ import annotations

from hashlib import blake2b
from random import Random


class Chance:
    """All randomness of one simulated chain, as pure functions of (seed, chain, purpose, number).

    A purpose is a word of at most 16 letters that keeps the answers to different questions apart.
    """

    def __init__(self, seed: int, chain: str) -> None:
        self._key = blake2b(f"{chain}/{seed}".encode(), digest_size=32).digest()

    def digest(self, purpose: str, data: bytes, size: int) -> bytes:
        """Return `size` bytes (at most 64) that depend on all of `data`."""
        return blake2b(data, digest_size=size, key=self._key, person=purpose.encode()).digest()

    def integer(self, purpose: str, number: int) -> int:
        """Return an integer of 64 random bits."""
        return int.from_bytes(self.digest(purpose, number.to_bytes(8, "big", signed=True), 8), "big")

    def fraction(self, purpose: str, number: int) -> float:
        """Return a number in [0, 1)."""
        return (self.integer(purpose, number) >> 11) / (1 << 53)

    def stream(self, purpose: str, number: int) -> Random:
        """Return a generator for many draws."""
        return Random(self.integer(purpose, number))  # noqa: S311 (a simulation keeps no secret)

    def block_hash(self, number: int, zeros: int = 0) -> str:
        """Return a block's hash as 64 hex digits, from which `number_in` finds the number again without a table.

        After `zeros` zero bytes come 8 that hold the number, covered by a mask that only this chain can compute
        from the rest.
        """
        rest = self.digest("hash", number.to_bytes(8, "big"), 24 - zeros)
        covered = (number ^ self._mask(rest)).to_bytes(8, "big")
        return bytes(zeros).hex() + covered.hex() + rest.hex()

    def number_in(self, block_hash: str, zeros: int = 0) -> int | None:
        """Return the number of the block with this hash, or None if no block of this chain can have it."""
        try:
            data = bytes.fromhex(block_hash)[zeros:]
        except ValueError:
            return None
        number = int.from_bytes(data[:8], "big") ^ self._mask(data[8:])
        return number if self.block_hash(number, zeros) == block_hash else None

    def _mask(self, rest: bytes) -> int:
        return int.from_bytes(self.digest("mask", rest, 8), "big")
