"""`txhub bench all`: every benchmark in turn, and the page that tells of them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from txhub.cli.bench_page import Section, write_claims, write_page
from txhub.cli.bench_tables import Shown, read_tables
from txhub.cli.console import err, out
from txhub.errors import Incomplete, UsageError

_COLUMNS = "160"
_MEDIAN = re.compile(r"^median ([\d,]+) tx/s of \d+ runs?, ([\d,]+) to ([\d,]+)$", re.MULTILINE)


class Part(NamedTuple):
    """A section of the page: a command with the options of a quick run (None: it is left out) and of a full one."""

    name: str
    title: str
    meaning: str
    quick: str | None
    full: str


PARTS = (
    Part(
        "peers",
        "The whole path beside others and beside its limits",
        "The same recorded blocks from the same node, by each in turn; starting up counts for nobody. Rows that begin "
        "with `limit` are the way without the rest of it.",
        "peers --blocks {blocks} --repeat 40 --runs 2",
        "peers --blocks {blocks} --repeat 150 --runs 3",
    ),
    Part(
        "ingest",
        "The whole path with receipts",
        "With receipts each block brings outcomes, fees and token transfers, which are stored as well.",
        "ingest --blocks {blocks} --receipts {receipts} --repeat 100 --runs 1",
        "ingest --blocks {blocks} --receipts {receipts} --repeat 700 --runs 3",
    ),
    Part(
        "code",
        "The code alone",
        "Decoding, encoding, batching and the refresh of rollups by themselves, over the same recorded blocks.",
        "code --blocks {blocks}",
        "code --blocks {blocks}",
    ),
    *(
        Part(
            f"freshness-{interval}",
            f"How soon a block is seen, one every {interval} s",
            "From the node's announcement to the row that others can read, to the API's stream, and to the page.",
            None if quick is None else f"freshness --blocks {{blocks}} --interval {interval} --count {quick}",
            f"freshness --blocks {{blocks}} --interval {interval} --count {full}",
        )
        for interval, quick, full in (("12", None, 20), ("2", 12, 60), ("0.25", 60, 400))
    ),
    Part(
        "store",
        "What rows weigh, and how long questions take",
        "Made days in the shape of Ethereum's traffic, with random hashes and new addresses. `information` is what a "
        "column says at least: which value each row has, by how often it comes, and every value once. The questions "
        "are put to the API in the same process, and to DuckDB over the same rows in Parquet; their answers have to "
        "be equal.",
        "store --rows 1000000 --times 5 --patience 3 --keep {home}",
        "store --rows 1000000 --rows 10000000 --rows 100000000 --times 12 --patience 8 --keep {home}",
    ),
    Part(
        "api",
        "Many who ask at once",
        "Fifty connections ask what open dashboards ask, each the next as soon as it is answered, while blocks of "
        "three chains are committed; over the rows of the section before.",
        "api --rows 1 --seconds 10 --runs 1 --keep {home}",
        "api --rows 1 --seconds 60 --runs 3 --keep {home}",
    ),
    Part(
        "memory",
        "Memory",
        "PSS: what a process has for itself, and its share of what several have. At full rate the ingester loads "
        "history as fast as the node and the cores give it, with the worker behind it; over the same rows.",
        "memory --seconds 12 --keep {home}",
        "memory --seconds 90 --keep {home}",
    ),
    Part(
        "detect",
        "What is found",
        "Default rules over what is planted in the demo network, and over traffic in which nothing is.",
        None,
        "detect --transactions 3000000 --days 1",
    ),
    Part(
        "soak",
        "All of it together, while faults strike",
        "The whole stack on simulated chains, while node, network, database, disk and processes fail at random; in the "
        "end every block and transaction is compared with the network's.",
        None,
        "soak --minutes 6 --rate 300 --chains 8",
    ),
)
"""In the order of the page: those that go on with a database come after the one that loads it."""


def everything(
    blocks: Annotated[Path, typer.Option(metavar="FILE", help="Recorded blocks (.jsonl.gz) to serve.")],
    quick: Annotated[bool, typer.Option("--quick", help="Minutes instead of an hour, and fewer rows.")] = False,
    only: Annotated[
        list[str] | None, typer.Option("--only", metavar="PART", help="Only this part, such as store; repeatable.")
    ] = None,
    page: Annotated[
        Path | None,
        typer.Option(
            "--page", metavar="FILE", help="Write the page there, and its figures where README and docs claim them."
        ),
    ] = None,
) -> None:
    """Run every benchmark in turn, each in a process of its own, and write down what it says.

    One that fails is told of, and the others are run all the same; the exit code says that one failed. All of them are
    given the same folder, so that what one has loaded is there for the next. Nothing is left of it.
    """
    if not blocks.is_file():
        raise UsageError(f"there is no file {blocks}", hint="--blocks names a .jsonl.gz of blocks, one JSON a line")
    if unknown := set(only or ()) - {part.name for part in PARTS}:
        raise UsageError(f"there is no part {min(unknown)!r}", hint=", ".join(part.name for part in PARTS))
    began = time.monotonic()
    sections = []
    with tempfile.TemporaryDirectory(prefix="txhub-bench-", ignore_cleanup_errors=True) as home:
        places = {"blocks": str(blocks), "receipts": str(blocks.parent), "home": home}
        for part in PARTS:
            options = part.quick if quick else part.full
            if options is not None and (not only or part.name in only):
                sections.append(_run(part, options, places))
    minutes = (time.monotonic() - began) / 60
    text = write_page(sections, quick=quick, minutes=minutes)
    if page is None:
        out.print(text, markup=False, highlight=False, soft_wrap=True)
    else:
        page.write_text(text, encoding="utf-8")
        for document in write_claims(page):
            err.print(f"its figures are in {document}, too")
    if failed := [section.name for section in sections if section.failed]:
        raise Incomplete(f"of {len(sections)} benchmarks these failed: {', '.join(failed)}")


def _run(part: Part, options: str, places: Mapping[str, str]) -> Section:
    """Run a benchmark to its end."""
    shown = options.format(blocks="FILE", receipts="DIR", home="DIR")
    began = time.monotonic()
    with tempfile.NamedTemporaryFile(prefix="txhub-bench-", suffix=".json") as file:
        tables = Path(file.name)
        arguments = [word.format(**places) for word in options.split()]
        err.print(f"[bold]txhub bench {' '.join(arguments)}[/]", soft_wrap=True)
        done = subprocess.run(
            [sys.executable, "-m", "txhub", "bench", "--json", str(tables), *arguments],
            env=os.environ | {"COLUMNS": _COLUMNS},
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        found = read_tables(tables)
    if done.returncode:
        err.print(f"[bold red]error:[/] txhub bench {arguments[0]} failed; the others go on")
    text = "\n".join(line.rstrip() for line in done.stdout.strip().splitlines())
    seconds = time.monotonic() - began
    return Section(
        part.name, part.title, part.meaning, shown, text, [*found, *_medians(text)], seconds, bool(done.returncode)
    )


def _medians(text: str) -> Sequence[Shown]:
    """The line of a median, as a table's row."""
    rows = [["median", *found.groups()] for found in _MEDIAN.finditer(text)]
    return [Shown("", ["", "tx/s", "least", "most"], rows)] if rows else []
