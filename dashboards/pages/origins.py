"""The map: where transactions come from, as far as labels name who sent them and where those are at home.

Beside it, where a node tells of them: in which countries its peers are, who see transactions first.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

from dash import Dash, Output, html

from dashboards.details import table
from dashboards.figures.origins import Mark, origins, places
from dashboards.live import Hub
from dashboards.page import Page, Parts
from dashboards.parts import drawn, empty, graph, loading, panel
from dashboards.quantities import NOT_KNOWN, count, exact, minute, moment, percent
from dashboards.view import View, anew, keep_shown, part
from dashboards.zone import short_name
from txhub.client import AsyncClient
from txhub.contract import Observers, Origin, Origins

PATH = "/map"


def layout(parts: Parts) -> html.Div | None:
    """The page before anything is read."""
    if parts:
        return None
    return html.Div(
        [
            part(
                "map",
                html.Div(id="map-unknown", className="quality"),
                html.Div(
                    [
                        panel("Where senders are at home", graph("map-origins", None, "world")),
                        panel("By country", html.Div(loading(8), id="map-countries")),
                    ],
                    className="columns from-above",
                ),
                html.P(
                    "Nothing on a chain says where it comes from. What is shown is the jurisdiction of the senders "
                    "that labels name; all others are of unknown origin, which is most of them.",
                    className="hint",
                ),
            ),
            part("observers", html.Div(loading(3), id="observers-shown")),
        ],
        className="stack",
    )


def register(app: Dash, client: AsyncClient, _hub: Hub) -> None:
    """Read again when the filters change."""

    async def read(view: View) -> Origins:
        span = cast("Any", view.filters.range.question())
        return await client.origins(**span, chain=view.filters.chains or None)

    async def read_observers(view: View) -> Observers:
        return await client.observers(chain=view.filters.chains or None)

    keep_shown(
        app,
        PATH,
        "observers",
        [Output("observers-shown", "children")],
        read_observers,
        seen,
        concerned=anew,
    )
    keep_shown(
        app,
        PATH,
        "map",
        [
            Output("map-unknown", "children"),
            Output("map-origins", "figure"),
            Output("map-origins-box", "aria-label"),
            Output("map-countries", "children"),
        ],
        read,
        shown,
        concerned=anew,
    )


def shown(read: Origins, view: View, _now: datetime) -> tuple[Any, ...]:
    """How much is unknown, the map with what it says to those who hear it, and the countries as a table."""
    unknown = read.unknown
    share = NOT_KNOWN if unknown.tx_share is None else percent(unknown.tx_share)
    looked = "" if not unknown.unseen_tx_share else f"; of {percent(unknown.unseen_tx_share)} nobody looked"
    note = [
        html.Span(f"{share} of transactions are of unknown origin{looked}", className="complete partly"),
        html.Span(f"{minute(read.start, view.zone)} to {minute(read.end, view.zone)}, whole hours"),
    ]
    marks = [Mark(each.country, each.tx_share or 0.0, _said(each)) for each in read.items]
    leading = ", ".join(f"{_name(each.country)} {percent(each.tx_share or 0.0)}" for each in read.items[:5])
    spoken = f"Map of senders' jurisdictions: {leading or 'none is known'}; the table says the same"
    return note, origins(marks), spoken, _countries(read)


def seen(read: Observers, view: View, _now: datetime) -> list[Any]:
    """How many peers are of unknown place, a map of the others, and all of them as a table."""
    if read.unknown_share is None or read.seen_at is None:
        why = [
            "A node that tells its peers is asked for them where the setting ",
            html.Code("geoip"),
            " names a GeoIP file. So far none has told of any.",
        ]
        return [panel("Where the nodes' peers are", empty(why))]
    share, tone = percent(read.unknown_share), "partly" if read.unknown_count else "full"
    note = [
        html.Span(f"{share} of {read.peer_count:,} peers are in an unknown country", className=f"complete {tone}"),
        html.Span(f"asked {moment(read.seen_at, view.zone)} {short_name(view.zone, read.seen_at)}"),
    ]
    marks = [
        Mark(each.country, each.peer_share, f"{each.peer_count:,} peers, {percent(each.peer_share, 2)} of all")
        for each in read.items
    ]
    leading = ", ".join(f"{_name(each.country)} {percent(each.peer_share)}" for each in read.items[:5])
    spoken = f"Map of the nodes' peers: {leading or 'none is known'}; the table says the same"
    shown = [
        html.Div(note, className="quality"),
        html.Div(
            [
                panel(
                    "Where the nodes' peers are", drawn("map-observers", origins(marks), spoken, None, "world beside")
                ),
                panel("Peers by country", _peers(read)),
            ],
            className="columns from-above",
        ),
    ]
    return [html.Div(shown, className="stack")]


def _peers(read: Observers) -> html.Div:
    known: list[tuple[Any, int, float]] = [
        (_name(each.country), each.peer_count, each.peer_share) for each in read.items
    ]
    rows = [
        html.Tr(
            [
                html.Td(name),
                html.Td(f"{peers:,}", className="number right"),
                html.Td(percent(share, 2), className="number right"),
            ]
        )
        for name, peers, share in (*known, (html.Strong("Unknown"), read.unknown_count, read.unknown_share or 0.0))
    ]
    return table(("Country", "Peers:", "Share:"), rows, "Countries of peers")


def _said(each: Origin) -> str:
    return (
        f"{each.tx_count:,} transactions, {percent(each.tx_share or 0.0, 2)} of all<br>{each.address_count:,} addresses"
    )


def _name(code: str) -> str:
    return places()[code].name if code in places() else code


def _countries(read: Origins) -> Any:
    if not read.items:
        return empty("No sender in this range has a label that names a country.")
    lines = [(_name(each.country), each) for each in read.items] + [(html.Strong("Unknown"), read.unknown)]
    rows = [
        html.Tr(
            [
                html.Td(name),
                html.Td(count(each.tx_count), className="number right", title=f"{each.tx_count:,}"),
                html.Td(NOT_KNOWN if each.tx_share is None else percent(each.tx_share, 2), className="number right"),
                *([_value(each.value, each.value_share, read.symbol)] if read.symbol else []),
            ]
        )
        for name, each in lines
    ]
    if read.symbol:
        return table(("Country", "Transactions:", "Share:", "Of value:"), rows, "Countries")
    why = "For shares of value choose one chain: coins of several are never added."
    return [table(("Country", "Transactions:", "Share:"), rows, "Countries"), html.P(why, className="hint")]


def _value(value: str | None, share: float | None, symbol: str) -> html.Td:
    said = NOT_KNOWN if value is None or share is None else percent(share, 2)
    return html.Td(said, title=exact(value, symbol), className="number right")


PAGE = Page(PATH, "Map", "map", layout, register)
