"""The charts of the Overview page.

Frames have the columns of `txhub.client.Client.series`: time (UTC, the start of a bucket), chain, kind,
value (None where nothing is known). `chains` are all chains in their order, for their colours.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import plotly.graph_objects as go
import polars as pl
from plotly.subplots import make_subplots

from dashboards.figures.style import GREY, KIND_COLOURS, VERMILION, chain_colour, faded, finish, nothing
from dashboards.quantities import KIND_NAMES
from txhub.contract import Gap

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
) -> go.Figure:
    """Transactions a minute over time, a line for each chain, with the busiest minutes marked.

    Gaps (blocks that are not in) are shaded, and so is the newest part, which a reorg may still change.
    """
    lines = _by_chain(frame, chains)
    if not lines:
        return nothing(NOTHING)
    figure = go.Figure()
    for chain, line in lines.items():
        figure.add_scatter(
            **_line(line, chain_colour(chain, chains), filled=len(lines) == 1),
            name=chain,
            hovertemplate="%{y:,.1~f} tx/min<extra>%{fullData.name}</extra>",
        )
    marked = peaks.filter(pl.col("chain").is_in(list(lines)))
    if marked.height:
        figure.add_scatter(
            x=_times(marked["minute"]),
            y=marked["tx_count"].to_list(),
            text=marked["chain"].to_list(),
            mode="markers",
            cliponaxis=False,
            name="busiest minutes",
            marker={"symbol": "triangle-down", "size": 10, "color": VERMILION, "line": {"width": 0}},
            hovertemplate="%{y:,} tx<extra>peak, %{text}</extra>",
        )
    first, last = _ends(frame)
    for gap in gaps:
        _shade(figure, gap.start, gap.end, GREY, 0.18, "gap")
    if provisional_from is not None and max(first, provisional_from) < last:
        colour = chain_colour(next(iter(lines)), chains)
        _shade(figure, max(first, provisional_from), last, colour, 0.08, "provisional")
    finish(figure, legend=True)
    if frame.height > FEW_POINTS:  # else the marks of peaks would widen the axis beyond the range
        figure.update_xaxes(range=[first.replace(tzinfo=None), last.replace(tzinfo=None)])
    return figure


def avg_value(frame: pl.DataFrame, chains: Sequence[str], symbols: Mapping[str, str]) -> go.Figure:
    """Average value of a transaction over time, a chart for each chain: their coins cannot share an axis."""
    lines = _by_chain(frame, chains)
    if not lines:
        return nothing(NOTHING)
    figure = _stack(lines, symbols)
    for row, (chain, line) in enumerate(lines.items(), start=1):
        figure.add_scatter(
            **_line(line, chain_colour(chain, chains), filled=True),
            name=chain,
            hovertemplate=f"%{{y:,.8~f}} {symbols[chain]}<extra>{chain}</extra>",
            row=row,
            col=1,
        )
    return finish(figure, rows=len(lines))


def volume(frame: pl.DataFrame, chains: Sequence[str], symbols: Mapping[str, str], bucket: timedelta) -> go.Figure:
    """Volume over time, stacked by kind, a chart for each chain."""
    stacks = _by_chain(frame, chains)
    if not stacks:
        return nothing(NOTHING)
    figure = _stack(stacks, symbols)
    named: set[str] = set()
    for row, (chain, stack) in enumerate(stacks.items(), start=1):
        for kind, name in KIND_NAMES.items():
            part = stack.filter((pl.col("kind") == str(kind)) & (pl.col("value") > 0)).sort("time")
            if part.is_empty():
                continue
            figure.add_bar(
                x=_times(part["time"]),
                y=part["value"].to_list(),
                width=bucket.total_seconds() * 1000 * 0.92,
                offset=0,
                name=name,
                legendgroup=kind,
                showlegend=kind not in named,
                marker={"color": KIND_COLOURS[kind], "line": {"width": 0}},
                hovertemplate=f"%{{y:,.6~f}} {symbols[chain]}<extra>{name}</extra>",
                row=row,
                col=1,
            )
            named.add(kind)
    first, last = _ends(frame)
    finish(figure, rows=len(stacks), legend=True)
    figure.update_xaxes(range=[first.replace(tzinfo=None), (last + bucket).replace(tzinfo=None)])
    return figure.update_layout(barmode="stack")


def _by_chain(frame: pl.DataFrame, chains: Sequence[str]) -> dict[str, pl.DataFrame]:
    """The rows of each chain that has any, in the order of the chains."""
    known = set(frame.filter(pl.col("value").is_not_null())["chain"].to_list())
    return {chain: frame.filter(pl.col("chain") == chain).sort("time") for chain in chains if chain in known}


def _line(line: pl.DataFrame, colour: str, *, filled: bool) -> dict[str, object]:
    return {
        "x": _times(line["time"]),
        "y": line["value"].to_list(),
        "cliponaxis": line.height > FEW_POINTS,  # points at the edges are seen whole
        "mode": "lines+markers" if line.height <= FEW_POINTS else "lines",
        "line": {"color": colour, "width": 2 if line.height <= 500 else 1.5},
        "marker": {"size": 6},
        "fill": "tozeroy" if filled else None,
        "fillcolor": faded(colour, 0.12),
    }


def _stack(parts: Mapping[str, pl.DataFrame], symbols: Mapping[str, str]) -> go.Figure:
    """Charts below one another on one time axis, each with its chain and its coin."""
    figure = make_subplots(rows=len(parts), cols=1, shared_xaxes=True, vertical_spacing=0.12 / len(parts))
    for row, chain in enumerate(parts, start=1):
        title = symbols[chain] if len(parts) == 1 else f"{chain}, {symbols[chain]}"
        figure.update_yaxes(title={"text": title, "standoff": 8, "font": {"size": 11}}, row=row, col=1)
    return figure


def _shade(figure: go.Figure, start: datetime, end: datetime, colour: str, opacity: float, name: str) -> None:
    figure.add_vrect(
        x0=start.replace(tzinfo=None), x1=end.replace(tzinfo=None), fillcolor=colour, opacity=opacity,
        line_width=0, layer="below", name=name,
    )  # fmt: skip


def _ends(frame: pl.DataFrame) -> tuple[datetime, datetime]:
    times: list[datetime] = frame["time"].sort().to_list()
    return times[0], times[-1]


def _times(times: pl.Series) -> list[datetime]:
    """Times without their zone: Plotly reads those as they are written, which is UTC."""
    return times.dt.replace_time_zone(None).to_list()
