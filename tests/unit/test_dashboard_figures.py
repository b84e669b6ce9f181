"""The charts: what they draw, and that they never put two coins on one axis."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from dashboards.figures import overview as figures
from dashboards.figures.style import BLUE, KIND_COLOURS, ORANGE, chain_colour
from dashboards.pages.overview_reading import NO_PEAKS
from txhub.contract import Anomaly, AnomalyKind, ChainState, Gap, Kind, Severity

START = datetime(2023, 9, 8, 7, 27, tzinfo=UTC)
CHAINS = ["ethereum", "bitcoin"]
SYMBOLS = {"ethereum": "ETH", "bitcoin": "BTC"}
SCHEMA = {"time": pl.Datetime("us", "UTC"), "chain": pl.String, "kind": pl.String, "value": pl.Float64}


def frame(*lines: tuple[str, str | None, list[float | None]]) -> pl.DataFrame:
    rows = [
        (START + timedelta(minutes=place), chain, kind, value)
        for chain, kind, values in lines
        for place, value in enumerate(values)
    ]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


RATE = frame(("ethereum", None, [600, 838, 699]))


def test_the_rate_is_drawn_point_by_point_in_utc() -> None:
    (line,) = figures.rate(RATE, NO_PEAKS, CHAINS).data
    assert list(line.y) == [600, 838, 699]
    assert [time.isoformat() for time in line.x] == [
        "2023-09-08T07:27:00", "2023-09-08T07:28:00", "2023-09-08T07:29:00",
    ]  # fmt: skip
    assert line.name == "ethereum"


def test_every_chain_has_its_line_and_keeps_its_colour() -> None:
    both = frame(("ethereum", None, [1, 2]), ("bitcoin", None, [3, 4]))
    assert [line.line.color for line in figures.rate(both, NO_PEAKS, CHAINS).data] == [BLUE, ORANGE]
    only = both.filter(pl.col("chain") == "bitcoin")
    assert [line.line.color for line in figures.rate(only, NO_PEAKS, CHAINS).data] == [ORANGE]


def test_what_is_not_known_is_a_hole_in_the_line() -> None:
    (line,) = figures.rate(frame(("ethereum", None, [600, None, 699])), NO_PEAKS, CHAINS).data
    assert list(line.y) == [600, None, 699]
    assert not line.connectgaps


def test_peaks_are_marked_on_the_rate() -> None:
    peaks = pl.DataFrame(
        [("ethereum", START.replace(minute=0), START + timedelta(minutes=1), 838), ("other", START, START, 9)],
        schema=NO_PEAKS.schema,
        orient="row",
    )
    _, marks = figures.rate(RATE, peaks, CHAINS).data
    assert (marks.mode, list(marks.y), list(marks.text)) == ("markers", [838], ["ethereum"])


def test_gaps_and_the_provisional_part_are_shaded() -> None:
    gap = Gap("ethereum", 1, 2, START, START + timedelta(minutes=1))
    figure = figures.rate(RATE, NO_PEAKS, CHAINS, gaps=[gap], provisional_from=START + timedelta(minutes=1))
    assert [shape.name for shape in figure.layout.shapes] == ["gap", "provisional"]
    assert figures.rate(RATE, NO_PEAKS, CHAINS, provisional_from=START + timedelta(hours=1)).layout.shapes == ()


@pytest.mark.parametrize("draw", ["avg_value", "volume"])
def test_each_coin_has_an_axis_of_its_own(draw: str) -> None:
    values = frame(("ethereum", "transfer", [1.5]), ("bitcoin", "transfer", [0.5]))
    more: dict[str, Any] = {"bucket": timedelta(minutes=1)} if draw == "volume" else {}
    figure = getattr(figures, draw)(values, CHAINS, SYMBOLS, **more)
    assert len({trace.yaxis for trace in figure.data}) == 2
    titles = [figure.layout[axis].title.text for axis in ("yaxis", "yaxis2")]
    assert titles == ["ethereum, ETH", "bitcoin, BTC"]


def test_volume_is_stacked_by_kind_with_one_legend_entry_each() -> None:
    values = frame(
        ("ethereum", "transfer", [1.5]), ("ethereum", "contract_call", [2.5]), ("bitcoin", "transfer", [0.5])
    )
    figure = figures.volume(values, CHAINS, SYMBOLS, timedelta(minutes=1))
    assert figure.layout.barmode == "stack"
    assert [(bar.name, bar.showlegend) for bar in figure.data] == [
        ("Transfer", True), ("Contract call", True), ("Transfer", False),
    ]  # fmt: skip


def test_an_empty_range_says_so() -> None:
    empty = frame()
    for figure in (
        figures.rate(empty, NO_PEAKS, CHAINS),
        figures.avg_value(empty, CHAINS, SYMBOLS),
        figures.volume(empty, CHAINS, SYMBOLS, timedelta(minutes=1)),
    ):
        assert not figure.data
        assert figure.layout.annotations[0].text == figures.NOTHING


def test_every_kind_has_a_colour_of_its_own() -> None:
    assert set(KIND_COLOURS) == set(Kind)
    assert len(set(KIND_COLOURS.values())) == len(Kind)


def test_colours_come_round_again_rather_than_run_out() -> None:
    names = [f"chain{number}" for number in range(20)]
    assert all(chain_colour(name, names).startswith("#") for name in [*names, "a stranger"])


def test_spikes_are_marked_on_the_rate_with_what_was_said_of_them() -> None:
    spike = Anomaly(
        id=1, kind=AnomalyKind.SPIKE, chain="ethereum", subject="ethereum", start=START, end=None,
        severity=Severity.HIGH, title="ethereum has 4 times its usual traffic", expected=200, seen=800, factor=4,
        score=None, unit="transactions/minute", rule="spike", test=False, chain_state=ChainState.PENDING,
    )  # fmt: skip
    elsewhere = replace(spike, chain="bitcoin")
    _, marks = figures.rate(RATE, NO_PEAKS, CHAINS, anomalies=[spike, elsewhere]).data
    assert (list(marks.y), list(marks.text)) == ([800], ["ethereum has 4 times its usual traffic"])
