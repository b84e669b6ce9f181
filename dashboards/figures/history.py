"""The charts of the History page: a metric beside its past, the hours of the week, and what is complete."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, timedelta, tzinfo
from typing import Any

import plotly.graph_objects as go
import polars as pl

from dashboards.figures.style import (
    BLUE,
    CLEAR,
    FONT,
    SKY,
    VERMILION,
    chain_colour,
    faded,
    layout,
    nothing,
    times_of,
    y_axis,
)
from txhub.contract import CoverageBucket, WeekHour

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
WEEK_HEIGHT, ROW_HEIGHT = 230, 38
FEW_POINTS = 60


def beside_the_past(
    frame: pl.DataFrame,
    chains: Sequence[str],
    units: Mapping[str, str],
    hover: str,
    *,
    before: timedelta | None = None,
    percent: bool = False,
    zone: tzinfo = UTC,
) -> go.Figure:
    """A metric over time, a chart for each chain, with the range before as a dotted line below it.

    `frame` has time, chain, value and previous; `hover` is how Plotly spells a value; `before` is how much earlier the
    range before was, None where nothing is compared.
    """
    known = frame.filter(pl.col("value").is_not_null() | pl.col("previous").is_not_null())
    shown = [chain for chain in chains if chain in set(known["chain"])]
    if not shown:
        return nothing("Nothing is known of this range")
    traces: list[dict[str, Any]] = []
    for row, chain in enumerate(shown):
        line, colour = frame.filter(pl.col("chain") == chain).sort("time"), chain_colour(chain, chains)
        axis = {"yaxis": y_axis(row), "x": times_of(line["time"], zone), "type": "scatter", "legendgroup": chain}
        few = line.height <= FEW_POINTS
        said = f"%{{y:{hover}}} {units[chain]}".rstrip()
        if before is not None and line["previous"].is_not_null().any():
            traces.append(
                {
                    **axis,
                    "y": line["previous"].to_list(),
                    "name": f"{chain}, before",
                    "mode": "lines",
                    "line": {"color": faded(colour, 0.75), "width": 1.5, "dash": "dot"},
                    "hovertemplate": f"{said}<extra>{chain}, {before.days} d before</extra>",
                }
            )
        traces.append(
            {
                **axis,
                "y": line["value"].to_list(),
                "name": chain,
                "mode": "lines+markers" if few else "lines",
                "line": {"color": colour, "width": 2},
                "marker": {"size": 5},
                "fill": "tozeroy",
                "fillcolor": faded(colour, 0.1),
                "hovertemplate": f"{said}<extra>{chain}</extra>",
            }
        )
    titles = [units[chain] if len(shown) == 1 else f"{chain}, {units[chain]}".rstrip(", ") for chain in shown]
    look = layout(titles, legend=len(traces) > len(shown), zone=zone)
    if percent:
        for row in range(len(shown)):
            look[f"yaxis{y_axis(row)[1:]}"]["tickformat"] = ".1%"
    return go.Figure(traces, look)


def hours_of_week(
    items: Sequence[WeekHour], colour: str, unit: str, spelled: Callable[[float | None], str]
) -> go.Figure:
    """How busy the hours of the week of one chain are: Monday above, an hour a column; the fuller the busier."""
    cells: list[list[float | None]] = [[None] * 24 for _ in WEEKDAYS]
    words = [["not known"] * 24 for _ in WEEKDAYS]
    for item in items:
        cells[item.weekday - 1][item.hour] = item.value
        if item.value is not None:
            words[item.weekday - 1][item.hour] = f"{spelled(item.value)} {unit}".rstrip() + f", of {item.hours} hours"
    heat = {
        "type": "heatmap",
        "x": [f"{hour:02d}" for hour in range(24)],
        "y": list(WEEKDAYS),
        "z": cells,
        "text": words,
        "colorscale": [[0, faded(colour, 0.08)], [1, colour]],
        "zmin": 0,
        "showscale": False,
        "xgap": 2,
        "ygap": 2,
        "hoverongaps": False,
        "hovertemplate": "%{y} %{x}:00<br>%{text}<extra></extra>",
    }
    axis = {"fixedrange": True, "showgrid": False, "zeroline": False, "ticks": "", "type": "category"}
    return go.Figure(
        [heat],
        {
            **CLEAR,
            "template": "none",
            "height": WEEK_HEIGHT,
            "margin": {"l": 36, "r": 4, "t": 4, "b": 24},
            "font": {"family": FONT, "size": 12},
            "hoverlabel": {"font": {"family": FONT, "size": 12}},
            "dragmode": False,
            "xaxis": {**axis, "tickvals": ["00", "06", "12", "18", "23"]},
            "yaxis": {**axis, "autorange": "reversed"},
        },
    )


def completeness(items: Sequence[CoverageBucket], chains: Sequence[str], zone: tzinfo = UTC) -> go.Figure:
    """How complete the ledger is over time, a row for each chain: blue is all, vermilion is nothing."""
    shown = [chain for chain in chains if any(item.chain == chain for item in items)]
    if not shown:
        return nothing("Nothing is expected in this range")
    starts = sorted({item.start for item in items})
    place = {start: column for column, start in enumerate(starts)}
    cells: list[list[float | None]] = [[None] * len(starts) for _ in shown]
    words = [[""] * len(starts) for _ in shown]
    for item in items:
        row, column = shown.index(item.chain), place[item.start]
        cells[row][column] = item.coverage
        words[row][column] = f"{item.blocks:,} blocks in, {item.missing:,} missing"
    heat = {
        "type": "heatmap",
        "x": times_of(pl.Series(starts, dtype=pl.Datetime("us", "UTC")), zone),
        "y": shown,
        "z": cells,
        "text": words,
        "zmin": 0,
        "zmax": 1,
        "colorscale": [[0, VERMILION], [0.5, faded(VERMILION, 0.45)], [0.9, SKY], [1, BLUE]],
        "showscale": False,
        "xgap": 1 if len(starts) <= 100 else 0,
        "ygap": 3,
        "hoverongaps": False,
        "hovertemplate": "%{y}, %{x|%-d %b %Y, %H:%M}<br>%{text}<extra></extra>",
    }
    axis = {"fixedrange": True, "showgrid": False, "zeroline": False, "ticks": "", "automargin": True}
    return go.Figure(
        [heat],
        {
            **CLEAR,
            "template": "none",
            "height": ROW_HEIGHT * len(shown) + 44,
            "margin": {"l": 8, "r": 8, "t": 4, "b": 8},
            "font": {"family": FONT, "size": 12},
            "hoverlabel": {"font": {"family": FONT, "size": 12}},
            "dragmode": False,
            "xaxis": {**axis, "type": "date", "tickangle": 0},
            "yaxis": {**axis, "type": "category", "autorange": "reversed"},
        },
    )
