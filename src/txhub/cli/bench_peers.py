"""`txhub bench peers`: the whole path beside other tools that read the same blocks, and beside its own limits.

The others are ethereum-etl and cryo, both of PyPI, each in an environment of its own. The limits are what is left of
the way when the rest of it is taken out: the node's answers with nobody reading them, and rows that are encoded already
copied into the same table.
"""

from __future__ import annotations

import asyncio
import csv
import io
import json
import os
import platform
import resource
import statistics
import subprocess
import tempfile
import time
import venv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import msgspec
import typer
from rich.table import Table

from txhub.chain.demo.recorded import Recorded
from txhub.chain.transport import connect
from txhub.cli import wiring
from txhub.cli.bench_ingest import held, measure, recorded_node
from txhub.cli.console import err, out
from txhub.errors import BadBlock, Unavailable, UsageError
from txhub.store.pool import open_pool
from txhub.store.sqlfiles import queries

ENVIRONMENTS = Path(".cache/peers")
_SQL = queries("bench")
_AT_ONCE = 4
_BLOCKS_A_REQUEST = 20
_REQUIREMENTS = {
    # ethereum-etl's own pins do not import on Python 3.11: the second step lifts one of them.
    "ethereum-etl": (("ethereum-etl", "setuptools<81"), ("parsimonious>=0.10",)),
    "cryo": (("cryo", "polars", "pyarrow"),),
}
_CRYO = """
import json, resource, sys, time
import cryo
url, first, last = sys.argv[1:]
began = time.perf_counter()
frame = cryo.collect("transactions", blocks=[f"{first}:{last}"], rpc=url, output_format="polars",
                     exclude_columns=["gas_used", "success"], no_verbose=True)
seconds = time.perf_counter() - began
print(json.dumps({"seconds": seconds, "rows": frame.height, "value": str(sum(map(int, frame["value_string"])))}))
"""
_ETL = """
import json, logging, sys, time
from ethereumetl.cli import cli
url, first, last, blocks, transactions = sys.argv[1:]
logging.disable()
began = time.perf_counter()
cli(["export_blocks_and_transactions", "-s", first, "-e", last, "-p", url, "-w", "2",
     "--blocks-output", blocks, "--transactions-output", transactions], standalone_mode=False)
print(json.dumps({"seconds": time.perf_counter() - began}))
"""


class _Run(NamedTuple):
    """How long something took: seconds of the clock without starting up, and of its processor with it, if known."""

    seconds: float
    cpu_seconds: float | None = None


class _Load(NamedTuple):
    """What is loaded: the node's address, its first and last block, and what its transactions are."""

    endpoint: str
    first: int
    last: int
    rows: int
    value: int

    @property
    def http(self) -> str:
        return self.endpoint.replace("ws:", "http:", 1)

    def check(self, who: str, rows: int, value: int) -> None:
        if (rows, value) != (self.rows, self.value):
            raise BadBlock(f"{who} has {rows} transactions of {value} wei, not {self.rows} of {self.value}")


def peers(
    blocks: Annotated[Path, typer.Option(metavar="FILE", help="Recorded blocks (.jsonl.gz) to serve.")],
    repeat: Annotated[int, typer.Option(min=1, help="How many times as long a chain is made of them.")] = 60,
    runs: Annotated[int, typer.Option(min=1, help="Counted runs of each, in turn; medians are the figures.")] = 3,
    environments: Annotated[
        Path, typer.Option(metavar="DIR", help="Where the other tools are installed, once, by pip.")
    ] = ENVIRONMENTS,
) -> None:
    """Load the same blocks from the same node by txhub, cryo and ethereum-etl, and what limits all of them.

    txhub writes an indexed database, cryo a data frame in memory, ethereum-etl CSV files. Each is checked for
    the number of transactions and their value. Starting up counts for nobody.
    """
    if not blocks.is_file():
        raise UsageError(f"there is no file {blocks}", hint="--blocks names a .jsonl.gz of blocks, one JSON a line")
    pythons = {name: _environment(environments / name, name) for name in _REQUIREMENTS}
    expected = held(blocks, None, repeat)
    recorded = Recorded(blocks, repeat=repeat)
    first, last = recorded.first_number, asyncio.run(recorded.head_number())
    err.print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    found: dict[str, list[_Run]] = {}
    for number in range(runs + 1):
        with recorded_node(blocks, None, repeat) as endpoint:
            load = _Load(endpoint, first, last, expected.rows, expected.value)
            for name, run in _once(load, pythons).items():
                err.print(f"{'run' if number else 'warm-up'}: {name} {run.seconds:.2f} s")
                if number:
                    found.setdefault(name, []).append(run)
    _print(found, expected.rows)


def _once(load: _Load, pythons: Mapping[str, Path]) -> dict[str, _Run]:
    ours, copied = _txhub(load)
    return {
        "txhub, into an indexed hypertable": ours,
        "cryo, into memory": _cryo(load, pythons["cryo"]),
        "ethereum-etl, to CSV": _etl(load, pythons["ethereum-etl"]),
        "limit: COPY of encoded rows": copied,
        "limit: the node, nobody reading": wiring.run(_node_alone(load)) or _Run(0.0),
    }


def _txhub(load: _Load) -> tuple[_Run, _Run]:
    """Load into an empty database; then copy the very rows, encoded already, into the same table emptied."""
    with tempfile.TemporaryDirectory(prefix="txhub-bench-") as home:
        Path(home).chmod(0o711)  # else root's server, another user's process, would keep its data elsewhere
        settings = wiring.settings_of(home=Path(home))
        with wiring.database(settings) as url:
            measured = wiring.run(measure(url, settings, load.endpoint, load.first))
            copied = wiring.run(_copy_alone(url))
    if measured is None or copied is None:
        raise KeyboardInterrupt
    load.check("txhub", measured.stored.rows, measured.stored.value)
    return _Run(measured.seconds, measured.cpu_seconds), copied


async def _copy_alone(url: str) -> _Run:
    async with open_pool(url, name="bench") as pool, pool.acquire() as connection:
        rows = io.BytesIO()
        await connection.copy_from_query(_SQL["rows_in_order"], output=rows, format="binary")
        await connection.execute(_SQL["empty"])
        rows.seek(0)
        began, cpu_began = time.perf_counter(), time.process_time()
        async with connection.transaction():
            await connection.execute(_SQL["before_bulk"])
            await connection.copy_to_table("transactions", schema_name="txhub", source=rows, format="binary")
        return _Run(time.perf_counter() - began, time.process_time() - cpu_began)


async def _node_alone(load: _Load) -> _Run:
    """Ask for every block as txhub does, and throw the answers away."""
    connection = await connect(load.endpoint)
    starts: Iterator[int] = iter(range(load.first, load.last + 1, _BLOCKS_A_REQUEST))

    async def ask() -> None:
        for start in starts:
            numbers = range(start, min(start + _BLOCKS_A_REQUEST, load.last + 1))
            calls = [
                {"jsonrpc": "2.0", "id": number, "method": "eth_getBlockByNumber", "params": [hex(number), True]}
                for number in numbers
            ]
            await connection.exchange(msgspec.json.encode(calls), numbers)

    began, cpu_began = time.perf_counter(), time.process_time()
    try:
        async with asyncio.TaskGroup() as tasks:
            for _ in range(_AT_ONCE):
                tasks.create_task(ask())
        return _Run(time.perf_counter() - began, time.process_time() - cpu_began)
    finally:
        await connection.close()


def _cryo(load: _Load, python: Path) -> _Run:
    # cryo's ranges do not hold their end.
    said, cpu_seconds = _child(python, _CRYO, load.http, str(load.first), str(load.last + 1))
    load.check("cryo", said["rows"], int(said["value"]))
    return _Run(said["seconds"], cpu_seconds)


def _etl(load: _Load, python: Path) -> _Run:
    with tempfile.TemporaryDirectory(prefix="txhub-bench-") as folder:
        files = [str(Path(folder) / name) for name in ("blocks.csv", "transactions.csv")]
        said, cpu_seconds = _child(python, _ETL, load.http, str(load.first), str(load.last), *files)
        csv.field_size_limit(1 << 24)  # a transaction's input may be long
        with Path(files[1]).open(newline="") as rows:
            values = [int(row["value"]) for row in csv.DictReader(rows)]
    load.check("ethereum-etl", len(values), sum(values))
    return _Run(said["seconds"], cpu_seconds)


def _child(python: Path, script: str, *arguments: str) -> tuple[dict[str, Any], float]:
    """What a script prints as JSON in its last line, and the processor's seconds of its whole process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([python, "-c", script, *arguments], capture_output=True, text=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise Unavailable(f"{python} failed: {done.stderr.strip().splitlines()[-1:]}")
    cpu_seconds = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    said: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return said, cpu_seconds


def _environment(folder: Path, name: str) -> Path:
    """The Python of an environment that has one of the other tools, made where it is not there yet."""
    python, made = folder / "bin" / "python", folder / "installed"
    if not made.exists():
        err.print(f"installing {name} into {folder}, once")
        venv.create(folder, with_pip=True, clear=True)
        for step in _REQUIREMENTS[name]:
            install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *step]
            done = subprocess.run(install, capture_output=True, text=True, check=False)
            if done.returncode:
                raise Unavailable(f"{name} cannot be installed: {done.stderr.strip().splitlines()[-1]}")
        made.touch()
    return python


def _print(found: Mapping[str, list[_Run]], rows: int) -> None:
    rates = {name: sorted(rows / run.seconds for run in runs) for name, runs in found.items()}
    ours = statistics.median(next(iter(rates.values())))
    table = Table("", "tx/s", "least", "most", "µs CPU a transaction", "txhub is", title=f"{rows:,} transactions")
    for name, runs in found.items():
        median, least, most = statistics.median(rates[name]), rates[name][0], rates[name][-1]
        cpu = [run.cpu_seconds for run in runs if run.cpu_seconds is not None]
        burden = f"{statistics.median(cpu) / rows * 1e6:.1f}" if cpu else ""
        table.add_row(name, f"{median:,.0f}", f"{least:,.0f}", f"{most:,.0f}", burden, f"{ours / median:.2f} times")
    out.print(table)
