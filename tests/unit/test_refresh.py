"""Which windows a refresh covers."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from txhub.rollup.catalog import LAG, ROLLUPS
from txhub.rollup.refresh import Span, merged, window

NOW = datetime(2026, 3, 1, 12, 34, 56, tzinfo=UTC)
HOUR = timedelta(hours=1)
moments = st.datetimes(datetime(2020, 1, 1), datetime(2027, 1, 1)).map(lambda t: t.replace(tzinfo=UTC))  # noqa: DTZ001
spans = st.builds(
    lambda start, width: Span(start, start + width), moments, st.timedeltas(timedelta(0), timedelta(days=3))
)


def at(hour: int, minute: int = 0, second: int = 0) -> datetime:
    return datetime(2026, 3, 1, hour, minute, second, tzinfo=UTC)


def test_a_window_holds_whole_buckets() -> None:
    assert window(Span(at(3, 10), at(5, 0)), HOUR, NOW) == Span(at(3), at(6))
    assert window(Span(at(3), at(3)), HOUR, NOW) == Span(at(3), at(4))


def test_what_readers_compute_live_is_not_materialised() -> None:
    assert window(Span(at(12, 20), at(12, 34)), timedelta(minutes=1), NOW) == Span(at(12, 20), at(12, 24))
    assert window(Span(at(12, 30), at(12, 34)), timedelta(minutes=1), NOW) is None
    assert window(Span(at(11, 59), at(12, 20)), HOUR, NOW) == Span(at(11), at(12))
    assert window(Span(at(12), at(12, 20)), HOUR, NOW) is None


@given(spans, st.sampled_from([rollup.bucket for rollup in ROLLUPS]))
def test_a_window_covers_its_span_up_to_the_lag(span: Span, bucket: timedelta) -> None:
    found = window(span, bucket, NOW)
    if found is None:
        assert span.start >= NOW - LAG - bucket
        return
    assert found.start <= span.start < found.start + bucket
    assert span.end < found.end <= span.end + bucket or found.end > NOW - LAG - bucket
    assert found.end <= NOW - LAG


@given(st.lists(spans, max_size=20))
def test_merged_spans_cover_the_same_and_lie_apart(given_spans: list[Span]) -> None:
    gap = timedelta(minutes=5)
    result = merged(given_spans, gap)
    assert all(any(whole.start <= span.start and span.end <= whole.end for whole in result) for span in given_spans)
    assert all(after.start > before.end + gap for before, after in itertools.pairwise(result))
    assert {whole.start for whole in result} <= {span.start for span in given_spans}
    assert {whole.end for whole in result} <= {span.end for span in given_spans}
