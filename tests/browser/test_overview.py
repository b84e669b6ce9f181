"""The Overview as a person sees it: real blocks, the real server, a real browser."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from tests.blocks import ETHEREUM, make_block
from tests.browser.conftest import Stack

RECORDED = "?range=2023-09-08T07:27:00Z/2023-09-08T07:30:00Z"
POINTS = "document.querySelector('#overview-rate .js-plotly-plot')?.data?.[0]"
VIEW = {"light": {"width": 1440, "height": 900}, "phone": {"width": 390, "height": 844}}


@dataclass
class Trouble:
    """What a page must not do: complain in its console, or ask another host for anything."""

    errors: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


@asynccontextmanager
async def opened(
    browser: Browser, stack: Stack, query: str = "", **options: Any
) -> AsyncIterator[tuple[Page, Trouble]]:
    """The Overview in a fresh tab, once it has drawn its first chart."""
    context = await browser.new_context(**{"viewport": VIEW["light"], **options})
    page = await context.new_page()
    trouble = Trouble()
    page.on("console", lambda said: trouble.errors.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: trouble.errors.append(str(error)))
    page.on("response", lambda answer: trouble.refused.append(answer.url) if answer.status >= 400 else None)
    page.on("request", lambda asked: trouble.foreign.append(asked.url) if _is_foreign(asked.url, stack.url) else None)
    await page.goto(f"{stack.url}/{query}")
    await page.wait_for_function("document.querySelector('#overview-cards .figure, #overview-notice .notice')")
    yield page, trouble
    await context.close()


def _is_foreign(url: str, home: str) -> bool:
    return not url.startswith((home, "data:", "blob:"))


def ends(query: str) -> Callable[[str], bool]:
    """Whether an address ends so."""
    return lambda url: url.endswith(query)


async def counts(page: Page) -> list[float]:
    """The points of the rate chart, from the chart itself."""
    await page.wait_for_function(f"{POINTS}?.y?.length")
    return await page.evaluate(f"Array.from({POINTS}.y)")


async def test_shows_the_recorded_minutes(stack: Stack, chromium: Browser) -> None:
    async with opened(chromium, stack, RECORDED) as (page, trouble):
        assert await counts(page) == [600, 838, 699]
        times = await page.evaluate(f"Array.from({POINTS}.x)")
        assert [time[:16] for time in times] == ["2023-09-08T07:27", "2023-09-08T07:28", "2023-09-08T07:29"]
        cards = page.locator("#overview-cards")
        await expect(cards).to_contain_text("699")
        await expect(cards).to_contain_text("1,491.22")
        await expect(cards.get_by_title("1,491.219908150491057278 ETH")).to_be_visible()
        await expect(page.locator("#overview-quality")).to_contain_text("All blocks of this range are in")
        rows = page.locator("#overview-large-rows .ag-center-cols-container [role=row]")
        await expect(rows).to_have_count(2)
        await expect(rows.first).to_contain_text("244.28 ETH")
        await expect(rows.last).to_contain_text("122.10 ETH")
        await expect(page.locator("#overview-peaks")).to_contain_text("838")
        await expect(page.locator("#overview-rate-box")).to_have_attribute(
            "aria-label", "Transactions per minute over time. At the end: ethereum 699."
        )
        await expect(page.get_by_text("DEMO", exact=True)).to_be_hidden()
        await expect(page.locator("#live-link")).to_have_text("Live")
        assert trouble == Trouble()


async def test_the_view_lives_in_the_address(stack: Stack, chromium: Browser) -> None:
    async with opened(chromium, stack) as (page, trouble):
        await expect(page.locator("#overview-notice")).to_contain_text("No transactions in this range")
        await page.get_by_role("link", name="Show those").click()
        await page.wait_for_url(ends("?range=2023-09-08T07:27:00Z/2023-09-08T07:29:59Z"))
        await page.get_by_label("Time range in words").fill("2023-09-08 07:27 to 2023-09-08 07:30")
        await page.keyboard.press("Enter")
        await page.wait_for_url(ends(RECORDED))
        assert await counts(page) == [600, 838, 699]

        await page.get_by_role("textbox", name="Kinds of transactions").click()
        await page.get_by_role("option", name="Transfer", exact=True).click()
        await page.wait_for_url(ends("&kind=transfer"))
        await page.wait_for_function(f"{POINTS}?.y?.[0] < 600")
        await page.keyboard.press("Escape")
        await page.go_back()
        await page.wait_for_function(f"{POINTS}?.y?.[0] === 600")
        await page.go_forward()
        await page.wait_for_function(f"{POINTS}?.y?.[0] < 600")
        await page.locator(".presets").get_by_text("6h", exact=True).click()
        await page.wait_for_url(ends("/?range=6h&kind=transfer"))

        await page.get_by_label("Time range in words").fill("some time ago")
        await page.keyboard.press("Enter")
        await expect(page.locator(".filterbar").get_by_text("-6h, or")).to_be_visible()
        assert page.url.endswith("/?range=6h&kind=transfer")
        assert trouble == Trouble()


async def test_a_new_block_appears_without_reloading(own_stack: Stack, chromium: Browser) -> None:
    async with opened(chromium, own_stack) as (page, trouble):
        await expect(page.locator("#live-link")).to_have_text("Live")
        await page.evaluate("window.sameDocument = true")
        demo = replace(ETHEREUM, chain_id=13371, name="demo-ethereum", demo=True)
        start = datetime.now(UTC) - timedelta(seconds=demo.block_time_s)
        await own_stack.commit(demo, [make_block(1, chain=demo, transactions=37, start=start)])

        announced = page.locator("#overview-blocks .announced")
        await expect(announced).to_have_count(1)
        await expect(announced).to_contain_text("37 tx")
        await expect(page.locator("#overview-cards")).to_contain_text("demo-ethereum")
        await expect(page.get_by_text("DEMO", exact=True)).to_be_visible()
        assert await page.evaluate("window.sameDocument")
        assert trouble == Trouble()


async def test_finds_its_server_again(own_stack: Stack, chromium: Browser) -> None:
    async with opened(chromium, own_stack, RECORDED) as (page, _):
        link = page.locator("#live-link")
        await expect(link).to_have_text("Live")
        own_stack.kill()
        await expect(link).to_have_text("Reconnecting…")
        assert await counts(page) == [600, 838, 699]
        own_stack.start()
        await expect(link).to_have_text("Live", timeout=15_000)
        await page.locator(".presets").get_by_text("6h", exact=True).click()
        await expect(page.locator("#overview-notice")).to_contain_text("No transactions in this range")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_fits_a_phone(stack: Stack, chromium: Browser, scheme: str) -> None:
    async with opened(chromium, stack, RECORDED, viewport=VIEW["phone"], color_scheme=scheme) as (page, trouble):
        assert await counts(page) == [600, 838, 699]
        assert await page.evaluate("document.documentElement.scrollWidth") == VIEW["phone"]["width"]
        assert await page.evaluate("document.documentElement.dataset.mantineColorScheme") == scheme
        assert trouble == Trouble()
