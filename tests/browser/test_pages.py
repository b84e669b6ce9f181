"""Every page that exists: whole, quiet, open to all, on a desk and on a phone; and the ways between them."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, expect

from dashboards.page import Page as DashboardPage
from dashboards.pages import PAGES
from tests.browser.conftest import Stack
from tests.browser.looking import RECORDED, VIEW, Trouble, ends, findings, opened, read, watched

LISTED = [page for page in PAGES if page.listed]
EVERY_PAGE = pytest.mark.parametrize("page_of", LISTED, ids=[page.name for page in LISTED])


@EVERY_PAGE
@pytest.mark.parametrize("device", VIEW)
async def test_a_page_is_whole_and_open_to_all(
    stack: Stack, chromium: Browser, page_of: DashboardPage, device: str
) -> None:
    look = {"viewport": VIEW[device], "color_scheme": "light"}
    async with opened(chromium, stack, page_of.path + RECORDED, **look) as (page, trouble):
        await expect(page.get_by_role("heading", level=1)).to_have_text(page_of.name)
        assert await page.title() == f"{page_of.name} \N{MIDDLE DOT} txhub"
        current = page.get_by_role("navigation", name="Pages").locator("[aria-current=page]")
        await expect(current).to_have_text(page_of.name)
        await expect(page.locator("#live-link")).to_have_text("Live")
        await expect(page.locator(".refusal:not(:empty)")).to_have_count(0)
        assert await page.evaluate("document.documentElement.scrollWidth") == VIEW[device]["width"]
        assert await findings(page) == []
        await page.emulate_media(color_scheme="dark")
        await expect(page.locator("html")).to_have_attribute("data-mantine-color-scheme", "dark")
        assert await findings(page) == []
        assert trouble == Trouble()


async def test_filters_go_along_from_page_to_page_and_back(stack: Stack, chromium: Browser) -> None:
    view = f"{RECORDED}&chain=ethereum&from=0xdac17f958d2ee523a2206206994597c13d831ec7&min=0.5"
    async with opened(chromium, stack, f"/{view}") as (page, trouble):
        await page.evaluate("window.sameDocument = true")
        links = page.get_by_role("navigation", name="Pages")
        for there in LISTED[1:]:
            await links.get_by_role("link", name=there.name, exact=True).click()
            await page.wait_for_url(ends(there.path + view))
            await expect(page.get_by_role("heading", level=1)).to_have_text(there.name)
            await read(page)
        for there in reversed(LISTED[:-1]):
            await page.go_back()
            await page.wait_for_url(ends(there.path + view))
            await expect(page.get_by_role("heading", level=1)).to_have_text(there.name)
            await read(page)
        await page.get_by_text("More filters").click()
        await expect(page.get_by_label("Sender")).to_have_value("0xdac17f958d2ee523a2206206994597c13d831ec7")
        await expect(page.get_by_label("Least amount")).to_have_value("0.5")
        await expect(page.locator("#filter-narrowed")).to_have_text("from 0xdac17f\u20261ec7, \u2265 0.5")
        await page.get_by_label("Greatest amount").fill("2,000")
        await page.keyboard.press("Enter")
        await page.wait_for_url(ends("&min=0.5&max=2000"))
        await page.get_by_role("button", name="Clear all filters").click()
        await page.wait_for_url(ends(f"/{RECORDED}"))
        assert await page.evaluate("window.sameDocument")
        assert trouble == Trouble()


async def test_an_address_of_no_page_says_so(stack: Stack, chromium: Browser) -> None:
    async with opened(chromium, stack, "/nowhere/at/all?range=6h") as (page, trouble):
        await expect(page.get_by_role("heading", level=1)).to_have_text("No such page")
        await page.get_by_role("link", name="Go to the Overview").click()
        await page.wait_for_url(ends("/?range=6h"))
        await expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
        assert trouble.refused == [f"{stack.url}/nowhere/at/all?range=6h"]
        assert trouble.foreign == []


async def test_times_are_of_the_clocks_that_the_reader_chose(stack: Stack, chromium: Browser) -> None:
    async with opened(chromium, stack, f"/{RECORDED}", timezone_id="Europe/Berlin") as (page, trouble):
        text = page.get_by_label("Time range in words")
        await expect(text).to_have_value("2023-09-08 07:27 to 2023-09-08 07:30")
        await page.locator("#zone-switch").click()
        await expect(text).to_have_value("2023-09-08 09:27 to 2023-09-08 09:30")
        await expect(page.locator("#zone-switch")).to_have_text("Berlin")
        await read(page)
        first = "document.querySelector('#overview-rate .js-plotly-plot').data[0].x[0]"
        assert (await page.evaluate(first)).startswith("2023-09-08T09:27")
        await text.fill("2023-09-08 09:28 to 09:30")
        await page.keyboard.press("Enter")
        await page.wait_for_url(ends("?range=2023-09-08T07:28:00Z/2023-09-08T07:30:00Z"))
        await page.reload()
        await expect(text).to_have_value("2023-09-08 09:28 to 2023-09-08 09:30")
        assert trouble == Trouble()


async def test_a_paused_page_stands_still_until_it_goes_on(stack: Stack, chromium: Browser) -> None:
    async with opened(chromium, stack, f"/{RECORDED}") as (page, trouble):
        sign = page.locator("#live-link")
        await sign.click()
        await expect(sign).to_have_text("Paused")
        await expect(sign).to_have_attribute("aria-pressed", "true")
        await page.locator(".presets").get_by_text("6h", exact=True).click()
        await expect(page.locator("#overview-notice")).to_contain_text("No transactions in this range")
        await sign.press("Enter")
        await expect(sign).to_have_text("Live")
        assert trouble == Trouble()


async def test_the_keyboard_reaches_the_page_first(stack: Stack, chromium: Browser) -> None:
    async with opened(chromium, stack, f"/{RECORDED}") as (page, trouble):
        await page.keyboard.press("Tab")
        skip = page.get_by_role("link", name="Skip to the page")
        await expect(skip).to_be_focused()
        await page.keyboard.press("Enter")
        assert page.url.endswith("#main")
        assert trouble == Trouble()


async def test_pages_and_their_policy_come_from_here_alone(stack: Stack, chromium: Browser) -> None:
    async with opened(chromium, stack, f"/{RECORDED}") as (page, _):
        answer = await page.request.get(stack.url)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe-eval" not in policy
        assert "'unsafe-inline'" not in policy.split("style-src")[0]
        await page.evaluate("setTimeout('window.made = true', 0)")
        await page.evaluate(
            "document.body.append(Object.assign(document.createElement('script'), {text: 'made = true'}))"
        )
        await page.wait_for_timeout(100)
        assert await page.evaluate("window.made === undefined")


async def test_the_search_box_leads_to_what_it_finds(stack: Stack, chromium: Browser) -> None:
    async with opened(chromium, stack, f"/{RECORDED}") as (page, trouble):
        await page.keyboard.press("/")
        box = page.get_by_placeholder("Search: hash, address, block, label")
        await expect(box).to_be_focused()
        await page.keyboard.type("18090210")
        hit = page.locator("#search-found a.hit").first
        await expect(hit).to_contain_text("ethereum")
        await page.keyboard.press("ArrowDown")
        await expect(hit).to_be_focused()
        await page.keyboard.press("Enter")
        await page.wait_for_url(ends(f"/blocks/ethereum/18090210{RECORDED}"))
        await expect(page.locator("#search-found")).to_be_hidden()
        assert trouble == Trouble()


async def test_a_thin_line_gets_a_light_overview(stack: Stack, chromium: Browser) -> None:
    context = await chromium.new_context(viewport=VIEW["phone"])
    page = await context.new_page()
    trouble = watched(page, stack.url)
    loaded: list[float] = []
    session = await context.new_cdp_session(page)
    await session.send("Network.enable")
    session.on("Network.loadingFinished", lambda event: loaded.append(event["encodedDataLength"]))
    await page.goto(f"{stack.url}/light{RECORDED}")
    await expect(page.locator("#light-link")).to_have_text("Live")
    await expect(page.locator(".cards")).to_contain_text("1,491.22")
    await expect(page.get_by_text("244.28 ETH")).to_be_visible()
    assert 5_000 < sum(loaded) < 300_000
    assert await page.evaluate("document.documentElement.scrollWidth") == VIEW["phone"]["width"]
    assert await findings(page) == []
    assert trouble == Trouble()
    await context.close()


async def test_the_dashboard_can_be_installed(stack: Stack, chromium: Browser) -> None:
    async with opened(chromium, stack, f"/{RECORDED}") as (page, trouble):
        manifest = await (await page.request.get(f"{stack.url}/manifest.webmanifest")).json()
        assert (manifest["display"], manifest["start_url"]) == ("standalone", "/")
        for icon in manifest["icons"]:
            picture = await page.request.get(stack.url + icon["src"])
            assert (picture.status, picture.headers["content-type"].split(";")[0]) == (200, icon["type"])
        assert await page.evaluate("navigator.serviceWorker.ready.then(worker => Boolean(worker.active))")
        kept = "caches.keys().then(async names => (await (await caches.open(names[0])).keys()).map(each => each.url))"
        assert await page.evaluate(kept) == [f"{stack.url}/offline"]
        assert trouble == Trouble()
        await page.context.set_offline(True)
        await page.goto(f"{stack.url}/history")
        await expect(page.get_by_role("heading", level=1)).to_have_text("txhub cannot be reached")
