"""Alerts: what rules found, the newest first; and one of them with its history, to be worked on."""

from __future__ import annotations

from typing import Any, cast

import dash_mantine_components as dmc
from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html

from dashboards.live import Hub
from dashboards.page import Page, Parts
from dashboards.pages import alert_panels as panels
from dashboards.parts import bound, changing, labelled, link, loading, panel
from dashboards.tables import grid
from dashboards.view import View, bind, keep_shown, of_alerts, part
from txhub.client import AsyncClient
from txhub.contract import Alert, AlertStory, CaseState, Severity
from txhub.contract import Page as Listing

PATH = "/alerts"
ON_A_PAGE = 100
CASES, SEVERITIES = "alerts-cases", "alerts-severities"
_CASES = [
    {"value": panels.UNSOLVED, "label": "To be worked on"},
    *({"value": state.value, "label": panels.CASES[state]} for state in CaseState),
    {"value": "all", "label": "All"},
]
_SEVERITIES = [
    {"value": ",".join(list(Severity)[least:]), "label": words}
    for least, words in enumerate(("All severities", "Medium and above", "High and above", "Critical"))
]


def layout(parts: Parts) -> html.Div | None:
    """The list, or the alert that a number names."""
    if not parts:
        return _list()
    return _story() if len(parts) == 1 and parts[0].isdecimal() else None


def _list() -> html.Div:
    return html.Div(
        panel(
            "What was found",
            html.Div(
                [
                    _choice(CASES, "Cases", _CASES, "case", panels.UNSOLVED),
                    _choice(SEVERITIES, "Severities", _SEVERITIES, "severity", _SEVERITIES[0]["value"]),
                ],
                className="choices",
            ),
            part(
                "alerts",
                html.Div(loading(8), id="alerts-empty", className="instead"),
                grid("alerts-rows", panels.COLUMNS, "id", spoken="Alerts", sortable=False),
                html.Nav(id="alerts-pages", className="pager"),
            ),
            note=link("Rules", "/rules"),
        ),
        className="stack",
    )


def _story() -> html.Div:
    return html.Div(
        [
            part("alert", html.Div(loading(8), id="alert-facts", className="stack")),
            panel(
                "Case",
                changing(
                    dmc.Select(
                        id="case-state",
                        label="State",
                        data=[{"value": state.value, "label": panels.CASES[state]} for state in CaseState],
                        allowDeselect=False,
                        size="sm",
                    ),
                    dmc.TextInput(id="case-assignee", label="Who looks into it", size="sm"),
                    dmc.Textarea(id="case-note", label="Note", autosize=True, minRows=2, size="sm"),
                    html.Button("Save", id="case-save", type="button", className="primary"),
                    html.P(id="case-said", className="said", role="status"),
                    dcc.Store(id="case-seen"),
                    className="case",
                ),
                panel("History", html.Div(id="alert-history"), className="bare"),
            ),
        ],
        className="columns from-above",
    )


def _choice(name: str, spoken: str, options: list[dict[str, str]], parameter: str, default: str) -> dmc.Select:
    return dmc.Select(
        id=name,
        data=options,
        value=default,
        allowDeselect=False,
        size="xs",
        **labelled(spoken),
        **bound(parameter, default),
    )


def register(app: Dash, client: AsyncClient, _hub: Hub) -> None:
    """Read again when filters change and when there is news of alerts; save what people make of a case.

    The browser saves by itself (`assets/changes.js`), so that the API knows who it is, and may refuse.
    """
    for control in (CASES, SEVERITIES):
        bind(app, control)

    async def read_list(view: View) -> Listing[Alert]:
        case = view.own.get("case", panels.UNSOLVED)
        return await client.alerts(
            **cast("Any", view.filters.range.question()),
            chain=view.filters.chains or None,
            address=view.filters.senders + view.filters.receivers or None,
            case=None if case == "all" else case,
            severity=view.own.get("severity"),
            cursor=view.own.get("cursor"),
            limit=ON_A_PAGE,
        )

    async def read_story(view: View) -> AlertStory:
        return await client.alert(int(view.parts[0]))

    keep_shown(
        app,
        PATH,
        "alerts",
        [
            Output("alerts-rows", "rowData"),
            Output("alerts-empty", "children"),
            Output("alerts-pages", "children"),
        ],
        read_list,
        panels.listed,
        concerned=of_alerts,
    )
    keep_shown(
        app,
        PATH,
        "alert",
        [
            Output("alert-facts", "children"),
            Output("alert-history", "children"),
            Output("case-state", "value"),
            Output("case-assignee", "value"),
            Output("case-seen", "data"),
        ],
        read_story,
        panels.story,
        concerned=of_alerts,
    )
    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("changes", "saveCase"),
        Output("case-said", "children"),
        Output("case-note", "value"),
        Input("case-save", "n_clicks"),
        State("case-state", "value"),
        State("case-assignee", "value"),
        State("case-note", "value"),
        State("case-seen", "data"),
        prevent_initial_call=True,
    )


PAGE = Page(PATH, "Alerts", "alerts", layout, register)
