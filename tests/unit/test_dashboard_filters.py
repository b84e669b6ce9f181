"""The filter bar's state, and its spelling in the URL."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

import dashboards
from dashboards import filterbar
from dashboards.filters import (
    PARAMETERS,
    Between,
    Filters,
    NotAnAmount,
    NotARange,
    Recent,
    from_query,
    own_parameters,
    parse_amount,
    parse_range,
    to_query,
)
from txhub.contract import Kind

KOLKATA = ZoneInfo("Asia/Kolkata")
"""Half an hour off the hours of UTC, and without summer time: what its clocks say is never ambiguous."""
VIEW = Filters(parse_range("2023-09-08 07:27 to 2023-09-08 07:30"))

moments = st.integers(1_231_000_000, 4_000_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
ranges = st.one_of(
    st.builds(lambda number, unit: Recent(f"{number}{unit}"), st.integers(1, 99999), st.sampled_from("mhdw")),
    st.builds(
        lambda start, seconds: Between(start, start + timedelta(seconds=seconds)), moments, st.integers(1, 10**8)
    ),
)
names = st.text("abcdefghijklmnopqrstuvwxyz0123456789-_.", min_size=1, max_size=20)
addresses = st.text("0123456789abcdefx", min_size=1, max_size=42)
amounts = st.decimals(0, 10**12, places=18).map(lambda amount: amount.normalize())
filters = st.builds(
    Filters,
    ranges,
    st.lists(names, unique=True, max_size=4).map(tuple),
    st.lists(st.sampled_from(Kind), unique=True, max_size=6).map(tuple),
    st.lists(addresses, unique=True, max_size=2).map(tuple),
    st.lists(addresses, unique=True, max_size=2).map(tuple),
    st.none() | amounts,
    st.none() | amounts,
)
own = st.dictionaries(st.sampled_from(["compare", "rank", "level"]), names, max_size=2)


@given(filters, own)
def test_a_shared_url_shows_the_same_view(view: Filters, own: dict[str, str]) -> None:
    assert from_query(to_query(view, own)) == view
    assert own_parameters(to_query(view, own)) == own


@given(ranges)
def test_what_the_bar_shows_can_be_typed_again(chosen: Recent | Between) -> None:
    assert parse_range(str(chosen)) == chosen
    assert parse_range(chosen.spelled(KOLKATA), KOLKATA) == chosen


@given(st.text())
def test_any_query_shows_something(query: str) -> None:
    assert isinstance(from_query(query), Filters)


def test_the_default_view_has_a_clean_address() -> None:
    assert to_query(Filters()) == ""
    assert from_query("") == from_query(None) == Filters(Recent("24h"))


def test_a_query_reads_well() -> None:
    view = Filters(
        parse_range("2023-09-08 07:27 to 2023-09-08 07:30"), ("ethereum", "base"), (Kind.TRANSFER, Kind.CONTRACT_CALL)
    )
    assert to_query(view) == (
        "?range=2023-09-08T07:27:00Z/2023-09-08T07:30:00Z&chain=ethereum,base&kind=transfer,contract_call"
    )


@pytest.mark.parametrize("text", ["-6h", "6h", " 6 H ", "- 6h"])
def test_spans_are_read_with_and_without_a_sign(text: str) -> None:
    assert parse_range(text) == Recent("6h")


def test_times_without_a_zone_are_utc_and_others_are_turned_into_it() -> None:
    expected = Between(datetime(2023, 9, 8, 7, 27, tzinfo=UTC), datetime(2023, 9, 8, 7, 30, tzinfo=UTC))
    assert parse_range("2023-09-08 07:27 to 2023-09-08 07:30") == expected
    assert parse_range("2023-09-08 07:27 to 07:30") == expected
    assert parse_range("2023-09-08T09:27+02:00/2023-09-08T07:30Z") == expected


@pytest.mark.parametrize("text", ["", "soon", "0h", "6y", "2023-09-08 to", "2023-09-08 07:30 to 2023-09-08 07:27"])
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(NotARange):
        parse_range(text)


def test_a_day_is_all_of_it_and_a_moment_is_the_hour_around_it() -> None:
    day = parse_range("2023-09-08")
    assert str(day) == "2023-09-08 00:00 to 2023-09-09 00:00"
    assert str(parse_range("2023-09-08", KOLKATA)) == "2023-09-07 18:30 to 2023-09-08 18:30"
    assert str(parse_range("2023-09-08 07:27")) == "2023-09-08 06:57 to 2023-09-08 07:57"
    assert parse_range("2023-09-08 12:57", KOLKATA) == parse_range("2023-09-08 07:27")


def test_amounts_are_exact_and_other_text_is_refused() -> None:
    assert parse_amount(" 1,000.000000000000000001 ") == Decimal("1000.000000000000000001")
    assert parse_amount("1e3") == 1000
    assert parse_amount("  ") is None
    for text in ("many", "-1", "nan", "inf", "1e999999"):
        with pytest.raises(NotAnAmount):
            parse_amount(text)


def test_the_script_that_takes_filters_along_knows_all_of_them() -> None:
    script = (Path(dashboards.__file__).parent / "assets" / "navigate.js").read_text()
    assert json.dumps(list(PARAMETERS)) in script


def test_unknown_kinds_and_ranges_in_an_address_count_as_not_said() -> None:
    assert from_query("?range=yesterday&kind=transfer,gift") == Filters(kinds=(Kind.TRANSFER,))


def test_the_api_gets_the_range_chains_and_kinds() -> None:
    assert Filters(Recent("6h"), ("base",)).question() == {"start": "-6h", "chain": ("base",), "kind": None}


def test_a_fixed_range_is_touched_only_by_what_happens_in_it() -> None:
    fixed = parse_range("2023-09-08 07:27 to 2023-09-08 07:30")
    inside, after = datetime(2023, 9, 8, 7, 29, 59, tzinfo=UTC), datetime(2023, 9, 8, 7, 30, tzinfo=UTC)
    assert fixed.touches(inside, inside)
    assert fixed.touches(inside, after)
    assert not fixed.touches(after, after)


def test_a_recent_range_is_touched_by_blocks_of_its_span() -> None:
    now = datetime.now(UTC)
    assert Recent("1h").touches(now, now)
    assert not Recent("1h").touches(now - timedelta(hours=3), now - timedelta(hours=2))


def test_only_questions_for_transactions_have_all_filters() -> None:
    view = from_query("?from=0xa,0xb&to=0xc&min=0.5&max=10000000000000000000000")
    assert view.narrow
    assert view.question() == {"start": "-24h", "chain": None, "kind": None}
    assert view.transactions_question() == view.question() | {
        "from_": ("0xa", "0xb"),
        "to": ("0xc",),
        "min_value": "0.5",
        "max_value": "10000000000000000000000",
    }
    assert filterbar.narrowed(view) == "from 0xa, from 0xb, to 0xc, \u2265 0.5, \u2264 10,000,000,000,000,000,000,000"


def change(query: str, zone: tzinfo = UTC, **held: Any) -> filterbar.Bar:
    """The bar after controls, named as in `filterbar`, came to hold something else than the URL says."""
    before = filterbar.bar_of(from_query(query), zone).held
    return filterbar.changed(
        before, before | {getattr(filterbar, name): now for name, now in held.items()}, query, zone
    )


def test_a_preset_changes_the_range_and_nothing_else() -> None:
    bar = change("?range=6h&chain=base&kind=transfer&min=5&compare=7d", PRESET="1h")
    assert bar.query == "?range=1h&chain=base&kind=transfer&min=5&compare=7d"
    assert (bar.held[filterbar.PRESET], bar.held[filterbar.TEXT]) == ("1h", "")
    assert bar.held[filterbar.CHAINS] == ["base"]


def test_a_typed_range_takes_the_place_of_the_preset() -> None:
    bar = change("", TEXT="2023-09-08 07:27 to 2023-09-08 07:30")
    assert bar.query == to_query(VIEW)
    assert (bar.held[filterbar.PRESET], bar.held[filterbar.TEXT]) == ("", str(VIEW.range))
    local = change("", KOLKATA, TEXT="2023-09-08 12:57 to 13:00")
    assert local.query == to_query(VIEW)
    assert local.held[filterbar.TEXT] == "2023-09-08 12:57 to 2023-09-08 13:00"


@pytest.mark.parametrize(
    ("control", "typed", "said"), [("TEXT", "yesterday", "-6h"), ("LEAST", "lots", "100"), ("MOST", "-1", "100")]
)
def test_a_typing_mistake_is_said_and_changes_nothing(control: str, typed: str, said: str) -> None:
    name = getattr(filterbar, control)
    bar = change("?chain=base", **{control: typed})
    assert (bar.query, bar.held[name]) == ("?chain=base", typed)
    assert said in bar.mistakes[name]
    beside = filterbar.changed(bar.held, bar.held | {filterbar.KINDS: ["transfer"]}, bar.query)
    assert (beside.query, beside.held[name], beside.mistakes) == ("?chain=base&kind=transfer", "", {})


def test_senders_receivers_and_amounts_are_typed() -> None:
    query = change("", SENDERS="0xA, 0xB", RECEIVERS="bc1q", LEAST="1,000", MOST="2500.5").query
    assert query == "?from=0xA,0xB&to=bc1q&min=1000&max=2500.5"
    assert change(query + "&range=1h", CLEAR=1).query == "?range=1h"
    assert change(query + "&range=1h", CLEAR=1, CHAINS=["base"]).query == "?range=1h&chain=base"


def test_no_change_is_lost_to_another_one_that_came_before_the_answer() -> None:
    before = filterbar.bar_of(Filters()).held
    held = before | {filterbar.CHAINS: ["base"]}
    assert filterbar.changed(before, held, "").query == "?chain=base"
    held |= {filterbar.PRESET: "6h", filterbar.LEAST: "much"}  # while that answer is on its way, so it is dropped
    bar = filterbar.changed(before, held, "?compare=7d&cursor=2")
    assert bar.query == "?range=6h&chain=base&compare=7d"
    assert bar.held[filterbar.LEAST] == "much"
    assert list(bar.mistakes) == [filterbar.LEAST]


def test_the_bar_follows_the_address() -> None:
    asked = "?kind=nft_transfer&range=90m"
    for before in (None, filterbar.bar_of(Filters(Recent("6h"))).held):
        bar = filterbar.changed(before, before or {}, asked)
        assert bar.query == asked
        assert bar.held == filterbar.bar_of(Filters(Recent("90m"), kinds=(Kind.NFT_TRANSFER,))).held
        assert (bar.held[filterbar.PRESET], bar.held[filterbar.TEXT]) == ("", "-90m")


def test_a_phone_is_told_all_filters_in_a_line() -> None:
    assert filterbar.in_words(Filters()) == "last 24h \N{MIDDLE DOT} all chains"
    narrow = Filters(VIEW.range, ("base", "ethereum"), (Kind.NFT_TRANSFER,), least=Decimal("0.5"))
    assert filterbar.in_words(narrow, KOLKATA) == " \N{MIDDLE DOT} ".join(
        ("2023-09-08 12:57 to 13:00", "base, ethereum", "NFT transfer", "\N{GREATER-THAN OR EQUAL TO} 0.5")
    )
