"""How a part of a page is kept up to date: read when the view changes, and when news touch what it shows."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Any, TypeVar

from dash import ClientsideFunction, Dash, Input, Output, State, html, no_update
from dash.exceptions import PreventUpdate

from dashboards.filterbar import URL
from dashboards.filters import Filters, from_query, own_parameters
from dashboards.live import News
from dashboards.page import Parts, parts_of
from dashboards.parts import attributes, refusal
from dashboards.zone import ZONE, zone_of
from txhub.client import TxhubError

NEWS = "live-news"
"""The store of what the page was told last."""

Read = TypeVar("Read")


@dataclass(frozen=True, slots=True)
class View:
    """What is to be shown, and how."""

    filters: Filters = field(default_factory=Filters)
    zone: tzinfo = UTC
    parts: Parts = ()
    """What the address says beyond the page's path."""
    own: Mapping[str, str] = field(default_factory=dict)
    """What the address says that is no filter: the page's own controls, see `bind`."""


def part(name: str, *children: Any, className: str = "") -> html.Div:  # noqa: N803 (Dash's name)
    """What `keep_shown` keeps up to date, below the place where it says why it cannot."""
    return html.Div(
        [html.Div(id=_refusal(name), className="refusal"), *children],
        id=name,
        className=f"part {className}".strip(),
        **attributes(aria_busy="true"),
    )


def keep_shown(
    app: Dash,
    path: str,
    name: str,
    outputs: Sequence[Output],
    read: Callable[[View], Awaitable[Read]],
    content: Callable[[Read, View, datetime], Sequence[Any]],
    *,
    concerned: Callable[[News, Filters], bool] | None = None,
    again: Input | None = None,
) -> None:
    """Fill `outputs` with the `content` of what `read` answers, whenever that may have changed.

    Args:
        app: the application.
        path: of the page that this is a part of; while another one is open nothing is read.
        name: of the `part` in the page's layout. Where `read` raises TxhubError it says so there, and what was shown
            stays.
        outputs: what is filled.
        read: asks the API.
        content: a value for each output, made of the answer, the view and what time it is; runs in a thread.
        concerned: whether news touch what is shown, as `touched` is; without it only the view decides.
        again: a store of the page; whenever it comes to hold something else, what is shown is read again.
    """
    unchanged = (no_update,) * len(outputs)

    @app.callback(
        output={
            "shown": list(outputs),
            "refusal": Output(_refusal(name), "children"),
            "busy": Output(name, "aria-busy"),
            "told": Output(name, "data-told"),
            "view": Output(name, "data-view"),
        },
        inputs={
            "query": Input(URL, "search"),
            "zone": Input(ZONE, "data"),
            "told": Input(NEWS, "data"),
            "again": [] if again is None else [again],
            "pathname": State(URL, "pathname"),
            "before": State(name, "data-view"),
        },
    )
    async def show(
        query: str | None,
        zone: str | None,
        told: dict[str, Any] | None,
        again: list[str | None],
        pathname: str | None,
        before: str | None,
    ) -> dict[str, Any]:
        parts = parts_of(path, pathname)
        if query is None or told is None or parts is None:
            raise PreventUpdate  # a page reads as soon as it hears the server, so that it misses nothing
        view = View(from_query(query), zone_of(zone), parts, own_parameters(query))
        done = {"busy": "false", "told": str(told["told"])}
        asked, news = " ".join((f"{pathname}{query}", str(zone), *map(str, again))), News.from_json(told)
        # A view that is not shown yet is read, whatever called: this call takes the place of the one that reads it.
        if before == asked and not news.everything and not (concerned and concerned(news, view.filters)):
            return {"shown": unchanged, "refusal": no_update, "view": no_update, **done}
        try:
            answer = await read(view)
        except TxhubError as error:
            return {"shown": unchanged, "refusal": refusal(error), "view": None, **done}
        # Charts take tens of milliseconds to build, in which other pages want to be served.
        shown = await asyncio.to_thread(content, answer, view, datetime.now(UTC))
        return {"shown": shown, "refusal": None, "view": asked, **done}


def touched(news: News, filters: Filters) -> bool:
    """Whether news are of the chains and the range that the filters show."""
    if news.everything:
        return True
    if news.start is None or news.end is None:
        return False
    if filters.chains and news.chains.isdisjoint(filters.chains):
        return False
    return filters.range.touches(news.start, news.end)


def of_alerts(news: News, _filters: Filters) -> bool:
    """Whether there is news of alerts."""
    return news.everything or news.alerts


def any_block(news: News, _filters: Filters) -> bool:
    """Whether a block came or went anywhere: each one confirms those before it once more."""
    return news.everything or bool(news.chains)


def anew(news: News, _filters: Filters) -> bool:
    """Whether everything has to be read anew: for what is made of closed hours, and must not move while it is read."""
    return news.everything


def always(_news: News, _filters: Filters) -> bool:
    """All news are of interest."""
    return True


def bind(app: Dash, control: str) -> None:
    """Let a `bound` control and its parameter of the URL follow each other; readers find its value in `View.own`.

    The browser does so by itself (`assets/navigate.js`): an answer of the server would be one to the URL of a moment
    ago, and take back what was changed since.
    """
    about = (State(control, "data-parameter"), State(control, "data-default"))
    # Two callbacks, for neither may have an input that is not there while another page is open.
    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("view", "show"),
        Output(control, "value"),
        Output(control, "data-shown"),
        Input(URL, "search"),
        *about,
        State(control, "value"),
        State(control, "data-shown"),
    )
    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("view", "choose"),
        Output(URL, "search", allow_duplicate=True),
        Input(control, "value"),
        State(URL, "search"),
        *about,
        prevent_initial_call=True,
    )


def _refusal(name: str) -> str:
    return f"{name}-refusal"
