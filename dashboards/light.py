"""The light overview: one page that the server writes whole, under 300 kB with all that it loads.

For phones on a thin line: no Dash, no Plotly, no grid. It has the Overview's figures, trends, streams, blocks and large
transactions, of the same answers; a short script (`assets/light.js`) fetches its content anew when there are news.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any

from dash import html

from dashboards.details import table
from dashboards.filters import PRESETS, Filters, Recent, from_query, to_query
from dashboards.live import Hub
from dashboards.markup import markup
from dashboards.pages import overview_panels as panels
from dashboards.pages.overview_reading import Large, read_figures, read_large
from dashboards.parts import age, empty, panel, refusal
from dashboards.quantities import coins, exact, shortened
from dashboards.reading import together
from dashboards.view import View
from txhub.client import AsyncClient, TxhubError

PAGE = (Path(__file__).parent / "light.html").read_text(encoding="utf-8")


async def page(client: AsyncClient, hub: Hub, query: str) -> str:
    """The whole page for the filters of a query."""
    filters = from_query(query)
    filled = {
        "whole": escape(f"/{to_query(filters)}"),
        "presets": markup(_presets(filters)),
        "content": await content(client, hub, query),
    }
    return re.sub(r"\{(whole|presets|content)\}", lambda place: filled[place[1]], PAGE)


async def content(client: AsyncClient, hub: Hub, query: str) -> str:
    """What of it changes."""
    view, now = View(from_query(query)), datetime.now(UTC)
    try:
        figures, large, streams = await together(
            read_figures(client, view.filters), read_large(client, view.filters), client.health()
        )
    except TxhubError as error:
        return markup(refusal(error))
    notice, cards = panels.figures(figures, view, now)
    chosen = view.filters.chains
    announced = [block for block in hub.blocks if not chosen or block.chain in chosen]
    demo = any(chain.demo for chain in figures.chains)
    return markup(
        [
            html.Span("DEMO", className="demo") if demo else None,
            html.Div(panels.streams(figures.chains, streams), className="streams", role="list"),
            notice,
            html.Div(cards, className="cards"),
            panel("Latest large transactions", _large(large, view)),
            panel("New blocks", panels.blocks(figures.chains, announced)),
        ]
    )


def _large(large: Large, view: View) -> Any:
    if not large.transactions:
        return empty(panels.nothing_large(large.chains, view.filters))
    rows = [
        html.Tr(
            [
                html.Td(age(each.block_time)),
                html.Td(coins(each.value, each.symbol), className="right", title=exact(each.value, each.symbol)),
                html.Td(html.Code(shortened(each.hash)), title=each.hash, className="right"),
            ]
        )
        for each in large.transactions
    ]
    return table(("Age", "Value:", "Transaction:"), rows, "Latest large transactions")


def _presets(filters: Filters) -> list[Any]:
    def here(span: str) -> dict[str, Any]:
        return {"aria-current": "true"} if filters.range == Recent(span) else {}

    return [
        html.A(name, href=f"/light{to_query(Filters(Recent(span), filters.chains, filters.kinds))}", **here(span))
        for span, name in PRESETS.items()
    ]
