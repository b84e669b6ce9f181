"""What the pages of alerts say, in words and links, from what was read."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from plotly.utils import PlotlyJSONEncoder

from dashboards.filters import Filters, Recent
from dashboards.pages import alert_panels, alerts
from dashboards.view import View
from txhub.contract import Alert, AlertEntry, AlertParty, AlertStory, CaseState, ChainState, Page, Severity

TIME = datetime(2026, 3, 1, 22, 31, 7, tzinfo=UTC)
ADDRESS, SENDER, HASH = "0x" + "aa" * 20, "0x" + "bb" * 20, "0x" + "12" * 32
FAN_IN = Alert(
    id=7, rule="fan-in", rule_version=2, pattern="fan_in", chain="ethereum", subject=ADDRESS, started_at=TIME,
    severity=Severity.HIGH, title="0xaaaa…aaaa was paid by 17 addresses",
    details={"transfers": 17, "samples": [
        {"time": TIME.isoformat(), "from": SENDER, "to": ADDRESS, "hash": HASH, "amount": "2.5"}
    ]},
    block_number=18, hash=HASH, value="42.45", value_usd="85000.10", symbol="ETH", test=False,
    chain_state=ChainState.PENDING, case_state=CaseState.OPEN, assignee=None, quiet=None, created_at=TIME,
    updated_at=TIME + timedelta(seconds=1), parties=[AlertParty(SENDER, "sender", ["Harbour Exchange"])],
)  # fmt: skip
VIEW = View(Filters(Recent("7d")))


def text_of(component: object) -> str:
    return json.dumps(component, cls=PlotlyJSONEncoder)


def test_a_row_leads_to_its_alert_and_to_what_it_is_about() -> None:
    retracted = replace(FAN_IN, id=8, subject=HASH, chain_state=ChainState.RETRACTED, test=True)
    of_txhub = replace(FAN_IN, id=9, chain=None, subject="disk", value=None, symbol=None)
    rows, nothing, links = alert_panels.listed(Page([FAN_IN, retracted, of_txhub], "older"), VIEW, TIME)
    assert nothing is None
    assert [row["path"] for row in rows] == ["/alerts/7", "/alerts/8", "/alerts/9"]
    assert [row["subject_path"] for row in rows] == [
        f"/addresses/ethereum/{ADDRESS}", f"/transactions/ethereum/{HASH}", ""
    ]  # fmt: skip
    assert rows[1]["title"].endswith("(retracted) (test)")
    assert (rows[0]["value"], rows[2]["value"]) == ("42.45 ETH", "")
    assert [each.href for each in links] == ["/alerts?range=7d&cursor=older"]
    assert "Nothing was found" in text_of(alert_panels.listed(Page([]), VIEW, TIME)[1])


def test_a_story_is_told_whole() -> None:
    history = [
        AlertEntry(1, TIME, "detection", "raised", {}),
        AlertEntry(2, TIME, "anna", "noted", {"text": "known customer"}),
    ]
    shown, told, state, assignee, seen = alert_panels.story(AlertStory(FAN_IN, history), VIEW, TIME)
    said = text_of(shown)
    for words in (
        "/rules/fan-in",
        ", version 2 (fan_in)",
        "42.45 ETH",
        "85,000.10 USD",
        "2.5 ETH",
        "Harbour Exchange",
        "/blocks/ethereum/18",
    ):
        assert words in said
    assert text_of(told).index("known customer") < text_of(told).index("raised")
    assert (state, assignee) == (CaseState.OPEN, "")
    assert seen == {"id": 7, "updated_at": FAN_IN.updated_at.isoformat()}
    quiet = text_of(alert_panels.story(AlertStory(replace(FAN_IN, quiet="old"), []), VIEW, TIME)[0])
    assert "nobody at once: old" in quiet


def test_only_a_number_names_an_alert() -> None:
    assert alerts.layout(()) is not None
    assert alerts.layout(("7",)) is not None
    assert alerts.layout(("seven",)) is None
