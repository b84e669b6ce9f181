"""What surrounds every page: the name, DEMO, the state of the connection, the chains' streams, the scheme."""

from __future__ import annotations

from typing import Any

import dash_mantine_components as dmc
from dash import ClientsideFunction, Dash, Input, Output, dcc, html, no_update
from dash.development.base_component import Component

from dashboards import filterbar
from dashboards.figures.style import chain_colour
from dashboards.parts import age, dot, labelled
from txhub.client import AsyncClient, TxhubError
from txhub.contract import ChainInfo, StreamHealth

NEWS, SHOWN, LINK = "live-news", "live-shown", "live-link"
"""Stores: what the page was told last, how much of that it shows, and whether the server can be heard."""

THEME = {
    "fontFamily": "Inter, -apple-system, BlinkMacSystemFont, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif",
    "primaryColor": "blue",
    "defaultRadius": "md",
    "cursorType": "pointer",
}


def layout(page: Component) -> dmc.MantineProvider:
    """A page in its surroundings."""
    return dmc.MantineProvider(
        [
            dcc.Store(id=NEWS),
            dcc.Store(id=SHOWN),
            html.Header(
                [
                    html.Div(
                        [html.Span(className="mark"), html.Span("txhub", className="name")],
                        className="brand",
                    ),
                    html.Span(
                        "DEMO",
                        id="demo",
                        hidden=True,
                        className="demo",
                        title="A simulated network: no real chain, no real money",
                    ),
                    html.Div(id="streams", className="streams", role="list", **labelled("Streams of the chains")),
                    html.Div("Connecting…", id=LINK, className="link waiting", role="status"),
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
            ),
            filterbar.layout(),
            html.Main(page),
            html.Footer("All times are UTC. Amounts are whole coins of each chain, and never added across coins."),
        ],
        theme=THEME,
        defaultColorScheme="auto",
    )


def register(app: Dash, client: AsyncClient) -> None:
    """Start listening for news when the page opens, and keep the masthead up to date."""
    filterbar.register(app)
    listen = ClientsideFunction("live", "start")
    app.clientside_callback(listen, Output(LINK, "title"), Input(filterbar.URL, "pathname"))  # type: ignore[no-untyped-call]
    acknowledge = ClientsideFunction("live", "shown")
    app.clientside_callback(acknowledge, Input(SHOWN, "data"), prevent_initial_call=True)  # type: ignore[no-untyped-call]

    @app.callback(
        Output("streams", "children"),
        Output("demo", "hidden"),
        Output(filterbar.CHAINS, "data"),
        Input(NEWS, "data"),
        prevent_initial_call=True,
    )
    async def masthead(_news: Any) -> tuple[Any, ...]:
        try:
            chains, streams = await client.chains(), await client.health()
        except TxhubError:
            # The page below says what failed; what the masthead knew last still stands.
            return no_update, no_update, no_update
        return stream_badges(chains, streams), not any(chain.demo for chain in chains), [each.name for each in chains]


def stream_badges(chains: list[ChainInfo], streams: list[StreamHealth]) -> list[html.Div]:
    """Each chain's stream: its colour, its name, its newest block and that block's age, or what is wrong."""
    names = [chain.name for chain in chains]
    return [
        html.Div(
            [
                dot(chain_colour(stream.chain, names)),
                html.Span(stream.chain, className="chain"),
                html.Span(stream.status, className="verdict"),
                html.Span(f"#{stream.last_block:,}" if stream.last_block is not None else "", className="block"),
                age(stream.last_time),
            ],
            className=f"stream {stream.status}",
            role="listitem",
            title=stream.reason or f"{stream.chain}: {stream.status}",
        )
        for stream in streams
    ]
