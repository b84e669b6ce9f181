"""The chart of the Exposure page: exposed transactions a day."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from dashboards.figures.style import ORANGE, VERMILION, layout, nothing
from txhub.contract import ExposureDay


def by_day(days: Sequence[ExposureDay]) -> go.Figure:
    """Bars for each UTC day: transactions of watched addresses, and on them those by one address between."""
    if not any(day.direct or day.indirect for day in days):
        return nothing("No exposure in this range")
    dates = [day.day for day in days]
    bars = [
        {
            "type": "bar",
            "x": dates,
            "y": [getattr(day, name) for day in days],
            "name": words,
            "marker": {"color": colour},
            "hovertemplate": "%{y:,}<extra>%{fullData.name}</extra>",
        }
        for name, words, colour in (("direct", "direct", VERMILION), ("indirect", "by one between", ORANGE))
    ]
    look = layout(("transactions",), legend=True)
    look["xaxis"] |= {"hoverformat": "%-d %b %Y, UTC"}
    return go.Figure(data=bars, layout=look | {"barmode": "stack", "bargap": 0.25})
