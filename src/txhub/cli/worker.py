"""`txhub worker`: what goes on behind ingest."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from txhub.alert.channels import channels_of
from txhub.alert.delivery import Courier
from txhub.alert.grouping import Limits
from txhub.alert.lifecycle import keep_alerts
from txhub.cli import wiring
from txhub.cli.heap import keep_giving_back, return_what_is_freed
from txhub.cli.logs import configure_logs
from txhub.config import Settings
from txhub.detect.screening import keep_screening
from txhub.ingest.gaps import keep_filling
from txhub.ingest.supervisor import supervise
from txhub.model import Chain
from txhub.ops.heartbeat import keep_beating
from txhub.ops.presence import Presence
from txhub.ops.watch import Watch
from txhub.rollup.filters import keep_filtering
from txhub.rollup.hours import keep_closing
from txhub.rollup.policies import apply_policies
from txhub.rollup.refresh import keep_up
from txhub.rollup.settle import settle
from txhub.store.faults import translated
from txhub.store.place import Place
from txhub.store.pool import LONG_S, SERVICE_PATIENCE_S, WORKER_PATIENCE_S, Pool, open_pool
from txhub.store.read import Reader
from txhub.store.sqlfiles import queries

KEEP_EVENTS = timedelta(days=7)
"""How long a client may be away and still resume the stream where it left it."""

LONGEST_READ = timedelta(minutes=5)
"""How long detection may read rows of the past."""
PRICED_BEFORE = timedelta(days=1)
"""How long before the history its prices begin: a price holds for as long."""


def worker(
    chain: wiring.ChainOption = [],  # noqa: B006 (typer's way)
    rpc: wiring.RpcOption = [],  # noqa: B006
    home: wiring.HomeOption = None,
    attached: wiring.AttachedOption = False,
) -> None:
    """Keep rollups, screen, look for what rules say, tell channels, fill gaps, apply policies, read price feeds."""
    return_what_is_freed()
    settings = wiring.settings_of(home=home)
    configure_logs(settings)
    has_nodes = chain or rpc or any(given.rpc for given in settings.chains.values())
    chains = wiring.chains_of(chain, rpc, settings) if has_nodes else []
    with wiring.database(settings) as url:
        wiring.run(work(url, settings, chains), attached=attached)


async def work(url: str, settings: Settings, chains: Sequence[Chain]) -> None:
    """Do the worker's tasks for ever, each taken up again after a failure of the database."""
    priced = [chain for chain in chains if chain.family == "evm" and chain.price_feed]
    async with open_pool(url, name="worker", patience_s=WORKER_PATIENCE_S) as pool, asyncio.TaskGroup() as tasks:
        await apply_policies(pool, chunk_interval=settings.chunk_interval, compress_after=settings.compress_after)
        tasks.create_task(supervise("detection", partial(_detect, url, pool, settings)))
        tasks.create_task(supervise("anomalies", partial(_find_odd, url, pool)))
        tasks.create_task(supervise("edge", partial(_judge_as_it_comes, url, pool)))
        tasks.create_task(supervise("traffic", partial(_watch_traffic, url, pool, settings)))
        tasks.create_task(supervise("rollup", lambda: keep_up(pool)))
        tasks.create_task(supervise("hours", lambda: keep_closing(pool)))
        tasks.create_task(supervise("filters", lambda: keep_filtering(pool)))
        place = Place(settings.archive_address)
        tasks.create_task(supervise("exposure", lambda: keep_screening(pool, place)))
        tasks.create_task(supervise("outbox", lambda: _forget(pool, settings)))
        tasks.create_task(_watch(url, settings, pool))
        tasks.create_task(_tell(url, settings))
        tasks.create_task(keep_giving_back())
        if settings.heartbeat_url:
            beating = partial(keep_beating, settings.heartbeat_url.get_secret_value())
            tasks.create_task(beating(settings.heartbeat_every.total_seconds()))
        for chain in chains:
            options = {"request_blocks": settings.request_blocks, "parallel_requests": settings.parallel_requests}
            tasks.create_task(supervise(f"gaps of {chain.name}", partial(keep_filling, pool, chain, **options)))
        if settings.archive or settings.retention:
            # Imported when needed, as what follows: Polars and Parquet take as long as all the rest.
            from txhub.archive.upkeep import keep_archive
            from txhub.cli.archive import place_of

            archived = partial(keep_archive, url, place_of(settings), settings.retention, settle)
            tasks.create_task(supervise("archive", archived))
        if priced:
            # Imported when needed: web3 takes over a second.
            from txhub.ingest.prices import follow_price

            since = datetime.now(UTC) - settings.history - PRICED_BEFORE
            for chain in priced:
                tasks.create_task(supervise(f"prices by {chain.name}", partial(follow_price, pool, chain, since)))


async def _watch(url: str, settings: Settings, pool: Pool) -> None:
    places = {} if settings.database_url else {"the database": settings.home}
    if "://" not in settings.archive_address:
        places["the archive"] = Path(settings.archive_address)
    async with (
        # Of its own, so that it is told of what goes wrong even while long work does not come to its end.
        open_pool(url, name="watch", size=2, patience_s=SERVICE_PATIENCE_S) as own,
        Reader(url, size=1) as reader,
        asyncio.TaskGroup() as tasks,
    ):
        tasks.create_task(supervise("presence", Presence(own, "worker", "worker").keep))
        tasks.create_task(supervise("watch", Watch(own, reader, places).run))
        tasks.create_task(supervise("audit", Watch(pool, reader, places).run_audits))


async def _detect(url: str, pool: Pool, settings: Settings) -> None:
    # Imported when needed, as what follows: Polars takes as long as all the rest.
    from txhub.detect.defaults import keep_rules
    from txhub.detect.jobs import keep_testing
    from txhub.detect.runner import Runner

    await keep_rules(pool, settings.rules)
    async with (
        Reader(url, size=4, patience=LONGEST_READ) as reader,
        Reader(url, size=1, patience=LONGEST_READ) as past,
        asyncio.TaskGroup() as tasks,
    ):
        tasks.create_task(supervise("backtests", partial(keep_testing, pool, past)))
        tasks.create_task(Runner(pool, reader, url, settings.rules_past).run())


async def _tell(url: str, settings: Settings) -> None:
    """Follow what becomes of alerts, and tell channels: each has a task of its own, so that none waits for another."""
    limits = Limits(settings.alert_window, settings.alert_daily_cap, settings.alert_max_age)
    async with AsyncExitStack() as stack:
        pool = await stack.enter_async_context(open_pool(url, name="alerts", patience_s=SERVICE_PATIENCE_S))
        tasks = asyncio.TaskGroup()
        couriers: dict[str, Courier] = {}
        for channel in channels_of(settings.channels):
            sender = channel.sender()
            stack.push_async_callback(sender.close)
            couriers[channel.name] = Courier(
                pool, channel, sender, dashboard=settings.public_url, daily_cap=settings.alert_daily_cap
            )
        await stack.enter_async_context(tasks)
        following = partial(
            keep_alerts, pool, url, channels_of(settings.channels), limits, lambda name: couriers[name].wake()
        )
        tasks.create_task(supervise("alerts", following))
        for name, courier in couriers.items():
            tasks.create_task(supervise(f"channel {name}", courier.run))


async def _watch_traffic(url: str, pool: Pool, settings: Settings) -> None:
    from txhub.detect.trafficrunner import TrafficRunner

    async with Reader(url, size=1, patience=LONGEST_READ) as reader:
        await TrafficRunner(pool, reader, url, settings.rules_past).run()


async def _find_odd(url: str, pool: Pool) -> None:
    from txhub.detect.anomalyrunner import AnomalyRunner

    async with Reader(url, size=1, patience=LONGEST_READ) as reader:
        await AnomalyRunner(pool, reader).run()


async def _judge_as_it_comes(url: str, pool: Pool) -> None:
    from txhub.detect.edgerunner import EdgeRunner

    async with Reader(url, size=1, patience=LONGEST_READ) as reader:
        await EdgeRunner(pool, reader).run()


async def _forget(pool: Pool, settings: Settings) -> None:
    archived = bool(settings.archive or settings.retention)
    while True:
        with translated():
            await pool.execute(queries("outbox")["forget"], KEEP_EVENTS, timeout=LONG_S)
            await pool.execute(
                queries("eventlog")["forget"], datetime.now(UTC) - settings.keep_events, archived, timeout=LONG_S
            )
        await asyncio.sleep(3600)
