"""`txhub ingest`: follow chains."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack

from txhub.chain.registry import open_source
from txhub.chain.source import Source
from txhub.cli import wiring
from txhub.cli.console import configure_logs
from txhub.config import Settings
from txhub.errors import NodeUnavailable
from txhub.ingest.follow import Follower
from txhub.ingest.supervisor import supervise
from txhub.model import Chain
from txhub.store.ledger import Ledger
from txhub.store.pool import open_pool

CONNECTIONS_PER_CHAIN = 3
"""One commits at the head, one commits behind it, one holds the turn to follow."""


def ingest(
    chain: wiring.ChainOption = [],  # noqa: B006 (typer's way)
    rpc: wiring.RpcOption = [],  # noqa: B006
    home: wiring.HomeOption = None,
    attached: wiring.AttachedOption = False,
) -> None:
    """Follow chains: commit each new block at once, and fill in what is missing behind it."""
    settings = wiring.settings_of(home=home)
    configure_logs(settings)
    chains = wiring.chains_of(chain, rpc, settings)
    with wiring.database(settings) as url:
        wiring.run(follow_all(url, settings, chains), attached=attached)


async def follow_all(url: str, settings: Settings, chains: Sequence[Chain]) -> None:
    """Follow each chain for ever, none of them held up by another.

    Raises:
        NodeUnavailable, NodeRefused: at the start, when none of the chains can be followed.
    """
    async with AsyncExitStack() as stack:
        sources = [open_source(chain) for chain in chains]
        for source in sources:
            stack.push_async_callback(source.close)
        await _check_any(sources)
        pool = await stack.enter_async_context(open_pool(url, name="ingest", size=len(chains) * CONNECTIONS_PER_CHAIN))
        tasks = await stack.enter_async_context(asyncio.TaskGroup())
        for source in sources:
            follower = Follower(
                source,
                Ledger(pool, source.chain),
                history=settings.history,
                request_blocks=settings.request_blocks,
                parallel_requests=settings.parallel_requests,
            )
            tasks.create_task(supervise(source.chain.name, follower.run))


async def _check_any(sources: Sequence[Source]) -> None:
    """Nodes that are away at the start are waited for as long as one of the chains can be followed."""

    async def check(source: Source) -> NodeUnavailable | None:
        try:
            await source.check()
        except NodeUnavailable as failure:
            return failure
        return None

    failures = [failure for failure in await asyncio.gather(*map(check, sources)) if failure]
    if len(failures) == len(sources):
        raise failures[0]
