"""The charts of the Flows page.

A frame has the columns `sender`, `receiver` (what they are called), `count`, `value` (whole coins, a float for the
width of a band) and `said` (the same, for people).
"""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go
import polars as pl

from dashboards.figures.style import CLEAR, FONT, faded, nothing

_BAND = 26
"""Pixels of height for each address of the longer side."""
_LEAST, _MOST = 320, 1600


def sankey(frame: pl.DataFrame, colour: str, *, by_value: bool) -> go.Figure:
    """Bands from senders, on the left, to receivers, on the right: as wide as transactions are many, or value is great.

    Who sends and receives stands on both sides, so that no band runs in a circle.
    """
    if not frame.height:
        return nothing("No transactions in this range")
    senders = frame["sender"].unique(maintain_order=True).to_list()
    receivers = frame["receiver"].unique(maintain_order=True).to_list()
    left = {name: place for place, name in enumerate(senders)}
    right = {name: len(senders) + place for place, name in enumerate(receivers)}
    height = min(max(_LEAST, _BAND * max(len(senders), len(receivers)) + 40), _MOST)
    band: dict[str, Any] = {
        "type": "sankey",
        "arrangement": "fixed",
        "node": {
            "label": [*senders, *receivers],
            "color": colour,
            "pad": 10,
            "thickness": 10,
            "line": {"width": 0},
            "hovertemplate": "%{label}<extra></extra>",
        },
        "link": {
            "source": [left[name] for name in frame["sender"]],
            "target": [right[name] for name in frame["receiver"]],
            "value": frame["value" if by_value else "count"].to_list(),
            "customdata": frame["said"].to_list(),
            "color": faded(colour, 0.28),
            "hovertemplate": "%{source.label} to %{target.label}<br>%{customdata}<extra></extra>",
        },
        "textfont": {"family": FONT, "size": 11},
    }
    look = {**CLEAR, "height": height, "margin": {"l": 8, "r": 8, "t": 8, "b": 8}, "font": {"family": FONT, "size": 12}}
    return go.Figure(data=[band], layout=look)
