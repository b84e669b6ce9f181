"""What the pages of rules say, in words and links, from what was read."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import msgspec
from plotly.utils import PlotlyJSONEncoder

from dashboards.figures.rules import by_day
from dashboards.filters import Filters, Recent
from dashboards.pages import rule_panels, rules
from dashboards.view import View
from txhub.contract import Backtest, BacktestDay, BacktestSample, BacktestSubject, Rule, RuleState, Severity

TIME = datetime(2026, 3, 1, 22, 31, 7, tzinfo=UTC)
ADDRESS, HASH = "0x" + "aa" * 20, "0x" + "12" * 32
MINE = Rule(
    id=3, name="mine", version=2, definition={"pattern": "amount", "amount": {"large": "1"}, "cooldown": "6h"},
    severity=Severity.HIGH, state=RuleState.TEST, origin="api", changed_at=TIME, changed_by="anna",
)  # fmt: skip
VIEW = View(Filters(Recent("7d")))


def text_of(component: object) -> str:
    return json.dumps(component, cls=PlotlyJSONEncoder)


def test_a_row_leads_to_its_rule() -> None:
    both = replace(MINE, name="both", definition={"all": [{"pattern": "fan_in"}, {"pattern": "fan_out"}]})
    rows, nothing = rule_panels.listed([both, MINE], VIEW, TIME)
    assert nothing is None
    assert [row["path"] for row in rows] == ["/rules/both", "/rules/mine"]
    assert [row["pattern"] for row in rows] == ["combined", "amount"]
    assert rows[1]["time"] == "2026-03-01 22:31:07"
    assert {each["field"] for each in rule_panels.COLUMNS} <= set(rows[0])
    assert "no rules yet" in text_of(rule_panels.listed([], VIEW, TIME)[1])


def test_a_form_shows_what_the_rule_says_and_offers_what_may_be_done() -> None:
    about, shown, unsaved, kept = rule_panels.one(MINE, VIEW, TIME)
    assert json.loads(shown["definition"]) == MINE.definition
    stored = {"not": [{"count": 8, "pattern": "dusting"}], "cooldown": "6h", "all": [{"pattern": "fan_in"}]}
    written = json.loads(rule_panels.one(replace(MINE, definition=stored), VIEW, TIME)[1]["definition"])
    assert written == stored
    assert (list(written), list(written["not"][0])) == (["not", "all", "cooldown"], ["pattern", "count"])
    assert (shown["state"], shown["severity"], shown["changed_at"]) == ("test", "high", TIME.isoformat())
    for words in ("amount", "test: its alerts are kept, and nobody is told", "made or changed", "anna"):
        assert words in text_of(about)
    assert (unsaved, kept) == (False, False)
    about, _, unsaved, kept = rule_panels.one(replace(MINE, origin="default"), VIEW, TIME)
    assert (unsaved, kept, "turn it off instead" in text_of(about)) == (False, True, True)
    about, _, unsaved, kept = rule_panels.one(replace(MINE, origin="file"), VIEW, TIME)
    assert (unsaved, kept, "change it there" in text_of(about)) == (True, True, True)


def test_a_backtest_is_told_as_the_browser_got_it() -> None:
    sample = BacktestSample("ethereum", ADDRESS, TIME, "It was paid by 17 addresses", 18, None, {"transfers": 17})
    past = Backtest(
        MINE.definition, TIME - timedelta(days=7), TIME, rows=12_345, alerts=1_042, alerts_a_day=148.857,
        subjects=[
            BacktestSubject("ethereum", ADDRESS, "Harbour Exchange", 40),
            BacktestSubject("ethereum", HASH, "0x1212…1212", 1),
            BacktestSubject("ethereum", "ethereum", "ethereum", 1),
        ],
        days=[BacktestDay("ethereum", "2026-02-24", 1_000), BacktestDay("ethereum", "2026-03-01", 42)],
        samples=[sample, replace(sample, hash=HASH)], limits=["base: it is not stored"],
    )  # fmt: skip
    sent = json.loads(msgspec.json.encode(past))
    assert rule_panels.backtest_of(sent) == past
    said = text_of(rule_panels.found(past, UTC))
    for words in (
        "1,042 times, 149 a day",
        "22 Feb 2026, 22:31 to 1 Mar 2026, 22:31; 12,345 rows",
        "Base: it is not stored.",
        "Alerts a day. Most on 2026-02-24: 1,000 on ethereum.",
        "Harbour Exchange",
        f"/addresses/ethereum/{ADDRESS}",
        f"/transactions/ethereum/{HASH}",
        "/blocks/ethereum/18",
        "It was paid by 17 addresses",
    ):
        assert words in said
    assert f"/addresses/ethereum/{HASH}" not in said
    never = text_of(rule_panels.found(replace(past, alerts=0, days=[], subjects=[], samples=[], limits=[]), UTC))
    assert "It would never have been met." in never
    assert "Not all" not in never


def test_a_backtest_is_drawn_day_by_day() -> None:
    days = [
        BacktestDay("base", "2026-02-24", 3),
        BacktestDay("ethereum", "2026-02-24", 1),
        BacktestDay("base", "2026-03-01", 2),
    ]
    figure = by_day(days, date(2026, 2, 22), date(2026, 3, 1))
    assert [(bar.name, list(bar.x), list(bar.y)) for bar in figure.data] == [
        ("base", ["2026-02-24", "2026-03-01"], [3, 2]),
        ("ethereum", ["2026-02-24"], [1]),
    ]
    assert figure.layout.xaxis.range == ("2026-02-21 12:00:00", "2026-03-01 12:00:00")


def test_only_what_can_be_a_name_has_a_page() -> None:
    for parts in ((), ("new",), ("fan-in",)):
        assert rules.layout(parts) is not None
    for parts in (("Fan in",), ("",), ("fan-in", "more")):
        assert rules.layout(parts) is None
