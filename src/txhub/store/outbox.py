"""Following the outbox: what was committed, in order of id, within milliseconds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import NamedTuple

import asyncpg

from txhub.store.faults import translated
from txhub.store.pool import SERVICE_PATIENCE_S
from txhub.store.sqlfiles import queries

CHANNEL = "txhub_events"
_BATCH = 500
_FALLBACK_S = 1.0
"""A notification only wakes; one that is lost delays an event by this long."""
_REPLICA_S = 0.2
"""A replica takes no LISTEN, so there the outbox is looked at this often."""
_SQL = queries("outbox")


class OutboxEvent(NamedTuple):
    """A row of `txhub.stream_events`; `data` is JSON text."""

    id: int
    event: str
    chain_id: int | None
    data: str


class OutboxReader:
    """Follows `txhub.stream_events` on a connection of its own."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def follow(self, after: int | None = None) -> AsyncGenerator[tuple[int, list[OutboxEvent]], None]:
        """Yield the newest id seen and the events up to it that are new; at first, at once, and then as they come.

        Args:
            after: the last id known; None: only what is committed from now on.

        Raises:
            DatabaseUnavailable, DatabaseRefused, SchemaMismatch: call it again, with the last id, to go on.
        """
        woken = asyncio.Event()
        with translated():
            connection = await asyncpg.connect(
                self._url,
                timeout=10,
                command_timeout=SERVICE_PATIENCE_S,
                server_settings={"application_name": "txhub outbox"},
            )
            try:
                patience = _FALLBACK_S
                if await connection.fetchval(_SQL["is_replica"]):
                    patience = _REPLICA_S
                else:
                    await connection.add_listener(CHANNEL, lambda *_: woken.set())
                position = int(await connection.fetchval(_SQL["newest"])) if after is None else after
                yield position, []
                while True:
                    woken.clear()
                    rows = await connection.fetch(_SQL["after"], position, _BATCH)
                    if rows:
                        position = rows[-1]["id"]
                        yield position, [OutboxEvent(*row) for row in rows]
                    if len(rows) < _BATCH:
                        await _wait(woken, patience)
            finally:
                await connection.close(timeout=2)


async def _wait(woken: asyncio.Event, patience: float) -> None:
    try:
        async with asyncio.timeout(patience):
            await woken.wait()
    except TimeoutError:
        return
