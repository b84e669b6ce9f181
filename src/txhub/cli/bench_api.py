"""`txhub bench api`: how many questions a second a real server answers, and how fast, while blocks are committed."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import msgspec
import psutil
import typer

from txhub.cli import wiring
from txhub.cli.bench_load import Load, report
from txhub.cli.bench_rows import ROWS_A_DAY, fill, plain_database, register
from txhub.cli.bench_services import open_services
from txhub.cli.console import err, out
from txhub.errors import Incomplete

_DAY = timedelta(days=1)


def api(
    rows: Annotated[int, typer.Option(metavar="N", min=1, help="Transactions in the database.")] = 20_000_000,
    connections: Annotated[int, typer.Option(min=1, help="How many ask at once.")] = 50,
    seconds: Annotated[float, typer.Option(min=1, help="How long each run measures.")] = 60.0,
    runs: Annotated[int, typer.Option(min=1, help="How often.")] = 3,
    plain: Annotated[bool, typer.Option("--plain", help="On PostgreSQL without TimescaleDB.")] = False,
    keep: Annotated[
        Path | None,
        typer.Option("--keep", metavar="DIR", help="Keep the database there; go on with what it holds."),
    ] = None,
) -> None:
    """Requests a second and latencies of `txhub serve`, with database, ingester, node and load on this machine.

    The rows are whole days up to now of a chain in the shape of Ethereum; beside it the three chains of the demo
    network are followed live. `txhub bench load` says what is asked. Any answer that is not 200 is an error, and fails.
    """
    err.print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    with tempfile.TemporaryDirectory(prefix="txhub-bench-") as temporary:
        home = keep or Path(temporary)
        home.mkdir(exist_ok=True)
        home.chmod(0o711)  # else root's server, another user's process, would keep its data elsewhere
        settings = wiring.settings_of(home=home)
        with plain_database(settings) if plain else wiring.database(settings) as url:
            wiring.run(register(url, settings))
            today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
            wiring.run(fill(url, rows, today - -(-rows // ROWS_A_DAY) * _DAY))
            with open_services(url) as services:
                services.start_node()
                services.start_ingest()
                services.start_serve()
                services.wait_for_blocks()
                processes = {name: psutil.Process(each.pid) for name, each in services.processes.items()}
                for number in range(runs):
                    _run(number, services.address, processes, connections, seconds)


def _run(number: int, address: str, processes: dict[str, psutil.Process], connections: int, seconds: float) -> None:
    before = {name: _cpu_seconds(process) for name, process in processes.items()}
    command = ("bench", "load", address, "--connections", str(connections), "--seconds", str(seconds), "--json")
    told = subprocess.run([sys.executable, "-m", "txhub", *command], stdout=subprocess.PIPE, check=True)
    found = msgspec.json.decode(told.stdout, type=Load)
    out.print(report(found))
    spent = {name: _cpu_seconds(process) - before[name] for name, process in processes.items()}
    whole = found.seconds * 6 / 5
    out.print(f"run {number + 1}, cores: " + ", ".join(f"{name} {each / whole:.2f}" for name, each in spent.items()))
    if found.errors:
        raise Incomplete(f"errors: {found.errors}")


def _cpu_seconds(process: psutil.Process) -> float:
    spent = process.cpu_times()
    return float(spent.user + spent.system)
