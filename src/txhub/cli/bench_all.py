"""`txhub bench all`: every benchmark in turn, and the page that tells of them."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from txhub import __version__
from txhub.cli.console import err, out
from txhub.errors import Unavailable, UsageError
from txhub.store.account import Account
from txhub.store.installation import suitable

_LIBRARIES = ("msgspec", "asyncpg", "web3", "litestar", "polars", "dash")
_COLUMNS = "118"


class _Part(NamedTuple):
    """A section of the page: a command, with the options of a quick and of a full run."""

    title: str
    meaning: str
    command: str
    quick: str
    full: str


_PARTS = (
    _Part(
        "The whole path beside others and beside its limits",
        "The same recorded blocks from the same node, by each in turn; starting up counts for nobody. Rows that begin "
        "with `limit` are the way without the rest of it.",
        "peers",
        "--repeat 40 --runs 2",
        "--repeat 150 --runs 5",
    ),
    _Part(
        "The whole path with receipts",
        "With receipts each block brings outcomes, fees and token transfers, which are stored as well.",
        "ingest --receipts {receipts}",
        "--repeat 100 --runs 2",
        "--repeat 700 --runs 3",
    ),
    _Part(
        "How soon a block is seen",
        "From the node's announcement to the row that others can read, to the API's stream, and to the page.",
        "freshness",
        "--interval 2 --interval 0.25 --count 20",
        "--interval 12 --interval 2 --interval 0.25 --count 60",
    ),
    _Part(
        "What rows weigh, and how long questions take",
        "Made days in the shape of Ethereum's traffic, with random hashes and new addresses.",
        "store",
        "--rows 2000000 --times 10",
        "--rows 20000000 --rows 100000000 --times 12",
    ),
    _Part(
        "Many who ask at once",
        "Fifty connections ask what open dashboards ask, while blocks of three chains are committed.",
        "api",
        "--rows 1000000 --seconds 15 --runs 1",
        "--rows 20000000 --seconds 60 --runs 3",
    ),
)
_WITHOUT_BLOCKS = frozenset({"store", "api"})


def everything(
    blocks: Annotated[Path, typer.Option(metavar="FILE", help="Recorded blocks (.jsonl.gz) to serve.")],
    quick: Annotated[bool, typer.Option("--quick", help="Minutes instead of hours, and fewer rows.")] = False,
    page: Annotated[
        Path | None, typer.Option("--page", metavar="FILE", help="Write the page there, such as docs/performance.md.")
    ] = None,
) -> None:
    """Run every benchmark in turn, each in a process of its own, and write down what it says."""
    if not blocks.is_file():
        raise UsageError(f"there is no file {blocks}", hint="--blocks names a .jsonl.gz of blocks, one JSON a line")
    text = "\n".join(_page(blocks, quick))
    if page is None:
        out.print(text, markup=False, highlight=False, soft_wrap=True)
    else:
        page.write_text(text, encoding="utf-8")


def _page(blocks: Path, quick: bool) -> Iterator[str]:
    began = time.monotonic()
    yield "# Performance\n"
    yield (
        "Written by `txhub bench all"
        + (" --quick" if quick else "")
        + " --blocks FILE --page docs/performance.md`. Each"
    )
    yield "section is a command and what it said; answers are checked while they are timed. Run it on your own machine:"
    yield "what counts are the ratios within a table.\n"
    yield from (f"- {line}" for line in _machine())
    for part in _PARTS:
        command = part.command.format(receipts=blocks.parent)
        options = [*command.split(), *(part.quick if quick else part.full).split()]
        shown = [*part.command.format(receipts="DIR").split(), *(part.quick if quick else part.full).split()]
        if options[0] not in _WITHOUT_BLOCKS:
            options += ["--blocks", str(blocks)]
            shown += ["--blocks", "FILE"]
        yield f"\n## {part.title}\n\n{part.meaning}\n"
        yield f"    txhub bench {' '.join(shown)}\n"
        yield f"```text\n{_run(options)}\n```"
    yield f"\nAll of it took {(time.monotonic() - began) / 60:.0f} minutes.\n"


def _machine() -> Iterator[str]:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    yield f"{datetime.now(UTC):%Y-%m-%d}, {_processor()}, {os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()}"
    server = next(suitable(Account.current()))
    extension = "" if server.timescale is None else f", TimescaleDB {server.timescale}"
    yield f"PostgreSQL {'.'.join(map(str, server.version))}{extension}"
    libraries = ", ".join(f"{name} {version(name)}" for name in _LIBRARIES)
    yield f"txhub {__version__}, Python {platform.python_version()}, {libraries}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    return model or platform.processor() or platform.machine()


def _run(options: list[str]) -> str:
    err.print(f"txhub bench {' '.join(options)}", soft_wrap=True)
    done = subprocess.run(
        [sys.executable, "-m", "txhub", "bench", *options],
        env=os.environ | {"COLUMNS": _COLUMNS},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        raise Unavailable(f"txhub bench {options[0]} failed", hint="what it says is above")
    return "\n".join(line.rstrip() for line in done.stdout.strip().splitlines())
