"""`txhub bench code`: decoding, encoding, batching and refreshing alone, by pytest-benchmark over tests/benchmarks."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.table import Table

from txhub.cli.console import err, out
from txhub.errors import Unavailable, UsageError

BENCHMARKS = Path("tests/benchmarks")


def code(
    blocks: Annotated[Path, typer.Option(metavar="FILE", help="Recorded blocks (.jsonl.gz) to decode.")],
) -> None:
    """Stages of the way by themselves; in a checkout with what its tests need.

    `pytest -p benchmark tests/benchmarks` is the same, with all that pytest-benchmark offers.
    """
    if not blocks.is_file():
        raise UsageError(f"there is no file {blocks}", hint="--blocks names a .jsonl.gz of blocks, one JSON a line")
    if not BENCHMARKS.is_dir() or find_spec("pytest_benchmark") is None:
        raise UsageError(
            f"there is no {BENCHMARKS}, or no pytest-benchmark, here", hint="run it in a checkout, after `make install`"
        )
    with tempfile.TemporaryDirectory(prefix="txhub-bench-") as folder:
        report = Path(folder) / "report.json"
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "benchmark",
            f"--benchmark-json={report}",
            str(BENCHMARKS),
        ]
        environment = os.environ | {"TXHUB_BENCH_BLOCKS": str(blocks.resolve())}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            err.print(done.stdout, markup=False, highlight=False)
            raise Unavailable("a benchmark of the code failed", hint="what pytest says is above")
        _print(msgspec.json.decode(report.read_bytes()))


def _print(report: dict[str, Any]) -> None:
    table = Table("µs each", "median", "least", "most", "rounds", title="The code alone")
    for each in report["benchmarks"]:
        stats, extra = each["stats"], each["extra_info"]
        figures = (stats["median"], stats["min"], stats["max"])
        cells = (f"{figure / extra['items'] * 1e6:,.2f}" for figure in figures)
        table.add_row(f"{extra['what']}, a {extra['item']}", *cells, str(stats["rounds"]))
    out.print(table)
