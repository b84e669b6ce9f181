"""Pieces that pages are made of: panels, dots, notices."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from dash import html

from dashboards.quantities import moment


def panel(title: str, *children: Any, note: Any = None, className: str = "") -> html.Section:  # noqa: N803 (Dash's name)
    """A titled part of a page."""
    heading = [html.H2(title), html.Span(note, className="note")] if note is not None else [html.H2(title)]
    return html.Section([html.Header(heading), *children], className=f"panel {className}".strip())


def labelled(text: str) -> dict[str, Any]:
    """What a part is called by those who hear the page."""
    return {"aria-label": text}


def dot(colour: str) -> html.Span:
    """A chain's colour, beside its name."""
    return html.Span(className="dot", style={"background": colour})


def age(time: datetime | None) -> html.Time:
    """How long ago something was; `assets/live.js` keeps it counting."""
    if time is None:
        return html.Time("never", className="age")
    counting: dict[str, Any] = {"data-age": time.isoformat()}
    return html.Time("", className="age", dateTime=time.isoformat(), title=f"{moment(time)} UTC", **counting)


def notice(title: str, text: Any, *, tone: str = "info") -> html.Div:
    """Something that the reader has to know; `tone` is `info` or `error`."""
    return html.Div(
        [html.Strong(title), html.Span(text)], className=f"notice {tone}", role="alert" if tone == "error" else "status"
    )
