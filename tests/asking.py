"""The API over a database, asked in process or in a real server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime

import httpx
from granian.constants import Interfaces
from granian.server.embed import Server

from txhub.api.app import create_app, say_goodbye
from txhub.client import ApiError, AsyncClient
from txhub.config import Settings
from txhub.errors import Unavailable
from txhub.ports import free_port

SOON_S = 20.0
"""How long to wait for what comes at once."""


@asynccontextmanager
async def asking(database: str, now: datetime | None = None) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the API; without `now` relative times count from the real one. Faults of ours are its answers."""
    app = create_app(database, Settings(), clock=lambda: now or datetime.now(UTC))
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with app.lifespan(), httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        yield client


@asynccontextmanager
async def served(url: str, keep_s: float = 0.0) -> AsyncIterator[str]:
    """The API in a real server; its address. Leaving waits until the server has stopped."""
    port = free_port()
    app = create_app(url, Settings(), keep_s=keep_s)
    server = Server(app, address="127.0.0.1", port=port, interface=Interfaces.ASGI, log_enabled=False)
    serving = asyncio.create_task(server.serve())
    address = f"http://127.0.0.1:{port}"
    try:
        async with asyncio.timeout(SOON_S), AsyncClient(address) as client:
            while True:
                with suppress(Unavailable, ApiError):
                    await client.chains()
                    break
                await asyncio.sleep(0.05)
        yield address
    finally:
        await say_goodbye(app)
        server.stop()
        async with asyncio.timeout(SOON_S):
            await serving
