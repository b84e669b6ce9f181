"""Says of a service that it lives, and tells a crash from a stop: a row of `txhub.services` that is kept fresh.

Of several processes of one service, such as ingesters of one chain of which all but one wait, the first has the row, by
an advisory lock that PostgreSQL drops when its session ends; another takes it over then.
"""

from __future__ import annotations

import asyncio
import secrets
from contextlib import suppress
from functools import partial

from txhub import __version__
from txhub.errors import DatabaseRefused, DatabaseUnavailable
from txhub.eventlog import Component, Level
from txhub.store.events import record_event
from txhub.store.faults import translated
from txhub.store.pool import Connection, Pool
from txhub.store.sqlfiles import queries

BEAT_S = 15.0
SILENT_S = 4 * BEAT_S
"""Who has not said that it lives for so long has died, or hangs."""
_RETRY_S = 1.0
_GOODBYE_S = 2.0
_SQL = queries("services")


class Presence:
    """One process of a service.

    Args:
        name: of the service, unique in its database: the command, and what it works on.
        component: who writes its events.
    """

    def __init__(self, pool: Pool, name: str, component: Component) -> None:
        self._pool = pool
        self._name = name
        self._component = component
        self._instance = secrets.token_hex(8)

    async def keep(self) -> None:
        """Say that it lives, for ever; that it was stopped, when this is cancelled.

        Raises:
            DatabaseUnavailable, DatabaseRefused, DiskFull: run it again to go on.
        """
        with translated():
            async with self._pool.acquire() as connection:
                # The event that is waited for is in another process.
                while not await connection.fetchval(_SQL["claim"], self._name):  # noqa: ASYNC110
                    await asyncio.sleep(_RETRY_S)
                await self._start(connection)
                try:
                    while True:
                        await asyncio.sleep(BEAT_S)
                        await connection.execute(_SQL["seen"], self._name)
                except asyncio.CancelledError:
                    await self._stop(connection)
                    raise

    async def _start(self, connection: Connection) -> None:
        async with connection.transaction():
            before = await connection.fetchrow(_SQL["before"], self._name)
            if before and before["instance"] == self._instance:
                await connection.execute(_SQL["seen"], self._name)
                await record_event(connection, "warning", self._component, "connection_lost", service=self._name)
                return
            await connection.execute(_SQL["started"], self._name, __version__, self._instance)
            crashed = before is not None and before["stopped_at"] is None
            after = "crash" if crashed else "stop" if before else "never"
            level: Level = "warning" if crashed else "info"
            told = partial(record_event, connection, level, self._component, "service_started")
            await told(service=self._name, version=__version__, after=after)

    async def _stop(self, connection: Connection) -> None:
        """Say so if the database takes it at once: nothing waits for this."""
        with suppress(DatabaseUnavailable, DatabaseRefused, TimeoutError), translated():
            async with asyncio.timeout(_GOODBYE_S), connection.transaction():
                await connection.execute(_SQL["stopped"], self._name)
                await record_event(connection, "info", self._component, "service_stopped", service=self._name)
