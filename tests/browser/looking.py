"""Looking at the dashboard as a person does, and watching what a page must not do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page

from tests.browser.conftest import Stack

RECORDED = "?range=2023-09-08T07:27:00Z/2023-09-08T07:30:00Z"
"""The three minutes of the recorded blocks."""
VIEW = {"desk": {"width": 1440, "height": 900}, "phone": {"width": 390, "height": 844}}
AXE = Path(__file__).parents[2] / ".cache" / "axe" / "node_modules" / "axe-core" / "axe.min.js"
NO_AXE = "axe-core is not installed, so nothing tells what keeps people out: npm install --prefix .cache/axe axe-core"
PATIENCE_S = 30.0
SETTLED = (
    "Promise.allSettled(document.getAnimations()"
    ".filter(each => each.effect.getComputedTiming().endTime !== Infinity).map(each => each.finished))"
)
"""Resolves once whatever moves or changes its colour has come to its end."""
READ = "[...document.querySelectorAll('.part')].every(part => part.getAttribute('aria-busy') === 'false')"
"""Whether every part of a page shows what was asked for."""


@dataclass
class Trouble:
    """What a page must not do: complain in its console, or ask another host for anything."""

    errors: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


@asynccontextmanager
async def opened(
    browser: Browser, stack: Stack, address: str = "/", **options: Any
) -> AsyncIterator[tuple[Page, Trouble]]:
    """A page in a fresh tab, once all its parts are read."""
    context = await browser.new_context(**{"viewport": VIEW["desk"], **options})
    page = await context.new_page()
    trouble = watched(page, stack.url)
    await page.goto(stack.url + address)
    await read(page)
    yield page, trouble
    await context.close()


def watched(page: Page, home: str) -> Trouble:
    """What goes wrong on a page from here on."""
    trouble = Trouble()
    page.on("console", lambda said: trouble.errors.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: trouble.errors.append(str(error)))
    page.on("response", lambda answer: trouble.refused.append(answer.url) if answer.status >= 400 else None)
    page.on("request", lambda asked: trouble.foreign.append(asked.url) if _is_foreign(asked.url, home) else None)
    return trouble


async def read(page: Page) -> None:
    """Wait until the page that the address names is laid out, and every part of it is read."""
    await until(page, f"Boolean(document.querySelector('#page > *')) && {READ}")


async def until(page: Page, condition: str) -> None:
    """Wait until an expression holds on a page.

    Not by `wait_for_function`: it makes a function of the text in the page, which the page's policy refuses.
    """
    deadline = asyncio.get_running_loop().time() + PATIENCE_S
    while not await page.evaluate(condition):
        assert asyncio.get_running_loop().time() < deadline, f"this never held: {condition}"
        await page.wait_for_timeout(50)


async def findings(page: Page) -> list[str]:
    """What axe calls serious or critical: the rule, and the first element that breaks it."""
    if not AXE.is_file():
        pytest.skip(NO_AXE)
    # Not by add_script_tag: the page's Content-Security-Policy refuses scripts that stand in it.
    if not await page.evaluate("Boolean(window.axe)"):
        await page.evaluate(AXE.read_text(encoding="utf-8"))
    # Colours that are still on their way from light to dark are nobody's.
    await page.evaluate(SETTLED)
    found = await page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{each['id']}: {each['nodes'][0]['html'][:200]}"
        for each in found["violations"]
        if each["impact"] in ("serious", "critical")
    ]


def ends(query: str) -> Callable[[str], bool]:
    """Whether an address ends so."""
    return lambda url: url.endswith(query)


def _is_foreign(url: str, home: str) -> bool:
    return not url.startswith((home, "data:", "blob:"))
