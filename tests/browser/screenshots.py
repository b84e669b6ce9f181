"""Pictures of the dashboard for the documentation: `python -m tests.browser.screenshots http://127.0.0.1:8050`.

Writes docs/images/PAGE-light.webp, PAGE-dark.webp and PAGE-phone.webp for every page in the navigation, of whatever the
server at that address shows. As PNG they would be four times as large.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from playwright.async_api import Page, async_playwright

from dashboards.pages import PAGES
from tests.browser.conftest import CHROMIUM, NO_CHROMIUM, QUIET
from tests.browser.looking import read

FOLDER = Path(__file__).parents[2] / "docs" / "images"
QUALITY = 88
"""Of 100, at which small letters stay sharp."""


class Shot(NamedTuple):
    """A picture: its name, the address, the window's size in CSS pixels, and the scheme."""

    name: str
    address: str
    width: int
    height: int
    scheme: Literal["light", "dark"]


def shots() -> Iterator[Shot]:
    """Every page, on a desk in both schemes and on a phone; then the light overview."""
    for page in PAGES:
        if page.listed:
            name = page.name.lower()
            yield Shot(f"{name}-light", page.path, 1440, 900, "light")
            yield Shot(f"{name}-dark", page.path, 1440, 900, "dark")
            yield Shot(f"{name}-phone", page.path, 390, 844, "light")
    yield Shot("light-phone", "/light", 390, 844, "light")


async def take(url: str, folder: Path) -> list[Path]:
    """Take all pictures of the dashboard at `url` into a folder that exists; returns where they are."""
    if CHROMIUM is None:
        raise SystemExit(NO_CHROMIUM)
    taken = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        for shot in shots():
            page = await browser.new_page(
                viewport={"width": shot.width, "height": shot.height},
                color_scheme=shot.scheme,
                reduced_motion="reduce",
            )
            await page.goto(url + shot.address)
            await _settled(page, shot)
            path = folder / f"{shot.name}.webp"
            session = await page.context.new_cdp_session(page)  # for Playwright itself writes no WebP
            picture = await session.send("Page.captureScreenshot", {"format": "webp", "quality": QUALITY})
            path.write_bytes(base64.b64decode(picture["data"]))
            await page.close()
            taken.append(path)
        await browser.close()
    return taken


async def _settled(page: Page, shot: Shot) -> None:
    if shot.address == "/light":
        await page.get_by_text("Live", exact=True).wait_for()
        return
    await read(page)
    await page.locator("#live-link.on").wait_for()
    # The drawing of the charts is over by then.
    await page.wait_for_timeout(2000)


def main() -> None:
    """Read the command line and say what was written."""
    parser = argparse.ArgumentParser(description="Take pictures of a running dashboard for the documentation.")
    parser.add_argument("url", help="its address, such as http://127.0.0.1:8050")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    for path in asyncio.run(take(given.url.rstrip("/"), given.folder)):
        print(path)  # noqa: T201 (a command's output)


if __name__ == "__main__":
    main()
