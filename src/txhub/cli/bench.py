"""`txhub bench …`: figures, with the machine they come from and their spread."""

from __future__ import annotations

import gzip
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, NamedTuple

import msgspec
import typer

from txhub.chain.demo.recorded import Recorded
from txhub.chain.registry import open_source, resolve
from txhub.cli import wiring
from txhub.cli.console import err, out
from txhub.config import Settings
from txhub.errors import BadBlock, UsageError
from txhub.ingest.backfill import backfill
from txhub.store.edition import Edition, edition_of
from txhub.store.ledger import Ledger
from txhub.store.pool import open_pool
from txhub.store.sqlfiles import queries

app = typer.Typer(help="Measure txhub on this machine.", no_args_is_help=True, add_completion=False)


@app.callback()
def _bench() -> None:
    """Measure txhub on this machine."""


@app.command()
def ingest(
    blocks: Annotated[Path, typer.Option(metavar="FILE", help="Recorded blocks (.jsonl.gz) to serve.")],
    repeat: Annotated[int, typer.Option(min=1, help="How many times as long a chain is made of them.")] = 200,
    runs: Annotated[int, typer.Option(min=1, help="Counted runs; the median is the figure.")] = 5,
) -> None:
    """The whole path: a node's answers to committed rows, with node, ingester and database on this machine.

    Each run fills an empty database of its own; its count and sum must be those of the blocks.
    """
    if not blocks.is_file():
        raise UsageError(f"there is no file {blocks}", hint="--blocks names a .jsonl.gz of blocks, one JSON a line")
    err.print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    expected = _count_and_sum(blocks, repeat)
    rates = []
    for number in range(runs + 1):
        with tempfile.TemporaryDirectory(prefix="txhub-bench-") as home:
            Path(home).chmod(0o711)  # else root's server, another user's process, would keep its data elsewhere
            settings = wiring.settings_of(home=Path(home))
            with wiring.database(settings) as url, _node(blocks, repeat) as endpoint:
                measured = wiring.run(_measure(url, settings, endpoint, Recorded(blocks).first_number))
        if measured is None:
            raise KeyboardInterrupt
        if measured.stored != expected:
            raise BadBlock(f"stored {measured.stored}, expected {expected} (rows, wei)")
        rate = expected[0] / measured.seconds
        out.print(
            f"{'run' if number else 'warm-up'}: {measured.edition}, {expected[0]:,} rows in {measured.seconds:.2f} s, "
            f"{rate:,.0f} tx/s, ingester {measured.cpu_seconds / expected[0] * 1e6:.1f} µs CPU a transaction",
            soft_wrap=True,
        )
        rates += [rate] if number else []
    out.print(f"median {statistics.median(rates):,.0f} tx/s of {runs} runs, {min(rates):,.0f} to {max(rates):,.0f}")


class _Measured(NamedTuple):
    edition: Edition
    seconds: float
    cpu_seconds: float
    stored: tuple[int, int]
    """Rows, and the sum of their value in wei."""


def _count_and_sum(blocks: Path, repeat: int) -> tuple[int, int]:
    """What the recording holds, by another path than the one that is measured."""
    with gzip.open(blocks) as lines:
        values = [int(row["value"], 16) for line in lines for row in msgspec.json.decode(line)["transactions"]]
    return len(values) * repeat, sum(values) * repeat


@contextmanager
def _node(blocks: Path, repeat: int) -> Iterator[str]:
    """A node in a process of its own that serves the blocks."""
    port = wiring.free_port()
    options = ["--port", str(port), "--blocks", str(blocks), "--repeat", str(repeat), "--attached"]
    process = subprocess.Popen([sys.executable, "-m", "txhub", "node", *options], stdin=subprocess.PIPE)
    try:
        wiring.wait_for_port("127.0.0.1", port)
        yield f"ws://127.0.0.1:{port}/recorded"
    finally:
        process.communicate(timeout=10)


async def _measure(url: str, settings: Settings, endpoint: str, first: int) -> _Measured:
    chain = resolve("ethereum", settings, [endpoint])
    source = open_source(chain)
    try:
        async with open_pool(url, name="bench") as pool:
            ledger = Ledger(pool, chain)
            await ledger.register()
            head = await source.head()
            began, cpu_began = time.perf_counter(), time.process_time()
            await backfill(
                source,
                ledger,
                [range(first, head.number + 1)],
                request_blocks=settings.request_blocks,
                parallel_requests=settings.parallel_requests,
            )
            seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - cpu_began
            rows, total = await pool.fetchrow(queries("bench")["count_and_sum"])
            return _Measured(await edition_of(pool), seconds, cpu_seconds, (rows, int(total)))
    finally:
        await source.close()
