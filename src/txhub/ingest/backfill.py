"""Fetches runs of blocks, several requests at once, and commits them in large transactions.

Fetching waits when the database is slower: what is asked for and not yet committed is bounded in rows, which is
what memory holds, and in answers, so memory stays flat whatever the range and however full its blocks.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from txhub.chain.source import Source
from txhub.errors import BadBlock, BrokenLink, first_failure
from txhub.model import Block
from txhub.store.ledger import Committed, Ledger

COMMIT_ROWS = 20_000
"""A commit waits for about this many rows of all tables: enough for the columnstore to compress well."""
COMMIT_BLOCKS = 2_000
COMMIT_S = 1.0
"""Nothing waits longer than this, so that the newest blocks of a slow node are soon there to be seen."""
MOST_ROWS = 30_000
"""So many rows may be asked for and not yet committed: those of a commit, and what comes while it runs."""


@dataclass(slots=True)
class Progress:
    """What a backfill has done so far."""

    done: int = 0
    """Blocks committed by it, refused, or found committed already."""
    blocks: int = 0
    """Blocks that it committed itself."""
    transactions: int = 0
    refused: list[BadBlock] = field(default_factory=list)


class _Room:
    """Counts the rows that are asked for and not yet committed, and has the next request wait while they are many.

    How many rows an answer brings is foretold by the answer before it, so the first request goes alone. A request
    that finds nothing before it always goes: an answer larger than the bound passes by itself.
    """

    def __init__(self, request_blocks: int) -> None:
        self.under_way = 0
        """Requests whose answers the queue does not hold yet."""
        self._request_blocks = request_blocks
        self._rows = 0
        self._rows_a_block = MOST_ROWS
        self._freed = asyncio.Event()

    @property
    def full(self) -> bool:
        """Whether the next request has to wait."""
        return self._rows > 0 and self._rows + self._request_blocks * self._rows_a_block > MOST_ROWS

    async def wait(self) -> None:
        """Return once there is room for a request."""
        while self.full:
            self._freed.clear()
            await self._freed.wait()

    def take(self, blocks: int) -> int:
        """Keep room for a request of so many blocks; returns the rows that are foretold of it."""
        foretold = blocks * self._rows_a_block
        self._rows += foretold
        self.under_way += 1
        return foretold

    def correct(self, foretold: int, answer: Sequence[Block | BadBlock]) -> None:
        """Put the rows of an answer in the place of those that were foretold of it."""
        blocks = [block for block in answer if isinstance(block, Block)]
        rows = sum(map(_rows, blocks))
        if blocks:
            self._rows_a_block = math.ceil(rows / len(blocks))
        self.free(foretold - rows)

    def free(self, rows: int) -> None:
        """Have so many rows wait no more."""
        self._rows -= rows
        self._freed.set()


async def backfill(
    source: Source,
    ledger: Ledger,
    runs: Sequence[range],
    *,
    request_blocks: int,
    parallel_requests: int,
    report: Callable[[Progress], None] = lambda progress: None,
) -> Progress:
    """Fetch and commit the runs, in their order; within a run the newest blocks first.

    A block that the source or its own contents refuse is left out and listed; the rest goes on.

    Raises:
        NodeUnavailable, NodeRefused: the source fails; what was committed stays, run it again for the rest.
        DatabaseUnavailable, DatabaseRefused, DiskFull: likewise.
    """
    loop = asyncio.get_running_loop()
    progress = Progress()
    requests = _requests(runs, request_blocks)
    fetched: asyncio.Queue[list[Block | BadBlock] | None] = asyncio.Queue(maxsize=parallel_requests)
    room = _Room(request_blocks)

    async def fetch() -> None:
        while True:
            await room.wait()
            numbers = next(requests, None)  # not before: blocks are asked for in their order
            if numbers is None:
                return
            foretold = room.take(len(numbers))
            answer = await source.blocks(numbers)
            room.correct(foretold, answer)
            await fetched.put(answer)
            room.under_way -= 1
            del answer  # while this waits for room, only the commit shall hold it

    async def fetch_all() -> None:
        async with asyncio.TaskGroup() as fetchers:
            for _ in range(parallel_requests):
                fetchers.create_task(fetch())
        await fetched.put(None)

    async def commit_all() -> None:
        batch: list[Block] = []
        rows = 0
        more = True
        committed_at = loop.time()
        while more:
            answer = await fetched.get()
            more = answer is not None
            # Every fetcher waits for the room that only a commit makes.
            starved = room.full and not room.under_way and fetched.empty()
            for block in answer or ():
                if isinstance(block, BadBlock):
                    progress.refused.append(block)
                    progress.done += 1
                else:
                    batch.append(block)
                    rows += _rows(block)
            del answer
            is_full = len(batch) >= COMMIT_BLOCKS or rows >= COMMIT_ROWS
            if batch and (not more or starved or is_full or loop.time() > committed_at + COMMIT_S):
                committed = await _commit(ledger, batch, progress.refused)
                committed_at = loop.time()
                progress.done += len(batch)
                progress.blocks += committed.blocks
                progress.transactions += committed.transactions
                room.free(rows)
                batch, rows = [], 0
            report(progress)

    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(fetch_all())
            tasks.create_task(commit_all())
    except ExceptionGroup as failures:
        raise first_failure(failures) from None
    return progress


async def _commit(ledger: Ledger, batch: list[Block], refused: list[BadBlock]) -> Committed:
    """Commit what links to its neighbours; what does not is refused: a reorg is under way, or the node is wrong."""
    while True:
        try:
            return await ledger.commit(batch, bulk=True)
        except BrokenLink as broken:
            refused += [_alone(ledger, number, broken) for number in broken.numbers]
            batch = [block for block in batch if block.number not in broken.numbers]


def _alone(ledger: Ledger, number: int, broken: BrokenLink) -> BrokenLink:
    """One of the blocks that do not link, as a refusal of its own."""
    text = f"{ledger.chain.name} block {number} is refused: it does not link to the blocks beside it"
    return BrokenLink(text, numbers=(number,), hint=broken.hint)


def _requests(runs: Sequence[range], request_blocks: int) -> Iterator[range]:
    """Slices of the runs, each the numbers of one request. Shared by all fetchers, so each is taken once."""
    for run in runs:
        for last in range(run.stop, run.start, -request_blocks):
            yield range(max(run.start, last - request_blocks), last)


def _rows(block: Block) -> int:
    """How many rows a block brings, its own among them."""
    return 1 + len(block.transactions) + len(block.token_transfers) + len(block.utxo_io)
