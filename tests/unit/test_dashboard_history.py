"""History and Operations: what they draw and say, from what was read."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from plotly.utils import PlotlyJSONEncoder

from dashboards.figures import history as drawn
from dashboards.filters import Recent, parse_range
from dashboards.pages import operations_panels as panels
from dashboards.pages.history_reading import metric_of, weeks_of
from dashboards.quantities import count, size
from dashboards.view import View
from txhub.contract import (
    ArchiveState,
    CoverageBucket,
    Gap,
    Metric,
    OpenFinding,
    Operations,
    Quality,
    RollupUpkeep,
    ServiceState,
    StreamHealth,
    TableUpkeep,
    WeekHour,
)

START = datetime(2023, 9, 8, 7, 27, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
POINTS = pl.DataFrame(
    [(START, "ethereum", 600.0, 500.0), (START + MINUTE, "ethereum", 838.0, None), (START, "bitcoin", 4.0, None)],
    schema={"time": pl.Datetime("us", "UTC"), "chain": pl.String, "value": pl.Float64, "previous": pl.Float64},
    orient="row",
)


def text_of(component: object) -> str:
    return json.dumps(component, cls=PlotlyJSONEncoder, ensure_ascii=False)


def test_a_metric_stands_beside_its_past_where_that_is_known() -> None:
    week = timedelta(days=7)
    figure = drawn.beside_the_past(
        POINTS, ["bitcoin", "ethereum"], {"bitcoin": "", "ethereum": ""}, ",.0f", before=week
    )
    assert [trace.name for trace in figure.data] == ["bitcoin", "ethereum, before", "ethereum"]
    assert list(figure.data[1].y) == [500, None]
    assert list(figure.data[2].y) == [600, 838]
    assert figure.data[0].yaxis != figure.data[2].yaxis
    local = drawn.beside_the_past(POINTS, ["ethereum"], {"ethereum": ""}, ",.0f", zone=ZoneInfo("Asia/Kolkata"))
    assert local.data[0].x[0] == datetime(2023, 9, 8, 12, 57)  # noqa: DTZ001 (as the clocks show it)


def test_hours_of_the_week_have_their_places() -> None:
    items = [WeekHour("ethereum", 1, 0, 5.0, 4), WeekHour("ethereum", 7, 23, None, 0)]
    [heat] = drawn.hours_of_week(items, "#0072B2", "tx/min", count).data
    assert (heat.z[0][0], heat.z[6][23], heat.z[3][12]) == (5.0, None, None)
    assert heat.text[0][0] == "5 tx/min, of 4 hours"


def test_completeness_has_a_row_for_each_chain() -> None:
    items = [
        CoverageBucket("ethereum", START, START + MINUTE, 5, 0, 1.0),
        CoverageBucket("bitcoin", START + MINUTE, START + 2 * MINUTE, 1, 3, 0.25),
    ]
    [heat] = drawn.completeness(items, ["bitcoin", "ethereum"]).data
    assert list(heat.y) == ["bitcoin", "ethereum"]
    assert heat.z == ([None, 0.25], [1.0, None]) or [list(row) for row in heat.z] == [[None, 0.25], [1.0, None]]
    assert heat.text[0][1] == "1 blocks in, 3 missing"


def test_short_ranges_take_the_four_weeks_before_their_end() -> None:
    assert weeks_of(Recent("24h"), START) == Recent("28d")
    assert weeks_of(Recent("30d"), START) == Recent("30d")
    day = parse_range("2023-09-08")
    weeks = weeks_of(day, START + timedelta(days=9))
    assert weeks.question() == {"start": "2023-08-12T00:00:00+00:00", "end": "2023-09-09T00:00:00+00:00"}


def test_a_metric_that_there_is_not_is_the_rate() -> None:
    assert metric_of(View(own={"metric": "volume"})) is Metric.VOLUME
    assert metric_of(View(own={"metric": "luck"})) is Metric.TX_RATE


OPERATIONS = Operations(
    "timescale",
    START,
    [OpenFinding("stream_down", "ethereum", "error", START, "no block for 10 min")],
    [ServiceState("worker", "0.1.0", START, START, None)],
    [RollupUpkeep("tx_1m", START, 600.0, 60.0, START, "Failed", START, 3, "out of memory")],
    [TableUpkeep("transactions", 86400.0, 172800.0, 5, 3, 5_000_000, 2_000_000)],
    [ArchiveState("ethereum", "transactions", 3, START.date(), START.date(), 35, 4500, 2, 1, START)],
)


def test_what_is_wrong_is_said_first_and_nothing_is_said_so() -> None:
    said = text_of(panels.findings(OPERATIONS.findings, View()))
    assert all(word in said for word in ("stream down", "ethereum", "no block for 10 min", "level error"))
    assert "Nothing is wrong" in text_of(panels.findings([], View()))


@pytest.mark.parametrize(("silence", "word"), [(timedelta(seconds=30), "runs"), (timedelta(hours=1), "silent")])
def test_a_service_that_is_not_heard_is_silent(silence: timedelta, word: str) -> None:
    assert f'"{word}"' in text_of(panels.services(OPERATIONS, View(), START + silence))
    stopped = replace(OPERATIONS, services=[replace(OPERATIONS.services[0], stopped_at=START)])
    assert '"stopped"' in text_of(panels.services(stopped, View(), START + silence))


def test_rollups_chunks_and_the_archive_are_told() -> None:
    assert all(word in text_of(panels.rollups(OPERATIONS, View())) for word in ("tx_1m", "Failed", "out of memory"))
    assert all(word in text_of(panels.chunks(OPERATIONS)) for word in ("3 of 5", "5.0 MB", "after 2 d"))
    archive = text_of(panels.archive(OPERATIONS, View()))
    assert "Raw rows before 2023-09-08 07:27:00 are in the archive alone." in archive
    assert "worrying" in archive
    assert "Nothing is archived" in text_of(panels.archive(replace(OPERATIONS, archive=[], horizon=None), View()))


def test_streams_say_how_far_behind_they_are() -> None:
    stream = StreamHealth(
        "ethereum", "late", "no block for 61 s", 7, START, START, 61.0, "following", START, "ws://n", 9, 2
    )
    said = text_of(panels.streams([stream], ["ethereum"], View()))
    assert all(word in said for word in ("late", "no block for 61 s", "#7", "2 blocks", "ws://n"))


def test_gaps_are_counted() -> None:
    read = panels.Ledger(Quality(0.5, [Gap("ethereum", 3, 12, START, START + MINUTE)]), [])
    gaps, reorgs = panels.ledger(read, View(), START)
    assert "#3 to #12" in text_of(gaps)
    assert '"10"' in text_of(gaps)
    assert "No block of this range was replaced" in text_of(reorgs)


def test_sizes_read_well() -> None:
    assert [size(octets) for octets in (0, 999, 1500, 64_300_000, 2_000_000_000_000)] == [
        "0 B", "999 B", "1.5 kB", "64.3 MB", "2.0 TB",
    ]  # fmt: skip
