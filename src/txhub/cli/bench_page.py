"""docs/performance.md: a table of all figures, and each benchmark's own words below it.

Documents claim a figure by a link to its row, whose title is the cell that it quotes: `figure`, `spread`, `beside` or
`times`. Whoever writes a page writes its figures into the claims.
"""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from txhub import __version__
from txhub.cli.bench_figures import FIGURES, rows
from txhub.cli.bench_paper import on_paper
from txhub.cli.bench_tables import Shown
from txhub.store.account import Account
from txhub.store.installation import suitable

CELLS = ("figure", "spread", "beside", "times")
"""What a claim may quote of a row, in the order of its cells."""
CLAIM = re.compile(rf'\[([^\[\]]+)\]\(((?:docs/)?performance\.md#([\w.-]+) "({"|".join(CELLS)})")\)')
"""A figure in a document: what it says, the link, the name of the row, and the cell that it quotes."""
_ROW = re.compile(r'^\| <a id="([\w.-]+)"></a>[^|]*\|(.*)\|$', re.MULTILINE)
_LIBRARIES = ("msgspec", "asyncpg", "web3", "litestar", "polars", "dash")


class Section(NamedTuple):
    """What a benchmark said."""

    name: str
    title: str
    meaning: str
    command: str
    text: str
    tables: Sequence[Shown]
    seconds: float
    failed: bool


def write_page(sections: Sequence[Section], *, quick: bool, minutes: float) -> str:
    """The page of these benchmarks, as Markdown."""
    return "\n".join(_page(sections, quick, minutes))


def read_rows(page: str) -> dict[str, dict[str, str]]:
    """The cells of each row of a page's figures, by the row's name and their own."""
    return {
        name: dict(zip(CELLS, (cell.strip() for cell in cells.split("|")), strict=True))
        for name, cells in _ROW.findall(page)
    }


def write_claims(page: Path) -> list[Path]:
    """Write a page's figures where the documents beside it, and the README above them, claim them.

    Returns:
        The documents that were changed.
    """
    measured = read_rows(page.read_text(encoding="utf-8"))

    def quoted(claim: re.Match[str]) -> str:
        said, link, name, cell = claim.groups()
        return f"[{measured.get(name, {}).get(cell) or said}]({link})"

    changed = []
    for document in [page.parent.parent / "README.md", *sorted(page.parent.glob("*.md"))]:
        if document != page and document.is_file():
            before = document.read_text(encoding="utf-8")
            if (after := CLAIM.sub(quoted, before)) != before:
                document.write_text(after, encoding="utf-8")
                changed.append(document)
    return changed


def _page(sections: Sequence[Section], quick: bool, minutes: float) -> Iterator[str]:
    tables = {section.name: section.tables for section in sections}
    yield "# Performance\n"
    yield "Written by\n"
    yield f"    txhub bench all{' --quick' if quick else ''} --blocks FILE --page docs/performance.md\n"
    yield f"in {minutes:.0f} minutes. What counts are the ratios: run it on your own machine for its figures. Answers"
    yield "are checked while they are timed.\n"
    yield from (f"- {line}" for line in _machine())
    yield "\n## Figures\n"
    yield "Each figure is the median of its runs or samples, with the least and the most of them; a size is what it is."
    yield "Beside it is the limit's or a peer's from the same run, or the aim, and how many times that it is.\n"
    yield "| what | figure | least to most | beside it | times |"
    yield "| --- | --- | --- | --- | --- |"
    for row in rows(FIGURES, tables):
        yield f'| <a id="{row.name}"></a>{row.what} | {row.median} | {row.spread} | {row.beside} | {row.ratio} |'
    yield from on_paper(tables)
    for section in sections:
        yield f"\n## {section.title}\n\n{section.meaning}\n"
        yield f"    txhub bench {section.command}\n"
        if section.failed:
            yield f"**It failed** after {section.seconds:.0f} s; what it had said by then:\n"
        yield f"```text\n{section.text}\n```"
    yield ""


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
