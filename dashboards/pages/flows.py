"""Flows: between whom most moves; and what is around addresses, a graph that grows by each that is touched."""

from __future__ import annotations

from typing import Any, NamedTuple, cast

import dash_mantine_components as dmc
from dash import ClientsideFunction, Dash, Input, Output, State, html

from dashboards.filterbar import URL
from dashboards.live import Hub
from dashboards.page import Page, Parts
from dashboards.pages import flow_panels as panels
from dashboards.pages.address_panels import RANKS
from dashboards.parts import bound, labelled, loading, panel
from dashboards.reading import chosen, together
from dashboards.tables import grid
from dashboards.view import View, anew, bind, keep_shown, part
from txhub.client import AsyncClient
from txhub.contract import ChainInfo, Flow, Neighbourhood, Rank, Ranking

PATH = "/flows"
RANK = "flows-rank"
OF_EACH_CHAIN, OF_ONE_CHAIN = 20, 40
AROUND_ONE = 40
"""Edges that are asked for around each address."""
MOST_CENTRES = 8
"""Addresses that a graph grows around: more of them nobody can read (`assets/navigate.js`, too)."""


class Flows(NamedTuple):
    """What the page is made of: the busiest pairs of each chain, or what is around the addresses of the URL."""

    chains: list[ChainInfo]
    busiest: list[tuple[ChainInfo, Ranking[Flow]]]
    around: list[Neighbourhood]


def layout(parts: Parts) -> html.Div | None:
    """The page before anything is read."""
    if parts:
        return None
    ranks = [{"value": rank.value, "label": words} for rank, words in RANKS.items()]
    return html.Div(
        [
            html.Div(
                [
                    dmc.SegmentedControl(
                        id=RANK,
                        data=ranks,
                        value=Rank.COUNT,
                        size="xs",
                        **labelled("Ranked by"),
                        **bound("rank", Rank.COUNT),
                    ),
                    html.Span(id="flows-note", className="note"),
                ],
                className="choices",
            ),
            part(
                "flows",
                html.Div(loading(8), id="flows-charts", className="stack"),
                panel("The same as a table", grid("flows-rows", panels.COLUMNS, "place", spoken="Flows")),
            ),
        ],
        className="stack",
    )


def register(app: Dash, client: AsyncClient, _hub: Hub) -> None:
    """Read again when the filters or the addresses change; an address that is touched becomes one more centre."""
    bind(app, RANK)

    async def read(view: View) -> Flows:
        chains = await client.chains()
        span = cast("Any", view.filters.range.question())
        question: Any = {**span, "rank": view.own.get("rank", Rank.COUNT)}
        centres = panels.centres(view.own.get("around"))[:MOST_CENTRES]
        if centres:
            asked = [
                client.neighbourhood(address, chain=chain, limit=AROUND_ONE, **question) for chain, address in centres
            ]
            return Flows(chains, [], await together(*asked))
        shown = chosen(chains, view.filters.chains)
        limit = OF_ONE_CHAIN if len(shown) == 1 else OF_EACH_CHAIN
        rankings = await together(*(client.flows(chain=each.name, limit=limit, **question) for each in shown))
        return Flows(chains, list(zip(shown, rankings, strict=True)), [])

    keep_shown(
        app,
        PATH,
        "flows",
        [
            Output("flows-charts", "children"),
            Output("flows-rows", "rowData"),
            Output("flows-note", "children"),
        ],
        read,
        panels.shown,
        concerned=anew,
    )

    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("view", "grow"),
        Output(URL, "search", allow_duplicate=True),
        Input(panels.NETWORK, "tapNodeData"),
        State(URL, "search"),
        prevent_initial_call=True,
    )


PAGE = Page(PATH, "Flows", "flows", layout, register)
