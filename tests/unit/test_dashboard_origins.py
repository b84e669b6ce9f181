"""What the map and its table say, from what was read."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from plotly.utils import PlotlyJSONEncoder

import dashboards
from dashboards.figures.origins import Mark, origins, places
from dashboards.pages import origins as page
from dashboards.view import View
from txhub.contract import Observer, Observers, Origin, Origins, Quality, UnknownOrigin

TIME = datetime(2026, 3, 1, 22, tzinfo=UTC)
READ = Origins(
    items=[Origin("SG", 2, 30, 0.3, "1.5", 0.6), Origin("XX", 1, 10, 0.1, "0.5", 0.2)],
    unknown=UnknownOrigin(60, 0.6, "0.5", 0.2, 20, 0.2, 0.1),
    start=TIME, end=TIME + timedelta(hours=1), tx_count=100, value="2.5", symbol="ETH", quality=Quality(1.0),
)  # fmt: skip


def text_of(component: object) -> str:
    return json.dumps(component, cls=PlotlyJSONEncoder)


def test_the_unknown_share_is_always_said() -> None:
    note, figure, spoken, table = page.shown(READ, View(), TIME)
    assert "60 % of transactions are of unknown origin; of 20 % nobody looked" in text_of(note)
    assert list(figure.data[0].customdata) == ["SG"]
    assert "Singapore 30 %" in spoken
    said = text_of(table)
    for words in ("Singapore", "XX", "Unknown", "60 %", "1.5 ETH"):
        assert words in said


def test_coins_of_several_chains_have_no_share_of_value() -> None:
    mixed = replace(READ, items=[replace(READ.items[0], value=None, value_share=None)], value=None, symbol=None)
    assert "never added" in text_of(page.shown(mixed, View(), TIME)[3])
    assert "names a country" in text_of(page.shown(replace(READ, items=[]), View(), TIME)[3])


def test_peers_of_unknown_place_are_always_said() -> None:
    read = Observers([Observer("SE", 3, 0.375), Observer("XX", 2, 0.25)], 8, 3, 0.375, TIME)
    said = text_of(page.seen(read, View(), TIME))
    for words in ("37.5 % of 8 peers are in an unknown country", "Sweden 37.5 %", "XX", "Unknown", "25 %"):
        assert words in said
    assert "geoip" in text_of(page.seen(Observers([], 0, 0, None, None), View(), TIME))


def test_marks_are_as_large_as_their_shares() -> None:
    [marks] = origins([Mark("SG", 0.4, "x"), Mark("US", 0.1, "y"), Mark("FR", 0.0, "z"), Mark("??", 0.5, "?")]).data
    assert list(marks.customdata) == ["SG", "US"]
    large, small = marks.marker.size
    assert (large / small) ** 2 == pytest.approx(4)


def test_places_and_outlines_are_there() -> None:
    assert len(places()) > 230
    assert all(-90 <= place.latitude <= 90 and -180 <= place.longitude <= 180 for place in places().values())
    outlines = json.loads((Path(dashboards.__file__).parent / "assets" / "world_110m.json").read_text())
    assert outlines["objects"]["land"]["geometries"]
