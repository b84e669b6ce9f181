"""Many open dashboards without as many browsers: one browser's requests, made again by each of them."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import urlsplit

import aiohttp
from yarl import URL

from txhub.cli.bench_load import view
from txhub.cli.console import err

_PATH = "/_dash-update-component"
_LOOKS_S = 8.0
"""How long a browser looks at a page, for some news to come."""
_SPAN = "24h"


class Callback(NamedTuple):
    """What a page posts: the path with its query, and the body."""

    path: str
    body: str


class Requests(NamedTuple):
    """What an open Overview posts: as it opens, and at each piece of news."""

    opening: Sequence[Callback]
    news: Sequence[Callback]


@dataclass
class Asked:
    """How many answers dashboards got, and how many of these were errors."""

    answers: int = 0
    errors: int = 0


async def record(address: str) -> Requests | None:
    """What a browser sends that opens the Overview; None where there is no Playwright or no Chromium."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    try:
        from playwright.async_api import async_playwright
    except ImportError:
        chromium = None
    if chromium is None:
        err.print("no Playwright or no Chromium here: dashboards only ask the API what a page would ask")
        return None
    opening: list[Callback] = []
    news: list[Callback] = []
    posted = opening
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        try:
            page = await browser.new_page()
            page.on("request", lambda sent: posted.extend(_callbacks(sent.url, sent.post_data)))
            await page.goto(address)
            await page.locator("#live-link", has_text="Live").wait_for(timeout=60_000)
            await asyncio.sleep(_LOOKS_S / 2)
            posted = news
            await asyncio.sleep(_LOOKS_S)
        finally:
            await browser.close()
    return Requests(opening, list(dict.fromkeys(news)))


def _callbacks(url: str, body: str | None) -> list[Callback]:
    """The callback that a request is, if it is one."""
    parts = urlsplit(url)
    return [Callback(f"{parts.path}?{parts.query}", body)] if parts.path == _PATH and body else []


@asynccontextmanager
async def open_dashboards(address: str, count: int, requests: Requests | None) -> AsyncIterator[Asked]:
    """So many dashboards that are told of news and then ask anew, until the block ends."""
    asked = Asked()
    async with aiohttp.ClientSession(
        address, connector=aiohttp.TCPConnector(limit=0), timeout=aiohttp.ClientTimeout(None, sock_read=60)
    ) as session:
        tasks = [asyncio.create_task(_dashboard(session, requests, asked, address)) for _ in range(count)]
        try:
            yield asked
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
    for task in tasks:
        with suppress(asyncio.CancelledError):
            task.result()


async def _dashboard(session: aiohttp.ClientSession, requests: Requests | None, asked: Asked, address: str) -> None:
    """Open the page, then ask what it asks at each piece of news."""
    async with session.get("/") as page:
        await page.read()
    await _ask(session, requests.opening if requests else None, asked, address)
    async with session.get("/live") as news:
        async for line in news.content:
            if line.startswith(b"data:"):
                await _ask(session, requests.news if requests else None, asked, address)


async def _ask(
    session: aiohttp.ClientSession, callbacks: Sequence[Callback] | None, asked: Asked, address: str
) -> None:
    """Post these; without any, ask the API itself."""
    if callbacks is None:
        for question in view(_SPAN, ()):
            headers = {"Accept": question.accept}
            async with session.get(question.path, params=question.parameters, headers=headers) as answer:
                await _count(asked, answer)
        return
    headers = {"Content-Type": "application/json", "Origin": address}
    for path, body in callbacks:
        async with session.post(URL(path, encoded=True), data=body, headers=headers) as answer:
            await _count(asked, answer)


async def _count(asked: Asked, answer: aiohttp.ClientResponse) -> None:
    await answer.read()
    asked.answers += 1
    asked.errors += answer.status >= 400
