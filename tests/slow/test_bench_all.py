"""A real run of benchmarks that go on with each other's database: their figures are there, and nothing is left."""

from __future__ import annotations

import tempfile
from pathlib import Path

import psutil

from tests.commands import TXHUB, environment
from tests.data import recorded
from txhub.cli.bench_page import read_rows

PARTS = ("code", "store", "api", "memory")
FIGURES = {"bytes", "bytes-block", "ask-rate", "ask-hash", "many", "memory-serve-dashboards"}


def left() -> set[str]:
    """Folders of benchmarks, and processes that name one."""
    processes = (" ".join(process.info["cmdline"] or ()) for process in psutil.process_iter(["cmdline"]))
    folders = (str(path) for path in Path(tempfile.gettempdir()).glob("txhub-bench-*"))
    return {*folders, *(line for line in processes if "txhub-bench-" in line)}


def test_figures_are_there_and_nothing_is_left(tmp_path: Path) -> None:
    page, before = tmp_path / "performance.md", left()
    only = [word for part in PARTS for word in ("--only", part)]
    done = psutil.Popen(
        [*TXHUB, "bench", "all", "--quick", *only, "--blocks", str(recorded()), "--page", str(page)], env=environment()
    )
    assert done.wait(900) == 0
    rows = read_rows(page.read_text())
    assert set(rows) >= FIGURES
    assert all(row["figure"] for row in rows.values())
    assert "## On paper" in page.read_text()
    assert left() <= before
