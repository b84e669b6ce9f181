"""What surrounds every page: the name, DEMO, the state of the connection, whose clocks, the scheme, the filters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dash_mantine_components as dmc
from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html, no_update
from dash.exceptions import PreventUpdate

from dashboards import filterbar, navigation, searchbox
from dashboards.page import Page
from dashboards.parts import attributes, labelled
from dashboards.view import NEWS
from dashboards.zone import ZONE
from txhub.client import AsyncClient, TxhubError

LINK = "live-link"
"""The button that says whether news arrive, and pauses them."""

THEME = {
    "fontFamily": "Inter, -apple-system, BlinkMacSystemFont, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif",
    "primaryColor": "blue",
    "defaultRadius": "md",
    "cursorType": "pointer",
}


def layout(pages: Sequence[Page]) -> dmc.MantineProvider:
    """The surroundings, and the place for a page."""
    return dmc.MantineProvider(
        [
            dcc.Store(id=NEWS),
            dcc.Store(id=ZONE, storage_type="local"),
            html.A("Skip to the page", href="#main", className="skip"),
            _masthead(),
            navigation.layout(pages),
            html.Div([filterbar.layout(), navigation.content(), _footer()], className="beside"),
        ],
        theme=THEME,
        defaultColorScheme="auto",
    )


def _masthead() -> html.Header:
    return html.Header(
        [
            html.Div([html.Span(className="mark"), html.Span("txhub", className="name")], className="brand"),
            html.Span(
                "DEMO",
                id="demo",
                hidden=True,
                className="demo",
                title="A simulated network: no real chain, no real money",
            ),
            searchbox.layout(),
            html.Button(
                "Connecting…", id=LINK, type="button", className="live waiting", **attributes(aria_pressed="false")
            ),
            html.Span("", id="live-said", role="status", className="unseen"),
            html.Button(
                "UTC", id="zone-switch", type="button", className="plain clocks", **attributes(aria_pressed="false")
            ),
            dmc.ColorSchemeToggle(
                id="scheme",
                variant="subtle",
                color="gray",
                size="lg",
                lightIcon=html.Span(className="icon sun"),
                darkIcon=html.Span(className="icon moon"),
                **labelled("Switch between light and dark"),
            ),
        ],
        className="masthead",
    )


def _footer() -> html.Footer:
    return html.Footer(
        [
            "Amounts are whole coins of each chain, and never added across coins. ",
            html.A("Light overview", href="/light"),
        ]
    )


def register(app: Dash, client: AsyncClient, pages: Sequence[Page]) -> None:
    """Start listening for news when the dashboard opens, and keep what surrounds a page up to date."""
    filterbar.register(app)
    navigation.register(app, pages)
    searchbox.register(app, client)
    # A reading that somebody waits for is worth a sign; the live ones must not flicker.
    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("view", "busy"),
        Output(filterbar.BAR, "title"),
        Input(filterbar.URL, "search"),
        Input(ZONE, "data"),
        prevent_initial_call=True,
    )
    listen = ClientsideFunction("live", "start")
    app.clientside_callback(listen, Output(LINK, "title"), Input(LINK, "id"))  # type: ignore[no-untyped-call]
    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("zone", "toggle"),
        Output(ZONE, "data"),
        Input("zone-switch", "n_clicks"),
        State(ZONE, "data"),
        prevent_initial_call=True,
    )
    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("zone", "name"),
        Output("zone-switch", "children"),
        Output("zone-switch", "title"),
        Output("zone-switch", "aria-pressed"),
        Input(ZONE, "data"),
    )

    @app.callback(
        Output("demo", "hidden"),
        Output(filterbar.CHAINS, "data"),
        Input(NEWS, "data"),
        Input(filterbar.FOLDED, "children"),
        prevent_initial_call=True,
    )
    async def masthead(news: dict[str, Any] | None, filled: str | None) -> tuple[Any, ...]:
        # A list of chains that learns what it offers before it holds what the URL says would let go of that.
        if news is None or not filled:
            raise PreventUpdate
        try:
            chains = await client.chains()
        except TxhubError:
            # The page below says what failed; what was known last still stands.
            return no_update, no_update
        return not any(chain.demo for chain in chains), [each.name for each in chains]
