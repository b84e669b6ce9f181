"""Every filter by hand, on a desk and on a phone; every page as they leave it; and what is saved of it."""

from __future__ import annotations

import csv
import io

import pytest
from playwright.async_api import Browser, Page, expect

from dashboards.pages import PAGES
from tests.browser.conftest import Stack
from tests.browser.looking import RECORDED, VIEW, Trouble, ends, opened, read
from txhub.client import AsyncClient

ROUTER = "0x3fc91a3afd70395cd496c647d5a6cc9d4b2b7fad"
"""A receiver of many of the recorded transactions."""


@pytest.mark.parametrize("device", VIEW)
async def test_each_filter_narrows_what_is_listed(stack: Stack, chromium: Browser, device: str) -> None:
    look = {"viewport": VIEW[device]}
    async with (
        AsyncClient(stack.url) as api,
        opened(chromium, stack, f"/transactions{RECORDED}", **look) as (page, trouble),
    ):
        if device == "phone":
            fold = page.locator("#unfold-filters")
            await expect(page.get_by_label("Time range in words")).to_be_hidden()
            await expect(fold).to_have_text("2023-09-08 07:27 to 07:30 \N{MIDDLE DOT} all chains")
            assert (await page.locator(".filterbar").bounding_box() or {"height": 0})["height"] < 64
            await fold.click()
            await expect(fold).to_have_attribute("aria-expanded", "true")
        view = RECORDED
        await _choose(page, "Chains", "ethereum")
        await page.wait_for_url(ends(view := f"{view}&chain=ethereum"))
        await _choose(page, "Kinds of transactions", "Contract call")
        await page.wait_for_url(ends(view := f"{view}&kind=contract_call"))
        await page.get_by_text("More filters").click()
        for label, text, parameter in (
            ("Receiver", ROUTER, f"to={ROUTER}"),
            ("Least amount", "0.01", "min=0.01"),
            ("Greatest amount", "1,000", "max=1000"),
        ):
            await page.get_by_label(label).fill(text)
            await page.keyboard.press("Enter")
            await page.wait_for_url(ends(view := f"{view}&{parameter}"))
        await read(page)
        found = (
            await api.transactions(
                chain="ethereum", kind="contract_call", to=ROUTER, min_value="0.01", max_value="1000", limit=100,
                start="2023-09-08T07:27:00Z", end="2023-09-08T07:30:00Z",
            )
        ).items  # fmt: skip
        assert 3 < len(found) < 100
        shown = page.locator("#transactions-rows .ag-center-cols-container [role=row]")
        await expect(shown).to_have_count(len(found))

        async with page.expect_download() as saving:
            await page.get_by_role("link", name="CSV").click()
        saved = (await (await saving.value).path()).read_text(encoding="utf-8")
        lines = list(csv.DictReader(io.StringIO(saved)))
        told = {(each.hash, each.value, each.from_address, str(each.block_number)) for each in found}
        assert {(line["hash"], line["value"], line["from_address"], line["block_number"]) for line in lines} == told

        await page.get_by_label("Least amount").fill("much")
        await page.keyboard.press("Enter")
        await expect(page.locator(".filterbar .mantine-InputWrapper-error")).to_be_visible()
        assert page.url.endswith(view)
        base, sender = f"/transactions{RECORDED}&chain=ethereum&kind=contract_call", found[0].from_address
        for label, text, narrowed in (
            ("Least amount", "", f"&to={ROUTER}&max=1000"),
            ("Receiver", "", "&max=1000"),
            ("Sender", sender, f"&from={sender}&max=1000"),
        ):
            await page.get_by_label(label).fill(text)
            await page.keyboard.press("Enter")
            await page.wait_for_url(ends(base + narrowed))
        await page.get_by_role("button", name="Clear all filters").click()
        await page.wait_for_url(ends(f"/transactions{RECORDED}"))
        await page.locator(".presets").get_by_text("90d", exact=True).click()
        await page.wait_for_url(ends("/transactions?range=90d"))
        assert trouble == Trouble()


async def test_changes_made_at_once_are_all_kept(stack: Stack, chromium: Browser) -> None:
    async with opened(chromium, stack, f"/history{RECORDED}") as (page, trouble):
        await page.get_by_role("textbox", name="Kinds of transactions").click()
        kind = await page.get_by_role("option", name="Contract call", exact=True).element_handle()
        await page.get_by_role("textbox", name="Metric").dispatch_event("click")
        metric = await page.get_by_role("option", name="Volume", exact=True).element_handle()
        preset = await page.locator(".presets").get_by_text("90d", exact=True).element_handle()
        # In one go of the browser: no answer of the server can come between.
        await page.evaluate("all => all.forEach(each => each.click())", [kind, metric, preset])
        await page.wait_for_url(ends("/history?range=90d&kind=contract_call&metric=volume"))
        await read(page)
        assert page.url.endswith("/history?range=90d&kind=contract_call&metric=volume")
        await expect(page.get_by_role("textbox", name="Metric")).to_have_value("Volume")
        await expect(page.locator(".presets input:checked")).to_have_value("90d")
        await expect(page.locator("#history-note")).to_have_text("Volume")
        await page.go_back()
        await page.wait_for_url(ends("/history?range=90d&kind=contract_call"))
        await expect(page.get_by_role("textbox", name="Metric")).to_have_value("Transactions per minute")
        assert trouble == Trouble()


async def test_a_link_shows_every_page_on_a_phone_as_it_was_sent(stack: Stack, chromium: Browser) -> None:
    view = f"{RECORDED}&chain=ethereum&kind=transfer,contract_call&from={ROUTER}&to={ROUTER}&min=0.5&max=20"
    async with opened(chromium, stack, f"/{view}", viewport=VIEW["phone"]) as (page, trouble):
        for there in PAGES:
            if there.path == "/blocks":
                continue  # it has pages of single blocks only
            await page.goto(f"{stack.url}{there.path}{view}")
            await read(page)
            assert page.url.endswith(f"{there.path}{view}")
            await expect(page.locator(".refusal:not(:empty)")).to_have_count(0)
            said = "\N{GREATER-THAN OR EQUAL TO} 0.5, \N{LESS-THAN OR EQUAL TO} 20"
            await expect(page.locator("#unfold-filters")).to_contain_text(said)
            assert await page.evaluate("document.documentElement.scrollWidth") == VIEW["phone"]["width"]
        assert trouble == Trouble()


async def _choose(page: Page, among: str, option: str) -> None:
    """Choose an option of a list that opens where it is pressed."""
    await page.get_by_role("textbox", name=among).click()
    await page.get_by_role("option", name=option, exact=True).click()
    await page.keyboard.press("Escape")
