"""Every command that the documents name is one that txhub or make has."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.core import TyperGroup

from txhub.cli import app

CHECKOUT = Path(__file__).parents[2]
DOCUMENTS = [
    *(CHECKOUT / folder / "README.md" for folder in (".", "sql", "dashboards")),
    *sorted((CHECKOUT / "docs").glob("*.md")),
]


def find(words: list[str]) -> tuple[Any, list[str]]:
    """The command that a command line names, and what is left of the line: its options."""
    command, rest = typer.main.get_command(app), list(words)
    while rest and isinstance(command, TyperGroup) and not rest[0].startswith("-"):
        named = command.get_command(typer.Context(command), rest[0])
        assert named, f"txhub has no command {rest[0]!r}: {words}"
        command = named
        rest.pop(0)
    return command, rest


def code(path: Path) -> Iterator[str]:
    """What a document shows as code: indented lines, fenced lines and words between back-ticks."""
    text = path.read_text()
    yield from (line.strip() for line in re.findall(r"^ {4}(.+)$", text, re.MULTILINE))
    for block in re.findall(r"^```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        yield from block.splitlines()
    yield from re.findall(r"`([^`\n]+)`", text)


SHOWN = {line for path in DOCUMENTS for line in code(path)}


@pytest.mark.parametrize("line", sorted(line for line in SHOWN if line.startswith("txhub ")))
def test_a_documented_command_exists(line: str) -> None:
    command, rest = find(shlex.split(line.partition("  #")[0].replace("…", ""))[1:])
    options = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in rest if word.startswith("--")} <= options


@pytest.mark.parametrize("line", sorted(line for line in SHOWN if line.startswith("make ")))
def test_a_documented_target_exists(line: str) -> None:
    targets = re.findall(r"^([a-z]+):", (CHECKOUT / "Makefile").read_text(), re.MULTILINE)
    assert line.split()[1] in targets


def test_some_commands_are_documented() -> None:
    assert {"txhub demo", "make demo", "make test"} <= SHOWN
