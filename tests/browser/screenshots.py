"""Pictures of the dashboard for the documentation: `python -m tests.browser.screenshots http://127.0.0.1:8050`.

Writes docs/images/overview-light.png, -dark.png and -phone.png of whatever the server at that address shows.
"""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path
from typing import Literal, NamedTuple

from playwright.async_api import async_playwright

from tests.browser.conftest import CHROMIUM, NO_CHROMIUM, QUIET

FOLDER = Path(__file__).parents[2] / "docs" / "images"


class Shot(NamedTuple):
    """A picture: its name, the window's size in CSS pixels, and the scheme."""

    name: str
    width: int
    height: int
    scheme: Literal["light", "dark"]


SHOTS = (
    Shot("overview-light", 1440, 900, "light"),
    Shot("overview-dark", 1440, 900, "dark"),
    Shot("overview-phone", 390, 844, "light"),
)


async def take(url: str, folder: Path) -> list[Path]:
    """Take all pictures of the dashboard at `url` into a folder that exists; returns where they are."""
    if CHROMIUM is None:
        raise SystemExit(NO_CHROMIUM)
    taken = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        for shot in SHOTS:
            page = await browser.new_page(
                viewport={"width": shot.width, "height": shot.height},
                color_scheme=shot.scheme,
                device_scale_factor=2 if shot.width < 500 else 1,
            )
            await page.goto(url)
            await page.locator("#overview-rate .main-svg").first.wait_for()
            await page.locator("#live-link.on").wait_for()
            # The pulse of the live sign and the drawing of the bars are over by then.
            await page.wait_for_timeout(1500)
            path = folder / f"{shot.name}.png"
            await page.screenshot(path=path, animations="disabled")
            await page.close()
            taken.append(path)
        await browser.close()
    return taken


def main() -> None:
    """Read the command line and say what was written."""
    parser = argparse.ArgumentParser(description="Take pictures of a running dashboard for the documentation.")
    parser.add_argument("url", help="its address, such as http://127.0.0.1:8050")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    for path in asyncio.run(take(given.url, given.folder)):
        print(path)  # noqa: T201 (a command's output)


if __name__ == "__main__":
    main()
