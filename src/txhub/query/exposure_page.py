"""The exposure report as one HTML page: no scripts, nothing from elsewhere; it opens offline and prints as it looks."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from itertools import pairwise
from typing import NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from txhub.contract import ExposureDay, ExposureReport

_WIDTH, _HEIGHT, _LEFT, _BOTTOM = 1056, 220, 40, 24
"""Of the chart, in its own units; the margins for its axes."""
_MOST_BARS = 60
_LABELS = 6
_STYLE = re.compile(r"<style>(.*?)</style>", re.DOTALL)


class Bar(NamedTuple):
    """A bar of the chart: its place, and the heights of its two parts, the direct one below."""

    x: float
    width: float
    direct: float
    indirect: float
    title: str


class Mark(NamedTuple):
    """A place on an axis, and what is written there."""

    at: float
    text: str


class Chart(NamedTuple):
    """Transactions over time, ready to be drawn."""

    bars: list[Bar]
    ticks: list[Mark]
    labels: list[Mark]
    step: str
    width: int = _WIDTH
    height: int = _HEIGHT
    left: int = _LEFT
    bottom: int = _BOTTOM


def page_of(report: ExposureReport) -> str:
    """The page of a report; the same report gives the same page."""
    rows = [each for each in report.items if each.retracted_at is None]
    gone = [each for each in report.items if each.retracted_at is not None]
    return _template().render(report=report, chart=chart_of(report.by_day), rows=rows, gone=gone)


def style_source(page: str) -> str:
    """What a Content-Security-Policy calls the style of a page: its digest."""
    styles = _STYLE.search(page)
    digest = hashlib.sha256((styles[1] if styles else "").encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def chart_of(days: Sequence[ExposureDay]) -> Chart | None:
    """The chart of these days, from the first to the last, several to a bar where there are many; None without any."""
    if not days:
        return None
    first, last = days[0].day, days[-1].day
    width = max(-(-((last - first).days + 1) // _MOST_BARS), 1)
    count = (last - first).days // width + 1
    direct, indirect = [0] * count, [0] * count
    for each in days:
        place = (each.day - first).days // width
        direct[place] += each.direct
        indirect[place] += each.indirect
    top = _ceiling(max(map(sum, zip(direct, indirect, strict=True))))
    room, height = (_WIDTH - _LEFT) / count, _HEIGHT - _BOTTOM - 6
    bars = [
        Bar(
            round(_LEFT + place * room + room * 0.12, 2),
            round(min(room * 0.76, 48), 2),
            round(direct[place] / top * height, 2),
            round(indirect[place] / top * height, 2),
            f"{_span(first + timedelta(days=place * width), width)}:"
            f" {direct[place]:,} direct, {indirect[place]:,} by one hop",
        )
        for place in range(count)
    ]
    ticks = [Mark(round(_HEIGHT - _BOTTOM - share * height, 2), f"{int(top * share):,}") for share in (0, 0.5, 1)]
    shown = range(0, count, max(-(-count // _LABELS), 1))
    labels = [Mark(bars[place].x, f"{first + timedelta(days=place * width):%-d %b %Y}") for place in shown]
    return Chart(bars, ticks, labels, "a day" if width == 1 else f"{width} days")


def _span(first: date, width: int) -> str:
    last = first + timedelta(days=width - 1)
    return f"{first:%-d %B %Y}" if width == 1 else f"{first:%-d %B %Y} to {last:%-d %B %Y}"


def _ceiling(most: int) -> int:
    """The least even round number that is not less: 2, 4, 6, 8, 10, 20, 40, …"""
    size = 1
    while True:
        for step in (2, 4, 6, 8, 10):
            if step * size >= most:
                return step * size
        size *= 10


def _moment(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def _day(moment: datetime) -> str:
    text = f"{moment.astimezone(UTC):%-d %B %Y}"
    return text if moment.time() == datetime.min.time() else f"{text}, {moment:%H:%M:%S}"


def _amount(text: str | None) -> str:
    """Whole coins with their thousands grouped, to nine decimals; what is less than that is shown whole."""
    if text is None:
        return ""
    amount = Decimal(text)
    shown = round(amount, 9)
    return f"{shown.normalize() if shown else amount.normalize():,f}"


def _usd(text: str | None) -> str:
    return "" if text is None else f"{Decimal(text):,.2f}"


def _dollars(text: str) -> str:
    return f"{round(Decimal(text)):,}"


def _broken(address: str) -> list[str]:
    """An address or hash in pieces that lines may be broken between."""
    return [address[first:last] for first, last in pairwise([*range(0, len(address), 11), len(address)])]


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("txhub.query", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"moment": _moment, "day": _day, "amount": _amount, "broken": _broken}
    environment.filters |= {"usd": _usd, "dollars": _dollars}
    return environment.get_template("exposure_page.html")
