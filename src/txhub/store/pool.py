"""Connections of asyncpg: for COPY, for LISTEN and for small statements."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeAlias

import asyncpg

from txhub.store.faults import translated

Pool: TypeAlias = asyncpg.Pool
Connection: TypeAlias = asyncpg.Connection
Record: TypeAlias = asyncpg.Record

SERVICE_PATIENCE_S = 20.0
"""Seconds within which a service's ordinary statement is answered: else the connection is taken for half open."""
WORKER_PATIENCE_S = 120.0
"""The same for the worker's, which read much."""
LONG_S = 600.0
"""And for the few statements that read or write most, and for those of commands."""
_PAUSE_S = 15.0
"""A service says nothing for so long in the middle of a transaction only if its connection is half open: however long
its statements may take, between them there is little to do. Until then others wait for the locks."""
_IDLE_S = 10.0
"""A connection that nobody used for so long is closed: sooner than the server would."""
_GOODBYE_S = 5.0
_WORD_S = 5.0
"""Seconds within which a connection says that a statement was cancelled, or its state reset: else it is half open."""
DEAD_PEERS = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 25_000}
"""How one end finds out within half a minute that the other has gone without a word, by libpq's names."""
_SERVER_SETTINGS = {f"tcp_{name.removeprefix('tcp_')}": str(value) for name, value in DEAD_PEERS.items()}
_SOCKET_OPTIONS = dict(
    zip(("TCP_KEEPIDLE", "TCP_KEEPINTVL", "TCP_KEEPCNT", "TCP_USER_TIMEOUT"), DEAD_PEERS.values(), strict=True)
)
"""By name, as not every system has all of them."""


class Session(asyncpg.Connection):  # type: ignore[misc]
    """A connection that is ended when it does not even say within seconds that a statement was cancelled.

    Left to asyncpg, what cancels a statement, rolls back, or gives a half-open connection back would wait for as long
    as a statement may take, each anew.
    """

    async def _cancel(self, *waiters: asyncio.Future[None]) -> None:  # asyncpg has no other way to it
        async with asyncio.timeout(_WORD_S) as limit:
            await super()._cancel(*waiters)
        if limit.expired():
            self.terminate()

    async def reset(self, *, timeout: float | None = None) -> None:  # noqa: ASYNC109 (as asyncpg has it)
        """Have it forget what was set and locked."""
        await super().reset(timeout=_WORD_S if timeout is None else timeout)


@asynccontextmanager
async def open_pool(
    url: str, *, name: str, size: int = 4, least: int = 1, patience_s: float = LONG_S
) -> AsyncIterator[Pool]:
    """A pool of at most `size` connections that show as `txhub NAME` in pg_stat_activity. Times are UTC.

    It keeps `least` of them open; with 0 it connects when it is first used, and nothing is raised before. A statement
    without an answer for `patience_s` is given up, unless it says itself how long it may take.

    Raises:
        DatabaseUnavailable: nobody answers there.
        DatabaseRefused: the user, the password or the database is wrong.
    """
    with translated():
        pool = await asyncpg.create_pool(
            url,
            min_size=least,
            max_size=size,
            timeout=10,
            command_timeout=patience_s,
            connection_class=Session,
            init=_find_dead_peers,
            max_inactive_connection_lifetime=_IDLE_S,
            server_settings={
                "application_name": f"txhub {name}",
                "timezone": "UTC",
                **_SERVER_SETTINGS,
                **(_given_up_after(patience_s) if patience_s < LONG_S else {}),
            },
        )
    try:
        yield pool
    finally:
        await _close(pool)


def _given_up_after(patience_s: float) -> dict[str, str]:
    """What has the server end a service's session that keeps locks and says nothing; a command may take a break."""
    limits = {
        "idle_session_timeout": 1.5 * patience_s,
        "idle_in_transaction_session_timeout": min(1.5 * patience_s, _PAUSE_S),
    }
    return {name: f"{1000 * seconds:.0f}" for name, seconds in limits.items()}


async def _find_dead_peers(connection: Connection) -> None:
    end = connection._transport.get_extra_info("socket")  # noqa: SLF001 (asyncpg has no other way to it)
    if end is not None and end.family != socket.AF_UNIX:
        end.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in _SOCKET_OPTIONS.items():
            if (known := getattr(socket, option, None)) is not None:
                end.setsockopt(socket.IPPROTO_TCP, known, value)


async def _close(pool: Pool) -> None:
    """Close the connections in order; those that do not answer are left."""
    try:
        async with asyncio.timeout(_GOODBYE_S):
            await pool.close()
    except TimeoutError:
        pool.terminate()


async def try_connection(url: str) -> None:
    """Connect once and leave, to learn what is wrong.

    Raises:
        DatabaseUnavailable, DatabaseRefused: as `open_pool`.
    """
    with translated():
        connection = await asyncpg.connect(url, timeout=10)
        await connection.close()
