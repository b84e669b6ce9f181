"""docs/rules.md says what the patterns are."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from txhub.detect.bound import Bound
from txhub.detect.condition import span_text
from txhub.detect.patterns import PATTERNS

DOCUMENT = (Path(__file__).parents[2] / "docs" / "rules.md").read_text()
SECTIONS = dict(re.findall(r"^### `(\w+)`\n(.*?)(?=^###? |\Z)", DOCUMENT, re.MULTILINE | re.DOTALL))


OF_ROWS = [name for name, made in PATTERNS.items() if made.model_validate({"pattern": name}).sources]
"""Those that are not about the traffic of whole chains, which docs/spikes.md is about."""


def written(value: Any) -> str:
    if isinstance(value, Bound):
        return f"large {value.large:f}"
    if value is None:
        return "all"
    return span_text(value) if isinstance(value, timedelta) else str(value)


def test_every_pattern_has_its_section() -> None:
    assert set(SECTIONS) == set(OF_ROWS)
    assert all(f"`{pattern}`" in DOCUMENT for pattern in PATTERNS)


@pytest.mark.parametrize("pattern", OF_ROWS)
def test_parameters_and_defaults_are_the_real_ones(pattern: str) -> None:
    told = dict(re.findall(r"^\| `(\w+)` \| (.+?) \|", SECTIONS[pattern], re.MULTILINE))
    made = PATTERNS[pattern].model_validate({"pattern": pattern})
    real = {name: written(getattr(made, name)) for name in PATTERNS[pattern].model_fields}
    assert told == {name: value for name, value in real.items() if name not in ("pattern", "scope")}
    assert "Misses: " in SECTIONS[pattern]
    assert "Known false alarms: " in SECTIONS[pattern]
