"""The chart of a rule that was tried on the past: how often it would have been met, day by day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import plotly.graph_objects as go

from dashboards.figures.style import CHAIN_COLOURS, layout
from txhub.contract import BacktestDay

HEIGHT = 200


def by_day(days: Sequence[BacktestDay], first: date, last: date) -> go.Figure:
    """Bars for each UTC day from `first` to `last`, stacked by chain; a day that is not told of had none."""
    chains = sorted({each.chain for each in days})
    bars = [
        {
            "type": "bar",
            "x": [each.day for each in days if each.chain == chain],
            "y": [each.alerts for each in days if each.chain == chain],
            "name": chain,
            "marker": {"color": CHAIN_COLOURS[place % len(CHAIN_COLOURS)]},
            "hovertemplate": "%{y:,}<extra>%{fullData.name}</extra>",
        }
        for place, chain in enumerate(chains)
    ]
    look = layout(("alerts a day",), legend=len(chains) > 1)
    half = timedelta(hours=12)  # of a bar, which stands over the beginning of its day
    span = [f"{first - timedelta(days=1)} {half}", f"{last} {half}"]
    look["xaxis"] |= {"range": span, "hoverformat": "%-d %b %Y, UTC"}
    return go.Figure(bars, look | {"height": HEIGHT, "barmode": "stack", "bargap": 0.25})
