"""What the Flows page shows: bands, a graph and rows, from what was read."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import polars as pl
from plotly.utils import PlotlyJSONEncoder

from dashboards.figures.flows import sankey
from dashboards.figures.style import BLUE
from dashboards.filters import Filters, Recent
from dashboards.pages import flow_panels
from dashboards.pages.flows import Flows
from dashboards.view import View
from txhub.contract import ChainInfo, Edge, Flow, Label, Neighbourhood, Node, Rank, Ranking

TIME = datetime(2026, 3, 1, 22, tzinfo=UTC)
ANNA, BORIS, CLARA = ("0x" + letter * 40 for letter in "abc")
ETHEREUM = ChainInfo(1, "ethereum", "evm", "ETH", 18, 12, 64, "100", False, 14, 1, 14, TIME, TIME)
HARBOUR = Label(1, None, BORIS, "Harbour Exchange", "exchange", "SG", "made", "1", TIME, None)
TO_BORIS = Flow("ethereum", ANNA, BORIS, 9, "12.5", "4", "ETH", 2, "0")
VIEW = View(Filters(Recent("7d")))


def edge(sender: str, receiver: str, count: int, value: str) -> Edge:
    return Edge("ethereum", sender, receiver, count, value, value, "ETH")


def around(centre: str, *edges: Edge, complete: bool = True) -> Neighbourhood:
    ends = dict.fromkeys([centre, *(end for each in edges for end in (each.from_address, each.to_address))])
    nodes = [Node("ethereum", end, 0 if end == centre else 1, None, [HARBOUR] if end == BORIS else []) for end in ends]
    return Neighbourhood(list(edges), nodes, TIME, TIME, Rank.COUNT, 1, complete)


def text_of(component: object) -> str:
    return json.dumps(component, cls=PlotlyJSONEncoder)


def test_bands_are_as_wide_as_what_is_asked_for() -> None:
    frame = pl.DataFrame(
        {"sender": ["A", "B", "A"], "receiver": ["B", "A", "C"], "count": [3, 2, 1], "value": [1.5, 9.0, 2.0],
         "said": ["x", "y", "z"]}
    )  # fmt: skip
    [band] = sankey(frame, BLUE, by_value=False).data
    assert list(band.node.label) == ["A", "B", "B", "A", "C"]
    assert list(zip(band.link.source, band.link.target, band.link.value, strict=True)) == [
        (0, 2, 3),
        (1, 3, 2),
        (0, 4, 1),
    ]
    assert list(sankey(frame, BLUE, by_value=True).data[0].link.value) == [1.5, 9.0, 2.0]
    assert sankey(frame.clear(), BLUE, by_value=True).layout.annotations[0].text == "No transactions in this range"


def test_the_busiest_are_drawn_by_name_and_stand_in_a_table() -> None:
    ranking = Ranking([TO_BORIS], TIME, TIME + timedelta(hours=1), Rank.COUNT, 1.0, [HARBOUR])
    charts, rows, note = flow_panels.shown(Flows([ETHEREUM], [(ETHEREUM, ranking)], []), VIEW, TIME)
    assert "Harbour Exchange" in text_of(charts)
    assert "9 transactions, 12.50 ETH" in text_of(charts)
    assert (rows[0]["receiver_name"], rows[0]["count"], rows[0]["count_exact"]) == (
        "Harbour Exchange", "9+", "9, and 2 more at most"
    )  # fmt: skip
    assert note.endswith("whole hours")


def test_a_graph_joins_what_is_around_several_addresses() -> None:
    near_anna = around(ANNA, edge(ANNA, BORIS, 4, "1"), edge(CLARA, ANNA, 1, "16"))
    near_boris = around(BORIS, edge(ANNA, BORIS, 6, "2"), complete=False)
    graph, rows, _ = flow_panels.shown(Flows([ETHEREUM], [], [near_anna, near_boris]), VIEW, TIME)
    said = text_of(graph)
    assert "1 of them did so much" in said
    drawn = json.loads(said)["props"]["children"][-1]["props"]["children"]["props"]["elements"]
    nodes = {each["data"]["id"]: each for each in drawn if "source" not in each["data"]}
    assert nodes[f"ethereum:{BORIS}"]["classes"] == "known centre"
    assert nodes[f"ethereum:{BORIS}"]["data"]["label"] == "Harbour Exchange"
    assert nodes[f"ethereum:{CLARA}"]["classes"] == ""
    widths = {each["data"]["id"]: each["data"]["width"] for each in drawn if "source" in each["data"]}
    assert widths[f"ethereum:{ANNA}>{BORIS}"] == 9
    assert sorted(row["count"] for row in rows) == ["1", "6"]
    by_value = flow_panels.shown(Flows([ETHEREUM], [], [near_anna]), replace(VIEW, own={"rank": "value"}), TIME)[0]
    assert '"width": 3.0' in text_of(by_value)


def test_centres_are_spelled_in_the_url() -> None:
    assert flow_panels.centres(f"ethereum:{ANNA},bitcoin:bc1q,ethereum:{ANNA},nonsense,:x") == [
        ("ethereum", ANNA), ("bitcoin", "bc1q")
    ]  # fmt: skip
    assert flow_panels.centres(None) == []
