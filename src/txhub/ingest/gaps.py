"""Gaps: blocks between the first that was promised and the newest that the ledger does not hold.

A follower fills its own. What stays behind (its node did not have a block, nobody followed for a while) is listed for
a person, filled on demand, and filled by the worker once it is overdue.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple, TypeAlias

from txhub.chain.registry import open_source
from txhub.chain.source import Source
from txhub.errors import BadBlock, NotFound, UsageError
from txhub.ingest.backfill import Progress, backfill
from txhub.ingest.follow import LOOK_SHARE
from txhub.ingest.keep import keeping
from txhub.ingest.supervisor import persevere
from txhub.model import Chain
from txhub.store.faults import translated
from txhub.store.ledger import Ledger
from txhub.store.pool import Pool
from txhub.store.sqlfiles import queries

MOST_GAPS = 1000
"""A list names this many, the newest of each chain."""
OVERDUE = timedelta(minutes=5)
"""How long a gap is its follower's own affair."""
INTERVAL_S, LONGEST_INTERVAL_S = 60.0, 600.0
"""Seconds between two looks for overdue gaps; doubled while blocks are refused, and at most."""
_SQL = queries("gaps")

Load: TypeAlias = Callable[[Source, Ledger, range], Awaitable[Progress]]


class Gap(NamedTuple):
    """Blocks `first` to `last` (both included) that are missing."""

    chain: str
    first: int
    last: int
    since: datetime | None
    """The time of the block before them; None where none is held."""
    until: datetime
    """The time of the block after them."""
    reason: str | None
    """Why one of them was refused, the last time that one was."""


async def read_gaps(pool: Pool, chain: str | None = None) -> list[Gap]:
    """The gaps of a chain, or of all that are followed, newest first.

    Raises:
        NotFound: there is no such chain.
    """
    with translated():
        if chain is not None:
            await _require(pool, chain)
        rows = await pool.fetch(_SQL["gaps"], chain, MOST_GAPS)
    return [Gap(**row) for row in rows]


async def unfollow(pool: Pool, chain: str) -> None:
    """Stop expecting blocks of a chain: what is missing stays so, and nobody waits for it. Its rows stay.

    Whoever follows it again promises anew, from where they begin.

    Raises:
        NotFound: there is no such chain.
        UsageError: somebody is following it.
    """
    with translated():
        await _require(pool, chain)
        if not await pool.fetch(_SQL["unfollow"], chain):
            raise UsageError(f"{chain} is being followed now", hint="stop the ingester that follows it first")


async def _require(pool: Pool, chain: str) -> None:
    if not await pool.fetchval(_SQL["known"], chain):
        raise NotFound(f"chain {chain!r} is not in the database", hint="`txhub gaps list` shows which are")


async def promised(pool: Pool, chain: Chain) -> range:
    """The blocks of which none may be missing: empty for a chain that is not followed."""
    with translated():
        row = await pool.fetchrow(_SQL["promised"], chain.chain_id)
    return range(0) if row is None or row["first"] is None else range(row["first"], row["last"] + 1)


async def fill(
    source: Source,
    ledger: Ledger,
    numbers: range,
    *,
    request_blocks: int,
    parallel_requests: int,
    report: Callable[[Progress], None] = lambda progress: None,
) -> Progress:
    """Load whatever is missing of a range, until nothing is or blocks are refused; those are returned.

    A node or a database that is lost meanwhile is waited for, as long as there is some progress.

    Raises:
        NodeUnavailable, DatabaseUnavailable, DiskFull: nothing came for minutes; what was committed stays.
        NodeRefused, DatabaseRefused, BehindHorizon: waiting does not help.
    """
    total = Progress()

    async def work() -> None:
        while runs := await ledger.missing(numbers.start, numbers.stop - 1):
            before = Progress(len(numbers) - sum(map(len, runs)), total.blocks, total.transactions)

            def add(progress: Progress, before: Progress = before) -> None:
                total.done = before.done + progress.done
                total.blocks = before.blocks + progress.blocks
                total.transactions = before.transactions + progress.transactions
                report(total)

            done = await backfill(
                source, ledger, runs, request_blocks=request_blocks, parallel_requests=parallel_requests, report=add
            )
            total.refused = done.refused
            if done.refused:
                return
        total.done = len(numbers)
        report(total)

    await persevere(f"{ledger.chain.name} blocks", work, lambda: total.blocks)
    return total


async def keep_filling(pool: Pool, chain: Chain, *, request_blocks: int, parallel_requests: int) -> None:
    """Fill the overdue gaps of a chain for ever.

    Raises:
        NodeUnavailable, NodeRefused, DatabaseUnavailable, DatabaseRefused, DiskFull: run it again to go on.
    """
    loop = asyncio.get_running_loop()
    ledger = Ledger(pool, chain)
    load = partial(fill, request_blocks=request_blocks, parallel_requests=parallel_requests)
    told: set[str] = set()
    pause = INTERVAL_S
    while True:
        started = loop.time()
        runs = await overdue(pool, chain)
        looked_s = loop.time() - started
        refused = await _fill_all(ledger, runs, load) if runs else []
        for reason in {str(refusal) for refusal in refused} - told:
            await ledger.record("warning", "worker", "block_refused", reason=reason)
            told.add(reason)
        pause = min(2 * pause, LONGEST_INTERVAL_S) if refused else INTERVAL_S
        await asyncio.sleep(max(pause, looked_s / LOOK_SHARE))


async def overdue(pool: Pool, chain: Chain) -> list[range]:
    """The gaps of a chain that its follower should have filled, newest first."""
    with translated():
        rows = await pool.fetch(_SQL["overdue"], chain.chain_id, OVERDUE, MOST_GAPS)
    return [range(row["first"], row["last"] + 1) for row in rows]


async def _fill_all(ledger: Ledger, runs: list[range], load: Load) -> list[BadBlock]:
    """Fill gaps with a connection of their own to the chain's nodes; what was refused is returned."""
    source = open_source(ledger.chain)
    try:
        await source.check()
        done = [await load(keeping(source), ledger, run) for run in runs]
    finally:
        await source.close()
    blocks = sum(progress.blocks for progress in done)
    if blocks:
        await ledger.record("info", "worker", "gaps_filled", gaps=len(runs), blocks=blocks)
    return [refusal for progress in done for refusal in progress.refused]
