"""What the pages of alerts hold, made from what was read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any

from dash import html

from dashboards.details import facts, table
from dashboards.parts import address_link, age, empty, link, panel, transaction_link
from dashboards.quantities import NOT_KNOWN, coins, exact, moment
from dashboards.tables import MEDIUM, NARROW, WIDE, amount_column, column, identifier_column, pager, time_column
from dashboards.view import View
from dashboards.zone import short_name
from txhub.contract import Alert, AlertEntry, AlertParty, AlertStory, CaseState, ChainState
from txhub.contract import Page as Listing

CASES = {
    CaseState.OPEN: "Open",
    CaseState.ACKNOWLEDGED: "Acknowledged",
    CaseState.INVESTIGATING: "Investigating",
    CaseState.RESOLVED: "Resolved",
    CaseState.FALSE_ALARM: "False alarm",
}
UNSOLVED = ",".join((CaseState.OPEN, CaseState.ACKNOWLEDGED, CaseState.INVESTIGATING))
"""The states of cases that are to be worked on, as a question spells them."""
_CHAIN_STATES = {
    ChainState.PENDING: "its block is new",
    ChainState.CONFIRMED: "its block is confirmed, and may still be replaced",
    ChainState.FINALISED: "no reorg can replace its block",
    ChainState.RETRACTED: "its blocks were replaced, or corrected data no longer meet the rule",
}
COLUMNS = (
    column("severity", "Severity", width=104, cellRenderer="Badge", cellRendererParams={"since": "since"}),
    time_column(path="path", from_width=NARROW),
    column("title", "What", flex=6, minWidth=170, cellRenderer="Linked", cellRendererParams={"path": "path"}),
    column("chain", "Chain", width=110, from_width=NARROW),
    amount_column("value", "Value", flex=0.6, context={"fromWidth": MEDIUM}),
    identifier_column("subject", "About", from_width=WIDE + 150),
    column("state", "Chain says", width=112, from_width=WIDE),
    column("case", "Case", width=122, from_width=MEDIUM),
)


def listed(page: Listing[Alert], view: View, _now: datetime) -> tuple[Any, ...]:
    """Rows, what is said where there is none, and the links to other pages of the list."""
    rows = [row_of(alert, view.zone) for alert in page.items]
    nothing = None if rows else empty("Nothing was found in this range that is of these cases and severities.")
    return rows, nothing, pager("/alerts", view, page.next)


def row_of(alert: Alert, zone: tzinfo) -> dict[str, Any]:
    """An alert as a row of a table with `COLUMNS`."""
    retracted = alert.chain_state is ChainState.RETRACTED
    return {
        "id": str(alert.id),
        "path": f"/alerts/{alert.id}",
        "time": moment(alert.started_at, zone),
        "since": alert.started_at.isoformat(),
        "since_exact": f"{moment(alert.started_at, zone)} {short_name(zone, alert.started_at)}",
        "severity": alert.severity,
        "title": f"{alert.title}{' (retracted)' if retracted else ''}{' (test)' if alert.test else ''}",
        "chain": alert.chain or NOT_KNOWN,
        "value": coins(alert.value, alert.symbol or "") if alert.value else "",
        "value_exact": exact(alert.value, alert.symbol or "") if alert.value else "",
        "value_order": float(alert.value or 0),
        "subject": alert.subject,
        "subject_path": _subject_path(alert),
        "state": alert.chain_state,
        "case": CASES[alert.case_state],
    }


def _subject_path(alert: Alert) -> str:
    if alert.chain is None or alert.subject == alert.chain:
        return ""
    place = "transactions" if alert.subject == alert.hash else "addresses"
    return f"/{place}/{alert.chain}/{alert.subject}"


def story(read: AlertStory, view: View, _now: datetime) -> tuple[Any, ...]:
    """What was found, the history, and the state, the assignee and the version of the case."""
    alert = read.alert
    about = panel(
        alert.title,
        _facts(alert, view.zone),
        note=html.Span(alert.severity, className=f"badge {alert.severity}"),
    )
    known = {name: value for name, value in alert.details.items() if name != "samples"}
    details = panel("By what it was found", _details(known)) if known else None
    samples = alert.details.get("samples")
    transfers = panel("Transfers among it", _samples(alert, samples, view.zone)) if samples else None
    parties = panel("Who is part of it", _parties(alert)) if alert.parties else None
    seen = {"id": alert.id, "updated_at": alert.updated_at.isoformat()}
    shown = [each for each in (about, details, transfers, parties) if each is not None]
    return shown, _history(read.history, view.zone), alert.case_state, alert.assignee or "", seen


def _facts(alert: Alert, zone: tzinfo) -> html.Dl:
    worth = "" if alert.value_usd is None else f" = {exact(alert.value_usd, 'USD')} at the time"
    state, began = alert.chain_state, alert.started_at
    rows: list[tuple[str, Any]] = [
        ("Chain says", [html.Span(state, className=f"status {state}"), f" {_CHAIN_STATES[state]}"]),
        ("Since", [f"{moment(began, zone)} {short_name(zone, began)} ", age(began, zone)]),
        ("Rule", _rule(alert)),
        ("About", _subject(alert)),
    ]
    if alert.value is not None:
        rows.append(("Value", [html.Strong(exact(alert.value, alert.symbol or "")), worth]))
    if alert.chain and alert.hash and alert.hash != alert.subject:
        rows.append(("Transaction", transaction_link(alert.chain, alert.hash)))
    if alert.chain and alert.block_number is not None:
        rows.append(("Block", link(f"#{alert.block_number:,}", f"/blocks/{alert.chain}/{alert.block_number}")))
    told = "whoever is to be told" if alert.quiet is None else f"nobody at once: {alert.quiet}"
    rows.append(("Told", "nobody: the rule is being tried" if alert.test else told))
    rows.append(("Found", f"{moment(alert.created_at, zone)} {short_name(zone, alert.created_at)}"))
    return facts(rows)


def _rule(alert: Alert) -> list[Any]:
    name = link(alert.rule, f"/rules/{alert.rule}", className="within")
    return [name, f", version {alert.rule_version} ({alert.pattern})"]


def _subject(alert: Alert) -> Any:
    path = _subject_path(alert)
    return link(alert.subject, path) if path else alert.subject


def _details(details: Mapping[str, Any]) -> html.Dl:
    return facts((name.replace("_", " ").capitalize(), _said(value)) for name, value in details.items())


def _said(value: Any) -> Any:
    if isinstance(value, Mapping):
        return ", ".join(f"{name.replace('_', ' ')} {_said(said)}" for name, said in value.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        said = [html.Li(str(_said(each))) for each in value]
        return html.Ul(said, className="said-list") if said else "none"
    return "yes" if value is True else "no" if value is False else str(value)


def _samples(alert: Alert, samples: Sequence[Mapping[str, Any]], zone: tzinfo) -> html.Div:
    chain, names = alert.chain or "", {party.address: _name(party) for party in alert.parties}
    rows = [
        html.Tr(
            [
                html.Td(_time(each.get("time"), zone)),
                *(
                    html.Td(address_link(chain, each.get(side), name=names.get(each.get(side, ""))))
                    for side in ("from", "to")
                ),
                html.Td(exact(each["amount"], alert.symbol or "") if "amount" in each else "", className="right"),
                html.Td(transaction_link(chain, each["hash"]) if each.get("hash") else ""),
            ]
        )
        for each in samples
    ]
    return table(("Time", "From", "To", "Amount:", "Transaction"), rows, "Transfers")


def _time(text: str | None, zone: tzinfo) -> str:
    return "" if text is None else moment(datetime.fromisoformat(text), zone)


def _parties(alert: Alert) -> html.Div:
    rows = [
        html.Tr(
            [
                html.Td(party.role),
                html.Td(address_link(alert.chain or "", party.address, name=_name(party))),
                html.Td(", ".join(party.labels) or NOT_KNOWN),
            ]
        )
        for party in alert.parties
    ]
    return table(("Role", "Address", "Known as"), rows, "Parties")


def _name(party: AlertParty) -> str | None:
    return party.labels[0] if party.labels else None


def _history(entries: Sequence[AlertEntry], zone: tzinfo) -> html.Ol:
    lines = [
        html.Li(
            [
                html.Span(f"{moment(entry.time, zone)}", className="when"),
                html.Span(f"{entry.actor}: {_event(entry)}", className="what"),
            ]
        )
        for entry in reversed(entries)
    ]
    return html.Ol(lines, className="story")


def _event(entry: AlertEntry) -> str:
    said = _said(entry.details) if entry.details else ""
    return f"{entry.event.replace('_', ' ')}{', ' if said else ''}{said}"
