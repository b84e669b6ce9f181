"""Signing in with a key; what those see who may only look; and what the others change, live."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from contextlib import ExitStack
from typing import NamedTuple

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.conftest import Stack, recorded_blocks, shown
from tests.browser.looking import RECORDED, Trouble, ends, findings, opened, read, watched
from txhub.store.keys import Role, create_key
from txhub.store.pool import open_pool

REFUSED = "this needs a key of the role analyst, and yours is viewer"
WATCH = "dash_clientside.changes.watch(1, {chain: 'ethereum', address: '0x12'})"
"""What the button does, for one who reaches it all the same."""


class Keyed(NamedTuple):
    """A server that asks for keys, and one of each role."""

    stack: Stack
    viewer: str
    analyst: str


@pytest.fixture
def keyed(stack: Stack) -> Iterator[Keyed]:
    """A second server on the same database."""

    async def keys() -> list[str]:
        async with open_pool(stack.database_url, name="test") as pool:
            return [await create_key(pool, role.value, role) for role in (Role.VIEWER, Role.ANALYST)]

    viewer, analyst = asyncio.run(keys())
    with ExitStack() as running:
        guarded = Stack(stack.database_url, running, require_keys="true")
        guarded.start()
        yield Keyed(guarded, viewer, analyst)


async def signed_in(page: Page, url: str, key: str) -> None:
    await page.goto(url)
    await page.wait_for_url(ends("/signin"))
    await page.get_by_label("Your key").fill(key)
    await page.get_by_role("button", name="Sign in").click()


async def test_who_may_look_and_who_may_change(keyed: Keyed, chromium: Browser) -> None:
    url = keyed.stack.url
    context = await chromium.new_context()
    page = await context.new_page()
    trouble = watched(page, url)
    await signed_in(page, url, "txhub_wrong")
    await expect(page.locator("#refusal")).to_contain_text("key")
    assert await findings(page) == []
    await page.get_by_label("Your key").fill(keyed.viewer)
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_url(f"{url}/")
    await read(page)
    await expect(page.locator("#live-link")).to_have_text("Live")

    largest = max((row for block in recorded_blocks() for row in block.transactions), key=lambda row: row.value)
    await page.goto(f"{url}/addresses/ethereum/{shown(largest.to_address)}{RECORDED}")
    await read(page)
    await _disabled(page, "Watch this address")
    assert REFUSED in await page.evaluate(WATCH)
    await page.goto(f"{url}/rules/new")
    await read(page)
    await _disabled(page, "Make the rule", "Try")
    await expect(page.get_by_label("Name")).to_be_disabled()
    await page.goto(f"{url}/rules/fan-in")
    await read(page)
    await _disabled(page, "Save", "Try")
    assert await findings(page) == []
    await page.goto(f"{url}/alerts{RECORDED}")
    await read(page)
    await page.get_by_role("link", name="244.28 ETH moved").click()
    await page.wait_for_url(ends(f"/alerts/1{RECORDED}"))
    await read(page)
    await _disabled(page, "Save")
    assert trouble.foreign == []
    assert [each.removeprefix(url) for each in trouble.refused] == ["/v1/session", "/v1/watchlist"]
    assert len(trouble.errors) == 2  # the browser says so of each that was refused

    other = await chromium.new_context()
    desk = await other.new_page()
    await signed_in(desk, url, keyed.analyst)
    await desk.wait_for_url(f"{url}/")
    await desk.goto(page.url)
    await read(desk)
    await page.evaluate("window.sameDocument = true")
    await desk.get_by_label("Note").fill("known customer")
    await desk.get_by_role("button", name="Save").click()
    await expect(desk.locator("#case-said")).to_have_text("Saved.")
    assert await desk.locator("fieldset[data-needs]:disabled").count() == 0
    await expect(page.locator("#alert-history")).to_contain_text("known customer")
    assert await page.evaluate("window.sameDocument")
    await other.close()
    await context.close()


async def _disabled(page: Page, *buttons: str) -> None:
    """These cannot be pressed, and beside them stands why."""
    for name in buttons:
        await expect(page.get_by_role("button", name=name)).to_be_disabled()
    fields = page.locator("fieldset[data-needs]")
    await expect(fields.first).to_have_attribute("title", f"T{REFUSED[1:]}.")
    assert await page.locator("fieldset[data-needs]:not(:disabled)").count() == 0
    shown = await fields.first.evaluate("fields => getComputedStyle(fields, '::before').content")
    assert REFUSED[1:] in shown


async def test_pages_of_one_thing_are_open_to_all(stack: Stack, chromium: Browser) -> None:
    largest = max((row for block in recorded_blocks() for row in block.transactions), key=lambda row: row.value)
    async with opened(chromium, stack, f"/rules{RECORDED}", color_scheme="light") as (page, trouble):
        for path in (
            f"/transactions/ethereum/0x{largest.hash.hex()}",
            f"/addresses/ethereum/{shown(largest.to_address)}",
            f"/blocks/ethereum/{largest.block_number}",
            "/alerts/1",
        ):
            await page.set_viewport_size({"width": 1440, "height": 900})
            await page.emulate_media(color_scheme="light")
            await page.goto(f"{stack.url}{path}{RECORDED}")
            await read(page)
            await expect(page.locator(".refusal:not(:empty)")).to_have_count(0)
            assert await findings(page) == [], path
            await page.emulate_media(color_scheme="dark")
            await expect(page.locator("html")).to_have_attribute("data-mantine-color-scheme", "dark")
            assert await findings(page) == [], path
            await page.set_viewport_size({"width": 390, "height": 844})
            assert await page.evaluate("document.documentElement.scrollWidth") == 390, path
        await page.goto(f"{stack.url}/alerts{RECORDED}")
        told = page.locator("#alerts-rows .aged .age")
        await expect(told).to_have_text(re.compile(r"^\d+ d ago$"))
        await expect(told).to_have_attribute("title", f"{largest.block_time:%Y-%m-%d %H:%M:%S} UTC")
        await page.set_viewport_size({"width": 1440, "height": 900})
        await expect(told).to_be_hidden()
        assert trouble == Trouble()
