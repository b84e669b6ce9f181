from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from txhub.errors import UsageError
from txhub.query.timerange import TimeRange, parse_moment, parse_range

NOW = datetime(2026, 3, 2, 12, 34, 56, tzinfo=UTC)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MOMENTS = st.integers(0, 2**52).map(lambda place: EPOCH + timedelta(microseconds=place))


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("now", NOW),
        ("-24h", NOW - timedelta(days=1)),
        ("-90m", NOW - timedelta(minutes=90)),
        ("-7d", NOW - timedelta(days=7)),
        ("2023-09-08T07:27:00Z", datetime(2023, 9, 8, 7, 27, tzinfo=UTC)),
        ("2023-09-08T09:27:00+02:00", datetime(2023, 9, 8, 7, 27, tzinfo=UTC)),
        ("2023-09-08T07:27:00", datetime(2023, 9, 8, 7, 27, tzinfo=UTC)),
        ("2023-09-08", datetime(2023, 9, 8, tzinfo=UTC)),
    ],
)
def test_reads_what_people_write(text: str, moment: datetime) -> None:
    assert parse_moment("start", text, NOW) == moment
    assert parse_moment("start", text, NOW).tzinfo is UTC


@pytest.mark.parametrize(
    "text", ["", "yesterday", "24h", "-24", "-9999999999d", "1901-01-01", "9999-12-31T23:59:59-12:00", "'; DROP"]
)
def test_refuses_the_rest_by_name_and_says_what_is_allowed(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_moment("end", text, NOW)
    assert f"end is {text!r}" in str(refused.value)
    assert refused.value.hint


def test_explains_a_plus_sign_that_a_url_has_eaten() -> None:
    with pytest.raises(UsageError, match="%2B"):
        parse_moment("start", "2023-09-08T07:27:00 02:00", NOW)


@given(MOMENTS)
def test_reads_back_every_moment(moment: datetime) -> None:
    assert parse_moment("start", moment.isoformat(), NOW) == moment


@pytest.mark.parametrize(("start", "end"), [("now", None), ("-1h", "-2h"), ("2023-09-08", "2023-09-08")])
def test_refuses_an_empty_range(start: str, end: str | None) -> None:
    with pytest.raises(UsageError, match=r"start .* is not before end"):
        parse_range(start, end, NOW)


@given(MOMENTS, MOMENTS, st.sampled_from([60, 300, 900, 3600, 86400]))
def test_widens_to_the_fewest_whole_buckets(one: datetime, other: datetime, seconds: int) -> None:
    asked, width = TimeRange(min(one, other), max(one, other)), timedelta(seconds=seconds)
    whole = asked.widened(width)
    assert whole.start <= asked.start < whole.start + width
    assert whole.end - width < asked.end <= whole.end
    assert whole.start.timestamp() % seconds == whole.end.timestamp() % seconds == 0
