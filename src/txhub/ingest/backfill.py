"""Fetches runs of blocks, several requests at once, and commits them in large transactions.

Fetching waits when the database is slower: what was fetched and not yet committed is bounded by the
queue and the requests under way, so memory stays flat whatever the range.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from txhub.chain.source import Source
from txhub.errors import BadBlock, BrokenLink, first_failure
from txhub.model import Block
from txhub.store.ledger import Committed, Ledger

COMMIT_TRANSACTIONS = 20_000
"""A commit waits for about this many transactions: enough for the columnstore to compress well."""
COMMIT_BLOCKS = 2_000
COMMIT_S = 1.0
"""Nothing waits longer than this, so that the newest blocks of a slow node are soon there to be seen."""


@dataclass(slots=True)
class Progress:
    """What a backfill has done so far."""

    done: int = 0
    """Blocks committed by it, refused, or found committed already."""
    blocks: int = 0
    """Blocks that it committed itself."""
    transactions: int = 0
    refused: list[BadBlock] = field(default_factory=list)


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

    async def fetch() -> None:
        for numbers in requests:
            await fetched.put(await source.blocks(numbers))

    async def fetch_all() -> None:
        async with asyncio.TaskGroup() as fetchers:
            for _ in range(parallel_requests):
                fetchers.create_task(fetch())
        await fetched.put(None)

    async def commit_all() -> None:
        batch: list[Block] = []
        more = True
        committed_at = loop.time()
        while more:
            answer = await fetched.get()
            more = answer is not None
            for block in answer or ():
                if isinstance(block, BadBlock):
                    progress.refused.append(block)
                    progress.done += 1
                else:
                    batch.append(block)
            if batch and (not more or _is_full(batch) or loop.time() > committed_at + COMMIT_S):
                committed = await _commit(ledger, batch, progress.refused)
                committed_at = loop.time()
                progress.done += len(batch)
                progress.blocks += committed.blocks
                progress.transactions += committed.transactions
                batch = []
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


def _is_full(batch: Sequence[Block]) -> bool:
    return len(batch) >= COMMIT_BLOCKS or sum(len(block.transactions) for block in batch) >= COMMIT_TRANSACTIONS
