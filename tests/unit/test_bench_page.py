"""The page of figures: what it takes from tables, and how documents' claims hold to it."""

from __future__ import annotations

from pathlib import Path

from txhub.cli.bench_figures import FIGURES, Cell, Figure, ratio, rows
from txhub.cli.bench_page import Section, move_claims, read_rows, says, write_page
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
    assert read_rows(text)["ingest-cryo"][0] == "40,000 tx/s"
    assert text.count("**It failed**") == 1
    assert "bench all --quick" in text


def test_claims_move_with_the_page(tmp_path: Path) -> None:
    page, readme = tmp_path / "docs" / "performance.md", tmp_path / "README.md"
    page.parent.mkdir()
    before = write_page([section("peers", PEERS)], quick=True, minutes=3)
    faster = Shown(
        PEERS.title, PEERS.columns, [[cell.replace("40,000", "50,000") for cell in row] for row in PEERS.rows]
    )
    page.write_text(write_page([section("peers", faster)], quick=True, minutes=3))
    readme.write_text(
        "It stores [40,000](docs/performance.md#ingest-cryo), [2](docs/performance.md#ingest-cryo) times."
    )
    assert move_claims(page, before) == [readme]
    assert readme.read_text().startswith("It stores [50,000](docs/performance.md#ingest-cryo), [2.5](")


def test_a_claim_is_whole() -> None:
    cells = ["40,784 tx/s", "36,792 to 42,448", "1.5"]
    assert says(cells, "40,784")
    assert says(cells, "36,792 to 42,448")
    assert not says(cells, "784")
    assert not says(cells, "40")
    assert not says(cells, "1")


def test_the_first_wall_is_the_highest() -> None:
    found = walls(EVERY, {"store": [WEIGHT]})
    assert [wall.times for wall in found] == sorted((wall.times for wall in found), reverse=True)
    [rows_of_ten_years] = [wall for wall in found if "all rows" in wall.what]
    assert rows_of_ten_years.needed == 2000 * 86_400 * 365.25 * 10 * 100 / 1e12
