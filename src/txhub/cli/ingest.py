"""`txhub ingest`: follow chains."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from contextlib import AsyncExitStack, closing, suppress
from functools import partial
from typing import Any

from txhub.chain.registry import open_source
from txhub.chain.source import Notice, Source
from txhub.cli import wiring
from txhub.cli.logs import configure_logs
from txhub.config import Settings
from txhub.errors import DatabaseRefused, DatabaseUnavailable, NodeUnavailable, TxhubError
from txhub.ingest.follow import Follower
from txhub.ingest.keep import keeping
from txhub.ingest.observers import Countries, PeerSource, keep_asking
from txhub.ingest.stream import Stream
from txhub.ingest.supervisor import beside, supervise
from txhub.ingest.tokens import TokenSource, keep_looking
from txhub.model import Chain
from txhub.ops.presence import Presence
from txhub.store.ledger import Ledger
from txhub.store.pool import SERVICE_PATIENCE_S, Pool, open_pool

CONNECTIONS_PER_CHAIN = 5
"""One commits at the head, one behind it, one holds the turn to follow, one tells how it goes, one is for the rest."""


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

    A chain that cannot be followed any further is left, and the others go on.

    Raises:
        SettingError: the GeoIP file cannot be read.
        NodeUnavailable, NodeRefused: at the start, when none of the chains can be followed.
        TxhubError: what the first chain was left for, when all of them were left.
    """
    async with AsyncExitStack() as stack:
        countries = None if settings.geoip is None else stack.enter_context(closing(Countries(settings.geoip)))
        sources = [open_source(chain) for chain in chains]
        for source in sources:
            stack.push_async_callback(source.close)
        await _check_any(sources)
        size = len(chains) * CONNECTIONS_PER_CHAIN + 1  # and one says that this lives
        pool = await stack.enter_async_context(open_pool(url, name="ingest", size=size, patience_s=SERVICE_PATIENCE_S))
        followed = [_follow(source, pool, settings, countries) for source in sources]
        presence = Presence(pool, " ".join(["ingest", *sorted(chain.name for chain in chains)]), "ingest")
        async with beside(supervise("presence", presence.keep)):
            failures = await _all(followed)
        raise failures[0]


async def _all(followed: Sequence[Coroutine[Any, Any, TxhubError]]) -> list[TxhubError]:
    async with asyncio.TaskGroup() as tasks:
        following = [tasks.create_task(each) for each in followed]
    return [task.result() for task in following]


async def _follow(source: Source, pool: Pool, settings: Settings, countries: Countries | None) -> TxhubError:
    """Follow one chain until a person has to look; why is written down, and returned."""
    ledger = Ledger(pool, source.chain)
    stream = Stream(ledger)
    follower = Follower(
        keeping(source),
        ledger,
        stream,
        history=settings.history,
        request_blocks=settings.request_blocks,
        parallel_requests=settings.parallel_requests,
    )
    name = source.chain.name
    async with asyncio.TaskGroup() as beside:
        tasks = [beside.create_task(supervise(f"{name} stream", stream.write))]
        if isinstance(source, TokenSource):
            tasks.append(beside.create_task(supervise(f"{name} tokens", partial(keep_looking, source, pool))))
        if countries is not None and isinstance(source, PeerSource):
            asking = partial(keep_asking, source, pool, countries)
            tasks.append(beside.create_task(supervise(f"{name} peers", asking)))
        try:
            await supervise(name, follower.run)
        except TxhubError as failure:
            stream.note(Notice("error", "halted", {"reason": str(failure)}))
            with suppress(DatabaseUnavailable, DatabaseRefused):
                await stream.flush()
            return failure
        finally:
            for task in tasks:
                task.cancel()


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
