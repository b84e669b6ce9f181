"""The search box on every page: a hash, an address, a block's number, a label or a token leads to its page."""

from __future__ import annotations

from typing import Any

from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html

from dashboards.parts import attributes, labelled, link, sentence
from dashboards.quantities import minute, shortened
from txhub.client import AsyncClient, TxhubError
from txhub.contract import Hit, HitKind, Hits

BOX, FOUND = "search-box", "search-found"
LEAST = 2
"""Letters from which on something is looked for."""
MOST = 8
"""Hits that are listed."""
PAUSE_S = 0.25
"""Seconds without a key after which what stands there is looked for."""


def layout() -> html.Div:
    """The box, and the place for what it finds. Keys are `assets/search.js`'s: down and up, Enter, Escape, and `/`."""
    return html.Div(
        [
            html.Span(className="icon lens"),
            dcc.Input(
                id=BOX,
                type="search",
                debounce=PAUSE_S,
                value="",
                placeholder="Search: hash, address, block, label",
                autoComplete="off",
                spellCheck="false",
                maxLength=200,
            ),
            html.Kbd("/", title="Press / to search"),
            html.Div(id=FOUND, className="found", **attributes(aria_live="polite")),
        ],
        className="search",
        role="search",
        **labelled("Search"),
    )


def register(app: Dash, client: AsyncClient) -> None:
    """Look for what is typed."""

    @app.callback(Output(FOUND, "children"), Input(BOX, "value"), prevent_initial_call=True)
    async def find(text: str | None) -> Any:
        words = (text or "").strip()
        if len(words) < LEAST and not words.isdigit():
            return None
        try:
            return listed(words, await client.search(words, limit=MOST))
        except TxhubError as error:
            return html.P(sentence(error.hint or str(error)))

    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("search", "arrived"),
        Output(BOX, "title"),
        Input(FOUND, "children"),
        State(BOX, "value"),
        prevent_initial_call=True,
    )


def listed(text: str, hits: Hits) -> Any:
    """What was found, each a link to its page; or that nothing was, and how far that is known."""
    if hits.items:
        return html.Ul([html.Li(_hit(hit)) for hit in hits.items])
    since = hits.searched_since
    told = "" if since is None else f" Older transactions than of {minute(since)} UTC were not looked at."
    return html.P(f"Nothing is called {shortened(text)} here.{told}")


def path_of(hit: Hit) -> str | None:
    """The page of what was found; None for what has none, such as a label of every chain."""
    if hit.kind is HitKind.TOKEN and hit.chain and hit.detail:
        return f"/addresses/{hit.chain}/{hit.detail}"
    path = hit.link.removeprefix("/v1").partition("?")[0]
    return path if hit.chain and path.split("/")[1] in ("transactions", "blocks", "addresses") else None


def _hit(hit: Hit) -> Any:
    kind = html.Span(hit.kind.value, className="kind")
    title = html.Span(shortened(hit.title) if len(hit.title) > 40 else hit.title, className="title", title=hit.title)
    detail = hit.detail if hit.detail is None or " " in hit.detail else shortened(hit.detail)
    about = " · ".join(part for part in (hit.chain, detail) if part)
    said = [kind, title, html.Span(about, className="about")]
    path = path_of(hit)
    return html.Span(said, className="hit") if path is None else link(said, path, className="hit")
