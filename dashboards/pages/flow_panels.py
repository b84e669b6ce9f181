"""What the Flows page holds, made from what was read."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import dash_cytoscape as cyto
import polars as pl
from dash import dcc, html

from dashboards.details import names_of, whole_hours
from dashboards.figures.flows import sankey
from dashboards.figures.style import BLUE, CONFIG, GREY, ORANGE, chain_colour
from dashboards.filters import to_query
from dashboards.parts import address_link, address_path, labelled, link, panel
from dashboards.quantities import coins, exact, shortened
from dashboards.tables import MEDIUM, NARROW, PHONE, amount_column, column, identifier_column
from dashboards.view import View
from txhub.contract import ChainInfo, Edge, Flow, Neighbourhood, Rank, Ranking

if TYPE_CHECKING:
    from dashboards.pages.flows import Flows

COLUMNS = (
    identifier_column("sender", "From", minWidth=118),
    identifier_column("receiver", "To", minWidth=118),
    column("chain", "Chain", width=110, from_width=NARROW),
    column("count", "Number", width=92, type="rightAligned", tooltipField="count_exact"),
    amount_column("value", "Value", flex=0.7, context={"fromWidth": PHONE}),
    amount_column("largest", "Largest", flex=0.7, context={"fromWidth": MEDIUM}),
)
_STYLES = [
    {
        "selector": "node",
        "style": {
            "label": "data(label)", "font-size": 11, "color": GREY, "text-valign": "bottom", "text-margin-y": 4,
            "background-color": GREY, "width": 16, "height": 16, "min-zoomed-font-size": 10,
        },
    },
    {
        "selector": "node.known",
        "style": {"background-color": BLUE, "shape": "round-rectangle", "min-zoomed-font-size": 0},
    },
    {
        "selector": "node.centre",
        "style": {"background-color": ORANGE, "width": 26, "height": 26, "font-size": 13, "min-zoomed-font-size": 0},
    },
    {
        "selector": "edge",
        "style": {
            "width": "data(width)", "line-color": GREY, "line-opacity": 0.45, "curve-style": "bezier",
            "target-arrow-shape": "triangle", "target-arrow-color": GREY, "arrow-scale": 0.8,
        },
    },
    {"selector": "edge:selected", "style": {"line-color": ORANGE, "target-arrow-color": ORANGE, "line-opacity": 1}},
]  # fmt: skip
NETWORK = "flows-network"
_WIDEST = 9
"""Pixels of the greatest edge of a graph."""


def centres(around: str | None) -> list[tuple[str, str]]:
    """The chains and addresses that a URL names as `chain:address`, with commas between."""
    pairs = [each.partition(":") for each in (around or "").split(",")]
    return list(dict.fromkeys((chain, address) for chain, _, address in pairs if chain and address))


def shown(read: Flows, view: View, _now: datetime) -> tuple[Any, ...]:
    """The charts or the graph, the rows, and over which hours they are counted."""
    by_value = view.own.get("rank", Rank.COUNT) != Rank.COUNT
    if read.around:
        edges = _joined(read.around)
        names = {node.address: node.labels[0].name for each in read.around for node in each.nodes if node.labels}
        graph = _network(_elements(read.around, edges, names, by_value), read.around, view)
        return graph, [_row(edge, names) for edge in edges], ""
    charts, rows = [], []
    chain_names = [chain.name for chain in read.chains]
    for chain, ranking in read.busiest:
        names = names_of(ranking.labels)
        charts.append(_chart(chain, ranking, names, chain_colour(chain.name, chain_names), by_value=by_value))
        rows += [_row(flow, names) for flow in ranking.items]
    return charts, rows, whole_hours([ranking for _, ranking in read.busiest], view.zone)


def _chart(
    chain: ChainInfo, ranking: Ranking[Flow], names: dict[str, str], colour: str, *, by_value: bool
) -> html.Section:
    frame = pl.DataFrame(
        [
            (
                names.get(flow.from_address, shortened(flow.from_address)),
                names.get(flow.to_address, shortened(flow.to_address)),
                flow.tx_count,
                float(flow.value),
                f"{flow.tx_count:,} transactions, {coins(flow.value, flow.symbol)}",
            )
            for flow in ranking.items
        ],
        schema={"sender": pl.String, "receiver": pl.String, "count": pl.Int64, "value": pl.Float64, "said": pl.String},
        orient="row",
    )
    figure = sankey(frame, colour, by_value=by_value)
    unit = f"bands are as wide as {chain.symbol} is much" if by_value else "bands are as wide as transactions are many"
    spoken = f"Flows of {chain.name}: {frame.height} pairs of sender and receiver; the table below says the same"
    chart = dcc.Graph(figure=figure, config=CONFIG, id={"chart": "flows", "chain": chain.name})
    return panel(chain.name, html.Div(chart, className="chart", role="img", **labelled(spoken)), note=unit)


def _row(flow: Flow | Edge, names: dict[str, str]) -> dict[str, Any]:
    bound = flow.count_bound if isinstance(flow, Flow) else 0
    return {
        "place": f"{flow.chain} {flow.from_address} {flow.to_address}",
        "chain": flow.chain,
        "sender": flow.from_address,
        "sender_path": address_path(flow.chain, flow.from_address),
        "sender_name": names.get(flow.from_address, ""),
        "receiver": flow.to_address,
        "receiver_path": address_path(flow.chain, flow.to_address),
        "receiver_name": names.get(flow.to_address, ""),
        "count": f"{flow.tx_count:,}{'+' if bound else ''}",
        "count_exact": f"{flow.tx_count:,}{f', and {bound:,} more at most' if bound else ''}",
        "value": coins(flow.value, flow.symbol),
        "value_exact": exact(flow.value, flow.symbol),
        "value_order": float(flow.value),
        "largest": coins(flow.value_max, flow.symbol),
        "largest_exact": exact(flow.value_max, flow.symbol),
        "largest_order": float(flow.value_max),
    }


def _joined(around: Iterable[Neighbourhood]) -> list[Edge]:
    """The edges of all neighbourhoods, each once: of two that count the same pair, the one that saw more of it."""
    edges: dict[tuple[str, str, str], Edge] = {}
    for edge in (edge for each in around for edge in each.items):
        key = (edge.chain, edge.from_address, edge.to_address)
        if key not in edges or edges[key].tx_count < edge.tx_count:
            edges[key] = edge
    return list(edges.values())


def _elements(
    around: Sequence[Neighbourhood], edges: Sequence[Edge], names: dict[str, str], by_value: bool
) -> list[dict[str, Any]]:
    """Nodes and edges as Cytoscape draws them; an edge's width grows with the root of what it carries."""
    middle = {f"{node.chain}:{node.address}" for each in around for node in each.nodes if not node.hop}
    ends = {(edge.chain, end): None for edge in edges for end in (edge.from_address, edge.to_address)}
    ends |= {tuple(key.split(":", 1)): None for key in middle}  # type: ignore[misc]  # two of each
    nodes = [
        {
            "data": {"id": f"{chain}:{address}", "label": names.get(address, shortened(address))},
            "classes": " ".join(
                word
                for word, holds in (("known", address in names), ("centre", f"{chain}:{address}" in middle))
                if holds
            ),
        }
        for chain, address in ends
    ]
    carried = [float(edge.value) if by_value else float(edge.tx_count) for edge in edges]
    most = max(carried, default=0.0) or 1.0
    lines = [
        {
            "data": {
                "id": f"{edge.chain}:{edge.from_address}>{edge.to_address}",
                "source": f"{edge.chain}:{edge.from_address}",
                "target": f"{edge.chain}:{edge.to_address}",
                "width": round(1 + (_WIDEST - 1) * math.sqrt(carries / most), 1),
            }
        }
        for edge, carries in zip(edges, carried, strict=True)
    ]
    return nodes + lines


def _network(elements: list[dict[str, Any]], around: Sequence[Neighbourhood], view: View) -> html.Section:
    graph = cyto.Cytoscape(
        id=NETWORK,
        elements=elements,
        stylesheet=_STYLES,
        layout={"name": "cose", "animate": False, "nodeRepulsion": 9000, "idealEdgeLength": 90},
        style={"width": "100%", "height": "560px"},
        minZoom=0.2,
        maxZoom=3,
        responsive=True,
    )
    spoken = labelled("What is around these addresses; the table below says the same")
    return panel("Around addresses", *_about(around, view), html.Div(graph, role="img", **spoken))


def _about(around: Sequence[Neighbourhood], view: View) -> list[Any]:
    """Around whom the graph is drawn, how far that was read, and the way back."""
    middle = [(node.chain, node.address, node) for each in around for node in each.nodes if not node.hop]
    said: list[Any] = ["Around "]
    for place, (chain, address, node) in enumerate(middle):
        said += [", " if place else "", address_link(chain, address, name=node.labels[0].name if node.labels else None)]
    partly = [each for each in around if not each.complete]
    if partly:
        said.append(f"; {len(partly)} of them did so much that only the newest transactions are counted")
    kept = {name: value for name, value in view.own.items() if name != "around"}
    return [
        html.P([*said, ". Touch an address to see what is around it as well."], className="hint"),
        link("Back to the busiest", f"/flows{to_query(view.filters, kept) or '?'}", className="step"),
    ]
