"""From page to page: the links to all of them, and the router that lays out the one that the URL names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dash import ClientsideFunction, Dash, Input, Output, html

from dashboards.filterbar import URL
from dashboards.page import Page, find
from dashboards.parts import attributes, labelled, link, notice

NAVIGATION, TITLE, CONTENT = "navigation", "page-title", "page"

AT_HAND = ("/", "/addresses", "/transactions", "/alerts")
"""Pages that a phone's bar shows beside the button for the others."""


def layout(pages: Sequence[Page]) -> html.Nav:
    """Links to all pages: at the side of a desk's screen, at the foot of a phone's."""
    places = [page for page in pages if page.listed]
    more = html.Button(
        [html.Span(className="icon more"), html.Span("More")],
        id="more-pages",
        type="button",
        className="place",
        **attributes(aria_expanded="false", aria_controls=NAVIGATION),
    )
    return html.Nav([*map(_link, places), more], id=NAVIGATION, className="pages", **labelled("Pages"))


def _link(page: Page) -> html.A:
    return link(
        [html.Span(className=f"icon {page.icon}"), html.Span(page.name)],
        page.path,
        className="place" if page.path in AT_HAND else "place further",
        title=page.name,
    )


def content() -> html.Main:
    """Where a page is laid out."""
    heading = html.H1("", id=TITLE, tabIndex=-1)
    return html.Main([heading, html.Div(id=CONTENT)], id="main")


def register(app: Dash, pages: Sequence[Page]) -> None:
    """Lay a page out when the URL comes to name it. Callbacks of the others have nothing to fill, and do not run."""

    @app.callback(Output(CONTENT, "children"), Output(TITLE, "children"), Input(URL, "pathname"))
    def route(pathname: str | None) -> tuple[Any, str]:
        found = find(pages, pathname)
        laid_out = found and found[0].layout(found[1])
        if found is None or laid_out is None:
            text = ["There is nothing at this address. ", link("Go to the Overview", "/"), "."]
            return notice("No such page", text), "No such page"
        return html.Div(laid_out, key=pathname), found[0].name

    # Title, mark of the current page, focus and scrolling belong to the browser.
    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("navigate", "arrived"),
        Output(NAVIGATION, "title"),
        Input(TITLE, "children"),
        Input(URL, "pathname"),
    )
