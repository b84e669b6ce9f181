"""The Overview as a person sees it: real blocks, the real server, a real browser."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from playwright.async_api import Browser, Page, expect

from tests.blocks import ETHEREUM, make_block
from tests.browser.conftest import Stack
from tests.browser.looking import RECORDED, VIEW, Trouble, ends, opened, until

POINTS = "document.querySelector('#overview-rate .js-plotly-plot')?.data?.[0]"


async def counts(page: Page) -> list[float]:
    """The points of the rate chart, from the chart itself."""
    await until(page, f"Boolean({POINTS}?.y?.length)")
    return await page.evaluate(f"Array.from({POINTS}.y)")


async def test_shows_the_recorded_minutes(stack: Stack, chromium: Browser) -> None:
    async with opened(chromium, stack, f"/{RECORDED}") as (page, trouble):
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
        await until(page, f"{POINTS}?.y?.[0] < 600")
        await page.keyboard.press("Escape")
        await page.go_back()
        await until(page, f"{POINTS}?.y?.[0] === 600")
        await page.go_forward()
        await until(page, f"{POINTS}?.y?.[0] < 600")
        await page.locator(".presets").get_by_text("6h", exact=True).click()
        await page.wait_for_url(ends("/?range=6h&kind=transfer"))

        await page.get_by_label("Time range in words").fill("some time ago")
        await page.keyboard.press("Enter")
        await expect(page.locator(".filterbar").get_by_text("-6h, or")).to_be_visible()
        assert page.url.endswith("/?range=6h&kind=transfer")
        assert trouble == Trouble()


async def test_a_new_block_appears_without_reloading(own_stack: Stack, chromium: Browser) -> None:
    async with (
        opened(chromium, own_stack) as (desk, desk_trouble),
        _on_a_phone(chromium, own_stack) as (phone, trouble),
    ):
        for page in (desk, phone):
            await expect(page.locator("#live-link")).to_have_text("Live")
            await page.evaluate("window.sameDocument = true")
        demo = replace(ETHEREUM, chain_id=13371, name="demo-ethereum", demo=True)
        start = datetime.now(UTC) - timedelta(seconds=demo.block_time_s)
        await own_stack.commit(demo, [make_block(1, chain=demo, transactions=37, start=start)])

        for page in (desk, phone):
            announced = page.locator("#overview-blocks .announced")
            await expect(announced).to_have_count(1)
            await expect(announced).to_contain_text("37 tx")
            await expect(page.locator("#overview-cards")).to_contain_text("demo-ethereum")
            await expect(page.get_by_text("DEMO", exact=True)).to_be_visible()
            assert await page.evaluate("window.sameDocument")
        assert await phone.evaluate("document.documentElement.scrollWidth") == VIEW["phone"]["width"]
        assert desk_trouble == trouble == Trouble()


async def test_finds_its_server_again(own_stack: Stack, chromium: Browser) -> None:
    async with (
        opened(chromium, own_stack, f"/{RECORDED}") as (desk, _),
        _on_a_phone(chromium, own_stack, f"/{RECORDED}") as (phone, _),
    ):
        pages = (desk, phone)
        for page in pages:
            await expect(page.locator("#live-link")).to_have_text("Live")
        own_stack.kill()
        for page in pages:
            await expect(page.locator("#live-link")).to_have_text("Reconnecting…")
            assert await counts(page) == [600, 838, 699]
        own_stack.start()
        for page in pages:
            await expect(page.locator("#live-link")).to_have_text("Live", timeout=60_000)
        await phone.locator("#unfold-filters").click()
        for page in pages:
            await page.locator(".presets").get_by_text("6h", exact=True).click()
            await expect(page.locator("#overview-notice")).to_contain_text("No transactions in this range")


def _on_a_phone(
    chromium: Browser, stack: Stack, address: str = "/"
) -> AbstractAsyncContextManager[tuple[Page, Trouble]]:
    return opened(chromium, stack, address, viewport=VIEW["phone"], has_touch=True, is_mobile=True)
