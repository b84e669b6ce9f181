"""Stat cards: a number for each chain, with what it is now, its trend, and what it was at the same time last week."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from dash import html

from dashboards.figures.style import chain_colour
from dashboards.parts import dot, empty, panel
from dashboards.quantities import NOT_KNOWN, coins, count, exact, percent
from txhub.contract import ChainFigures, Figure, Metric

ENOUGH = 0.95
"""How complete a range has to be for others to be held against it, as a fraction of its blocks."""

_WIDTH, _HEIGHT = 96, 22


@dataclass(frozen=True, slots=True)
class Card:
    """How a metric is shown: its title, a note, its unit (None: the chain's coin), and how its numbers are spelled."""

    metric: Metric
    title: str
    note: str
    unit: str | None
    spelled: Callable[[float | None], str]
    now_first: bool = False
    """Whether the large number is what it is now, and the small one what it is over the range."""


def share(fraction: float | None) -> str:
    """A fraction as a percentage, or a dash."""
    return NOT_KNOWN if fraction is None else percent(fraction, 2)


def estimate(number: float | None) -> str:
    """About how many, without the digits that an estimate does not have."""
    return count(None if number is None else round(number))


CARDS = (
    Card(Metric.TX_RATE, "Transactions per minute", "now", "tx/min", count, now_first=True),
    Card(Metric.AVG_VALUE, "Average value", "per transaction", None, coins),
    Card(Metric.VOLUME, "Volume", "coins moved", None, coins),
    Card(Metric.FEES, "Fees", "paid in all", None, coins),
    Card(Metric.FAILED_RATE, "Failed", "of those whose outcome is known", "", share),
    Card(Metric.ACTIVE_ADDRESSES, "Active addresses", "closed hours, within 3 %", "", estimate),
)


def stat_card(
    card: Card, chains: Sequence[ChainFigures], names: Sequence[str], trends: dict[str, list[float | None]]
) -> html.Section:
    """A card: a line for each chain, for their coins are never added. `trends` are values over the range, by chain."""
    lines = [_line(card, each, names, trends.get(each.chain, [])) for each in chains]
    body: Any = lines or empty("No chain is followed yet")
    return panel(card.title, html.Div(body, className="figures one" if len(lines) == 1 else "figures"), note=card.note)


def sparkline(values: Sequence[float | None], colour: str) -> html.Span:
    """A line as small as a word, from 0 up; where nothing is known it has a hole."""
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return html.Span(className="spark")
    top, step = max(known) or 1.0, _WIDTH / (len(values) - 1)
    path, pen = [], "M"
    for place, value in enumerate(values):
        if value is None:
            pen = "M"
            continue
        path.append(f"{pen}{place * step:.1f} {1 + (_HEIGHT - 2) * (1 - value / top):.1f}")
        pen = "L"
    drawing = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" preserveAspectRatio="none">'
        f'<path d="{"".join(path)}" fill="none" stroke="{colour}" stroke-width="1.5" stroke-linejoin="round" '
        'vector-effect="non-scaling-stroke"/></svg>'
    )
    return html.Span(html.Img(src=f"data:image/svg+xml,{quote(drawing)}", alt=""), className="spark")


def _line(card: Card, chain: ChainFigures, names: Sequence[str], trend: list[float | None]) -> html.Div:
    figure = next((each for each in chain.figures if each.metric is card.metric), None)
    if figure is None:
        return html.Div(className="figure")
    unit = chain.symbol if card.unit is None else card.unit
    large, small = (figure.now, figure.value) if card.now_first else (figure.value, figure.now)
    beside = "" if small is None else f"{'average' if card.now_first else 'now'} {card.spelled(small)}"
    return html.Div(
        [
            html.Div([dot(chain_colour(chain.chain, names)), chain.chain], className="chain"),
            html.Div(
                [html.Span(card.spelled(large), className="value"), html.Span(unit, className="unit")],
                className="amount",
                title=_exactly(card, chain, figure),
            ),
            _change(card, chain, figure),
            sparkline(trend, chain_colour(chain.chain, names)),
            html.Div(beside, className="beside-value", title=f"over the newest {chain.window}"),
            html.Div(
                "" if figure.previous is None else f"was {card.spelled(figure.previous)}",
                className="aside",
                title="at the same time last week",
            ),
        ],
        className="figure",
    )


def _exactly(card: Card, chain: ChainFigures, figure: Figure) -> str:
    unit = chain.symbol if card.unit is None else card.unit
    number = figure.now if card.now_first else figure.value
    if number is not None and card.metric is Metric.ACTIVE_ADDRESSES:
        return f"about {number:,.0f} addresses"
    if card.metric is Metric.FAILED_RATE:
        return exact(number)
    return exact(figure.exact or number, unit)


def _change(card: Card, chain: ChainFigures, figure: Figure) -> html.Div:
    if figure.change_ratio is None or figure.previous is None:
        return html.Div("", className="change")
    if (chain.previous_coverage or 0.0) < ENOUGH:
        there = percent(chain.previous_coverage or 0.0)
        return html.Div("no week before", className="change", title=f"{there} of last week's blocks are in")
    points = figure.change_ratio * 100
    if abs(points) < 0.5:
        return html.Div("as last week", className="change")
    arrow, direction = ("\N{BLACK UP-POINTING SMALL TRIANGLE}", "up") if points > 0 else (
        "\N{BLACK DOWN-POINTING SMALL TRIANGLE}", "down")  # fmt: skip
    said = f"{arrow} {abs(points):,.0f} %"
    unit = chain.symbol if card.unit is None else card.unit
    title = f"{card.spelled(figure.previous)} {unit} at the same time last week"
    return html.Div(said, className=f"change {direction}", title=title)
