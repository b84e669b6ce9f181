"""What README and docs claim in figures was measured: each is a link to its row of docs/performance.md."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.unit.test_documented_commands import CHECKOUT
from txhub.cli.bench_figures import FIGURES
from txhub.cli.bench_page import CLAIM, read_rows

PAGE = CHECKOUT / "docs" / "performance.md"
DOCUMENTS = [CHECKOUT / "README.md", *(path for path in sorted((CHECKOUT / "docs").glob("*.md")) if path != PAGE)]
MEASURED = re.compile(
    r"\d[\d,.]*\d? (?:µs|ms|bytes|kB|MB|GB|TB|tx/s|a second|(?:transactions|rows|answers) a second)\b"
)
PROMISED = {
    "archive.md": {"20 bytes"},
    "faults.md": {"6 GB", "20 ms"},
    "runbook.md": {"250 MB", "2 GB"},
    "server.md": {"256 MB"},
    "sql.md": {"64 MB"},
}
"""What looks like a measurement and is a limit, a setting or a format; by document."""
ROWS = read_rows(PAGE.read_text(encoding="utf-8"))


def prose(document: Path) -> str:
    """A document without its code."""
    text = re.sub(r"^```.*?^```", "", document.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"^ {4}.*$", "", text, flags=re.MULTILINE)


def names(documents: list[Path]) -> list[str]:
    return [path.name for path in documents]


@pytest.mark.parametrize("document", DOCUMENTS, ids=names(DOCUMENTS))
def test_a_claim_is_what_was_measured(document: Path) -> None:
    for said, _, name, cell in CLAIM.findall(prose(document)):
        assert ROWS[name][cell] == said, f"{name}, {cell}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=names(DOCUMENTS))
def test_a_measurement_is_a_claim(document: Path) -> None:
    found = set(MEASURED.findall(CLAIM.sub("", prose(document))))
    assert found <= PROMISED.get(document.name, set())


def test_something_is_claimed() -> None:
    claims = [claim for document in DOCUMENTS for claim in CLAIM.findall(prose(document))]
    assert len(claims) > 20
    assert set(ROWS) <= {figure.name for figure in FIGURES}
