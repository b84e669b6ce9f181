"""The Overview: what happens on the chains now, and what is usual."""

from __future__ import annotations

from dash import Dash, Output, html

from dashboards.cards import CARDS
from dashboards.live import Hub
from dashboards.page import Page, Parts
from dashboards.pages import overview_panels as panels
from dashboards.pages.alert_panels import COLUMNS as ALERT_COLUMNS
from dashboards.pages.overview_reading import read_alerts, read_charts, read_figures, read_large
from dashboards.parts import graph, link, loading, panel
from dashboards.tables import TRANSACTION_COLUMNS, grid
from dashboards.view import View, always, keep_shown, of_alerts, part, touched
from txhub.client import AsyncClient
from txhub.contract import BlockEvent, ChainInfo, StreamHealth

PATH = "/"


def layout(parts: Parts) -> html.Div | None:
    """The page before anything is read: the shape of what will be there."""
    if parts:
        return None
    return html.Div(
        [
            part("overview-streams", html.Div(id="overview-streams-list", className="streams", role="list")),
            part(
                "overview-figures",
                html.Div(id="overview-notice"),
                html.Div(
                    [html.Section(loading(3), className="panel") for _ in CARDS],
                    id="overview-cards",
                    className="cards",
                ),
            ),
            part(
                "overview-charts",
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
            ),
            panel(
                "Alerts to be worked on",
                part(
                    "overview-alerts",
                    html.Div(loading(3), id="overview-alerts-empty", className="instead"),
                    grid("overview-alerts-rows", ALERT_COLUMNS, "id", spoken="Alerts", sortable=False),
                ),
                note=link("all of them", "/alerts"),
            ),
            html.Div(
                [
                    panel(
                        "Latest large transactions",
                        part(
                            "overview-large",
                            html.Div(loading(5), id="overview-large-empty", className="instead"),
                            grid("overview-large-rows", TRANSACTION_COLUMNS, "hash", spoken="Large transactions"),
                        ),
                    ),
                    panel("New blocks", part("overview-blocks", html.Div(id="overview-blocks-list"))),
                ],
                className="columns",
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
        "overview-figures",
        [Output("overview-notice", "children"), Output("overview-cards", "children")],
        lambda view: read_figures(client, view.filters),
        panels.figures,
        concerned=touched,
    )
    keep_shown(
        app,
        PATH,
        "overview-charts",
        [
            Output("overview-quality", "children"),
            Output("overview-rate", "figure"),
            Output("overview-rate-box", "aria-label"),
            Output("overview-avg-value", "figure"),
            Output("overview-avg-value-box", "aria-label"),
            Output("overview-volume", "figure"),
            Output("overview-volume-box", "aria-label"),
            Output("overview-peaks", "children"),
        ],
        lambda view: read_charts(client, view.filters),
        panels.charts,
        concerned=touched,
    )
    keep_shown(
        app,
        PATH,
        "overview-large",
        [Output("overview-large-rows", "rowData"), Output("overview-large-empty", "children")],
        lambda view: read_large(client, view.filters),
        panels.large,
        concerned=touched,
    )
    keep_shown(
        app,
        PATH,
        "overview-alerts",
        [Output("overview-alerts-rows", "rowData"), Output("overview-alerts-empty", "children")],
        lambda view: read_alerts(client, view.filters),
        panels.alerts,
        concerned=of_alerts,
    )
    keep_shown(
        app,
        PATH,
        "overview-streams",
        [Output("overview-streams-list", "children")],
        read_streams,
        lambda read, view, _now: [panels.streams(*read, view.zone)],
        concerned=always,
    )
    keep_shown(
        app,
        PATH,
        "overview-blocks",
        [Output("overview-blocks-list", "children")],
        read_blocks,
        lambda read, view, _now: [panels.blocks(*read, view.zone)],
        concerned=always,
    )


PAGE = Page(PATH, "Overview", "overview", layout, register)
