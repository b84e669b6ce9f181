"""What all charts share: the palette, the axes, the margins, and how little there is of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo
from typing import Any

import plotly.graph_objects as go
import polars as pl

from txhub.contract import Kind

BLUE, ORANGE, GREEN, VERMILION, SKY, PINK, GREY = (
    "#0072B2", "#E69F00", "#009E73", "#D55E00", "#56B4E9", "#CC79A7", "#999999",
)  # fmt: skip
"""Okabe and Ito's palette, told apart by people of every colour vision; without its black and yellow."""

CHAIN_COLOURS = (BLUE, ORANGE, GREEN, PINK, SKY, VERMILION)

KIND_COLOURS: dict[str, str] = {
    Kind.TRANSFER: BLUE,
    Kind.TOKEN_TRANSFER: SKY,
    Kind.NFT_TRANSFER: PINK,
    Kind.CONTRACT_CALL: ORANGE,
    Kind.CONTRACT_CREATION: GREEN,
    Kind.COINBASE: GREY,
}

CONFIG: Any = {"displayModeBar": False, "topojsonURL": "/assets/"}
"""What charts can do; maps take their outlines from here, and not from another host."""
CLEAR = {"paper_bgcolor": "rgba(0,0,0,0)", "plot_bgcolor": "rgba(0,0,0,0)"}
FONT = "Inter, -apple-system, BlinkMacSystemFont, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
ROW_HEIGHT, HEIGHT = 120, 316
"""Pixels: of each chart in a stack of them, and of one that stands alone."""


def chain_colour(chain: str, chains: Sequence[str]) -> str:
    """The colour of a chain: by its place among all chains, so that filters do not repaint it."""
    place = chains.index(chain) if chain in chains else len(chains)
    return CHAIN_COLOURS[place % len(CHAIN_COLOURS)]


def faded(colour: str, opacity: float) -> str:
    """A `#RRGGBB` colour as rgba."""
    red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity})"


def y_axis(row: int) -> str:
    """What Plotly calls the y axis of a chart in a stack, counted from 0 at the top."""
    return f"y{row + 1}" if row else "y"


def layout(
    titles: Sequence[str] = ("",),
    *,
    legend: bool = False,
    span: tuple[datetime, datetime] | None = None,
    zone: tzinfo = UTC,
) -> dict[str, Any]:
    """The layout of one chart, or of several below one another on one time axis, a title for each y axis.

    No frame, thin grid, one hover label for a moment, times by the clocks of `zone`; `span` is what the time axis
    shows, else what there is. (One dictionary, because Plotly takes ten times as long to change a figure as to make
    it.)
    """
    rows = len(titles)
    room = 1.0 if rows == 1 else 0.86  # of its row, for each chart
    axis = {"automargin": True, "zeroline": False, "fixedrange": True}
    y_axes = {
        f"yaxis{y_axis(row)[1:]}": {
            **axis,
            "rangemode": "tozero",
            "nticks": 5 if rows == 1 else 4,
            "domain": [1 - (row + room) / rows, 1 - row / rows],
            "title": {"text": title, "standoff": 8, "font": {"size": 11}},
        }
        for row, title in enumerate(titles)
    }
    return {
        **CLEAR,
        **y_axes,
        "template": "none",
        "height": HEIGHT if rows == 1 else ROW_HEIGHT * rows + 40,
        "margin": {"l": 8, "r": 8, "t": 36 if legend else 12, "b": 8},
        "font": {"family": FONT, "size": 12},
        "hovermode": "x unified",
        "hoverlabel": {"font": {"family": FONT, "size": 12}},
        "dragmode": False,
        "showlegend": legend,
        "legend": {"orientation": "h", "x": 0, "y": 1, "yanchor": "bottom", "xanchor": "left"},
        "xaxis": {
            **axis,
            "type": "date",
            "anchor": y_axis(rows - 1),
            "showgrid": False,
            "tickangle": 0,
            "hoverformat": f"%-d %b %Y, %H:%M {zone}",
            "range": span and [as_written(moment, zone) for moment in span],
        },
    }


def as_written(moment: datetime, zone: tzinfo = UTC) -> datetime:
    """A time as the clocks of a zone show it: Plotly draws times as they are written."""
    return moment.astimezone(zone).replace(tzinfo=None)


def times_of(times: pl.Series, zone: tzinfo = UTC) -> list[datetime]:
    """`as_written` of a column."""
    return times.dt.convert_time_zone(str(zone)).dt.replace_time_zone(None).to_list()


def nothing(text: str) -> go.Figure:
    """A chart that says why it is empty."""
    note = {
        "text": text,
        "x": 0.5,
        "y": 0.5,
        "xref": "paper",
        "yref": "paper",
        "showarrow": False,
        "font": {"size": 14},
    }
    hidden = {"visible": False}
    return go.Figure(layout=layout() | {"annotations": [note], "xaxis": hidden, "yaxis": hidden})
