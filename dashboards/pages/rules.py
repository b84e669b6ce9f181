"""Rules: what is looked for; and one of them, to be read, changed, tried on the past and ended."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import dash_mantine_components as dmc
from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html

from dashboards.live import Hub
from dashboards.page import Page, Parts
from dashboards.pages import rule_panels as panels
from dashboards.parts import changing, link, loading, panel
from dashboards.tables import grid
from dashboards.view import View, keep_shown, part
from dashboards.zone import ZONE, zone_of
from txhub.client import AsyncClient
from txhub.contract import Rule, RuleState, Severity

PATH = "/rules"
KNOWN, NEW = "rule", "new-rule"
"""With which the names of the controls begin: of a rule that there is, and of one that is to be."""
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,59}")
_EXAMPLE = """{
  "pattern": "amount",
  "amount": {"large": "1"},
  "cooldown": "6h"
}"""
_SPANS = {"-7d": "Last 7 days", "-30d": "Last 30 days", "-90d": "Last 90 days"}


def layout(parts: Parts) -> html.Div | None:
    """The list, the rule of a name, or the form of a new one."""
    if not parts:
        return _list()
    if parts == ("new",):
        return _new()
    return _known(parts[0]) if len(parts) == 1 and _NAME.fullmatch(parts[0]) else None


def _list() -> html.Div:
    return html.Div(
        panel(
            "What is looked for",
            part(
                "rules",
                html.Div(loading(8), id="rules-empty", className="instead"),
                grid("rules-rows", panels.COLUMNS, "name", spoken="Rules"),
            ),
            note=link("New rule", f"{PATH}/new"),
        ),
        className="stack",
    )


def _known(name: str) -> html.Div:
    buttons = [
        html.Button("Save", id="rule-save", type="button", className="primary"),
        html.Button("Delete", id="rule-delete", type="button", className="plain bordered"),
    ]
    stores = [dcc.Store(id=store) for store in ("rule-read", "rule-shown", "rule-saved")]
    about = part("rule", html.Div(loading(6), id="rule-facts"))
    return _columns(KNOWN, [about], panel(name, _form(KNOWN, buttons, None, None, ""), *stores))


def _new() -> html.Div:
    name = dmc.TextInput(id="new-rule-name", label="Name", description="Small letters, digits, - and _.", size="sm")
    buttons = [html.Button("Make the rule", id="new-rule-save", type="button", className="primary")]
    form = _form(NEW, buttons, RuleState.TEST, Severity.MEDIUM, _EXAMPLE, name)
    return _columns(NEW, [], panel("A new rule", form))


def _columns(prefix: str, about: list[Any], form: html.Section) -> html.Div:
    return html.Div(
        [html.Div([form, _past(prefix)], className="stack"), html.Div([*about, panels.meaning()], className="stack")],
        className="columns from-above",
    )


def _form(
    prefix: str, buttons: list[html.Button], state: str | None, severity: str | None, definition: str, *before: Any
) -> html.Fieldset:
    return changing(
        *before,
        html.Div(
            [
                _choice(f"{prefix}-state", "State", RuleState, state),
                _choice(f"{prefix}-severity", "Severity", Severity, severity),
            ],
            className="choices",
        ),
        dmc.Textarea(
            id=f"{prefix}-definition",
            label="Definition",
            value=definition,
            autosize=True,
            minRows=6,
            maxRows=30,
            size="sm",
            spellCheck=False,
            className="written",
        ),
        html.Div(buttons, className="choices"),
        html.P(id=f"{prefix}-said", className="said", role="status"),
        className="case",
    )


def _choice(name: str, label: str, words: Iterable[str], value: str | None) -> dmc.Select:
    options = [{"value": str(word), "label": word.capitalize()} for word in words]
    return dmc.Select(id=name, label=label, data=options, value=value, allowDeselect=False, size="sm")


def _past(prefix: str) -> html.Section:
    spans = [{"value": start, "label": words} for start, words in _SPANS.items()]
    span = dmc.Select(id=f"{prefix}-span", label="Range", data=spans, value="-7d", allowDeselect=False, size="sm")
    button = html.Button("Try", id=f"{prefix}-try", type="button", className="plain bordered foot")
    return panel(
        "Try on the past",
        changing(
            html.P(
                "How often the definition, as it is written above, would have been met. No alert is made.",
                className="empty",
            ),
            html.Div([span, button], className="choices"),
            html.P(id=f"{prefix}-tried", className="said", role="status"),
            html.Div(id=f"{prefix}-found"),
            dcc.Store(id=f"{prefix}-past"),
            className="case",
        ),
    )


def register(app: Dash, client: AsyncClient, _hub: Hub) -> None:
    """Read rules when a page of them is opened; make, change, end and try them.

    The browser does so by itself (`assets/rules.js`), so that the API knows who it is, and may refuse.
    """

    async def read_list(_view: View) -> list[Rule]:
        return await client.rules()

    async def read_one(view: View) -> Rule:
        return await client.rule(view.parts[0])

    keep_shown(
        app,
        PATH,
        "rules",
        [Output("rules-rows", "rowData"), Output("rules-empty", "children")],
        read_list,
        panels.listed,
    )
    keep_shown(
        app,
        PATH,
        "rule",
        [
            Output("rule-facts", "children"),
            Output("rule-read", "data"),
            Output("rule-save", "disabled"),
            Output("rule-delete", "disabled"),
        ],
        read_one,
        panels.one,
        again=Input("rule-saved", "data"),
    )
    fields = ("state", "severity", "definition")
    known, new = ([State(f"{prefix}-{field}", "value") for field in fields] for prefix in (KNOWN, NEW))
    _in_browser(
        app,
        "show",
        [*(Output(f"rule-{field}", "value") for field in fields), Output("rule-shown", "data")],
        Input("rule-read", "data"),
        State("rule-shown", "data"),
    )
    _in_browser(
        app,
        "save",
        [Output("rule-said", "children"), Output("rule-saved", "data")],
        Input("rule-save", "n_clicks"),
        State("rule-read", "data"),
        *known,
    )
    _in_browser(
        app,
        "end",
        [Output("rule-said", "children", allow_duplicate=True)],
        Input("rule-delete", "n_clicks"),
        State("rule-read", "data"),
    )
    _in_browser(
        app,
        "make",
        [Output("new-rule-said", "children")],
        Input("new-rule-save", "n_clicks"),
        State("new-rule-name", "value"),
        *new,
    )
    for prefix in (KNOWN, NEW):
        _in_browser(
            app,
            "tryOnThePast",
            [Output(f"{prefix}-tried", "children"), Output(f"{prefix}-past", "data")],
            Input(f"{prefix}-try", "n_clicks"),
            State(f"{prefix}-span", "value"),
            State(f"{prefix}-definition", "value"),
        )
        _tell_of_the_past(app, prefix)


def _in_browser(app: Dash, name: str, outputs: list[Output], *given: Input | State) -> None:
    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("rules", name), *outputs, *given, prevent_initial_call=True
    )


def _tell_of_the_past(app: Dash, prefix: str) -> None:
    @app.callback(
        Output(f"{prefix}-found", "children"),
        Input(f"{prefix}-past", "data"),
        Input(ZONE, "data"),
        prevent_initial_call=True,
    )
    def tell(answer: dict[str, Any] | None, zone: str | None) -> Any:
        return None if answer is None else panels.found(panels.backtest_of(answer), zone_of(zone))


PAGE = Page(PATH, "Rules", "alerts", layout, register, listed=False)
