"""Operations: whether anything is wrong, whether blocks arrive, what is missing, and what is done to the rows."""

from __future__ import annotations

from dash import Dash, Output, html

from dashboards.live import Hub
from dashboards.page import Page, Parts
from dashboards.pages import operations_panels as panels
from dashboards.pages.operations_reading import LEVELS, read_health, read_ledger, read_log
from dashboards.parts import loading, panel, select
from dashboards.tables import MEDIUM, NARROW, column, grid, time_column
from dashboards.view import always, bind, keep_shown, part, touched
from txhub.client import AsyncClient

PATH = "/operations"
LEVEL = "operations-level"
LOG_COLUMNS = (
    time_column(),
    column("level", "Level", width=92, cellClass="level", from_width=NARROW),
    column("chain", "Chain", width=110, from_width=MEDIUM),
    column("component", "Told by", width=100, from_width=MEDIUM),
    column("event", "Event", minWidth=140, flex=0.6),
    column("details", "Details", minWidth=160, flex=2, from_width=NARROW, tooltipField="details"),
)


def layout(parts: Parts) -> html.Div | None:
    """The page before anything is read."""
    if parts:
        return None
    return html.Div(
        [
            part(
                "operations-health",
                panel("What is wrong now", html.Div(loading(1), id="operations-findings")),
                panel("Streams", html.Div(loading(3), id="operations-streams")),
                html.Div(
                    [
                        panel("Services", html.Div(loading(3), id="operations-services")),
                        panel(
                            "Chunks",
                            html.Div(loading(3), id="operations-chunks"),
                            note=html.Span(id="operations-edition"),
                        ),
                    ],
                    className="columns even",
                ),
                panel("Rollups and their policies", html.Div(loading(5), id="operations-rollups")),
                panel("Archive", html.Div(loading(3), id="operations-archive")),
            ),
            part(
                "operations-ledger",
                panel("Gaps", html.Div(loading(3), id="operations-gaps"), note="missing blocks of this range"),
                panel("Reorgs", html.Div(loading(3), id="operations-reorgs"), note="seen in this range"),
            ),
            panel(
                "Event log",
                html.Div(select(LEVEL, "Show", LEVELS, "level", "all"), className="controls"),
                part(
                    "operations-log",
                    html.Div(loading(5), id="operations-log-empty", className="instead"),
                    grid(
                        "operations-log-rows",
                        LOG_COLUMNS,
                        "id",
                        spoken="Event log",
                        pagination=True,
                        paginationPageSize=20,
                        paginationPageSizeSelector=False,
                    ),
                ),
                note=html.Span(id="operations-log-note"),
            ),
        ],
        className="stack",
    )


def register(app: Dash, client: AsyncClient, _hub: Hub) -> None:
    """Read again when the view changes, and with news of any chain: its stream may stand otherwise."""
    bind(app, LEVEL)
    keep_shown(
        app,
        PATH,
        "operations-health",
        [
            *(
                Output(f"operations-{name}", "children")
                for name in ("findings", "streams", "services", "rollups", "chunks", "archive", "edition")
            )
        ],
        lambda _view: read_health(client),
        panels.health,
        concerned=always,
    )
    keep_shown(
        app,
        PATH,
        "operations-ledger",
        [Output("operations-gaps", "children"), Output("operations-reorgs", "children")],
        lambda view: read_ledger(client, view),
        panels.ledger,
        concerned=touched,
    )
    keep_shown(
        app,
        PATH,
        "operations-log",
        [
            Output("operations-log-rows", "rowData"),
            Output("operations-log-empty", "children"),
            Output("operations-log-note", "children"),
        ],
        lambda view: read_log(client, view),
        panels.log,
        concerned=touched,
    )


PAGE = Page(PATH, "Operations", "operations", layout, register)
