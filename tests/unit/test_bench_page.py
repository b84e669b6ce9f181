"""The page of figures: what it takes from tables, and how documents' claims hold to it."""

from __future__ import annotations

from pathlib import Path

from txhub.cli.bench_figures import FIGURES, Cell, Figure, ratio, rows
from txhub.cli.bench_page import Section, read_rows, write_claims, write_page
from txhub.cli.bench_paper import EVERY, walls
from txhub.cli.bench_tables import Shown

PEERS = Shown(
    "",
    ["", "tx/s", "least", "most", "µs CPU a transaction", "txhub is"],
    [
        ["txhub, into an indexed hypertable", "40,000", "36,000", "42,000", "21.0", "1.00 times"],
        ["cryo, into memory", "20,000", "19,000", "21,000", "40.0", "2.00 times"],
    ],
)
WEIGHT = Shown(
    "", ["bytes a transaction", "rows", "columnstore", "Parquet", "information"], [["in all", "418", "100", "74", "56"]]
)


def section(name: str, *tables: Shown, failed: bool = False) -> Section:
    return Section(name, name.title(), "Meaning.", name, "said", tables, 1.0, failed)


def test_figures_are_named_once() -> None:
    names = [figure.name for figure in FIGURES]
    assert len(set(names)) == len(names)


def test_a_figure_stands_beside_a_peers() -> None:
    measured = {row.name: row for row in rows(FIGURES, {"peers": [PEERS]})}
    assert measured["ingest-cryo"][2:] == ("40,000 tx/s", "36,000 to 42,000", "cryo: 20,000", "2")
    assert measured["ingest"].beside == ""  # the limit was not measured
    assert "bytes" not in measured


def test_the_largest_size_counts() -> None:
    shown = Shown(
        "", ["p50 / p95, ms", "1.4 M", "DuckDB 1.4 M", "20.7 M", "DuckDB 20.7 M"], [["q", "1", "2", "3.0 / 4.0", "6"]]
    )
    figure = Figure("ask", "q", "ms", Cell("store", "q", "*"), None, Cell("store", "q", "DuckDB *"), "DuckDB")
    [row] = rows([figure], {"store": [shown]})
    assert row == ("ask", "q", "3.0 / 4.0 ms", "", "DuckDB: 6", "0.5")


def test_a_ratio_needs_two_figures() -> None:
    assert ratio("108.2", "74") == "1.5"
    assert ratio("1", "0") == ratio(None, "3") == ratio("3", "nothing") == ""


def test_the_page_tells_what_failed() -> None:
    text = write_page([section("peers", PEERS), section("store", failed=True)], quick=True, minutes=3)
    assert read_rows(text)["ingest-cryo"]["figure"] == "40,000 tx/s"
    assert text.count("**It failed**") == 1
    assert "bench all --quick" in text


def test_a_page_writes_its_claims(tmp_path: Path) -> None:
    page, readme = tmp_path / "docs" / "performance.md", tmp_path / "README.md"
    page.parent.mkdir()
    page.write_text(write_page([section("peers", PEERS)], quick=True, minutes=3))
    others = '[9](docs/performance.md#bytes "figure"), [see](docs/performance.md)'
    readme.write_text(
        '[1](docs/performance.md#ingest-cryo "figure"), [1](docs/performance.md#ingest-cryo "times"), ' + others
    )
    assert write_claims(page) == [readme]
    assert readme.read_text() == (
        '[40,000 tx/s](docs/performance.md#ingest-cryo "figure"), [2](docs/performance.md#ingest-cryo "times"), '
        + others
    )
    assert write_claims(page) == []


def test_the_first_wall_is_the_highest() -> None:
    found = walls(EVERY, {"store": [WEIGHT]})
    assert [wall.times for wall in found] == sorted((wall.times for wall in found), reverse=True)
    [rows_of_ten_years] = [wall for wall in found if "all rows" in wall.what]
    assert rows_of_ten_years.needed == 2000 * 86_400 * 365.25 * 10 * 100 / 1e12
