"""What the pages of rules hold, made from what was read."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from typing import Any

import msgspec
from dash import html

from dashboards.details import facts, table
from dashboards.figures.rules import HEIGHT, by_day
from dashboards.parts import address_link, age, drawn, empty, link, notice, panel, sentence, transaction_link
from dashboards.quantities import minute, moment
from dashboards.tables import MEDIUM, NARROW, column, time_column
from dashboards.view import View
from dashboards.zone import short_name
from txhub.contract import Backtest, BacktestSample, Pattern, Rule, RuleState

STATES = {
    RuleState.OFF: "it is not looked for",
    RuleState.TEST: "its alerts are kept, and nobody is told",
    RuleState.ON: "its alerts are kept, and told of",
}
_DEFAULT, _FILE = "default", "file"
_ORIGINS = {
    _DEFAULT: "comes with txhub: turn it off instead of deleting it",
    _FILE: "txhub.toml: change it there, and restart the worker",
    "api": "made or changed by people",
}
_FIRST = ("pattern", "all", "any", "not")
_TRANSACTION = re.compile(r"(0x)?[0-9a-f]{64}")
"""The hash of a transaction; no address is as long."""
COLUMNS = (
    column("name", "Name", flex=1, minWidth=132, cellRenderer="Linked", cellRendererParams={"path": "path"}),
    column("pattern", "Pattern", width=140, from_width=NARROW),
    column("severity", "Severity", width=104, cellRenderer="Badge"),
    column("state", "State", width=80),
    column("version", "Version", width=92, from_width=MEDIUM, type="rightAligned"),
    column("origin", "Origin", width=100, from_width=MEDIUM),
    time_column("Changed", from_width=MEDIUM),
)


def listed(rules: Sequence[Rule], view: View, _now: datetime) -> tuple[Any, ...]:
    """Rows, and what is said where there is none."""
    rows = [
        {
            "name": rule.name,
            "path": f"/rules/{rule.name}",
            "pattern": _pattern(rule.definition),
            "severity": rule.severity,
            "state": rule.state,
            "version": rule.version,
            "origin": rule.origin,
            "time": moment(rule.changed_at, view.zone),
        }
        for rule in rules
    ]
    return rows, None if rows else empty("There are no rules yet: those that come with txhub are made by its worker.")


def one(rule: Rule, view: View, _now: datetime) -> tuple[Any, ...]:
    """What is known of a rule, what its form is to show, and whether it can be neither saved nor deleted here."""
    shown = {
        "name": rule.name,
        "changed_at": rule.changed_at.isoformat(),
        "state": rule.state,
        "severity": rule.severity,
        "definition": json.dumps(_in_order(rule.definition), indent=2, ensure_ascii=False),
    }
    return _about(rule, view.zone), shown, rule.origin == _FILE, rule.origin in (_DEFAULT, _FILE)


def _about(rule: Rule, zone: tzinfo) -> html.Section:
    rows: list[tuple[str, Any]] = [
        ("Looks for", _pattern(rule.definition)),
        ("State", f"{rule.state}: {STATES[rule.state]}"),
        ("Version", str(rule.version)),
        ("Origin", _ORIGINS.get(rule.origin, rule.origin)),
        (
            "Changed",
            [f"{moment(rule.changed_at, zone)} {short_name(zone, rule.changed_at)} ", age(rule.changed_at, zone)],
        ),
        ("By", rule.changed_by),
    ]
    return panel("What is known of it", facts(rows), note=html.Span(rule.severity, className=f"badge {rule.severity}"))


def _pattern(definition: Mapping[str, Any]) -> str:
    return str(definition.get("pattern", Pattern.COMBINED))


def _in_order(written: Any) -> Any:
    """A definition as people write one: what is looked for comes first."""
    if isinstance(written, Mapping):
        return {name: _in_order(written[name]) for name in sorted(written, key=lambda name: name not in _FIRST)}
    return [_in_order(each) for each in written] if isinstance(written, list) else written


def meaning() -> html.Section:
    """What a form of rules asks for, in few words."""
    rows = [
        *((state.capitalize(), sentence(words)) for state, words in STATES.items()),
        (
            "Definition",
            [
                "JSON: a pattern with its parameters and a cooldown, or several under all, any and not. Open ",
                link("one of the rules", "/rules"),
                " to see all that its pattern knows. Another definition is a new version, and looks at the past again.",
            ],
        ),
    ]
    return panel("How rules are written", facts(rows))


def backtest_of(answer: Mapping[str, Any]) -> Backtest:
    """The answer of a job, as the browser was told it."""
    return msgspec.convert(answer, Backtest)


def found(past: Backtest, zone: tzinfo) -> html.Div:
    """How often a definition would have been met, on whom, with samples, and what could not be looked at."""
    often = "once" if past.alerts == 1 else f"{past.alerts:,} times, {past.alerts_a_day:,.3g} a day"
    said: list[Any] = [
        html.Strong(f"It would have been met {often}." if past.alerts else "It would never have been met."),
        f" From {minute(past.start, zone)} to {minute(past.end, zone)}; {past.rows:,} rows were looked at.",
    ]
    limits = " ".join(sentence(each) for each in past.limits)
    return html.Div(
        [
            html.P(said, className="told"),
            notice("Not all could be looked at", limits) if limits else None,
            _by_day(past) if past.days else None,
            _subjects(past) if past.subjects else None,
            _samples(past.samples, zone) if past.samples else None,
        ],
        className="stack",
    )


def _by_day(past: Backtest) -> html.Div:
    first, last = (moment.astimezone(UTC).date() for moment in (past.start, past.end))
    most = max(past.days, key=lambda day: day.alerts)
    spoken = f"Alerts a day. Most on {most.day}: {most.alerts:,} on {most.chain}."
    return drawn("rule-by-day", by_day(past.days, first, last), spoken, HEIGHT)


def _subjects(past: Backtest) -> html.Div:
    rows = [
        html.Tr(
            [
                html.Td(_subject(each.chain, each.subject, each.name)),
                html.Td(each.chain),
                html.Td(f"{each.alerts:,}", className="number right"),
            ]
        )
        for each in past.subjects
    ]
    return table(("On whom most", "Chain", "Alerts:"), rows, "On whom most")


def _subject(chain: str, subject: str, name: str) -> Any:
    if subject == chain:
        return chain
    if _TRANSACTION.fullmatch(subject):
        return transaction_link(chain, subject)
    return address_link(chain, subject, name=name)


def _samples(samples: Sequence[BacktestSample], zone: tzinfo) -> html.Div:
    rows = [
        html.Tr(
            [
                html.Td(moment(each.started_at, zone), className="number"),
                html.Td(each.title),
                html.Td(_where(each)),
                html.Td(each.chain),
            ]
        )
        for each in samples
    ]
    return table(("Newest", "What", "Where", "Chain"), rows, "Newest of them")


def _where(sample: BacktestSample) -> Any:
    if sample.hash:
        return transaction_link(sample.chain, sample.hash)
    if sample.block_number is not None:
        return link(f"#{sample.block_number:,}", f"/blocks/{sample.chain}/{sample.block_number}")
    return ""
