"""`txhub bench freshness`: how soon a new block is committed, told by the API, and seen on the page."""

from __future__ import annotations

import asyncio
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.table import Table

from txhub.chain.demo.node import serve
from txhub.chain.demo.recorded import Recorded
from txhub.cli import wiring
from txhub.cli.console import err, out
from txhub.client import AsyncClient
from txhub.contract import BlockEvent
from txhub.errors import TxhubError, Unavailable, UsageError
from txhub.ports import free_port, wait_for_port
from txhub.store.outbox import OutboxReader

_WARM_UP = 3
"""So many blocks come before the first that counts."""
_PATIENCE_S = 60.0
_WATCH = """() => new MutationObserver(() => {
    const newest = document.querySelector("#overview-blocks")?.innerText ?? "";
    const number = newest.match(/#([\\d,]+)/);
    if (number) window.seen(Number(number[1].replaceAll(",", "")));
}).observe(document.body, {subtree: true, childList: true, characterData: true})"""

Seen = dict[int, float]
"""When the block of each number was first seen, by the clock of `time.perf_counter`."""


def freshness(
    blocks: Annotated[Path, typer.Option(metavar="FILE", help="Recorded blocks (.jsonl.gz) to serve.")],
    interval: Annotated[
        list[float] | None, typer.Option("--interval", metavar="SECONDS", help="Between two blocks; repeatable.")
    ] = None,
    count: Annotated[int, typer.Option(min=5, help="Counted blocks at each interval.")] = 40,
) -> None:
    """From the node's announcement of a block to its row, to the API's stream, and to the page.

    Node, ingester, worker, database, API, dashboard and, where Playwright and Chromium are installed, a browser are all
    on this machine. A block is committed once another connection is told of it.
    """
    if not blocks.is_file():
        raise UsageError(f"there is no file {blocks}", hint="--blocks names a .jsonl.gz of blocks, one JSON a line")
    err.print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    table = Table("milliseconds from the announcement", "to", "p50", "p95", "p99")
    for each in interval or (12.0, 2.0, 0.25):
        with tempfile.TemporaryDirectory(prefix="txhub-bench-") as home:
            Path(home).chmod(0o711)  # else root's server, another user's process, would keep its data elsewhere
            with wiring.database(wiring.settings_of(home=Path(home))) as url:
                found = wiring.run(_measure(url, Path(home), blocks, each, count))
        if found is None:
            raise KeyboardInterrupt
        for what, delays in found.items():
            cuts = statistics.quantiles(delays, n=100, method="inclusive")
            table.add_row(
                f"a block every {each:g} s, {len(delays)}", what, *(f"{cuts[at]:,.0f}" for at in (49, 94, 98))
            )
    out.print(table)


async def _measure(url: str, home: Path, blocks: Path, interval: float, count: int) -> dict[str, list[float]]:
    """Milliseconds from the announcement of each counted block until it was committed, told and seen."""
    total = count + _WARM_UP
    recorded = Recorded(blocks, repeat=total // 14 + 2, hidden=total)
    first = await recorded.head_number() + 1
    port, api_port = free_port(), free_port()
    announced: Seen = {}
    committed: Seen = {}
    told: Seen = {}
    shown: Seen = {}
    api_url = f"http://127.0.0.1:{api_port}"
    async with serve({"recorded": recorded}, port=port), asyncio.TaskGroup() as watching:
        endpoint = f"ws://127.0.0.1:{port}/recorded"
        with (
            _service(url, home, "ingest", "--chain", "ethereum", "--rpc", endpoint),
            _service(url, home, "worker"),
            _service(url, home, "serve", "--port", str(api_port)) as api,
        ):
            await asyncio.to_thread(wait_for_port, api_port, api)
            tasks = [
                watching.create_task(_committed(url, committed)),
                watching.create_task(_told(api_url, told)),
            ]
            async with _page(api_url, shown) as looking:
                await _until(lambda: first - 1 in committed)
                for number in range(first, first + total):
                    announced[number] = time.perf_counter()
                    await recorded.reveal()
                    await asyncio.sleep(interval)
                newest = first + total - 1
                everywhere = (committed, told, shown) if looking else (committed, told)
                await _until(lambda: all(newest in seen for seen in everywhere))
            for task in tasks:
                task.cancel()
    counted = range(first + _WARM_UP, first + total)
    found = {"committed": _delays(announced, committed, counted), "told by the API": _delays(announced, told, counted)}
    return found | ({"seen on the page": _delays(announced, shown, counted)} if shown else {})


def _delays(announced: Seen, seen: Seen, numbers: Sequence[int]) -> list[float]:
    """By number; what a page skipped was seen with the next block that it showed."""
    delays = []
    for number in numbers:
        moment = min(at for later, at in seen.items() if later >= number)
        delays.append((moment - announced[number]) * 1000)
    return delays


async def _until(condition: Any) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while not condition():
        if time.monotonic() > deadline:
            raise Unavailable(f"a block has not arrived after {_PATIENCE_S:.0f} seconds")
        await asyncio.sleep(0.02)


async def _committed(url: str, seen: Seen) -> None:
    async for _, events in OutboxReader(url).follow(0):
        now = time.perf_counter()
        for event in events:
            if event.event in {"block", "backfill"}:
                data = msgspec.json.decode(event.data)
                seen.setdefault(int(data.get("number", data.get("to_block"))), now)


async def _told(api_url: str, seen: Seen) -> None:
    async with AsyncClient(api_url) as client:
        while True:
            try:
                async for event in client.stream():
                    if isinstance(event.data, BlockEvent):
                        seen.setdefault(event.data.number, time.perf_counter())
            except TxhubError:
                await asyncio.sleep(0.1)


@asynccontextmanager
async def _page(api_url: str, seen: Seen) -> AsyncIterator[bool]:
    """The Overview in a browser that tells of each new block it shows; False where there is no browser."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    try:
        from playwright.async_api import async_playwright
    except ImportError:
        chromium = None
    if chromium is None:
        err.print("no Playwright or no Chromium here: the page is left out")
        yield False
        return
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        try:
            page = await browser.new_page()
            await page.expose_function("seen", lambda number: seen.setdefault(number, time.perf_counter()))
            await page.goto(api_url)
            await page.evaluate(_WATCH)
            await page.locator("#live-link", has_text="Live").wait_for(timeout=_PATIENCE_S * 1000)
            yield True
        finally:
            await browser.close()


@contextmanager
def _service(url: str, home: Path, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """A command in a process of its own on this database, ended with the block."""
    environment = os.environ | {"TXHUB_DATABASE_URL": url, "TXHUB_HOME": str(home), "TXHUB_LOG_LEVEL": "error"}
    command = [sys.executable, "-m", "txhub", *arguments, "--attached"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, env=environment)
    try:
        yield process
    finally:
        process.communicate(timeout=30)
