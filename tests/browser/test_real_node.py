"""A transaction sent to a real Ethereum node is in the database, in the API and, without reloading, on the page."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from playwright.async_api import Browser, expect
from web3 import Web3

from tests.anvil import running_anvil
from tests.commands import environment, running
from txhub.client import AsyncClient
from txhub.ports import free_port, wait_for_port
from txhub.store.pool import open_pool

ANVIL = {"chains__anvil__chain_id": "31337", "chains__anvil__block_time_s": "1", "history": "0s"}


@pytest.fixture
def node() -> Iterator[str]:
    with running_anvil(block_time=1) as address:
        yield address


@pytest.fixture
def url(database: str, node: str) -> Iterator[str]:
    """The address of the dashboard and the API, with an ingester that follows the node."""
    port = free_port()
    env = environment(database, **ANVIL)
    with ExitStack() as services:
        services.enter_context(running("ingest", "--chain", "anvil", "--rpc", f"ws://{node}", env=env))
        wait_for_port(port, services.enter_context(running("serve", "--port", str(port), env=env)))
        yield f"http://127.0.0.1:{port}"


async def test_from_a_node_to_the_page(database: str, node: str, url: str, chromium: Browser) -> None:
    web3 = Web3(Web3.HTTPProvider(f"http://{node}"))
    sender, receiver = web3.eth.accounts[:2]
    page = await chromium.new_page()
    await page.goto(f"{url}/?range=15m")
    await expect(page.locator("#live-link")).to_have_text("Live", timeout=20_000)
    async with open_pool(database, name="test") as pool:
        while not await pool.fetchval("SELECT count(*) FROM txhub.blocks"):  # noqa: ASYNC110 (another process)
            await asyncio.sleep(0.1)
        await page.evaluate("window.sameDocument = true")
        value = web3.to_wei("345.678", "ether")
        sent = web3.eth.send_transaction({"from": sender, "to": receiver, "value": value}).to_0x_hex()

        await expect(page.locator("#overview-large")).to_contain_text("345.68", timeout=20_000)
        assert await page.evaluate("window.sameDocument")
        assert await pool.fetchval("SELECT value FROM txhub.transactions WHERE hash = txhub.hash($1)", sent) == value
    async with AsyncClient(url) as client:
        [found] = (await client.transactions(chain="anvil", min_value=300, start="-15m")).items
        assert (found.hash, found.value, found.from_address, found.to_address) == (
            sent,
            "345.678",
            sender.lower(),
            receiver.lower(),
        )
        volume = await client.series("volume", chain="anvil", start="-15m")
        assert volume["value"].sum() == 345.678
    await page.close()
