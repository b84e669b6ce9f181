"""Imports run one way, and each large library is used in one folder."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parent.parent.parent
PACKAGE = CHECKOUT / "src" / "txhub"

FLOOR_0 = {
    "",
    "address",
    "errors",
    "eventlog",
    "config",
    "model",
    "contract",
    "ports",
    "resources",
    "client",
    "questions",
}
MAY_IMPORT: dict[str, set[str]] = {
    "chain": FLOOR_0,
    "store": FLOOR_0,
    "ingest": FLOOR_0 | {"chain", "store"},
    "rollup": FLOOR_0 | {"chain", "store"},
    "archive": FLOOR_0 | {"chain", "store"},
    "detect": FLOOR_0 | {"chain", "store"},
    "query": FLOOR_0 | {"chain", "store"},
    "alert": FLOOR_0 | {"chain", "store", "ingest", "rollup", "archive", "detect", "query"},
    "ops": FLOOR_0 | {"chain", "store", "ingest", "rollup", "archive", "detect", "query"},
    "api": FLOOR_0 | {"chain", "store", "ingest", "rollup", "archive", "detect", "query", "alert", "ops"},
}
"""What a folder may import of txhub, beside itself; `cli`, the composition root, may import all."""

HOME_OF = {"web3": "chain", "apprise": "alert", "asyncpg": "store", "litestar": "api", "dash": "dashboards"}


def modules() -> Iterator[tuple[str, Path]]:
    """Each module with its room: the folder below txhub, its own name on floor 0, or `dashboards`."""
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).parts
        yield (parts[0] if len(parts) > 1 else path.stem.replace("__init__", ""), path)
    for path in sorted((CHECKOUT / "dashboards").rglob("*.py")):
        yield "dashboards", path


def imported(path: Path) -> Iterator[str]:
    """Full names of the modules that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def rooms_of_txhub(path: Path) -> set[str]:
    """The rooms of txhub that a file imports from."""
    names = [name.split(".") for name in imported(path) if name == "txhub" or name.startswith("txhub.")]
    return {parts[1] if len(parts) > 1 and not parts[1].startswith("__") else "" for parts in names}


ALL = list(modules())


@pytest.mark.parametrize(("room", "path"), ALL, ids=[str(path.relative_to(CHECKOUT)) for _, path in ALL])
def test_a_module_imports_only_what_its_room_may(room: str, path: Path) -> None:
    if room == "dashboards":
        assert rooms_of_txhub(path) <= {"contract", "client"}
    elif room in MAY_IMPORT:
        assert rooms_of_txhub(path) <= MAY_IMPORT[room] | {room}
        assert not any(name.split(".")[0] == "dashboards" for name in imported(path))
    elif room not in {"cli", "__main__"}:
        assert room in FLOOR_0, f"which room is {room}?"
        assert rooms_of_txhub(path) <= FLOOR_0
    for library, home in HOME_OF.items():
        if room != home:
            roots = {name.split(".")[0] for name in imported(path)}
            assert library not in roots, f"{library} belongs in {home}"


def test_the_ingester_takes_no_memory_for_frames() -> None:
    told = "import sys, txhub.cli.ingest; print(*sys.modules.keys() & {'polars', 'pyarrow', 'numpy', 'pandas'})"
    command = [sys.executable, "-c", told]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout.split() == []


def test_modules_are_of_a_size_that_reads_well() -> None:
    too_long = {str(path): lines for _, path in ALL if (lines := len(path.read_text().splitlines())) > 500}
    assert too_long == {}
