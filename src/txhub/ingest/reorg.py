"""Reorgs: where the node's chain leaves the ledger's, the node's takes its place.

Nodes do not reliably say which blocks they took back. Hashes do: the newest block that both hold is where the branches
part, and everything above it in the ledger has lost.
"""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from txhub.chain.source import Source
from txhub.errors import BadBlock, BrokenLink, DeepReorg, InTheWay, NodeUnavailable
from txhub.model import Block, Chain
from txhub.store.ledger import Ledger, Reorg, Tip

_ATTEMPTS = 5
_PAUSE_S = 0.2
"""A node that changes its mind while it is asked is asked again, this much later."""
_FIRST_LOOK = 2
"""Blocks of the first request: most reorgs are one block deep."""


class _Parting(NamedTuple):
    """Where two branches part, and the node's blocks above that, in order; as far up as the ledger reaches."""

    ancestor: int
    winners: list[Block]


async def follow_branch(
    source: Source, ledger: Ledger, request_blocks: int, *, below: int | None = None
) -> Reorg | None:
    """Make the ledger's newest blocks those of the node's chain; None where they are already.

    The ledger's newest block speaks for all before it, as each links to the one before. It does not where a gap lies
    between: `below` names a block that does not fit on what is committed before it, and then those are looked at.
    A node that is behind the ledger says nothing of its newest blocks, and is not followed back.

    Raises:
        DeepReorg: more blocks would be replaced than the chain's finality allows; nothing was changed.
        NodeUnavailable: the node does not answer, or does not stay with one branch.
        BadBlock: one of its blocks is wrong, or not there yet; try again.
        DatabaseUnavailable, DatabaseRefused, DiskFull: see `Ledger.replace`.
    """
    for _ in range(_ATTEMPTS):
        parting = await _parting(source, ledger, request_blocks, below)
        if parting is None:
            return None
        try:
            return await ledger.replace(*parting)
        except (BrokenLink, InTheWay):
            await asyncio.sleep(_PAUSE_S)
    raise NodeUnavailable(f"the node of {source.chain.name} does not stay with one branch of its chain")


async def _parting(source: Source, ledger: Ledger, request_blocks: int, below: int | None) -> _Parting | None:
    tip = await ledger.tip()
    if tip is None:
        return None
    head = await source.head()
    if head.number < tip.number and head.time <= tip.time:
        return None
    lowest = max(tip.number - source.chain.finality_depth, 0)
    if head.number < lowest:
        raise _too_deep(source.chain, tip)
    below = tip.number + 1 if below is None else below
    ours = await ledger.hashes(lowest, tip.number)
    parting: _Parting | None = None
    changed = head.number < tip.number
    winners: list[Block] = []
    above, size = min(tip.number, head.number) + 1, _FIRST_LOOK
    while above > lowest:
        numbers = range(max(above - size, lowest), above)
        for block in reversed(await _blocks(source, numbers)):
            held = ours.get(block.number)
            if held == block.hash:
                parting = parting or _Parting(block.number, winners[::-1])
                if block.number < below:
                    return parting if changed else None
            elif held is not None:
                parting, changed = None, True
            winners.append(block)
        above, size = numbers.start, request_blocks
    under = await ledger.newest_below(min(lowest, below))
    if under is not None and ((parting is None and lowest in ours) or await _left(source, under)):
        raise _too_deep(source.chain, tip)
    return (parting or _Parting(lowest - 1, winners[::-1])) if changed else None


async def _blocks(source: Source, numbers: range) -> list[Block]:
    blocks = []
    for block in await source.blocks(numbers):
        if isinstance(block, BadBlock):
            raise block
        blocks.append(block)
    return blocks


async def _left(source: Source, held: Tip) -> bool:
    """Whether the node's chain has another block in the place of one that is committed."""
    [block] = await _blocks(source, range(held.number, held.number + 1))
    return block.hash != held.hash


def _too_deep(chain: Chain, tip: Tip) -> DeepReorg:
    return DeepReorg(
        f"{chain.name} replaced more than {chain.finality_depth} blocks, the newest {tip.number}",
        hint="make sure that the node is right; then raise finality_depth, and start again",
    )
