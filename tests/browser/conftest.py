"""The whole of txhub for a browser: recorded blocks in a database, API and dashboard in one process, Chromium."""

from __future__ import annotations

import asyncio
import gzip
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from playwright.async_api import Browser, async_playwright, expect

from tests.blocks import ETHEREUM
from tests.commands import environment, running
from tests.conftest import open_database
from tests.data import recorded
from txhub.chain.decode import RawBlock, decode_block
from txhub.contract import Severity
from txhub.detect.defaults import keep_rules
from txhub.detect.screening import screen_committed, search_history
from txhub.model import Block, Chain
from txhub.ports import free_port, wait_for_port
from txhub.store.alerts import Finding, Raiser, reconcile
from txhub.store.edition import Edition
from txhub.store.labels import Entry, Taken, import_entries
from txhub.store.ledger import Ledger
from txhub.store.migrate import migrate
from txhub.store.moves import Moves
from txhub.store.pool import open_pool
from txhub.store.rules import read_rules
from txhub.store.server import Server

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
NO_CHROMIUM = "no Chromium on this machine, so the dashboard is not looked at: apt-get install chromium"
QUIET = (
    "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking",
    "--disable-component-update", "--disable-default-apps", "--disable-sync", "--no-first-run",
)  # fmt: skip

BEFORE = datetime(2023, 1, 1, tzinfo=UTC)
"""Since when the lists of names are in force: before the recorded blocks."""

expect.set_options(timeout=20_000)  # milliseconds: Playwright's five seconds are little where tests share slow cores


class Stack:
    """API and dashboard on a database, which can be stopped and started again."""

    def __init__(self, database_url: str, running: ExitStack, **settings: str) -> None:
        self.database_url = database_url
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._running = running
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start serving, and wait until it does."""
        command = ("serve", "--port", str(self.port))
        env = environment(self.database_url, **self._settings)
        self._process = self._running.enter_context(running(*command, env=env))
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
def serving(server: Server, known: bool = False) -> Iterator[Stack]:
    """txhub with the 14 recorded mainnet blocks in a database of their own; `known`: and what `make_known` adds."""
    blocks = recorded_blocks()
    with open_database(server) as url, ExitStack() as running:
        migrate(url)
        stack = Stack(url, running)
        asyncio.run(stack.commit(ETHEREUM, blocks))
        if known:
            asyncio.run(make_known(url, blocks))
        stack.start()
        yield stack


def recorded_blocks() -> list[Block]:
    """The blocks, decoded."""
    with gzip.open(recorded()) as lines:
        raw = [msgspec.json.decode(line, type=RawBlock) for line in lines]
    return [decode_block(ETHEREUM, block, int(block.number, 16)) for block in raw]


async def make_known(url: str, blocks: Sequence[Block]) -> None:
    """Name the senders of the largest transactions, watch who got the largest one, and raise an alert of it."""
    rows = sorted((row for block in blocks for row in block.transactions), key=lambda row: -row.value)
    senders = list(dict.fromkeys(shown(row.from_address) for row in rows))
    countries = ("US", "JP", "US")
    desk = [Entry(each, f"House {n}", "exchange", countries[n]) for n, each in enumerate(senders[: len(countries)])]
    largest = rows[0]
    async with open_pool(url, name="test") as pool:
        await import_entries(pool, desk, Taken("desk", "1", BEFORE, watched=False), "list")
        listed = [Entry(shown(largest.to_address), "Somebody", "sanctioned")]
        await import_entries(pool, listed, Taken("ofac", "1", BEFORE, watched=True), "list")
        moves = Moves(pool, None)
        while await screen_committed(pool, moves):
            pass
        while await search_history(pool, moves):
            pass
        await keep_rules(pool, {})
        rule = next(rule for rule in await read_rules(pool) if rule.name == "large-transfer")
        raiser = Raiser(rule.id, rule.version, rule.name, "amount", Severity.HIGH)
        subject, time = "0x" + largest.hash.hex(), largest.block_time
        found = Finding(subject, time, "244.28 ETH moved", value=largest.value, hash=largest.hash)
        await reconcile(pool, raiser, ETHEREUM.chain_id, time, time + timedelta(minutes=1), [found])


def shown(address: bytes | None) -> str:
    """An address as people write it."""
    return f"0x{(address or b'').hex()}"


@pytest.fixture(scope="session")
def plain_server(servers: Callable[[Edition], Server]) -> Server:
    """A server of the edition that every machine has: readers cannot tell it from the other."""
    return servers(Edition.PLAIN)


@pytest.fixture(scope="session")
def stack(plain_server: Server) -> Iterator[Stack]:
    """txhub with the recorded blocks and what is known of them, for tests that only read."""
    with serving(plain_server, known=True) as stack:
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
