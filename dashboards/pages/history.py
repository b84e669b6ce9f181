"""History: how it was, up to years back, beside what it was before; when it is busy; and what of it is complete."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from dash import Dash, Output, dcc, html

from dashboards.figures import history as drawn
from dashboards.figures.style import CONFIG, chain_colour
from dashboards.live import Hub
from dashboards.page import Page, Parts
from dashboards.pages.history_reading import (
    COMPARISONS,
    MEASURES,
    WINDOWS,
    Completeness,
    Hours,
    Past,
    Peaks,
    read_completeness,
    read_hours,
    read_past,
    read_peaks,
)
from dashboards.parts import dot, empty, graph, labelled, loading, panel, select
from dashboards.quantities import count, length, minute, percent
from dashboards.reading import width_of
from dashboards.tables import MEDIUM, PAGED, column, grid
from dashboards.view import View, bind, keep_shown, part
from txhub.client import AsyncClient
from txhub.contract import Metric, WeekHour

PATH = "/history"
METRIC, COMPARE, WINDOW = "history-metric", "history-compare", "history-window"
_METRICS = {metric: each.name for metric, each in MEASURES.items()}


def layout(parts: Parts) -> html.Div | None:
    """The page before anything is read."""
    if parts:
        return None
    return html.Div(
        [
            html.Div(
                [
                    select(METRIC, "Metric", _METRICS, "metric", Metric.TX_RATE),
                    select(COMPARE, "Compared with", COMPARISONS, "compare", "7d"),
                ],
                className="controls",
            ),
            panel(
                "Over time",
                part("history-past", html.Div(id="history-quality", className="quality"), graph("history-chart")),
                note=html.Span(id="history-note"),
            ),
            panel(
                "Hours of the week",
                part("history-hours", html.Div(loading(5), id="history-week")),
                note=html.Span(id="history-weeks"),
            ),
            panel(
                "Completeness",
                part("history-completeness", graph("history-coverage", 82), html.Div(id="history-complete")),
                note="committed of expected blocks",
            ),
            panel(
                "Peaks",
                html.Div(select(WINDOW, "Busiest", WINDOWS, "window", "1m"), className="controls"),
                part(
                    "history-peaks",
                    html.Div(loading(5), id="history-peaks-empty", className="instead"),
                    grid("history-peaks-rows", _PEAK_COLUMNS, "key", spoken="Peaks", **_PAGED),
                ),
                note="all kinds; none overlaps another of its chain",
            ),
        ],
        className="stack",
    )


_PEAK_COLUMNS = (
    column("rank", "#", width=64, from_width=MEDIUM // 2, type="rightAligned",
           cellClass="ag-right-aligned-cell number"),
    column("start", "From", minWidth=136, flex=1, cellClass="number"),
    column("chain", "Chain", minWidth=84, flex=0.7),
    column("rate", "tx/min", width=86, type="rightAligned", cellClass="ag-right-aligned-cell number strong"),
    column("tx_count", "tx", width=100, from_width=MEDIUM // 2, type="rightAligned",
           cellClass="ag-right-aligned-cell number"),
)  # fmt: skip
_PAGED = PAGED | {"paginationPageSize": 10}


def register(app: Dash, client: AsyncClient, _hub: Hub) -> None:
    """Read again when the view changes: the past stands still, so news are not waited for."""
    for control in (METRIC, COMPARE, WINDOW):
        bind(app, control)
    keep_shown(
        app,
        PATH,
        "history-past",
        [
            Output("history-note", "children"),
            Output("history-quality", "children"),
            Output("history-chart", "figure"),
            Output("history-chart-box", "aria-label"),
        ],
        lambda view: read_past(client, view),
        _past,
    )
    keep_shown(
        app,
        PATH,
        "history-hours",
        [Output("history-weeks", "children"), Output("history-week", "children")],
        lambda view: read_hours(client, view, datetime.now(UTC)),
        _hours,
    )
    keep_shown(
        app,
        PATH,
        "history-peaks",
        [Output("history-peaks-rows", "rowData"), Output("history-peaks-empty", "children")],
        lambda view: read_peaks(client, view),
        _peaks,
    )
    keep_shown(
        app,
        PATH,
        "history-completeness",
        [
            Output("history-coverage", "figure"),
            Output("history-coverage-box", "aria-label"),
            Output("history-complete", "children"),
        ],
        lambda view: read_completeness(client, view),
        _completeness,
    )


def _past(read: Past, view: View, _now: datetime) -> tuple[Any, ...]:
    units = {chain.name: chain.symbol if read.measure.unit is None else read.measure.unit for chain in read.chains}
    names = [chain.name for chain in read.chains]
    figure = drawn.beside_the_past(
        read.frame,
        names,
        units,
        read.measure.hover,
        before=read.before,
        percent=read.measure is MEASURES[Metric.FAILED_RATE],
        zone=view.zone,
    )
    quality = read.series.quality
    notes = ["No blocks of this range are in" if quality.coverage is None else _complete(quality.coverage)]
    if read.series.previous_quality is not None:
        share = read.series.previous_quality.coverage
        notes.append("nothing of the range before is in" if not share else f"of the range before: {percent(share)}")
    notes.append(f"one point is {length(width_of(read.series.bucket))}")
    if quality.error is not None:
        notes.append(f"estimates, within {percent(quality.error)}")
    return read.measure.name, [html.Span(each) for each in notes], figure, f"{read.measure.name} over time, by chain."


def _complete(share: float) -> str:
    return "All blocks of this range are in" if share >= 1 else f"{percent(share)} of blocks in this range are in"


def _hours(read: Hours, view: View, _now: datetime) -> tuple[Any, Any]:
    names = [chain.name for chain in read.chains]
    days = length(read.week.end - read.week.start)
    note = f"{read.measure.name.lower()}, mean of {days}, {view.zone}"
    charts = []
    for chain in read.chains:
        items = [item for item in read.week.items if item.chain == chain.name]
        if not items:
            continue
        colour = chain_colour(chain.name, names)
        unit = chain.symbol if read.measure.unit is None else read.measure.unit
        figure = drawn.hours_of_week(items, colour, unit, read.measure.spelled)
        said = f"{chain.name} by hour of the week. {_busiest(items, read, unit)}"
        charts.append(
            html.Div(
                [
                    html.H3([dot(colour), chain.name]),
                    html.Div(dcc.Graph(figure=figure, config=CONFIG), className="chart", role="img", **labelled(said)),
                ]
            )
        )
    return note, html.Div(charts, className="weeks") if charts else empty("No chain is followed yet")


def _busiest(items: list[WeekHour], read: Hours, unit: str) -> str:
    known = [(item.value, item) for item in items if item.value is not None]
    if not known:
        return "Nothing is known."
    value, most = max(known, key=lambda each: each[0])
    return f"Most on {drawn.WEEKDAYS[most.weekday - 1]} at {most.hour}: {read.measure.spelled(value)} {unit}.".strip()


def _peaks(read: Peaks, view: View, _now: datetime) -> tuple[Any, Any]:
    rows = [
        {
            "key": f"{row['chain']} {row['start'].isoformat()}",
            "rank": place,
            "start": minute(row["start"], view.zone),
            "chain": row["chain"],
            "rate": count(row["rate"]),
            "tx_count": f"{row['tx_count']:,}",
        }
        for place, row in enumerate(read.rows.iter_rows(named=True), 1)
    ]
    return rows, None if rows else empty("No peaks in this range")


def _completeness(read: Completeness, view: View, _now: datetime) -> tuple[Any, ...]:
    report = read.report
    figure = drawn.completeness(report.items, [chain.name for chain in read.chains], view.zone)
    missing = sum(item.missing for item in report.items)
    share = report.quality.coverage
    said = "Nothing is expected in this range" if share is None else _complete(share)
    text = f"{said}; {missing:,} missing. One cell is {length(width_of(report.bucket))}."
    return figure, f"Completeness over time, by chain. {text}", html.P(text, className="hint")


PAGE = Page(PATH, "History", "history", layout, register)
