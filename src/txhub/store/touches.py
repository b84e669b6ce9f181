"""How value touches an address: the rows of `address_moves`, wherever they are read from."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple


class Touch(NamedTuple):
    """A row of `address_moves`: one way in which value touched an address. Amounts are base units."""

    block_number: int
    block_time: datetime
    tx_index: int
    direction: str
    address: bytes
    counterparty: bytes | None
    token_address: bytes | None
    amount: int


class Side(NamedTuple):
    """What a transaction of a Bitcoin-like chain spends (`in`) from an address, or makes (`out`) for one."""

    side: str
    address: bytes
    amount: int


class Window(NamedTuple):
    """A span of time [start, end) in which moves of one address in one direction are asked for."""

    address: bytes
    direction: str
    start: datetime
    end: datetime

    def holds(self, moment: datetime) -> bool:
        """Whether a moment lies in it."""
        return self.start <= moment < self.end
