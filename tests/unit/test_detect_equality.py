"""Whatever the batches: what is found in spans, each looked at by itself or by a trail, is what is found in all."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from datetime import timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.blocks import START
from tests.looking import Sent, at, labelled, rows
from txhub.contract.alerts import RuleState, Severity
from txhub.detect.look import look
from txhub.detect.picked import Picked
from txhub.detect.rules import define
from txhub.detect.trail import Looking, Trail
from txhub.store.alerts import Finding
from txhub.store.rules import Rule

PEOPLE = "abcdefg"
FACTS = labelled(("a", "Northgate: hot", "exchange"), ("b", "Northgate: cold", "exchange"))
RULES: list[dict[str, Any]] = [
    {"pattern": "amount", "amount": "3"},
    {"pattern": "fan_in", "count": 2, "window": "20m", "least": "1", "sudden": 0.0, "cooldown": "15m"},
    {"pattern": "fan_out", "count": 3, "window": "30m", "least": "1", "cooldown": "1h"},
    {"pattern": "dusting", "count": 2, "window": "10m", "most": "2", "cooldown": "5m"},
    {"pattern": "velocity", "amount": "8", "count": 2, "window": "20m", "least": "1", "cooldown": "30m"},
    {"pattern": "structuring", "below": "6", "share": "0.5", "count": 3, "window": "40m", "cooldown": "20m"},
    {"pattern": "rapid_in_out", "amount": "3", "share": "0.5", "least": "1", "window": "30m", "cooldown": "30m"},
    {"pattern": "round_trip", "least": "1", "loss": "0.5", "window": "1h", "cooldown": "30m"},
    {"pattern": "watchlist"},
    {"pattern": "first_contact", "memory": "50m"},
    {"pattern": "peel_chain", "least": "1", "hops": 2, "kept": "0.2", "window": "25m", "cooldown": "30m"},
    {
        "all": [
            {"pattern": "fan_in", "count": 2, "window": "20m", "least": "1", "sudden": 0.0},
            {"pattern": "fan_out", "count": 2, "window": "20m", "least": "1", "sudden": 0.0},
        ],
        "not": [{"pattern": "dusting", "count": 3, "window": "20m", "most": "4", "sudden": 0.0}],
        "within": "25m",
        "cooldown": "30m",
    },
]
transfer = st.tuples(
    st.integers(0, 60 * 48).map(lambda halves: halves / 2),
    st.sampled_from(PEOPLE),
    st.sampled_from(PEOPLE),
    st.integers(0, 6),
).filter(lambda sent: sent[1] != sent[2] and sent[3] > 0)
history = st.lists(transfer, min_size=10, max_size=80)
cuts = st.lists(st.integers(1, 60 * 24 - 1), max_size=6, unique=True).map(sorted)
rule = st.sampled_from(RULES)


def keyed(findings: list[Finding]) -> Counter[str]:
    return Counter(map(repr, findings))


@given(rule, history, cuts)
@settings(max_examples=40, deadline=None)
def test_spans_looked_at_by_themselves_find_what_one_look_finds(
    rule: dict[str, Any], sent: list[Sent], cuts: list[int]
) -> None:
    definition, there = define(rule), rows(sent)
    edges = [START, *map(at, cuts), at(60 * 24 + 1)]
    apart = [
        finding for start, end in itertools.pairwise(edges) for finding in look(definition, there, FACTS, start, end)
    ]
    assert keyed(apart) == keyed(look(definition, there, FACTS, START, edges[-1]))


@given(rule, history, history, cuts, st.data())
@settings(max_examples=30, deadline=None)
def test_a_trail_finds_the_same_also_where_spans_change(
    rule: dict[str, Any], before: list[Sent], after: list[Sent], cuts: list[int], data: st.DataObject
) -> None:
    """Spans come one after another as they were before; some then change, and are looked at again."""
    definition = define(rule)
    edges = [START, *map(at, cuts), at(60 * 24 + 1)]
    spans = list(itertools.pairwise(edges))
    changed = data.draw(st.sets(st.sampled_from(range(len(spans)))))
    trail = Trail([Looking(_rule(), definition)], START)
    standing: list[Finding] = []

    def look_at(sent: list[Sent], start: Any, end: Any) -> None:
        nonlocal standing
        read = max(end, trail.end)  # what some rows say follows from those before them
        within = (pl.col("time") >= start) & (pl.col("time") < read)
        trail.replace({name: frame.filter(within) for name, frame in rows(sent).items()}, FACTS, start, read)
        until = max(end, min(end + definition.effect, trail.end))
        standing = [each for each in standing if not start <= each.started_at < until]
        standing += trail.find(trail.looking[0], FACTS, start, until)

    for number, span in enumerate(spans):
        look_at(before, *span)
        late = data.draw(st.sampled_from(range(number + 1)))
        if late in changed:
            before = _spliced(before, after, *spans[late])
            look_at(before, *spans[late])
            changed.discard(late)
    assert keyed(standing) == keyed(look(definition, rows(before), FACTS, START, edges[-1]))


def test_what_is_forgotten_is_not_missed() -> None:
    definition = define({"pattern": "fan_in", "count": 3, "window": "20m", "least": "1", "cooldown": "30m"})
    sent: list[Sent] = [(minute, "cdefg"[minute % 5], "z", 1) for minute in range(0, 1200, 9)]
    trail, found = Trail([Looking(_rule(), definition)], START), []
    for minute in range(0, 1200, 10):
        within = (pl.col("time") >= at(minute)) & (pl.col("time") < at(minute + 10))
        trail.replace(
            {name: frame.filter(within) for name, frame in rows(sent).items()}, FACTS, at(minute), at(minute + 10)
        )
        found += trail.find(trail.looking[0], FACTS, at(minute), at(minute + 10))
        trail.forget(at(minute + 10))
    assert keyed(found) == keyed(look(definition, rows(sent), FACTS, START, at(1200)))
    an_hour_more = definition.lookback + timedelta(hours=1, minutes=10)
    assert 0 < trail.count(trail.looking[0]) <= an_hour_more / timedelta(minutes=9) + 1


def test_a_trail_keeps_the_rows_that_it_picked_and_nothing_of_those_beside_them() -> None:
    picked = Picked({"fan": define({"pattern": "fan_in", "count": 3, "window": "20m", "least": "5"}).leaves[0]})
    for minute in range(200):
        sent: list[Sent] = [(minute, "c", "z", 1)] * 100 + [(minute, "d", "z", 5)]
        picked.add(rows(sent), FACTS)
    events = picked.of("fan", at(0), at(200))
    assert events.height == picked.count("fan") == 200
    assert events.n_chunks() < 10
    assert _held(events["hash"]) == 200 * 32
    picked.replace(rows([(100, "d", "z", 5), (100, "c", "z", 1)]), FACTS, at(100), at(101))  # what changed
    events = picked.of("fan", at(0), at(200))
    assert events.height == 200
    assert events["time"].is_sorted()
    assert _held(events["hash"]) == 200 * 32


def test_what_several_conditions_pick_is_there_once_and_goes_with_the_last_of_them() -> None:
    small, large, dust = (
        define(rule).leaves[0]
        for rule in (
            {"pattern": "fan_in", "count": 2, "window": "20m", "least": "1", "sudden": 0.0},
            {"pattern": "velocity", "amount": "8", "count": 2, "window": "2h", "least": "5", "sudden": 0.0},
            {"pattern": "dusting", "count": 2, "window": "10m", "most": "2", "sudden": 0.0},
        )
    )
    picked = Picked({"small": small, "large": large, "dust": dust})
    for hour in range(6):
        sent: list[Sent] = [(hour * 60 + minute, "c", "d", coins) for minute in range(60) for coins in (1, 3, 5)]
        picked.add(rows(sent), FACTS)

    def counts() -> tuple[int, int, int, int]:
        return picked.height, picked.count("small"), picked.count("large"), picked.count("dust")

    assert counts() == (1080, 1080, 360, 360)
    picked.drop(["dust"])
    assert (picked.height, picked.count("small"), picked.count("large")) == (1080, 1080, 360)
    picked.forget({"small": at(300), "large": at(120)})
    assert picked.of("small", at(300), at(360)).height == 180
    assert picked.of("large", at(120), at(360)).height == 240
    assert picked.height < 180 * 2 + 60 * 3
    picked.drop(["small"])
    assert picked.height == picked.count("large") < 60 * 5


def test_a_trail_takes_over_the_rules_of_another_with_their_events() -> None:
    two = [define({"pattern": "fan_in", "count": 3, "window": "40m", "least": least}) for least in ("1", "2")]
    sent: list[Sent] = [(minute, "cdefg"[minute // 5 % 5], "z", 3) for minute in range(0, 60, 5)]
    trails = [Trail([Looking(_rule(number), definition)], START) for number, definition in enumerate(two, start=1)]
    for trail in trails:
        trail.replace(rows(sent[:6]), FACTS, START, at(30))
    live, other = trails
    live.adopt(other)
    live.replace(rows(sent[6:]), FACTS, at(30), at(60))
    assert [each.rule.id for each in live.looking] == [1, 2]
    for each, definition in zip(live.looking, two, strict=True):
        expected = look(definition, rows(sent), FACTS, at(0), at(60))
        assert expected
        assert keyed(live.find(each, FACTS, at(0), at(60))) == keyed(expected)
    live.keep([_rule(2)])
    assert [each.rule.id for each in live.looking] == [2]


@pytest.mark.parametrize("rule", RULES)
def test_rules_find_something_here(rule: dict[str, Any]) -> None:
    """So that what is compared above is not nothing."""
    chance = random.Random(1)
    sent: list[Sent] = [(minute, *chance.sample(PEOPLE, 2), chance.randint(1, 6)) for minute in range(0, 600, 2)]
    assert look(define(rule), rows(sent), FACTS, START, at(60 * 24))


def _spliced(before: list[Sent], after: list[Sent], start: Any, end: Any) -> list[Sent]:
    return [each for each in before if not start <= at(each[0]) < end] + [
        each for each in after if start <= at(each[0]) < end
    ]


def _held(column: pl.Series) -> int:
    """How many bytes its chunks hold beside the views of them, whoever else holds those as well."""
    chunks = column.to_frame().to_arrow(compat_level=pl.CompatLevel.newest()).column(0).chunks
    return sum(buffer.size for chunk in chunks for buffer in chunk.buffers()[2:])


def _rule(number: int = 1) -> Rule:
    return Rule(number, "a-rule", 1, {}, Severity.LOW, RuleState.ON, "api", START, "test", None)
