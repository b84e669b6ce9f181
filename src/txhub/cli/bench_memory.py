"""`txhub bench memory`: what ingester, worker and server take, at rest, at full rate and under many dashboards."""

from __future__ import annotations

import asyncio
import os
import platform
import statistics
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, NamedTuple

import psutil
import typer
from rich.table import Table

from txhub.cli import wiring
from txhub.cli.bench_dashboards import open_dashboards, record
from txhub.cli.bench_services import Services, open_services
from txhub.cli.console import err, out
from txhub.errors import Incomplete, UsageError
from txhub.store.pool import open_pool
from txhub.store.sqlfiles import queries

_AIMS_MB = {"ingest": 250, "worker": 300, "serve": 400}
_NAMES = {"ingest": "ingester", "worker": "worker", "serve": "API with dashboard"}
_WARM_UP_S = 5.0
_SQL = queries("bench")
Samples = dict[str, list[float]]
"""Megabytes of each service, a second apart."""


class _Phase(NamedTuple):
    """A time in which memory was looked at."""

    name: str
    samples: Mapping[str, Sequence[float]]


def memory(
    seconds: Annotated[float, typer.Option(min=5, help="How long each phase lasts.")] = 60.0,
    dashboards: Annotated[int, typer.Option(min=1, help="How many dashboards are open at once.")] = 50,
    keep: Annotated[
        Path | None, typer.Option("--keep", metavar="DIR", help="On the database there, such as one of `bench store`.")
    ] = None,
) -> None:
    """Memory of ingester, worker and server, which follow the demo network's three chains on this machine.

    It is PSS: what a process has for itself, and its share of what it has together with others. At rest each of them
    waits for the next block; at full rate the ingester loads history as fast as it can; then dashboards are open that
    are told of every block, and ask what the Overview asks.
    """
    if not Path("/proc/self/smaps_rollup").exists():
        raise UsageError("this system does not tell PSS", hint="Linux does, in /proc/PID/smaps_rollup")
    err.print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    with tempfile.TemporaryDirectory(prefix="txhub-bench-") as temporary:
        home = keep or Path(temporary)
        home.chmod(0o711)  # else root's server, another user's process, would keep its data elsewhere
        with wiring.database(wiring.settings_of(home=home)) as url, open_services(url) as services:
            services.start_node()
            services.start_ingest(history="1m")
            services.start("worker")
            services.start_serve()
            services.wait_for_blocks()
            wiring.run(_measure(url, services, seconds, dashboards))


async def _measure(url: str, services: Services, seconds: float, dashboards: int) -> None:
    phases = [_Phase("at rest", await _weigh(services, seconds))]
    before = await _stored(url)
    services.stop("ingest")
    services.start_ingest(history="365d")
    await asyncio.sleep(_WARM_UP_S)
    phases.append(_Phase("at full rate", await _weigh(services, seconds)))
    loaded = [now - then for now, then in zip(await _stored(url), before, strict=True)]
    services.stop("ingest")
    services.start_ingest(history="1m")
    await asyncio.to_thread(services.wait_for_blocks)
    requests = await record(services.address)
    async with open_dashboards(services.address, dashboards, requests) as asked:
        await asyncio.sleep(_WARM_UP_S)
        phases.append(_Phase(f"{dashboards} dashboards", await _weigh(services, seconds)))
    _print(phases)
    out.print(
        f"At full rate {loaded[0]:,} transactions were stored, {loaded[1] / 3600:,.1f} hours of the chains' time; "
        f"{dashboards} dashboards got {asked.answers:,} answers, {asked.errors:,} of them errors.",
        soft_wrap=True,
    )
    if asked.errors or not asked.answers:
        raise Incomplete(f"{asked.errors} of {asked.answers} answers to dashboards were errors")


async def _stored(url: str) -> tuple[int, int]:
    """How many transactions there are, and of how many seconds of the chains' time."""
    async with open_pool(url, name="bench", size=1) as pool:
        rows, span = await pool.fetchrow(_SQL["stored_time"])
        return int(rows), int(span)


async def _weigh(services: Services, seconds: float) -> Samples:
    """Look at every service each second, for so long."""
    loop = asyncio.get_running_loop()
    samples: Samples = defaultdict(list)
    until = loop.time() + seconds
    while loop.time() < until:
        for name in _NAMES:
            samples[name].append(pss(services.processes[name].pid))
        await asyncio.sleep(1)
    return samples


def pss(pid: int) -> float:
    """Megabytes of a process and all below it, each page's share where several have it."""
    whole = [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]
    lines = (line for each in whole for line in _rollup(each) if line.startswith("Pss:"))
    return sum(int(line.split()[1]) for line in lines) * 1024 / 1e6


def _rollup(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    except (FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
        return []


def _print(phases: Sequence[_Phase]) -> None:
    table = Table("PSS, MB", "median", "least", "most", "growth", "aim", title="Memory")
    for name, words in _NAMES.items():
        for phase in phases:
            samples = phase.samples[name]
            third = max(len(samples) // 3, 1)
            growth = statistics.median(samples[-third:]) / statistics.median(samples[third : 2 * third] or samples)
            figures = (statistics.median(samples), min(samples), max(samples))
            table.add_row(
                f"{words}, {phase.name}", *(f"{each:,.0f}" for each in figures), f"{growth:.2f}", str(_AIMS_MB[name])
            )
    out.print(table)
    out.print("Growth is from the middle third of a phase to its last third, by their medians.")
