"""The chart of the Map page.

Outlines (`assets/world_110m.json`) and places (`countries.csv`: ISO 3166 code, name, the middle of its largest part,
degrees north and east) were made of Natural Earth's data, which are in the public domain, at 1:110 and 1:50 million.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import plotly.graph_objects as go

from dashboards.figures.style import BLUE, CLEAR, FONT, faded

_LEAST, _MOST = 7, 58
"""Pixels: the size of a mark, by the root of its share."""


class Place(NamedTuple):
    """Where a country is drawn: degrees north and east."""

    name: str
    latitude: float
    longitude: float


class Mark(NamedTuple):
    """What is drawn of a country: its share, 0 to 1, and what is said of it."""

    code: str
    share: float
    said: str


@cache
def places() -> dict[str, Place]:
    """The countries by their code; some small ones are missing, and are in the table only."""
    with (Path(__file__).parent / "countries.csv").open(encoding="utf-8", newline="") as rows:
        return {
            row["code"]: Place(row["name"], float(row["latitude"]), float(row["longitude"]))
            for row in csv.DictReader(rows)
        }


def origins(marks: Sequence[Mark]) -> go.Figure:
    """A mark on each country, its area as large as its share; it takes what room there is."""
    known = [(mark, places()[mark.code]) for mark in marks if mark.code in places() and mark.share > 0]
    most = max((mark.share for mark, _ in known), default=1.0)
    bubbles: dict[str, Any] = {
        "type": "scattergeo",
        "lat": [place.latitude for _, place in known],
        "lon": [place.longitude for _, place in known],
        "text": [f"{place.name}<br>{mark.said}" for mark, place in known],
        "customdata": [mark.code for mark, _ in known],
        "mode": "markers",
        "marker": {
            "size": [max(_MOST * math.sqrt(mark.share / most), _LEAST) for mark, _ in known],
            "sizemode": "diameter",
            "color": faded(BLUE, 0.55),
            "line": {"width": 1, "color": BLUE},
        },
        "hovertemplate": "%{text}<extra></extra>",
    }
    geo = {
        "projection": {"type": "natural earth"},
        "bgcolor": "rgba(0,0,0,0)",
        "showland": True,
        "landcolor": "rgba(128,140,155,0.22)",
        "showcoastlines": True,
        "coastlinecolor": "rgba(128,140,155,0.6)",
        "coastlinewidth": 0.5,
        "showframe": False,
        "lataxis": {"range": [-58, 84]},
    }
    look = {
        **CLEAR,
        "geo": geo,
        "margin": {"l": 0, "r": 0, "t": 0, "b": 0},
        "font": {"family": FONT, "size": 12},
        "dragmode": False,
        "showlegend": False,
    }
    return go.Figure(data=[bubbles], layout=look)
