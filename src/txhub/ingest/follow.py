"""Follows one chain: each announced head into the ledger at once, and behind it whatever is missing.

What is missing is never remembered, it is asked of the ledger: after a restart, a lost connection, a
refused block or a burst of heads the same question finds the same gaps.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import structlog

from txhub.chain.source import Source
from txhub.errors import BadBlock
from txhub.ingest.backfill import backfill
from txhub.model import Block, Head
from txhub.store.ledger import Ledger

REPAIR_INTERVAL = 15.0
"""Seconds until a look for gaps is taken without a reason to."""


class Follower:
    """Keeps a ledger at its chain's head.

    Args:
        history: how far back nothing may be missing; an earlier promise of the same ledger holds on.
        request_blocks: blocks asked of the node in one request.
        parallel_requests: requests for older blocks under way at once.
    """

    def __init__(
        self, source: Source, ledger: Ledger, *, history: timedelta, request_blocks: int, parallel_requests: int
    ) -> None:
        self._source = source
        self._ledger = ledger
        self._history = history
        self._request_blocks = request_blocks
        self._parallel_requests = parallel_requests
        self._gap_seen = asyncio.Event()
        self._head = -1
        self._log = structlog.get_logger("ingest").bind(chain=source.chain.name)

    async def run(self) -> None:
        """Follow for ever.

        Raises:
            NodeUnavailable: the source was lost; run again to go on where this stopped.
            NodeRefused, DatabaseUnavailable, DatabaseRefused, DiskFull: see there.
        """
        await self._source.check()
        await self._ledger.register()
        async with self._ledger.turn_to_follow():
            head = await self._source.head()
            start = await self._source.number_at(datetime.now(UTC) - self._history)
            first = await self._ledger.follow_from(min(start, head.number))
            self._head = head.number
            self._log.info("following", head=head.number, since_block=first)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._follow_heads())
                tasks.create_task(self._repair_gaps(first))

    async def _follow_heads(self) -> None:
        async for head in self._source.heads():
            tip = await self._ledger.tip()
            await self._close_gap(head, tip.number if tip else head.number - 1)
            try:
                block = await self._source.block_by_hash(head.hash, head.number)
            except BadBlock as refusal:
                await self._refuse(refusal)
                continue
            await self._commit_live([block])
            self._head = max(self._head, head.number)

    async def _close_gap(self, head: Head, tip: int) -> None:
        """Bring in what lies between the ledger and the head: a few blocks at once, more of them behind it."""
        behind = range(tip + 1, head.number)
        if len(behind) > self._source.chain.finality_depth:
            self._gap_seen.set()
            return
        for start in range(behind.start, behind.stop, self._request_blocks):
            numbers = range(start, min(start + self._request_blocks, behind.stop))
            answer = await self._source.blocks(numbers)
            await self._commit_live([block for block in answer if isinstance(block, Block)])
            for refusal in (block for block in answer if isinstance(block, BadBlock)):
                await self._refuse(refusal)

    async def _commit_live(self, blocks: list[Block]) -> None:
        committed = await self._ledger.commit(blocks)
        if committed.blocks:
            self._log.debug("committed", block=blocks[-1].number, transactions=committed.transactions)

    async def _repair_gaps(self, first: int) -> None:
        while True:
            self._gap_seen.clear()
            while runs := await self._ledger.missing(first, self._head):
                progress = await backfill(
                    self._source,
                    self._ledger,
                    runs,
                    request_blocks=self._request_blocks,
                    parallel_requests=self._parallel_requests,
                )
                if progress.blocks:
                    self._log.info("repaired", blocks=progress.blocks, transactions=progress.transactions)
                for refusal in progress.refused:
                    await self._refuse(refusal)
                if progress.refused:
                    break  # what was refused is asked for again later, not at once
            try:
                await asyncio.wait_for(self._gap_seen.wait(), REPAIR_INTERVAL)
            except TimeoutError:
                continue

    async def _refuse(self, refusal: BadBlock) -> None:
        self._log.warning("block refused", reason=str(refusal))
        await self._ledger.record("warning", "ingest", "block_refused", reason=str(refusal))
        self._gap_seen.set()
