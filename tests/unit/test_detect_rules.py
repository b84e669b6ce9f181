"""Rules as people write them, and what is said of those that cannot be."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from txhub.contract.alerts import Pattern
from txhub.detect.defaults import DEFAULTS, wanted
from txhub.detect.patterns import PATTERNS
from txhub.detect.rules import define, draft
from txhub.errors import UsageError

FAN_IN = {"pattern": "fan_in"}


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_definition_is_read_back_as_it_was_written(pattern: str) -> None:
    definition = define({"pattern": pattern, "cooldown": "90m"})
    document = definition.document()
    assert document["pattern"] == pattern == definition.pattern
    assert document["cooldown"] == "90m"
    assert define(document) == definition
    assert define(document).document() == document


def test_combinations_are_read_back_too() -> None:
    definition = define({"all": [FAN_IN, {"any": [FAN_IN, {"pattern": "velocity"}]}], "not": [FAN_IN], "within": "2h"})
    assert define(definition.document()) == definition
    assert (definition.pattern, len(definition.leaves)) == (Pattern.COMBINED, 4)
    assert definition.lookback == timedelta(days=1, hours=1 + 2 + 6)


def test_there_is_a_default_rule_for_each_pattern() -> None:
    assert {rule["pattern"] for rule in DEFAULTS.values()} >= set(PATTERNS)
    for name, rule in DEFAULTS.items():
        assert wanted(rule).definition["pattern"].replace("_", "-") in {name, "amount"}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "pattern is missing"),
        ({"pattern": "whale"}, "pattern is 'whale'"),
        ({"pattern": "amount", "amount": {"native": 1, "usd": 2}}, "amount is .*one of native, large, quantile"),
        ({"pattern": "amount", "amount": {"quantile": 1.5}}, "amount.quantile is '1.5': .*less than 1"),
        ({"pattern": "amount", "amount": "much"}, "amount.native is 'much'"),
        ({"pattern": "amount", "amount": "-1"}, "amount.native is '-1'"),
        ({"pattern": "fan_in", "window": "5 parsecs"}, "window is '5 parsecs': a number and a unit"),
        ({"pattern": "fan_in", "windw": "5m"}, "windw does not exist here"),
        ({"pattern": "fan_in", "count": 1}, "count is '1': .*greater than or equal to 2"),
        ({"pattern": "fan_in", "scope": {"kinds": ["gift"]}}, "scope.kinds.0 is 'gift'"),
        ({"pattern": "fan_in", "scope": {"tokens": ["usdt"]}}, "scope.tokens.0 is 'usdt'"),
        ({"pattern": "fan_in", "cooldown": "0s"}, "cooldown is '0s'"),
        ({"pattern": "fan_in", "window": "40d"}, "31 days are the most"),
        ({"pattern": "structuring", "below": {"quantile": 0.9}}, "a quantile has no parts"),
        ({"pattern": "fan_in", "severity": "huge"}, "severity is 'huge'"),
        ({"pattern": "fan_in", "state": "sleeping"}, "state is 'sleeping'"),
        ({"all": [FAN_IN], "any": [FAN_IN]}, "needs all or any"),
        ({"not": [FAN_IN]}, "needs all or any"),
        ({"all": []}, "all is empty"),
        ({"all": FAN_IN}, "all is .*a list of conditions"),
        ({"all": [FAN_IN, {"pattern": "fan_out", "count": 0}]}, r"all\[1\].count is '0'"),
        ({"all": [{"pattern": "amount"}]}, r"all\[0\] is about single transactions"),
        ({"all": [FAN_IN], "count": 5}, "count does not go with all"),
        ({"any": [FAN_IN] * 17}, "at most 16 conditions"),
    ],
)
def test_what_is_wrong_is_said_by_field(given: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        draft(given)
