"""`txhub worker`: what goes on behind ingest."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from txhub.cli import wiring
from txhub.cli.console import configure_logs
from txhub.config import Settings
from txhub.ingest.supervisor import supervise
from txhub.rollup.hours import keep_closing
from txhub.rollup.policies import apply_policies
from txhub.rollup.refresh import keep_up
from txhub.store.faults import translated
from txhub.store.pool import Pool, open_pool
from txhub.store.sqlfiles import queries

KEEP_EVENTS = timedelta(days=7)
"""How long a client may be away and still resume the stream where it left it."""


def worker(home: wiring.HomeOption = None, attached: wiring.AttachedOption = False) -> None:
    """Keep the rollups up to date behind ingest, and the database's policies as the settings say."""
    settings = wiring.settings_of(home=home)
    configure_logs(settings)
    with wiring.database(settings) as url:
        wiring.run(work(url, settings), attached=attached)


async def work(url: str, settings: Settings) -> None:
    """Do the worker's tasks for ever, each taken up again after a failure of the database."""
    async with open_pool(url, name="worker") as pool, asyncio.TaskGroup() as tasks:
        await apply_policies(pool, chunk_interval=settings.chunk_interval, compress_after=settings.compress_after)
        tasks.create_task(supervise("rollup", lambda: keep_up(pool)))
        tasks.create_task(supervise("hours", lambda: keep_closing(pool)))
        tasks.create_task(supervise("outbox", lambda: _forget_events(pool)))


async def _forget_events(pool: Pool) -> None:
    while True:
        with translated():
            await pool.execute(queries("outbox")["forget"], KEEP_EVENTS)
        await asyncio.sleep(3600)
