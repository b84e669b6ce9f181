"""`txhub bench ingest`: the whole path, from a node's answers to committed rows."""

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
from txhub.chain.receipts import TRANSFER, TRANSFER_BATCH, TRANSFER_SINGLE
from txhub.chain.registry import open_source, resolve
from txhub.cli import wiring
from txhub.cli.console import err, out
from txhub.config import Settings
from txhub.errors import BadBlock, UsageError
from txhub.ingest.backfill import backfill
from txhub.ports import free_port, wait_for_port
from txhub.store.edition import Edition, edition_of
from txhub.store.ledger import Ledger
from txhub.store.pool import open_pool
from txhub.store.sqlfiles import queries


def ingest(
    blocks: Annotated[Path, typer.Option(metavar="FILE", help="Recorded blocks (.jsonl.gz) to serve.")],
    receipts: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Only the blocks whose NUMBER.receipts.json.gz are here, with receipts."),
    ] = None,
    repeat: Annotated[int, typer.Option(min=1, help="How many times as long a chain is made of them.")] = 200,
    runs: Annotated[int, typer.Option(min=1, help="Counted runs; the median is the figure.")] = 5,
) -> None:
    """The whole path: a node's answers to committed rows, with node, ingester and database on this machine.

    Each run fills an empty database of its own; what it stores is compared with what the files hold. With receipts the
    token transfers are stored as well, and a rate is still one of transactions.
    """
    if not blocks.is_file():
        raise UsageError(f"there is no file {blocks}", hint="--blocks names a .jsonl.gz of blocks, one JSON a line")
    err.print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    expected = held(blocks, receipts, repeat)
    rates = []
    for number in range(runs + 1):
        with tempfile.TemporaryDirectory(prefix="txhub-bench-") as home:
            Path(home).chmod(0o711)  # else root's server, another user's process, would keep its data elsewhere
            settings = wiring.settings_of(home=Path(home))
            with wiring.database(settings) as url, recorded_node(blocks, receipts, repeat) as endpoint:
                first = Recorded(blocks, receipts=receipts).first_number
                measured = wiring.run(measure(url, settings, endpoint, first))
        if measured is None:
            raise KeyboardInterrupt
        if measured.stored != expected:
            raise BadBlock(f"stored {measured.stored}, expected {expected}")
        rate = expected.rows / measured.seconds
        out.print(
            f"{'run' if number else 'warm-up'}: {measured.edition}, {expected.rows:,} rows and {expected.transfers:,} "
            f"token transfers in {measured.seconds:.2f} s, {rate:,.0f} tx/s, "
            f"ingester {measured.cpu_seconds / expected.rows * 1e6:.1f} µs CPU a transaction",
            soft_wrap=True,
        )
        rates += [rate] if number else []
    out.print(f"median {statistics.median(rates):,.0f} tx/s of {runs} runs, {min(rates):,.0f} to {max(rates):,.0f}")


class Stored(NamedTuple):
    """What a run has to have stored: transactions, their value and fees in wei, and token transfers."""

    rows: int
    value: int
    fees: int
    transfers: int


class Measured(NamedTuple):
    """A run, with the seconds of the clock and of the ingester's processor."""

    edition: Edition
    seconds: float
    cpu_seconds: float
    stored: Stored


def held(blocks: Path, receipts: Path | None, repeat: int) -> Stored:
    """What the recording holds, by another path than the one that is measured."""
    held = [0, 0, 0, 0]
    with gzip.open(blocks) as lines:
        trees = [msgspec.json.decode(line) for line in lines]
    for tree in trees:
        said = []
        if receipts is not None:
            path = receipts / f"{int(tree['number'], 16)}.receipts.json.gz"
            if not path.is_file():
                continue
            said = msgspec.json.decode(gzip.decompress(path.read_bytes()))
        held[0] += len(tree["transactions"])
        held[1] += sum(int(row["value"], 16) for row in tree["transactions"])
        held[2] += sum(int(row["gasUsed"], 16) * int(row["effectiveGasPrice"], 16) for row in said)
        held[3] += sum(_moved(log["topics"], log["data"]) for row in said for log in row["logs"])
    return Stored(*(figure * repeat for figure in held))


def _moved(topics: list[str], data: str) -> int:
    """How many token transfers a log tells of."""
    event = topics[0] if topics else ""
    if event == TRANSFER:
        return (len(topics), len(data)) in {(3, 66), (4, 2)}
    if event == TRANSFER_BATCH:
        return (len(data) - 2) // 128 - 2  # two offsets, two lengths, and a pair of words for each
    return event == TRANSFER_SINGLE


@contextmanager
def recorded_node(blocks: Path, receipts: Path | None, repeat: int) -> Iterator[str]:
    """A node in a process of its own that serves the blocks."""
    port = free_port()
    options = ["--port", str(port), "--blocks", str(blocks), "--repeat", str(repeat), "--attached"]
    options += [] if receipts is None else ["--receipts", str(receipts)]
    process = subprocess.Popen([sys.executable, "-m", "txhub", "node", *options], stdin=subprocess.PIPE)
    try:
        wait_for_port(port, process)
        yield f"ws://127.0.0.1:{port}/recorded"
    finally:
        process.communicate(timeout=10)


async def measure(url: str, settings: Settings, endpoint: str, first: int) -> Measured:
    """Load all blocks of a node, from `first` on, into an empty database."""
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
            stored = await pool.fetchrow(queries("bench")["stored"])
            return Measured(
                await edition_of(pool), seconds, cpu_seconds, Stored(*(int(figure or 0) for figure in stored))
            )
    finally:
        await source.close()
