"""What the measured figures come to for all EVM chains, ten years and a thousand dashboards, and what is done there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from txhub.cli.bench_figures import Cell, Tables, number

CHAINS = 300
"""About so many EVM chains are in use."""
TX_S = 2_000.0
"""Transactions a second of all of them: twice what the busiest dozen made in 2025."""
YEARS = 10
RAW_DAYS = 90
DASHBOARDS = 1_000
BLOCK_S = 2.0
"""Seconds between two blocks, of the chains in the middle."""
DISK_TB = 4.0
"""What one database server's disk holds."""
MEMORY_MB = 16_000.0
"""What is left for txhub on a machine of 24 GiB."""
_QUESTIONS = 13
"""What an Overview asks when blocks came."""
_NEWS_S = 12.0
"""How often one asks: it shows chains of its own, and is told at most twice a second."""
_DAY_S = 86_400
_A_SECOND = re.compile(r"([\d,]+) a second")


class Wall(NamedTuple):
    """What is needed of something, what one machine was measured to give, and what is done where that is too little."""

    what: str
    needed: float
    given: float
    unit: str
    beyond: str

    @property
    def times(self) -> float:
        """How many such machines it takes."""
        return self.needed / self.given


def walls(tables: Tables) -> list[Wall]:
    """All that could be too little, the first wall first; only what was measured."""
    transactions = TX_S * _DAY_S * 365.25 * YEARS
    rows_bytes = number(Cell("store", "in all", "columnstore").read(tables))
    file_bytes = number(Cell("store", "in all", "Parquet").read(tables))
    ingest = number(Cell("ingest", "median", "tx/s").read(tables))
    answers = _answers(tables)
    memory = {
        phase: number(Cell("memory", f"API with dashboard, {phase}", "median").read(tables))
        for phase in ("at rest", "50 dashboards")
    }
    found = []
    if ingest:
        found.append(
            Wall(
                "storing what the chains make, with receipts",
                TX_S,
                ingest,
                "tx/s",
                "ingesters are split by chain over machines; behind them comes the COPY limit of the database",
            )
        )
    if rows_bytes:
        whole = transactions * rows_bytes / 1e12
        found.append(
            Wall(
                f"disk for all rows of {YEARS} years in the columnstore",
                whole,
                DISK_TB,
                "TB",
                f"raw rows stay {RAW_DAYS} days, rollups for ever; older rows are in the archive, which pages of "
                "transactions and searches read as well",
            )
        )
        found.append(
            Wall(
                f"disk for raw rows of {RAW_DAYS} days",
                TX_S * _DAY_S * RAW_DAYS * rows_bytes / 1e12,
                DISK_TB,
                "TB",
                "fewer days, a larger disk, or a database for each group of chains",
            )
        )
    if file_bytes:
        found.append(
            Wall(
                f"disk for the archive of {YEARS} years",
                transactions * file_bytes / 1e12,
                DISK_TB,
                "TB",
                "the archive's address names an object store, and a distributed engine reads it there",
            )
        )
    if answers:
        found.append(
            Wall(
                f"answers to {DASHBOARDS:,} dashboards",
                DASHBOARDS * _QUESTIONS / _NEWS_S,
                answers,
                "a second",
                "servers behind a balancer, each on a replica (`TXHUB_READ_DATABASE_URL`)",
            )
        )
    if memory["at rest"] and memory["50 dashboards"]:
        each = max(memory["50 dashboards"] - memory["at rest"], 0) / 50
        found.append(
            Wall(
                f"memory of the servers for {DASHBOARDS:,} dashboards",
                memory["at rest"] + DASHBOARDS * each,
                MEMORY_MB,
                "MB",
                "as for their answers",
            )
        )
    return sorted(found, key=lambda wall: -wall.times)


def on_paper(tables: Tables) -> Iterator[str]:
    """The section of the page, as lines of Markdown; nothing where too little was measured."""
    found = walls(tables)
    if not found:
        return
    billions = TX_S * _DAY_S * 365.25 * YEARS / 1e9
    yield "\n## On paper: all EVM chains, ten years, a thousand dashboards\n"
    yield f"Assumed: {CHAINS} chains that make {TX_S:,.0f} transactions a second together, for {YEARS} years:"
    yield f"{billions:,.0f} billion transactions; {DASHBOARDS:,} open dashboards, each of which asks its {_QUESTIONS}"
    yield f"questions anew every {_NEWS_S:.0f} seconds; servers with {DISK_TB:,.0f} TB of disk. The rest is measured"
    yield "above, on one machine that also ran node, database and whoever asked. Where it takes more than one,"
    yield "there is a wall.\n"
    yield "| what | needed | one machine | times | what is done there |"
    yield "| --- | --- | --- | --- | --- |"
    for wall in found:
        cells = (f"{wall.needed:,.0f} {wall.unit}", f"{wall.given:,.0f} {wall.unit}", f"{wall.times:,.2f}")
        yield f"| {wall.what} | {' | '.join(cells)} | {wall.beyond} |"
    first = found[0]
    if first.times > 1:
        yield f"\nThe first wall is {first.what}: {first.times:,.0f} times what there is."
    else:
        yield "\nThere is no wall: one machine is enough for all of it."


def _answers(tables: Tables) -> float | None:
    """Answers a second of a server, by the titles that `bench api` gives its runs; the last one's."""
    titles = (_A_SECOND.search(shown.title) for shown in tables.get("api", ()))
    found = [number(match[1]) for match in titles if match]
    return found[-1] if found else None
