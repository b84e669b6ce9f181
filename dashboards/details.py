"""What pages of one thing are made of: facts, short tables, and parties by their names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import tzinfo
from typing import Any

from dash import html

from dashboards.parts import address_link, labelled
from dashboards.quantities import minute, percent
from txhub.contract import Label, Ranking

_ON_A_PHONE = 4
"""Columns of a short table that a phone has room for."""


def facts(rows: Iterable[tuple[str, Any]]) -> html.Dl:
    """Names and what they stand for."""
    return html.Dl([part for name, said in rows for part in (html.Dt(name), html.Dd(said))], className="facts")


def table(titles: Iterable[str], rows: Sequence[html.Tr], spoken: str) -> html.Div:
    """A short table; where it is wider than the screen it scrolls by itself.

    A title that ends in a colon is that of a column of numbers. Of more columns than a phone has room for, each cell
    says its title there, and the cells of a row stand below one another (`assets/details.css`).
    """
    titles = list(titles)
    head = html.Thead(
        html.Tr([html.Th(title.rstrip(":"), scope="col", className="right" * title.endswith(":")) for title in titles])
    )
    many = len(titles) > _ON_A_PHONE
    if many:
        for row in rows:
            for title, cell in zip(titles, row.children, strict=True):
                setattr(cell, "data-title", title.rstrip(":"))
    return html.Div(
        html.Table([head, html.Tbody(list(rows))], className="short many" if many else "short"),
        className="scrolled",
        tabIndex=0,
        role="region",
        **labelled(spoken),
    )


def party(chain: str, address: str | None, names: Mapping[str, str]) -> Any:
    """An address in full, after its name where it has one, with a link to its page."""
    if address is None:
        return html.Span("a contract that it made", className="none")
    name = names.get(address)
    beside = html.Span(address, className="in-full") if name else None
    return html.Span([address_link(chain, address, name=name or address), beside], className="whole")


def names_of(labels: Iterable[Label]) -> dict[str, str]:
    """The name that each labelled address goes by."""
    return {label.address: label.name for label in labels}


def of_all(shown: int, there: int) -> str:
    """How many of all are shown."""
    return f"{there:,}" if shown == there else f"the first {shown:,} of {there:,}"


def explorer_link(url: str | None) -> Any:
    """Where a public explorer shows the same, if there is one."""
    if url is None:
        return None
    return html.A("in a public explorer", href=url, target="_blank", rel="noopener noreferrer", className="elsewhere")


def number(figure: int | None) -> str:
    """A whole number, or that nobody knows it."""
    return "not known" if figure is None else f"{figure:,}"


def whole_hours(rankings: Sequence[Ranking[Any]], zone: tzinfo) -> str:
    """Over which whole hours lists of the busiest are counted, and how many of these are closed."""
    if not rankings:
        return ""
    least = min((each.coverage for each in rankings if each.coverage is not None), default=1.0)
    counted = "" if least >= 1 else f", {percent(least)} of these hours are counted so far"
    return f"{minute(rankings[0].start, zone)} to {minute(rankings[0].end, zone)}, whole hours{counted}"
