"""The API over a database, asked in process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import httpx

from txhub.api.app import create_app
from txhub.config import Settings


@asynccontextmanager
async def asking(database: str, now: datetime | None = None) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the API; without `now` relative times count from the real one. Faults of ours are its answers."""
    app = create_app(database, Settings(), clock=lambda: now or datetime.now(UTC))
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with app.lifespan(), httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        yield client
