"""The whole of txhub for a browser: recorded blocks in a database, API and dashboard in one process, Chromium."""

from __future__ import annotations

import asyncio
import gzip
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager

import msgspec
import pytest
from playwright.async_api import Browser, async_playwright, expect

from tests.blocks import ETHEREUM
from tests.commands import environment, running
from tests.conftest import open_database
from tests.data import recorded
from txhub.chain.decode import RawBlock, decode_block
from txhub.model import Block, Chain
from txhub.ports import free_port, wait_for_port
from txhub.store.edition import Edition
from txhub.store.ledger import Ledger
from txhub.store.migrate import migrate
from txhub.store.pool import open_pool
from txhub.store.server import Server

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
NO_CHROMIUM = "no Chromium on this machine, so the dashboard is not looked at: apt-get install chromium"
QUIET = (
    "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking",
    "--disable-component-update", "--disable-default-apps", "--disable-sync", "--no-first-run",
)  # fmt: skip

expect.set_options(timeout=20_000)  # milliseconds: Playwright's five seconds are little where tests share slow cores


class Stack:
    """API and dashboard on a database, which can be stopped and started again."""

    def __init__(self, database_url: str, running: ExitStack) -> None:
        self.database_url = database_url
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._running = running
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start serving, and wait until it does."""
        command = ("serve", "--port", str(self.port))
        self._process = self._running.enter_context(running(*command, env=environment(self.database_url)))
        wait_for_port(self.port, self._process, seconds=180)

    def kill(self) -> None:
        """End the server at once, as a crash would."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    async def commit(self, chain: Chain, blocks: Sequence[Block]) -> None:
        """Commit blocks, as the ingester does."""
        async with open_pool(self.database_url, name="test") as pool:
            ledger = Ledger(pool, chain)
            await ledger.register()
            await ledger.commit(blocks)


@contextmanager
def serving(server: Server) -> Iterator[Stack]:
    """txhub with the 14 recorded mainnet blocks in a database of their own."""
    with gzip.open(recorded()) as lines:
        raw = [msgspec.json.decode(line, type=RawBlock) for line in lines]
    blocks = [decode_block(ETHEREUM, block, int(block.number, 16)) for block in raw]
    with open_database(server) as url, ExitStack() as running:
        migrate(url)
        stack = Stack(url, running)
        asyncio.run(stack.commit(ETHEREUM, blocks))
        stack.start()
        yield stack


@pytest.fixture(scope="session")
def plain_server(servers: Callable[[Edition], Server]) -> Server:
    """A server of the edition that every machine has: readers cannot tell it from the other."""
    return servers(Edition.PLAIN)


@pytest.fixture(scope="module")
def stack(plain_server: Server) -> Iterator[Stack]:
    """txhub with the recorded blocks, for tests that only read."""
    with serving(plain_server) as stack:
        yield stack


@pytest.fixture
def own_stack(plain_server: Server) -> Iterator[Stack]:
    """The same for one test alone, which may change anything."""
    with serving(plain_server) as stack:
        yield stack


@pytest.fixture
async def chromium() -> AsyncIterator[Browser]:
    """A browser without a window."""
    if CHROMIUM is None:
        pytest.skip(NO_CHROMIUM)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        await browser.close()
