"""The figures that txhub is judged by: each a cell of a table that a benchmark shows, beside its limit's or a peer's.

A figure has a name. It is the anchor of its row in docs/performance.md, and documents that claim it link there by
`[51,000 tx/s](docs/performance.md#ingest "figure")`, in that row's words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from txhub.cli.bench_tables import Shown

Tables = Mapping[str, Sequence[Shown]]
"""What each part showed, by the part's name."""


class Cell(NamedTuple):
    """Where a figure stands: the part's name, the first words of the row, the heading of the column.

    Of a heading that names a size (`20.7 M`) the last column that fits `*` counts.
    """

    part: str
    row: str
    column: str

    def read(self, tables: Tables) -> str | None:
        """What stands there; None: nothing does."""
        pattern = re.compile(re.escape(self.column).replace(r"\*", r"[\d.,]+ M"))
        for shown in tables.get(self.part, ()):
            for column in reversed(shown.columns):
                if pattern.fullmatch(column) and (found := shown.cell(self.row, column)):
                    return found
        return None


class Figure(NamedTuple):
    """A figure, how far it spread, and what it is compared with."""

    name: str
    what: str
    unit: str
    median: Cell
    spread: tuple[str, str] | None = None
    """Headings of the same row that have the least and the most, or the 50th and 95th percentile."""
    beside: Cell | str | None = None
    other: str = ""
    """What stands beside it, in words."""


class Row(NamedTuple):
    """A figure as it was measured: texts of the page's table."""

    name: str
    what: str
    median: str
    spread: str
    beside: str
    ratio: str


_MANY = ("least", "most")
_TX = "tx/s"
_TXHUB, _CRYO, _ETL = "txhub, into an indexed hypertable", "cryo, into memory", "ethereum-etl, to CSV"
_COPY, _NODE = "limit: COPY of encoded rows", "limit: the node, nobody reading"
_REACHED = (
    ("committed", "committed", "250"),
    ("told", "told by the API", "1,000"),
    ("page", "seen on the page", "1,000"),
)
BLOCK = "a block in the ledger"
ROLLUPS = "rollups of a chain's day: minutes, hours, days, value bins"
LISTS = "lists of a chain's day: the busiest of each hour"
FILTERS = "filters of days, a transaction"
_BURDEN = "µs CPU a transaction"


def _peers(row: str, column: str = _TX) -> Cell:
    return Cell("peers", row, column)


def _asked(name: str, question: str) -> Figure:
    """A question of the API at the largest size, beside DuckDB's."""
    return Figure(
        name,
        f"{question} (p50 / p95)",
        "ms",
        Cell("store", question, "*"),
        None,
        Cell("store", question, "DuckDB *"),
        "DuckDB",
    )


def _memory(name: str, service: str, phase: str) -> Figure:
    row = f"{service}, {phase}"
    return Figure(name, row, "MB", Cell("memory", row, "median"), _MANY, Cell("memory", row, "aim"), "the aim")


def _fresh(every: str, name: str, reached: str, aim: str) -> Figure:
    what = f"a block every {every} s: {reached} (p95; p50 to p99)"
    cell = Cell(f"freshness-{every}", reached, "p95")
    return Figure(f"fresh-{every}-{name}", what, "ms", cell, ("p50", "p99"), aim, "the aim")


def _weighed(name: str, what: str, form: str, beside: str) -> Figure:
    row = "in all"
    return Figure(name, what, "bytes", Cell("store", row, form), None, Cell("store", row, beside), beside)


FIGURES = (
    Figure(
        "ingest", "ingest, node to committed rows", _TX, _peers(_TXHUB), _MANY, _peers(_COPY), "COPY of encoded rows"
    ),
    Figure("ingest-cryo", "the same beside cryo, into memory", _TX, _peers(_TXHUB), _MANY, _peers(_CRYO), "cryo"),
    Figure(
        "ingest-etl", "the same beside ethereum-etl, to CSV", _TX, _peers(_TXHUB), _MANY, _peers(_ETL), "ethereum-etl"
    ),
    Figure(
        "ingest-node", "the same beside the node alone", _TX, _peers(_TXHUB), _MANY, _peers(_NODE), "nobody reading"
    ),
    Figure(
        "ingest-cpu",
        "ingester's processor for a transaction",
        "µs",
        _peers(_TXHUB, _BURDEN),
        None,
        _peers(_CRYO, _BURDEN),
        "cryo",
    ),
    Figure(
        "ingest-receipts",
        "ingest with receipts and token transfers",
        _TX,
        Cell("ingest", "median", _TX),
        _MANY,
        _peers(_TXHUB),
        "without them",
    ),
    *(_fresh(every, *reached) for every in ("12", "2", "0.25") for reached in _REACHED),
    _weighed("bytes", "a transaction in the columnstore, with every column and index", "columnstore", "Parquet"),
    _weighed("bytes-rows", "the same as rows with three b-trees", "rows", "columnstore"),
    _weighed("bytes-parquet", "the same in the archive (Parquet, zstd)", "Parquet", "information"),
    *(
        Figure(name, what, "bytes", Cell("store", what, "bytes"))
        for name, what in (
            ("bytes-block", BLOCK),
            ("bytes-rollups", ROLLUPS),
            ("bytes-lists", LISTS),
            ("bytes-sketches", "sketches of a chain's day"),
            ("bytes-filters", FILTERS),
        )
    ),
    _asked("ask-rate", "rate, a day of minutes"),
    _asked("ask-kinds", "rate by kind, 14 days"),
    _asked("ask-quantiles", "value quantiles, 7 days of hours"),
    _asked("ask-top", "top senders, 10 days"),
    _asked("ask-newest", "newest 100 transactions"),
    _asked("ask-address-day", "an address in a day"),
    _asked("ask-hash-day", "a hash in a day"),
    _asked("ask-address", "an address at any time"),
    _asked("ask-hash", "a hash at any time"),
    Figure(
        "many",
        "fifty connections that each ask the next at once (p50; p95 to p99)",
        "ms",
        Cell("api", "all", "p50"),
        ("p95", "p99"),
    ),
    *(
        _memory(f"memory-{name}-{short}", service, phase)
        for name, service in (("ingest", "ingester"), ("worker", "worker"), ("serve", "API with dashboard"))
        for short, phase in (("rest", "at rest"), ("full", "at full rate"), ("dashboards", "50 dashboards"))
    ),
)
"""In the order of the page."""


def rows(figures: Iterable[Figure], tables: Tables) -> list[Row]:
    """The figures that were measured."""
    return [row for figure in figures if (row := _row(figure, tables)) is not None]


def _row(figure: Figure, tables: Tables) -> Row | None:
    median = figure.median.read(tables)
    if median is None:
        return None
    spread = ""
    if figure.spread is not None:
        ends = [figure.median._replace(column=column).read(tables) for column in figure.spread]
        spread = " to ".join(end for end in ends if end is not None)
    other = figure.beside.read(tables) if isinstance(figure.beside, Cell) else figure.beside
    beside = "" if other is None else f"{figure.other}: {other}"
    return Row(figure.name, figure.what, f"{median} {figure.unit}", spread, beside, ratio(median, other))


def number(text: str | None) -> float | None:
    """The first number of a text such as `40,784` or `27.1 / 44.0`."""
    found = re.search(r"\d[\d,]*(?:\.\d+)?", text or "")
    return float(found[0].replace(",", "")) if found else None


def ratio(ours: str | None, theirs: str | None) -> str:
    """How many times the other figure this one is, to two digits."""
    first, second = number(ours), number(theirs)
    return "" if first is None or not second else f"{first / second:.2g}"
