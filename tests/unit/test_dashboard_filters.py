"""The filter bar's state, and its spelling in the URL."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.filters import Between, Filters, NotARange, Recent, from_query, parse_range, to_query
from txhub.contract import Kind

moments = st.integers(1_231_000_000, 4_000_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
ranges = st.one_of(
    st.builds(lambda number, unit: Recent(f"{number}{unit}"), st.integers(1, 99999), st.sampled_from("mhdw")),
    st.builds(
        lambda start, seconds: Between(start, start + timedelta(seconds=seconds)), moments, st.integers(1, 10**8)
    ),
)
names = st.text("abcdefghijklmnopqrstuvwxyz0123456789-_.", min_size=1, max_size=20)
filters = st.builds(
    Filters,
    ranges,
    st.lists(names, unique=True, max_size=4).map(tuple),
    st.lists(st.sampled_from(Kind), unique=True, max_size=6).map(tuple),
)


@given(filters)
def test_a_shared_url_shows_the_same_view(view: Filters) -> None:
    assert from_query(to_query(view)) == view


@given(ranges)
def test_what_the_bar_shows_can_be_typed_again(chosen: Recent | Between) -> None:
    assert parse_range(str(chosen)) == chosen


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


@pytest.mark.parametrize(
    "text", ["", "soon", "0h", "6y", "2023-09-08", "2023-09-08 to", "2023-09-08 07:30 to 2023-09-08 07:27"]
)
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(NotARange):
        parse_range(text)


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
