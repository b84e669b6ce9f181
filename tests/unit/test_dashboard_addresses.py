"""What the pages of addresses say, in words and links, from what was read."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from plotly.utils import PlotlyJSONEncoder

from dashboards.filters import Filters, Recent
from dashboards.pages import address_panels, addresses
from dashboards.pages.addresses import Profile
from dashboards.view import View
from tests.unit.test_dashboard_alerts import FAN_IN
from tests.unit.test_dashboard_transactions import SENT
from txhub.contract import (
    AddressProfile,
    Counterparty,
    Label,
    Page,
    Party,
    Rank,
    Ranking,
    Source,
    TokenMoved,
    TransactionPage,
)

TIME = datetime(2026, 3, 1, 22, 31, 7, tzinfo=UTC)
ADDRESS, OTHER, TOKEN = "0x" + "aa" * 20, "0x" + "bb" * 20, "0x" + "cc" * 20
VIEW = View(Filters(Recent("7d")))
HARBOUR = Label(1, None, ADDRESS, "Harbour Exchange", "exchange", "SG", "made", "1", TIME, None)
TALLY = replace(HARBOUR, id=2, address=OTHER, name="Tally Lending", country=None)
DONE = AddressProfile(
    chain="ethereum", address=ADDRESS, symbol="ETH", first_seen=TIME, last_seen=None, tx_count=9, sent_count=4,
    received_count=5, failed_count=1, value_sent="12.5", value_received="100", fees=None,
    tokens=[TokenMoved(TOKEN, "USDT", 6, 0, 3, None, "7.5")], token_count=30,
    counterparties=[Counterparty(OTHER, 1, 2, "12.5", "100", "60")], counterparty_count=1, labels=[HARBOUR, TALLY],
    explorer=None, start=TIME, end=TIME, complete=True, moves_read=9,
)  # fmt: skip


def text_of(component: object) -> str:
    return json.dumps(component, cls=PlotlyJSONEncoder)


def party(chain: str, address: str, tx_count: int, value: str, bound: int = 0) -> Party:
    return Party(chain, address, tx_count, value, value, chain[:3].upper(), bound, "0.5" if bound else "0")


def ranking(*parties: Party, coverage: float = 1.0) -> Ranking[Party]:
    return Ranking(list(parties), TIME, TIME + timedelta(hours=2), Rank.COUNT, coverage)


def test_the_busiest_of_all_chains_stand_in_order_and_say_what_may_be_missing() -> None:
    ethereum = (ranking(party("ethereum", ADDRESS, 5, "1.5")), ranking(party("ethereum", OTHER, 7, "2"), coverage=0.5))
    bitcoin = (ranking(party("bitcoin", "bc1qaa", 9, "3", bound=4)), ranking())
    senders, receivers, note = address_panels.busiest([ethereum, bitcoin], VIEW, TIME)
    assert [row["address"] for row in senders] == ["bc1qaa", ADDRESS]
    assert senders[0]["count"] == "9+"
    assert senders[0]["count_exact"] == "9, and 4 more at most"
    assert senders[0]["value_exact"] == "3 BIT, and 0.5 more at most"
    assert senders[1]["value_exact"] == "1.5 ETH"
    assert receivers[0]["address_path"] == f"/addresses/ethereum/{OTHER}"
    assert note.endswith("whole hours, 50 % of these hours are counted so far")
    assert address_panels.busiest([], VIEW, TIME) == ([], [], "")


def test_of_each_chain_the_order_by_value_stays() -> None:
    lists = [(ranking(party("ethereum", ADDRESS, 5, "9"), party("ethereum", OTHER, 7, "2")), ranking())]
    rows = address_panels.busiest(lists, replace(VIEW, own={"rank": "value"}), TIME)[0]
    assert [row["tx_count"] for row in rows] == [5, 7]


def test_a_profile_is_told_whole() -> None:
    read = Profile(DONE, TransactionPage([SENT], None, [Source.RAW]), Page([FAN_IN]))
    parts, rows, links, about = address_panels.profile(read, VIEW, TIME)
    said = text_of(parts)
    for words in ("Harbour Exchange", "exchange, SG", "12.5 ETH", "not in this range", "1 of those it sent", "USDT"):
        assert words in said
    for words in ("the first 1 of 30", "Tally Lending", "/alerts/7", f"/flows?around=ethereum:{ADDRESS}&range=7d"):
        assert words in said
    assert "A busy address" not in said
    assert [row["hash"] for row in rows] == [SENT.hash]
    assert f"range=7d&chain=ethereum&from={ADDRESS}" in text_of(links)
    assert about == {"address": ADDRESS, "chain": "ethereum", "name": "Harbour Exchange"}


def test_a_stranger_has_no_name_and_a_busy_one_says_how_far_it_was_read() -> None:
    stranger = replace(DONE, labels=[], complete=False, tokens=[], counterparties=[], moves_read=20_000)
    read = Profile(stranger, TransactionPage([], None, [Source.RAW]), Page([]))
    parts, _, _, about = address_panels.profile(read, VIEW, TIME)
    said = text_of(parts)
    for words in ("A busy address", "1 Mar 2026, 22:31", "nobody that a list names", "No tokens", "None in this range"):
        assert words in said
    assert about["name"] is None


def test_only_a_chain_and_an_address_have_a_page() -> None:
    assert addresses.layout(()) is not None
    assert addresses.layout(("ethereum", ADDRESS)) is not None
    assert addresses.layout((ADDRESS,)) is None
