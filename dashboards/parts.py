"""Pieces that pages are made of: panels and their states, links, hashes and addresses, dots, notices."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import dash_mantine_components as dmc
from dash import dcc, html

from dashboards.figures.style import CLEAR, CONFIG, HEIGHT
from dashboards.quantities import moment, shortened
from dashboards.zone import short_name
from txhub.client import ApiError, TxhubError

_FORBIDDEN = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)


def panel(title: str, *children: Any, note: Any = None, className: str = "") -> html.Section:  # noqa: N803 (Dash's name)
    """A titled part of a page."""
    heading = [html.H2(title), html.Span(note, className="note")] if note is not None else [html.H2(title)]
    return html.Section([html.Header(heading), *children], className=f"panel {className}".strip())


def labelled(text: str) -> dict[str, Any]:
    """What a part is called by those who hear the page."""
    return {"aria-label": text}


def attributes(**values: str) -> dict[str, Any]:
    """Attributes of HTML whose names have dashes: `aria_busy="true"`, `data_copy=…`."""
    return {name.replace("_", "-"): value for name, value in values.items()}


def dot(colour: str) -> html.Span:
    """A chain's colour, beside its name."""
    return html.Span(className="dot", style={"background": colour})


def age(time: datetime | None, zone: tzinfo = UTC) -> html.Time:
    """How long ago something was; `assets/live.js` keeps it counting."""
    if time is None:
        return html.Time("never", className="age")
    said = f"{moment(time, zone)} {short_name(zone, time)}"
    return html.Time(
        "", className="age", dateTime=time.isoformat(), title=said, **attributes(data_age=time.isoformat())
    )


def notice(title: str, text: Any, *, tone: str = "info") -> html.Div:
    """Something that the reader has to know; `tone` is `info`, `error` or `forbidden`."""
    return html.Div(
        [html.Strong(title), html.Span(text)],
        className=f"notice {tone}",
        role="status" if tone == "info" else "alert",
    )


def refusal(error: TxhubError) -> html.Div:
    """Why something cannot be shown, and what to do: for want of permission, or else for a failure."""
    text = " ".join(sentence(words) for words in (str(error), error.hint) if words)
    if isinstance(error, ApiError) and error.answer_status in _FORBIDDEN:
        return notice("You may not see this", text, tone="forbidden")
    return notice("This cannot be shown now", text, tone="error")


def sentence(words: str) -> str:
    """Words of an error as a sentence."""
    return words[:1].upper() + words[1:] + ("" if words.endswith((".", "…", "?", "!")) else ".")


def changing(*controls: Any, className: str = "") -> html.Fieldset:  # noqa: N803 (Dash's name)
    """Controls by which analysts change something.

    To whoever the API would refuse it, the browser shows them disabled, and says why (`assets/rights.js`).
    """
    return html.Fieldset(list(controls), className=f"changing {className}".strip(), **attributes(data_needs="analyst"))


def empty(text: Any) -> html.P:
    """What a panel says where there is nothing to show."""
    return html.P(text, className="empty")


def loading(rows: int = 4) -> html.Div:
    """The shape of what is being read."""
    bones = [html.Div(className="bone") for _ in range(rows)]
    return html.Div(bones, className="bones", **attributes(aria_hidden="true"))


def graph(name: str, height: int | None = HEIGHT, className: str = "") -> html.Div:  # noqa: N803 (Dash's name)
    """A chart, empty until its `figure` is filled; `aria-label` of `name`-box is what it says to those who hear it.

    `height` is in pixels; without it the chart is as high as its `className` says.
    """
    hidden = {"visible": False}
    unread = {"layout": {"height": height, "xaxis": hidden, "yaxis": hidden, **CLEAR}}
    return drawn(name, unread, "Loading", height, className)


def drawn(
    name: str,
    figure: Any,
    spoken: str,
    height: int | None = HEIGHT,
    className: str = "",  # noqa: N803 (Dash's name)
) -> html.Div:
    """A chart of a figure that is known already, and what it says to those who hear it."""
    fitting: dict[str, Any] = {"responsive": True, "style": {"height": "100%"}} if height is None else {}
    chart = dcc.Graph(id=name, figure=figure, config=CONFIG, **fitting)
    room = {} if height is None else {"minHeight": height}  # also before Plotly is there
    looks = f"chart {className}".strip()
    return html.Div(chart, id=f"{name}-box", className=looks, role="img", style=room, **labelled(spoken))


def bound(parameter: str, default: str) -> dict[str, Any]:
    """Which parameter of the URL a page's own control is, for `view.bind`; the default leaves the URL clean."""
    return attributes(data_parameter=parameter, data_default=str(default))


def select(name: str, label: str, options: Mapping[Any, str], parameter: str, default: str) -> dmc.Select:
    """A page's own control, of which one option is always chosen; `view.bind` puts it into the URL."""
    return dmc.Select(
        id=name,
        label=label,
        data=[{"value": str(value), "label": text} for value, text in options.items()],
        value=str(default),
        allowDeselect=False,
        size="xs",
        className="control",
        **bound(parameter, default),
    )


def link(text: Any, href: str, **options: Any) -> html.A:
    """A link to a page of the dashboard; unless it has a query, it takes the filters along (`assets/navigate.js`)."""
    return html.A(text, href=href, **attributes(data_page=""), **options)


def address_link(chain: str, address: str | None, *, name: str | None = None) -> html.Span:
    """An address: its ends, or the `name` that it is labelled with; it leads to its page, and can be copied."""
    if not address:
        return html.Span("new contract", className="none")
    return _identifier(address_path(chain, address), address, name or shortened(address))


def transaction_link(chain: str, transaction_hash: str) -> html.Span:
    """A transaction's hash: its ends; it leads to its page, and can be copied."""
    return _identifier(transaction_path(chain, transaction_hash), transaction_hash, shortened(transaction_hash))


def address_path(chain: str, address: str) -> str:
    """Where an address has its page."""
    return f"/addresses/{quote(chain)}/{quote(address)}"


def transaction_path(chain: str, transaction_hash: str) -> str:
    """Where a transaction has its page."""
    return f"/transactions/{quote(chain)}/{quote(transaction_hash)}"


def copy_button(text: str) -> html.Button:
    """Copies a text (`assets/navigate.js`)."""
    return html.Button(
        "", type="button", className="copy", title="Copy", **attributes(data_copy=text, aria_label=f"Copy {text}")
    )


def _identifier(path: str, text: str, shown: str) -> html.Span:
    return html.Span([link(shown, path, title=text), copy_button(text)], className="identifier")
