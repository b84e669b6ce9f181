"""The event log's words: each is documented, written somewhere, and nothing else is written."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

from txhub.eventlog import EVENTS, FINDING_NAMES, EventName
from txhub.ops.findings import FINDINGS

CHECKOUT = Path(__file__).parents[2]
DOCUMENT = (CHECKOUT / "docs" / "events.md").read_text()
RUNBOOK = (CHECKOUT / "docs" / "runbook.md").read_text()
SOURCES = [path for path in (CHECKOUT / "src").rglob("*.py") if path.name != "eventlog.py"]
POSITION = {"Notice": 1, "record": 2, "record_event": 3}
"""Which argument of the functions that write events is the name."""


def written() -> Iterator[str]:
    """Every name that is written where an event is."""
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                called = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
                if called == "partial" and node.args:
                    called, arguments = getattr(node.args[0], "id", ""), node.args[1:]
                else:
                    arguments = node.args
                position = POSITION.get(called)
                if position is not None and len(arguments) > position:
                    named = arguments[position]
                    if isinstance(named, ast.Constant) and isinstance(named.value, str):
                        yield named.value


def test_every_event_has_a_meaning() -> None:
    assert set(get_args(EventName)) == EVENTS.keys()
    assert FINDINGS.keys() == set(FINDING_NAMES)


def test_only_what_is_listed_is_written() -> None:
    names = set(written())
    assert len(names) > 8
    assert names <= EVENTS.keys()


def test_nothing_is_written_past_the_words() -> None:
    """Where the checker would not see it: the statement has one place."""
    assert [path.name for path in SOURCES if '"record_event"' in path.read_text()] == ["events.py"]


def test_what_is_listed_is_written() -> None:
    """By type where it is not by name: the checker refuses any other word."""
    text = "".join(path.read_text() for path in SOURCES)
    assert [name for name in EVENTS if f'"{name}"' not in text] == []


def test_the_document_has_every_event_and_no_other() -> None:
    rows = re.findall(r"^\| (?:\[)?`(\w+)`(?:\]\(runbook\.md#\w+\))? \| (.+) \|$", DOCUMENT, re.MULTILINE)
    assert dict(rows) == EVENTS


def test_the_runbook_has_a_section_for_every_finding_that_says_what_to_do() -> None:
    sections = dict(re.findall(r"^### (\w+)\n(.*?)(?=^##|\Z)", RUNBOOK, re.MULTILINE | re.DOTALL))
    assert list(sections) == list(FINDING_NAMES)
    assert [name for name, text in sections.items() if "\n1. " not in text] == []
