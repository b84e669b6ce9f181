"""Every command that the documents and compose.yaml name is one that txhub or make has."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from typer.core import TyperGroup

from txhub import __version__
from txhub.cli import app

CHECKOUT = Path(__file__).parents[2]
DOCUMENTS = [CHECKOUT / "README.md", *sorted((CHECKOUT / "docs").glob("*.md")), CHECKOUT / "sql" / "README.md"]
COMPOSE: dict[str, Any] = yaml.safe_load((CHECKOUT / "compose.yaml").read_text())
OURS = {name: service for name, service in COMPOSE["services"].items() if "build" in service}


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


@pytest.mark.parametrize("service", OURS)
def test_a_service_runs_a_command_that_exists(service: str) -> None:
    command, options = find(OURS[service]["command"])
    command.make_context(service, options)


def test_services_are_of_this_release_and_guarded() -> None:
    assert set(OURS) == {"migrate", "ingester", "worker", "api"}
    for service in OURS.values():
        assert service["image"] == f"txhub:{__version__}"
        assert service["cap_drop"] == ["ALL"]
        assert service["depends_on"]
    published = [port for service in COMPOSE["services"].values() for port in service.get("ports", [])]
    assert published == ["127.0.0.1:8050:8050"]


def test_services_read_their_secrets_from_files() -> None:
    for service in COMPOSE["services"].values():
        assert set(service["secrets"]) <= set(COMPOSE["secrets"])
        assert not [name for name in service["environment"] if name.endswith(("_PASSWORD", "_URL"))]
    ignored = (CHECKOUT / ".gitignore").read_text() + (CHECKOUT / ".dockerignore").read_text()
    assert ignored.count("compose/secrets") == 2
