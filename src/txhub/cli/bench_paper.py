"""What the measured figures come to for many chains, years and dashboards: what stays, and where the walls are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from txhub.cli.bench_figures import BLOCK, FILTERS, LISTS, ROLLUPS, Cell, Tables, number

RAW_DAYS = 90
"""So long raw rows stay in the database; older ones are in the archive alone."""
DASHBOARDS = 1_000
DISK_TB = 4.0
"""What a database server's disk holds."""
MEMORY_MB = 16_000.0
"""What is left for servers on a machine of 24 GiB."""
_QUESTIONS = 13
"""What an Overview asks when blocks came."""
_NEWS_S = 12.0
"""How often it asks: blocks of the chain that is looked at."""
_OPEN = 50
"""So many dashboards were open when memory was looked at."""
_DAY_S = 86_400
_A_SECOND = re.compile(r"([\d,]+) a second")


class Scenario(NamedTuple):
    """Chains that make so many transactions a second together, and a block every so many seconds each, for years."""

    name: str
    chains: int
    tx_s: float
    block_s: float
    years: int

    @property
    def transactions(self) -> float:
        """All of them."""
        return self.tx_s * _DAY_S * 365.25 * self.years

    @property
    def raw(self) -> float:
        """Transactions of the days that stay in the database as rows."""
        return self.tx_s * _DAY_S * RAW_DAYS

    @property
    def blocks(self) -> float:
        """All of them."""
        return self.chain_days * _DAY_S / self.block_s

    @property
    def chain_days(self) -> float:
        """Days of each chain, together."""
        return self.chains * 365.25 * self.years


HUNDRED = Scenario("a hundred chains, five years", 100, 1_000.0, 2.0, 5)
EVERY = Scenario("all EVM chains, ten years", 300, 2_000.0, 2.0, 10)
"""More than three hundred are in use; all of them together make less than this today."""


class Wall(NamedTuple):
    """What is needed of something, what one machine gives, and what is done where that is too little."""

    what: str
    needed: float
    given: float
    unit: str
    beyond: str

    @property
    def times(self) -> float:
        """How many such machines it takes."""
        return self.needed / self.given


def sizes(scenario: Scenario, tables: Tables) -> dict[str, float]:
    """Terabytes of what stays, by what it is; only what was measured."""
    each = {
        f"raw rows of the last {RAW_DAYS} days": (scenario.raw, Cell("store", "in all", "columnstore")),
        "archive of all": (scenario.transactions, Cell("store", "in all", "Parquet")),
        "ledger": (scenario.blocks, Cell("store", BLOCK, "bytes")),
        "rollups": (scenario.chain_days, Cell("store", ROLLUPS, "bytes")),
        "lists of the busiest, at most": (scenario.chain_days, Cell("store", LISTS, "bytes")),
        "filters of days": (scenario.transactions, Cell("store", FILTERS, "bytes")),
    }
    read = ((what, count, number(cell.read(tables))) for what, (count, cell) in each.items())
    return {what: count * size / 1e12 for what, count, size in read if size is not None}


def walls(scenario: Scenario, tables: Tables) -> list[Wall]:
    """All that could be too little, the first wall first; only what was measured."""
    found = []
    stay = sizes(scenario, tables)
    if size := number(Cell("store", "in all", "columnstore").read(tables)):
        beyond = f"they stay {RAW_DAYS} days; older ones are in the archive, which lists and searches read as well"
        found.append(
            Wall("disk for all rows, in the database", scenario.transactions * size / 1e12, DISK_TB, "TB", beyond)
        )
    if archive := stay.pop("archive of all", 0):
        beyond = "its address names an object store, where any engine reads it"
        found.append(Wall("disk for the archive", archive, DISK_TB, "TB", beyond))
    if stay:
        beyond = (
            "fewer days and hourly lists, a larger disk, or a database for each group of chains: they share nothing"
        )
        found.append(Wall("disk for what stays in the database", sum(stay.values()), DISK_TB, "TB", beyond))
    if ingest := number(Cell("ingest", "median", "tx/s").read(tables)):
        beyond = "ingesters are split by chain over machines; behind them comes the COPY limit of the database"
        found.append(Wall("storing, with receipts", scenario.tx_s, ingest, "tx/s", beyond))
    if answers := _answers(tables):
        needed = DASHBOARDS * _QUESTIONS / _NEWS_S
        beyond = "servers behind a balancer, each on a replica (`TXHUB_READ_DATABASE_URL`)"
        found.append(Wall(f"answers to {DASHBOARDS:,} dashboards", needed, answers, "a second", beyond))
    rest, busy = (
        number(Cell("memory", f"API with dashboard, {phase}", "median").read(tables))
        for phase in ("at rest", f"{_OPEN} dashboards")
    )
    if rest and busy:
        needed = rest + DASHBOARDS * max(busy - rest, 0) / _OPEN
        found.append(Wall(f"memory of {DASHBOARDS:,} dashboards", needed, MEMORY_MB, "MB", "as for their answers"))
    return sorted(found, key=lambda wall: -wall.times)


def on_paper(tables: Tables) -> Iterator[str]:
    """The section of the page, as lines of Markdown; nothing where too little was measured."""
    found = walls(EVERY, tables)
    if not found:
        return
    yield "\n## On paper\n"
    for each in (HUNDRED, EVERY):
        yield f"- {each.name}: {each.chains} chains that make {each.tx_s:,.0f} transactions a second together, and a"
        yield f"  block every {each.block_s:.0f} s each: {each.transactions / 1e9:,.0f} billion transactions in"
        yield f"  {each.blocks / 1e9:,.1f} billion blocks"
    yield f"\n| what stays, TB | {HUNDRED.name} | {EVERY.name} |"
    yield "| --- | --- | --- |"
    fewer, more = sizes(HUNDRED, tables), sizes(EVERY, tables)
    yield from (f"| {what} | {fewer[what]:,.2f} | {more[what]:,.2f} |" for what in fewer)
    yield f"\nOf {EVERY.name}, with {DASHBOARDS:,} open dashboards that each ask their {_QUESTIONS} questions every"
    yield f"{_NEWS_S:.0f} seconds. What one machine gives is measured above, where it also ran node, database and"
    yield f"whoever asked; of disk it is {DISK_TB:,.0f} TB, of memory {MEMORY_MB / 1000:,.0f} GB. More is a wall.\n"
    yield "| what | needed | one machine | times | what is done there |"
    yield "| --- | --- | --- | --- | --- |"
    for wall in found:
        cells = (f"{wall.needed:,.0f} {wall.unit}", f"{wall.given:,.0f} {wall.unit}", f"{wall.times:,.2f}")
        yield f"| {wall.what} | {' | '.join(cells)} | {wall.beyond} |"
    first = found[0]
    yield f"\nThe first wall is {first.what}." if first.times > 1 else "\nThere is no wall: one machine is enough."


def _answers(tables: Tables) -> float | None:
    """Answers a second of a server, by the titles that `bench api` gives its runs; the last one's."""
    titles = (_A_SECOND.search(shown.title) for shown in tables.get("api", ()))
    found = [number(match[1]) for match in titles if match]
    return found[-1] if found else None
