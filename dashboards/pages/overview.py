"""The Overview: what happens on the chains now, and what is usual."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import dash_ag_grid as dag
import dash_mantine_components as dmc
from dash import Dash, Input, Output, ctx, dcc, html, no_update
from dash.exceptions import PreventUpdate

from dashboards import filterbar, shell
from dashboards.figures.style import CLEAR, CONFIG, HEIGHT
from dashboards.filters import from_query
from dashboards.live import Hub, News
from dashboards.pages.overview_panels import block_row, content
from dashboards.parts import labelled, notice, panel
from dashboards.reading import concerns, read_overview
from txhub.client import AsyncClient, TxhubError

CARDS = ("rate", "avg-value", "volume")
GRID_COLUMNS: list[dict[str, Any]] = [
    {"field": "time", "headerName": "Time (UTC)", "width": 152, "cellClass": "number"},
    {"field": "chain", "headerName": "Chain", "width": 96},
    {
        "field": "value",
        "headerName": "Value",
        "minWidth": 128,
        "flex": 0.6,
        "type": "rightAligned",
        "cellClass": "ag-right-aligned-cell number strong",
        "tooltipField": "value_exact",
    },
    {"field": "kind", "headerName": "Kind", "width": 132},
    {"field": "from", "headerName": "From", "cellRenderer": "Shortened", "minWidth": 118, "flex": 1},
    {"field": "to", "headerName": "To", "cellRenderer": "Shortened", "minWidth": 118, "flex": 1},
    {"field": "hash", "headerName": "Transaction", "cellRenderer": "Shortened", "minWidth": 118, "flex": 1},
]
GRID_OPTIONS = {
    "theme": {
        "function": (
            "themeQuartz.withParams({backgroundColor: 'transparent', foregroundColor: 'var(--ink)', "
            "headerBackgroundColor: 'transparent', headerTextColor: 'var(--faint)', borderColor: 'var(--line)', "
            "rowHoverColor: 'var(--hover)', wrapperBorder: false, headerFontSize: 12, fontSize: 13, "
            "fontFamily: 'inherit', spacing: 6, headerColumnBorder: false, "
            "headerColumnResizeHandleColor: 'transparent'})"
        )
    },
    "domLayout": "autoHeight",
    "rowHeight": 38,
    "headerHeight": 34,
    "suppressCellFocus": False,
    "tooltipShowDelay": 300,
    "suppressNoRowsOverlay": True,
}


def layout() -> html.Div:
    """The page before anything is read: the shape of what will be there."""
    return html.Div(
        [
            html.Div(id="overview-notice"),
            html.Div([_skeleton_card() for _ in CARDS], id="overview-cards", className="cards"),
            html.Div(id="overview-quality", className="quality"),
            html.Div(
                [
                    panel("Transactions per minute", _graph("overview-rate"), className="wide"),
                    panel(
                        "Busiest minutes",
                        html.Div(_skeleton_rows(6), id="overview-peaks"),
                        note="all kinds, one an hour",
                    ),
                ],
                className="columns",
            ),
            html.Div(
                [
                    panel("Average value", _graph("overview-avg-value"), note="coins per transaction"),
                    panel("Volume by kind", _graph("overview-volume"), note="coins moved"),
                ],
                className="columns even",
            ),
            html.Div(
                [
                    panel(
                        "Latest large transactions",
                        html.Div(_skeleton_rows(5), id="overview-large-empty"),
                        dag.AgGrid(
                            id="overview-large",
                            columnDefs=GRID_COLUMNS,
                            rowData=[],
                            getRowId="params.data.hash",
                            dashGridOptions=GRID_OPTIONS,
                            defaultColDef={"sortable": False, "suppressMovable": True, "resizable": False},
                            eventListeners={"gridSizeChanged": ["fitColumns(params)"]},
                            style={"height": None},
                            className="grid",
                        ),
                        className="wide",
                    ),
                    panel("New blocks", html.Div(id="overview-blocks")),
                ],
                className="columns",
            ),
        ],
        id="overview",
        className="page",
    )


def register(app: Dash, client: AsyncClient, hub: Hub) -> None:
    """Read again when the filters change, or when news touch what they show."""

    @app.callback(
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
        Output("overview", "className"),
        Output(shell.SHOWN, "data"),
        Input(filterbar.URL, "search"),
        Input(shell.NEWS, "data"),
    )
    async def show(query: str | None, told: dict[str, Any] | None) -> tuple[Any, ...]:
        if query is None or told is None:
            raise PreventUpdate  # the page reads as soon as it hears the server, so that it misses nothing
        unchanged = (no_update,) * 11
        filters = from_query(query)
        if ctx.triggered_id == shell.NEWS and not concerns(News.from_json(told), filters):
            return no_update, *unchanged, "page", told
        try:
            shown = await read_overview(client, filters)
        except TxhubError as error:
            text = f"{error}. {error.hint}." if error.hint else f"{error}."
            return notice("This cannot be shown now", text, tone="error"), *unchanged, "page", told
        # Charts take tens of milliseconds to build, in which other pages want to be served.
        return *await asyncio.to_thread(content, shown, filters, datetime.now(UTC)), "page", told

    # A reading that somebody waits for is worth a sign; the live ones must not flicker.
    app.clientside_callback(  # type: ignore[no-untyped-call]
        "() => 'page busy'",
        Output("overview", "className", allow_duplicate=True),
        Input(filterbar.URL, "search"),
        prevent_initial_call=True,
    )

    @app.callback(
        Output("overview-blocks", "children"),
        Output("overview-blocks", "className"),
        Input(filterbar.URL, "search"),
        Input(shell.NEWS, "data"),
    )
    async def blocks(query: str | None, told: Any) -> tuple[Any, Any]:
        if told is None:
            raise PreventUpdate
        chains = from_query(query).chains
        announced = [block for block in hub.blocks if not chains or block.chain in chains]
        if not announced:
            return "The next block appears here as soon as it is committed.", "empty"
        try:
            names = [chain.name for chain in await client.chains()]
        except TxhubError:
            return no_update, no_update  # the notice above says what failed
        return [block_row(block, names) for block in announced], "blocks"


def _graph(name: str) -> html.Div:
    unread = {"layout": {"height": HEIGHT, "xaxis": {"visible": False}, "yaxis": {"visible": False}, **CLEAR}}
    graph = dcc.Graph(id=name, figure=unread, config=CONFIG)
    return html.Div(graph, id=f"{name}-box", className="chart", role="img", **labelled("Loading"))


def _skeleton_card() -> html.Section:
    return html.Section([dmc.Skeleton(h=14, w="50%"), dmc.Skeleton(h=36, w="35%", mt=20)], className="panel")


def _skeleton_rows(rows: int) -> list[dmc.Skeleton]:
    return [dmc.Skeleton(h=16, mt=12) for _ in range(rows)]
