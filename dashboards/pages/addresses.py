"""Addresses: who sends and who receives most; and one of them with what it did, with whom, and what is known of it."""

from __future__ import annotations

from typing import Any, NamedTuple, cast

import dash_mantine_components as dmc
from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html

from dashboards.live import Hub
from dashboards.page import Page, Parts
from dashboards.pages import address_panels as panels
from dashboards.parts import bound, changing, labelled, loading, panel
from dashboards.reading import chosen, together
from dashboards.tables import grid
from dashboards.view import View, anew, bind, keep_shown, part, touched
from txhub.client import AsyncClient
from txhub.contract import AddressProfile, Alert, Party, Rank, Ranking, TransactionPage
from txhub.contract import Page as Listing

PATH = "/addresses"
RANK = "addresses-rank"
OF_EACH_CHAIN, OF_ONE_CHAIN = 15, 50
COUNTERPARTIES = 25
LATEST = 25


class Profile(NamedTuple):
    """What the page of an address is made of."""

    profile: AddressProfile
    latest: TransactionPage
    alerts: Listing[Alert]


def layout(parts: Parts) -> html.Div | None:
    """The busiest, or the address that a chain and its text name."""
    if not parts:
        return _busiest()
    return _profile() if len(parts) == 2 else None


def _busiest() -> html.Div:
    ranks = [{"value": rank.value, "label": words} for rank, words in panels.RANKS.items()]
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
                    html.Span(id="addresses-note", className="note"),
                ],
                className="choices",
            ),
            part(
                "addresses",
                html.Div(
                    [
                        panel("Senders", grid("senders-rows", panels.BUSIEST, "place", spoken="Busiest senders")),
                        panel("Receivers", grid("receivers-rows", panels.BUSIEST, "place", spoken="Busiest receivers")),
                    ],
                    className="columns even from-above",
                ),
            ),
        ],
        className="stack",
    )


def _profile() -> html.Div:
    return html.Div(
        [
            changing(
                html.Button("Watch this address", id="watch", type="button", className="plain bordered"),
                html.Span(id="watch-said", className="said", role="status"),
                dcc.Store(id="watch-about"),
                className="choices",
            ),
            part("address", html.Div(loading(12), id="address-facts", className="stack")),
            panel(
                "Latest transactions",
                grid("address-transactions", panels.TRANSACTIONS, "place", spoken="Latest transactions"),
                note=html.Span(id="address-all"),
            ),
        ],
        className="stack",
    )


def register(app: Dash, client: AsyncClient, _hub: Hub) -> None:
    """Read again when the filters change or when news touch what they show."""
    bind(app, RANK)

    async def read_busiest(view: View) -> list[tuple[Ranking[Party], Ranking[Party]]]:
        """Senders and receivers of each chain: coins of different chains have no common order."""
        chains = chosen(await client.chains(), view.filters.chains)
        limit = OF_ONE_CHAIN if len(chains) == 1 else OF_EACH_CHAIN
        span = cast("Any", view.filters.range.question())
        question: Any = {**span, "rank": view.own.get("rank", Rank.COUNT), "limit": limit}
        asked = [
            ask(chain=each.name, **question) for each in chains for ask in (client.top_senders, client.top_receivers)
        ]
        found = await together(*asked)
        return list(zip(found[::2], found[1::2], strict=True))

    async def read_profile(view: View) -> Profile:
        chain, address = view.parts
        span = cast("Any", view.filters.range.question())
        profile, latest, alerts = await together(
            client.address(chain, address, **span, limit=COUNTERPARTIES),
            client.transactions(**span, chain=chain, address=address, limit=LATEST),
            client.alerts(**span, chain=chain, address=address, limit=LATEST),
        )
        return Profile(profile, latest, alerts)

    keep_shown(
        app,
        PATH,
        "addresses",
        [
            Output("senders-rows", "rowData"),
            Output("receivers-rows", "rowData"),
            Output("addresses-note", "children"),
        ],
        read_busiest,
        panels.busiest,
        concerned=anew,
    )
    keep_shown(
        app,
        PATH,
        "address",
        [
            Output("address-facts", "children"),
            Output("address-transactions", "rowData"),
            Output("address-all", "children"),
            Output("watch-about", "data"),
        ],
        read_profile,
        panels.profile,
        concerned=touched,
    )
    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("changes", "watch"),
        Output("watch-said", "children"),
        Input("watch", "n_clicks"),
        State("watch-about", "data"),
        prevent_initial_call=True,
    )


PAGE = Page(PATH, "Addresses", "addresses", layout, register)
