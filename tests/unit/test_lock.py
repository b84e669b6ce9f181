"""What gets installed: pinned, checked, and from wherever the person who installs gets their packages."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

CHECKOUT = Path(__file__).parents[2]
LOCK = (CHECKOUT / "requirements.lock").read_text()
PINS = {canonicalize_name(name): version for name, version in re.findall(r"^([\w.-]+)==(\S+)", LOCK, re.MULTILINE)}
PROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]

INSTALLERS = ("requirements.lock", "pyproject.toml", "Makefile", ".ci/run", "compose.yaml", "compose/Dockerfile")
HOSTS = (
    ("pypi", "org"),
    ("pythonhosted", "org"),
    ("npmjs", "org"),
    ("npmjs", "com"),
    ("pytorch", "org"),
    ("conda", "io"),
)
"""Of package indexes, taken apart so that this file names none either."""


@pytest.mark.parametrize("name", INSTALLERS)
def test_no_file_records_where_packages_come_from(name: str) -> None:
    text = (CHECKOUT / name).read_text().lower()
    for host in HOSTS:
        assert ".".join(host) not in text
    assert not re.search(r"--(index-url|extra-index-url|find-links|trusted-host|registry)\b", text)


def test_the_lock_names_no_place_at_all() -> None:
    assert not re.search(r"://|file:|\s@\s", LOCK)


@pytest.mark.parametrize("line", PROJECT["dependencies"] + PROJECT["optional-dependencies"]["test"])
def test_the_lock_pins_each_dependency_as_it_is_asked_for(line: str) -> None:
    asked = Requirement(line)
    pinned = PINS[canonicalize_name(asked.name)]
    assert asked.specifier.contains(pinned), f"{line}, but the lock has {pinned}: make lock"


def test_each_pin_can_be_checked() -> None:
    entries = re.split(r"\n(?=\w)", LOCK)[1:]
    assert {canonicalize_name(entry.partition("==")[0]) for entry in entries} == PINS.keys()
    assert [entry.partition(" ")[0] for entry in entries if "--hash=sha256:" not in entry] == []
