"""Follows one chain: each announced head into the ledger at once, and behind it whatever is missing.

What is missing is never remembered, it is asked of the ledger: after a restart, a lost connection, a
refused block or a burst of heads the same question finds the same gaps. And a head that does not fit on the
ledger's newest block is never forced in: the node is asked which branch is its chain (`reorg.py`).
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from datetime import UTC, datetime, timedelta

import structlog

from txhub.chain.source import Notice, Source
from txhub.errors import BadBlock, BehindHorizon, BrokenLink, TxhubError, first_failure
from txhub.ingest.backfill import backfill
from txhub.ingest.reorg import follow_branch
from txhub.ingest.stream import FOLLOWING, Stream
from txhub.model import Block, Head
from txhub.store.ledger import Ledger

REPAIR_INTERVAL, LONGEST_REPAIR_INTERVAL = 15.0, 600.0
"""Seconds until a look for gaps is taken without a reason to; doubled while blocks are refused, and at most."""
LOOK_SHARE = 0.01
"""How much of the time may be spent on looking: it takes seconds where there are tens of millions of blocks."""
_BODY_TRIES = 6
_BODY_PAUSES_S = (0.05, 2.0)
"""Behind one URL are many machines, and one may announce a block before another has it: it is asked again, first soon,
then later, as long as about a block time altogether."""


class Follower:
    """Keeps a ledger at its chain's head.

    Args:
        stream: told how it goes.
        history: how far back nothing may be missing; an earlier promise of the same ledger holds on.
        request_blocks: blocks asked of the node in one request.
        parallel_requests: requests for older blocks under way at once.
    """

    def __init__(
        self,
        source: Source,
        ledger: Ledger,
        stream: Stream,
        *,
        history: timedelta,
        request_blocks: int,
        parallel_requests: int,
    ) -> None:
        self._source = source
        self._ledger = ledger
        self._stream = stream
        self._history = history
        self._request_blocks = request_blocks
        self._parallel_requests = parallel_requests
        self._gap_seen = asyncio.Event()
        self._branch_turn = asyncio.Lock()
        self._refused: set[str] = set()
        self._head = -1
        self._looked_s = 0.0
        self._log = structlog.get_logger("ingest").bind(chain=source.chain.name)
        source.notify = stream.hear

    async def run(self) -> None:
        """Follow for ever.

        Raises:
            NodeUnavailable: the source was lost; run again to go on where this stopped.
            NodeRefused, DatabaseUnavailable, DatabaseRefused, DiskFull: see there.
            DeepReorg: the chain replaced more than its finality allows; a person has to look.
        """
        try:
            await self._ledger.register()
            async with self._ledger.turn_to_follow(self._stream.step_back):
                await self._source.check()
                await self._follow()
        except (TxhubError, ExceptionGroup) as group:
            failure = first_failure(group)
            if isinstance(failure, TxhubError):
                self._stream.failed(failure)
            raise

    async def _follow(self) -> None:
        head = await self._source.head()
        start = await self._source.number_at(datetime.now(UTC) - self._history)
        first = await self._ledger.follow_from(min(start, head.number))
        self._saw(head.number)
        self._log.info("following", head=head.number, since_block=first)
        self._stream.say("following", FOLLOWING)
        await self._follow_branch()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._follow_heads())
            tasks.create_task(self._repair_gaps(first))

    async def _follow_heads(self) -> None:
        async with aclosing(self._source.heads()) as heads:
            async for head in heads:
                self._stream.saw(head.number)
                try:
                    await self._take_or_follow(head)
                except BadBlock as refusal:
                    self._refuse(refusal)
                    self._saw(head.number)
                    self._gap_seen.set()

    async def _take_or_follow(self, head: Head) -> None:
        """Commit a head; where it does not fit, follow the node's branch first. A head of no branch is left."""
        try:
            await self._take(head)
        except BrokenLink:
            await self._follow_branch()
            try:
                await self._take(head)
            except BrokenLink:
                self._gap_seen.set()

    async def _take(self, head: Head) -> None:
        """Commit a head and what is missing just before it.

        Raises:
            BrokenLink: it does not fit to what is committed.
            BadBlock: it is wrong, or the node does not have it after all.
        """
        tip = await self._ledger.tip()
        if tip is not None and head.number <= tip.number:
            if (await self._ledger.hashes(head.number, head.number)).get(head.number) == head.hash:
                return  # announced twice, or by two nodes
            raise BrokenLink(f"{self._source.chain.name} block {head.number} is announced below the newest")
        complete = tip is not None and await self._close_gap(range(tip.number + 1, head.number))
        await self._commit_live([await self._body(head)])
        self._saw(head.number)
        if not complete:
            self._gap_seen.set()

    async def _body(self, head: Head) -> Block:
        """Fetch a head's body.

        Raises:
            BrokenLink: the node's chain has another block in its place by now.
            BadBlock: it is wrong, or not there after all.
        """
        pause, longest = _BODY_PAUSES_S
        tries = 0
        while True:
            tries += 1
            try:
                return await self._source.block_by_hash(head.hash, head.number)
            except BadBlock:
                [canonical] = await self._source.blocks(range(head.number, head.number + 1))
                if isinstance(canonical, Block):
                    if canonical.hash == head.hash:
                        return canonical
                    raise BrokenLink(f"{self._source.chain.name} block {head.number} was replaced at once") from None
                if tries == _BODY_TRIES:
                    raise
            await asyncio.sleep(min(pause, longest, self._source.chain.block_time_s))
            pause *= 2

    async def _close_gap(self, behind: range) -> bool:
        """Bring in what lies between the ledger and a head: a few blocks at once, more of them behind the head.

        Returns whether nothing of it is missing any more.
        """
        if len(behind) > self._source.chain.finality_depth:
            return False
        complete = True
        for start in range(behind.start, behind.stop, self._request_blocks):
            numbers = range(start, min(start + self._request_blocks, behind.stop))
            answer = await self._source.blocks(numbers)
            await self._commit_live([block for block in answer if isinstance(block, Block)])
            for refusal in (block for block in answer if isinstance(block, BadBlock)):
                complete = False
                self._refuse(refusal)
        return complete

    async def _commit_live(self, blocks: list[Block]) -> None:
        committed = await self._ledger.commit(blocks)
        if committed.blocks:
            self._log.debug("committed", block=blocks[-1].number, transactions=committed.transactions)

    async def _follow_branch(self, below: int | None = None) -> None:
        """Look whether the node's chain left the ledger's; heads and repairs take turns at it."""
        async with self._branch_turn:
            try:
                reorg = await follow_branch(self._source, self._ledger, self._request_blocks, below=below)
            except BadBlock as refusal:
                self._refuse(refusal)
                return
        if reorg is not None:
            self._saw(reorg.to_number)
            self._gap_seen.set()
            details = {"depth": reorg.depth, "ancestor": reorg.ancestor, "to_block": reorg.to_number}
            self._stream.note(Notice("warning", "reorg", details))

    async def _repair_gaps(self, first: int) -> None:
        pause = REPAIR_INTERVAL
        while True:
            self._gap_seen.clear()
            recent = self._head - 2 * self._source.chain.finality_depth
            if unlinked := await self._ledger.unlinked(recent, self._head):
                await self._follow_branch(below=unlinked[-1])
            complete = await self._repair(first)
            if complete:
                pause = REPAIR_INTERVAL
                self._refused.clear()
            if self._stream.state == "catching_up":
                self._stream.say("following", FOLLOWING)
            try:
                # Not wait_for: before Python 3.12 it loses a cancellation that comes together with the event.
                async with asyncio.timeout(max(pause, self._looked_s / LOOK_SHARE)):
                    await self._gap_seen.wait()
            except TimeoutError:
                pause = pause if complete else min(2 * pause, LONGEST_REPAIR_INTERVAL)

    async def _repair(self, first: int) -> bool:
        """Fill every gap from a block on up to the head; False where blocks were refused: try again later."""
        while runs := await self._look(first):
            if sum(map(len, runs)) > self._source.chain.finality_depth:
                self._stream.say("catching_up", "older blocks are missing, and are loaded behind the head")
            try:
                progress = await backfill(
                    self._source,
                    self._ledger,
                    runs,
                    request_blocks=self._request_blocks,
                    parallel_requests=self._parallel_requests,
                )
            except BehindHorizon as behind:
                self._refuse(behind)
                return False
            if progress.blocks:
                self._log.info("repaired", blocks=progress.blocks, transactions=progress.transactions)
            for refusal in progress.refused:
                self._refuse(refusal)
            if broken := [refusal for refusal in progress.refused if isinstance(refusal, BrokenLink)]:
                await self._follow_branch(below=min(refusal.numbers[0] for refusal in broken))
            if progress.refused:
                return False
        return True

    async def _look(self, first: int) -> list[range]:
        """What is missing from a block on up to the head."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        runs = await self._ledger.missing(first, self._head)
        self._looked_s = loop.time() - started
        return runs

    def _refuse(self, refusal: BadBlock | BehindHorizon) -> None:
        """Tell of a block that is refused, once for each reason until nothing is missing any more."""
        reason = str(refusal)
        if reason not in self._refused:
            self._refused.add(reason)
            self._log.warning("block refused", reason=reason)
            self._stream.note(Notice("warning", "block_refused", {"reason": reason}))

    def _saw(self, number: int) -> None:
        self._head = number
        self._stream.saw(number)
