"""What the Exposure page says, from a report."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from plotly.utils import PlotlyJSONEncoder

from dashboards.filters import Filters, Recent
from dashboards.pages import exposure
from dashboards.view import View
from txhub.contract import Exposure, ExposureCount, ExposureDay, ExposureReport, ReportedList

TIME = datetime(2026, 3, 1, 22, tzinfo=UTC)
WATCHED, VIA, HASH = "0x" + "aa" * 20, "0x" + "bb" * 20, "0x" + "12" * 32
VIEW = View(Filters(Recent("7d"), chains=("ethereum",)))
DIRECT = Exposure(
    chain="ethereum", block_time=TIME, block_number=7, hash=HASH, address=WATCHED, name="Fogbank Mixer",
    category="mixer", source="demo", listed_now="demo 2", listed_then=None, direction="in", hops=0, path=[],
    parties=[VIA], via=None, link_hash=None, link_time=None, token_address=None, symbol="ETH", amount="12.5",
    amount_base="12500000000000000000", value_usd="25000.50", failed=False, retracted_at=None, reason=None,
)  # fmt: skip
TOTAL = ExposureCount("all", 3, 2, 1, 0, 1, "25000.50", 1)
REPORT = ExposureReport(
    start=TIME - timedelta(days=7), end=TIME, chains=[], lists=[ReportedList("demo", "2", TIME, 4, True)], total=TOTAL,
    by_list=[replace(TOTAL, key="demo")], by_category=[], by_chain=[], by_day=[ExposureDay(date(2026, 3, 1), 2, 1)],
    retracted=replace(TOTAL, transactions=0), items=[DIRECT], left_out=2, limits=["It is no legal advice."],
)  # fmt: skip


def text_of(component: object) -> str:
    return json.dumps(component, cls=PlotlyJSONEncoder)


def test_a_report_is_told_and_can_be_printed() -> None:
    cards, figure, spoken, lists, rows, nothing, links, limits = exposure.shown(REPORT, VIEW, TIME)
    for words in ("2 direct, 1 by one", "of 4", "25,000 USD", "1 without a known price"):
        assert words in text_of(cards)
    assert [list(bars.y) for bars in figure.data] == [[2], [1]]
    assert "3 in all" in spoken
    assert "demo" in text_of(lists)
    assert nothing is None
    assert "2 more are counted" in text_of(links)
    assert "chain=ethereum&format=html" in text_of(links)
    assert "no legal advice" in text_of(limits)
    [row] = rows
    assert (row["who_path"], row["hash_path"]) == (
        f"/addresses/ethereum/{WATCHED}", f"/transactions/ethereum/{HASH}"
    )  # fmt: skip
    assert (row["how"], row["listed"], row["usd"]) == ("received", "now", "25,000.50")
    assert row["lists"] == "then: no list; now: demo 2"


def test_a_small_amount_is_not_told_as_nothing() -> None:
    dust = replace(DIRECT, amount="0.00025", amount_base="250000000000000")
    [row] = exposure.shown(replace(REPORT, items=[dust]), VIEW, TIME)[4]
    assert row["amount"] == "0.0002500 ETH"


def test_what_is_indirect_or_taken_away_says_so() -> None:
    gone = replace(
        DIRECT, hops=1, via=VIA, direction="out", listed_now=None, listed_then="demo 1", amount=None,
        value_usd=None, retracted_at=TIME, reason="demo 3",
    )  # fmt: skip
    row = exposure.shown(replace(REPORT, items=[gone]), VIEW, TIME)[4][0]
    assert (row["how"], row["listed"], row["lists"]) == ("sent, by one", "no more", "then: demo 1; now: demo 3")
    assert row["via_path"] == f"/addresses/ethereum/{VIA}"
    assert row["amount_exact"] == "12,500,000,000,000,000,000 ETH"


def test_nothing_and_nobody_watched_are_told_apart() -> None:
    nothing = exposure.shown(replace(REPORT, items=[]), VIEW, TIME)[5]
    nobody = exposure.shown(replace(REPORT, items=[], lists=[]), VIEW, TIME)[5]
    assert "has to do with a watched address" in text_of(nothing)
    assert "Nobody is watched yet" in text_of(nobody)
