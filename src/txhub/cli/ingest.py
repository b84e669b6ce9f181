"""`txhub ingest`: follow chains."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from txhub.chain.registry import open_source
from txhub.cli import wiring
from txhub.cli.console import configure_logs
from txhub.config import Settings
from txhub.errors import NodeUnavailable
from txhub.ingest.follow import Follower
from txhub.ingest.supervisor import supervise
from txhub.model import Chain
from txhub.store.ledger import Ledger
from txhub.store.pool import Pool, open_pool

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
    await _check_any(chains)
    async with (
        open_pool(url, name="ingest", size=len(chains) * CONNECTIONS_PER_CHAIN) as pool,
        asyncio.TaskGroup() as tasks,
    ):
        for chain in chains:
            tasks.create_task(supervise(chain.name, lambda chain=chain: _follow(pool, settings, chain)))  # type: ignore[misc]


async def _follow(pool: Pool, settings: Settings, chain: Chain) -> None:
    source = open_source(chain)
    try:
        follower = Follower(
            source,
            Ledger(pool, chain),
            history=settings.history,
            request_blocks=settings.request_blocks,
            parallel_requests=settings.parallel_requests,
        )
        await follower.run()
    finally:
        await source.close()


async def _check_any(chains: Sequence[Chain]) -> None:
    """Nodes that are away at the start are waited for as long as one of the chains can be followed."""

    async def check(chain: Chain) -> NodeUnavailable | None:
        source = open_source(chain)
        try:
            await source.check()
        except NodeUnavailable as failure:
            return failure
        else:
            return None
        finally:
            await source.close()

    failures = await asyncio.gather(*map(check, chains))
    if failures and all(failures):
        raise failures[0]  # type: ignore[misc]
