"""What the rest of txhub may expect of a blockchain's node, whatever the chain's family."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from txhub.errors import BadBlock
from txhub.eventlog import EventName, Level
from txhub.model import Block, Chain, Head


class Notice(NamedTuple):
    """Something an operator has to know of a chain's nodes: a line for the event log."""

    level: Level
    event: EventName
    details: Mapping[str, object]


Notify = Callable[[Notice], None]
"""Takes a notice at once and without waiting."""


class Source(Protocol):
    """Blocks of one chain, from the first of its endpoints that answers.

    Every method may raise `NodeUnavailable` (nothing answers: the next call tries the next endpoint) and
    `NodeRefused` (the node answers with an error). Methods may run at the same time.

    Blocks of an EVM chain carry their receipts where the node has them: whether each transaction succeeded, what it
    cost, what its logs make of its kind, and the token transfers that they tell of. A block whose receipts are not
    there yet, or are another block's, is a `BadBlock` as well. The notice `receipts_by` says how a node gives them.
    """

    chain: Chain
    notify: Notify
    """Who is told what happens to the nodes; nobody until it is set."""

    async def check(self) -> None:
        """Make sure that the node serves this chain.

        Raises:
            NodeRefused: it serves another one; names both.
        """
        ...

    async def head(self) -> Head:
        """Return the newest block of the chain."""
        ...

    def heads(self) -> AsyncGenerator[Head, None]:
        """Yield each new head as the node announces it, until closed; it never ends by itself.

        Heads may repeat, skip numbers or go back (a reorg).

        Raises:
            NodeUnavailable: the connection was lost, or no head came for several block times; says which.
        """
        ...

    async def blocks(self, numbers: Sequence[int]) -> list[Block | BadBlock]:
        """Fetch and decode blocks, in one request; the answer is in the order of `numbers`.

        A block that is wrong, or that the node does not have (yet), is returned as the `BadBlock` that
        names the chain, the number and the fault. The others are not affected.
        """
        ...

    async def block_by_hash(self, hash: bytes, number: int) -> Block:  # noqa: A002 (the field's word)
        """Fetch the block that a head announced, so that a reorg in between cannot swap it.

        Raises:
            BadBlock: the block is wrong, or the node does not have it (any more).
        """
        ...

    async def number_at(self, time: datetime) -> int:
        """Return the number of the first block at or after `time`; past the head, the head's number and one."""
        ...

    async def close(self) -> None:
        """Close all connections. Calls under way raise `NodeUnavailable`."""
        ...
