"""The charts of the Overview page.

Frames have the columns of `txhub.client.Client.series`: time (UTC, the start of a bucket), chain, kind,
value (None where nothing is known). `chains` are all chains in their order, for their colours.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

import plotly.graph_objects as go
import polars as pl

from dashboards.figures.style import (
    GREY,
    KIND_COLOURS,
    PINK,
    VERMILION,
    as_written,
    chain_colour,
    faded,
    layout,
    nothing,
    times_of,
    y_axis,
)
from dashboards.quantities import KIND_NAMES
from txhub.contract import Anomaly, Gap

FEW_POINTS = 60
"""Lines of at most so many points show each of them."""

NOTHING = "No transactions in this range"


def rate(
    frame: pl.DataFrame,
    peaks: pl.DataFrame,
    chains: Sequence[str],
    *,
    gaps: Iterable[Gap] = (),
    provisional_from: datetime | None = None,
    anomalies: Iterable[Anomaly] = (),
    zone: tzinfo = UTC,
) -> go.Figure:
    """Transactions a minute over time, a line for each chain, with the busiest minutes marked.

    So is where a spike or a drop began, with what detection said of it. Gaps (blocks that are not in) are shaded, and
    so is the newest part, which a reorg may still change.
    """
    lines = _by_chain(frame, chains)
    if not lines:
        return nothing(NOTHING)
    traces: list[dict[str, Any]] = [
        {
            **_line(line, chain_colour(chain, chains), zone, filled=len(lines) == 1),
            "name": chain,
            "hovertemplate": "%{y:,.1~f} tx/min<extra>%{fullData.name}</extra>",
        }
        for chain, line in lines.items()
    ]
    marked = peaks.filter(pl.col("chain").is_in(list(lines)))
    if marked.height:
        traces.append(
            {
                "type": "scatter",
                "x": times_of(marked["minute"], zone),
                "y": marked["tx_count"].to_list(),
                "text": marked["chain"].to_list(),
                "mode": "markers",
                "cliponaxis": False,
                "name": "busiest minutes",
                "marker": {"symbol": "triangle-down", "size": 10, "color": VERMILION, "line": {"width": 0}},
                "hovertemplate": "%{y:,} tx<extra>peak, %{text}</extra>",
            }
        )
    found = [each for each in anomalies if each.chain in lines and each.seen is not None]
    if found:
        traces.append(
            {
                "type": "scatter",
                "x": [as_written(each.start, zone) for each in found],
                "y": [each.seen for each in found],
                "text": [each.title for each in found],
                "mode": "markers",
                "cliponaxis": False,
                "name": "spikes and drops",
                "marker": {"symbol": "diamond-open", "size": 11, "color": PINK, "line": {"width": 2}},
                "hovertemplate": "%{text}<extra></extra>",
            }
        )
    first, last = _ends(frame)
    shades = [_shade("gap", gap.start, gap.end, GREY, 0.18, zone) for gap in gaps]
    if provisional_from is not None and max(first, provisional_from) < last:
        colour = chain_colour(next(iter(lines)), chains)
        shades.append(_shade("provisional", max(first, provisional_from), last, colour, 0.08, zone))
    # Where points are few, their marks have room at the edges; else those of peaks would widen the axis.
    span = (first, last) if frame.height > FEW_POINTS else None
    return go.Figure(traces, layout(legend=True, span=span, zone=zone) | {"shapes": shades})


def avg_value(frame: pl.DataFrame, chains: Sequence[str], symbols: Mapping[str, str], zone: tzinfo = UTC) -> go.Figure:
    """Average value of a transaction over time, a chart for each chain: their coins cannot share an axis."""
    lines = _by_chain(frame, chains)
    if not lines:
        return nothing(NOTHING)
    traces = [
        {
            **_line(line, chain_colour(chain, chains), zone, filled=True),
            "name": chain,
            "yaxis": y_axis(row),
            "hovertemplate": f"%{{y:,.8~f}} {symbols[chain]}<extra>{chain}</extra>",
        }
        for row, (chain, line) in enumerate(lines.items())
    ]
    return go.Figure(traces, layout(_titles(lines, symbols), zone=zone))


def volume(
    frame: pl.DataFrame, chains: Sequence[str], symbols: Mapping[str, str], bucket: timedelta, zone: tzinfo = UTC
) -> go.Figure:
    """Volume over time, stacked by kind, a chart for each chain."""
    stacks = _by_chain(frame, chains)
    if not stacks:
        return nothing(NOTHING)
    traces: list[dict[str, Any]] = []
    named: set[str] = set()
    for row, (chain, stack) in enumerate(stacks.items()):
        for kind, name in KIND_NAMES.items():
            part = stack.filter((pl.col("kind") == str(kind)) & (pl.col("value") > 0))
            if part.is_empty():
                continue
            traces.append(
                {
                    "type": "bar",
                    "x": times_of(part["time"], zone),
                    "y": part["value"].to_list(),
                    "width": bucket.total_seconds() * 1000 * 0.92,
                    "offset": 0,
                    "name": name,
                    "legendgroup": kind,
                    "showlegend": kind not in named,
                    "yaxis": y_axis(row),
                    "marker": {"color": KIND_COLOURS[kind], "line": {"width": 0}},
                    "hovertemplate": f"%{{y:,.6~f}} {symbols[chain]}<extra>{name}, {chain}</extra>",
                }
            )
            named.add(kind)
    first, last = _ends(frame)
    look = layout(_titles(stacks, symbols), legend=True, span=(first, last + bucket), zone=zone)
    return go.Figure(traces, look | {"barmode": "stack"})


def _by_chain(frame: pl.DataFrame, chains: Sequence[str]) -> dict[str, pl.DataFrame]:
    """The rows of each chain that has any, in the order of the chains."""
    known = set(frame.filter(pl.col("value").is_not_null())["chain"].to_list())
    return {chain: frame.filter(pl.col("chain") == chain).sort("time") for chain in chains if chain in known}


def _line(line: pl.DataFrame, colour: str, zone: tzinfo, *, filled: bool) -> dict[str, Any]:
    few = line.height <= FEW_POINTS
    return {
        "type": "scatter",
        "x": times_of(line["time"], zone),
        "y": line["value"].to_list(),
        "cliponaxis": not few,
        "mode": "lines+markers" if few else "lines",
        "line": {"color": colour, "width": 2 if line.height <= 500 else 1.5},
        "marker": {"size": 6},
        "fill": "tozeroy" if filled else "none",
        "fillcolor": faded(colour, 0.12),
    }


def _titles(charts: Iterable[str], symbols: Mapping[str, str]) -> list[str]:
    """What the y axis of each chain's chart counts."""
    names = list(charts)
    return [symbols[chain] if len(names) == 1 else f"{chain}, {symbols[chain]}" for chain in names]


def _shade(name: str, start: datetime, end: datetime, colour: str, opacity: float, zone: tzinfo) -> dict[str, Any]:
    return {
        "type": "rect",
        "name": name,
        "x0": as_written(start, zone),
        "x1": as_written(end, zone),
        "y0": 0,
        "y1": 1,
        "yref": "paper",
        "fillcolor": colour,
        "opacity": opacity,
        "line": {"width": 0},
        "layer": "below",
    }


def _ends(frame: pl.DataFrame) -> tuple[datetime, datetime]:
    times: list[datetime] = frame["time"].sort().to_list()
    return times[0], times[-1]
