"""What the live stream says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(slots=True)
class BlockEvent:
    """What the stream says of a committed live block (event `block`)."""

    chain: str
    number: int
    hash: str
    time: datetime
    tx_count: int
    value: str
    """Whole coins moved by the block's transactions."""
    symbol: str


@dataclass(slots=True)
class BackfillEvent:
    """What the stream says of a commit of older blocks (event `backfill`): its range, not each block."""

    chain: str
    from_block: int
    to_block: int
    blocks: int
    tx_count: int
    start: datetime
    end: datetime


@dataclass(slots=True)
class ReorgEvent:
    """What the stream says of committed blocks that were replaced (event `reorg`); see `Reorg`.

    All that lies from `start` to `end`, block times and both included, is to be read afresh.
    """

    chain: str
    ancestor: int
    depth: int
    from_number: int
    from_hash: str
    to_number: int
    to_hash: str
    start: datetime
    end: datetime
