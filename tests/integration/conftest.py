"""A database with the sample in it, for each edition once a module, and the API over it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator

import httpx
import pytest

from tests.conftest import open_database
from tests.sample import NOW, commit_sample
from txhub.api.app import create_app
from txhub.config import Settings
from txhub.store.edition import Edition
from txhub.store.migrate import migrate
from txhub.store.read import Reader
from txhub.store.server import Server


@pytest.fixture(scope="module", params=list(Edition), ids=str)
def sample(request: pytest.FixtureRequest, servers: Callable[[Edition], Server]) -> Iterator[str]:
    """The URL of a database with the sample; tests only read it."""
    with open_database(servers(request.param)) as url:
        migrate(url)
        asyncio.run(commit_sample(url))
        yield url


@pytest.fixture
async def reader(sample: str) -> AsyncIterator[Reader]:
    """A reader of the sample."""
    async with Reader(sample) as reader:
        yield reader


@pytest.fixture
async def api(sample: str) -> AsyncIterator[httpx.AsyncClient]:
    """The API over the sample, asked in process."""
    app = create_app(sample, Settings(), clock=lambda: NOW)
    started, finished = asyncio.Event(), asyncio.Event()

    async def live() -> None:  # in a task of its own: a fixture ends in another task than it began in
        async with app.lifespan():
            started.set()
            await finished.wait()

    living = asyncio.create_task(live())
    await started.wait()
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        yield client
    finished.set()
    await living
