"""The Overview: what happens on the chains now, and what is usual."""

from __future__ import annotations

from dash import Dash, Output, html

from dashboards.live import Hub
from dashboards.page import Page, Parts
from dashboards.pages.overview_panels import blocks, content, streams
from dashboards.parts import graph, loading, panel
from dashboards.reading import read_overview
from dashboards.tables import TRANSACTION_COLUMNS, grid
from dashboards.view import View, always, keep_shown, part, touched
from txhub.client import AsyncClient
from txhub.contract import BlockEvent, ChainInfo, StreamHealth

PATH = "/"
CARDS = 3


def layout(parts: Parts) -> html.Div | None:
    """The page before anything is read: the shape of what will be there."""
    if parts:
        return None
    return html.Div(
        [
            part("overview-streams", html.Div(id="overview-streams-list", className="streams", role="list")),
            part(
                "overview",
                html.Div(id="overview-notice"),
                html.Div(
                    [html.Section(loading(2), className="panel") for _ in range(CARDS)],
                    id="overview-cards",
                    className="cards",
                ),
                html.Div(id="overview-quality", className="quality"),
                html.Div(
                    [
                        panel("Transactions per minute", graph("overview-rate")),
                        panel(
                            "Busiest minutes",
                            html.Div(loading(6), id="overview-peaks"),
                            note="all kinds, one an hour",
                        ),
                    ],
                    className="columns",
                ),
                html.Div(
                    [
                        panel("Average value", graph("overview-avg-value"), note="coins per transaction"),
                        panel("Volume by kind", graph("overview-volume"), note="coins moved"),
                    ],
                    className="columns even",
                ),
                html.Div(
                    [
                        panel(
                            "Latest large transactions",
                            html.Div(loading(5), id="overview-large-empty", className="instead"),
                            grid("overview-large", TRANSACTION_COLUMNS, "hash", spoken="Latest large transactions"),
                        ),
                        panel("New blocks", part("overview-blocks", html.Div(id="overview-blocks-list"))),
                    ],
                    className="columns",
                ),
            ),
        ],
        className="stack",
    )


def register(app: Dash, client: AsyncClient, hub: Hub) -> None:
    """Read again when the filters change, or when news touch what they show."""

    async def read_streams(_view: View) -> tuple[list[ChainInfo], list[StreamHealth]]:
        return await client.chains(), await client.health()

    async def read_blocks(view: View) -> tuple[list[ChainInfo], list[BlockEvent]]:
        chosen = view.filters.chains
        return await client.chains(), [block for block in hub.blocks if not chosen or block.chain in chosen]

    keep_shown(
        app,
        PATH,
        "overview",
        [
            Output("overview-notice", "children"),
            Output("overview-cards", "children"),
            Output("overview-quality", "children"),
            Output("overview-rate", "figure"),
            Output("overview-rate-box", "aria-label"),
            Output("overview-avg-value", "figure"),
            Output("overview-avg-value-box", "aria-label"),
            Output("overview-volume", "figure"),
            Output("overview-volume-box", "aria-label"),
            Output("overview-peaks", "children"),
            Output("overview-large", "rowData"),
            Output("overview-large-empty", "children"),
        ],
        lambda view: read_overview(client, view.filters),
        content,
        concerned=touched,
    )
    keep_shown(
        app,
        PATH,
        "overview-streams",
        [Output("overview-streams-list", "children")],
        read_streams,
        lambda read, view, _now: [streams(*read, view.zone)],
        concerned=always,
    )
    keep_shown(
        app,
        PATH,
        "overview-blocks",
        [Output("overview-blocks-list", "children")],
        read_blocks,
        lambda read, view, _now: [blocks(*read, view.zone)],
        concerned=always,
    )


PAGE = Page(PATH, "Overview", "overview", layout, register)
