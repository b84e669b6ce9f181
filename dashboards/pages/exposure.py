"""Exposure: which transactions have to do with watched addresses, directly or by one address between."""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import Any, cast
from urllib.parse import urlencode

from dash import Dash, Output, html

from dashboards.details import table
from dashboards.figures.exposure import by_day
from dashboards.live import Hub
from dashboards.page import Page, Parts
from dashboards.parts import address_path, empty, graph, loading, panel, transaction_path
from dashboards.quantities import coins, count, exact, minute, moment, shortened
from dashboards.tables import MEDIUM, NARROW, PAGED, column, grid, identifier_column, time_column
from dashboards.view import View, keep_shown, of_alerts, part
from txhub.client import AsyncClient
from txhub.contract import Exposure, ExposureReport

PATH = "/exposure"
LISTED = 500
COLUMNS = (
    time_column(path="hash_path"),
    column("who", "Watched", flex=1, minWidth=150, cellRenderer="Linked", cellRendererParams={"path": "who_path"}),
    column("how", "How", width=128, from_width=NARROW),
    column("amount", "Amount", width=150, type="rightAligned", tooltipField="amount_exact", from_width=NARROW),
    column("usd", "USD then", width=130, type="rightAligned", from_width=MEDIUM),
    column("listed", "Listed", width=132, from_width=MEDIUM, tooltipField="lists"),
    identifier_column("via", "By", from_width=MEDIUM),
    identifier_column("hash", "Transaction", from_width=MEDIUM),
)


def layout(parts: Parts) -> html.Div | None:
    """The page before anything is read."""
    if parts:
        return None
    return html.Div(
        part(
            "exposure",
            html.Div(html.Section(loading(2), className="panel"), id="exposure-figures", className="cards"),
            html.Div(
                [
                    panel("Exposed transactions a day", graph("exposure-days")),
                    panel("By list", html.Div(loading(4), id="exposure-lists")),
                ],
                className="columns from-above",
            ),
            panel(
                "Transactions",
                html.Div(id="exposure-empty", className="instead"),
                grid("exposure-rows", COLUMNS, "place", spoken="Exposed transactions", sortable=False, **PAGED),
                note=html.Span(id="exposure-note"),
            ),
            html.Div(id="exposure-limits"),
        ),
        className="stack",
    )


def register(app: Dash, client: AsyncClient, _hub: Hub) -> None:
    """Read again when the filters change, and when there is news of alerts: screening raises them."""

    async def read(view: View) -> ExposureReport:
        span = cast("Any", view.filters.range.question())
        return await client.exposure(**span, chain=view.filters.chains or None, limit=LISTED)

    keep_shown(
        app,
        PATH,
        "exposure",
        [
            Output("exposure-figures", "children"),
            Output("exposure-days", "figure"),
            Output("exposure-days-box", "aria-label"),
            Output("exposure-lists", "children"),
            Output("exposure-rows", "rowData"),
            Output("exposure-empty", "children"),
            Output("exposure-note", "children"),
            Output("exposure-limits", "children"),
        ],
        read,
        shown,
        concerned=of_alerts,
    )


def shown(read: ExposureReport, view: View, _now: datetime) -> tuple[Any, ...]:
    """Everything of a report that is not for print."""
    total = read.total
    cards = [
        _card("Exposed transactions", count(total.transactions), f"{total.direct:,} direct, {total.indirect:,} by one"),
        _card("Watched addresses met", count(total.addresses), f"of {sum(each.addresses for each in read.lists):,}"),
        _card("Moved in them", f"{count(float(total.value_usd))} USD", f"{total.unpriced:,} without a known price"),
    ]
    spoken = f"Exposed transactions a day: {total.transactions:,} in all"
    rows = [_row(each, view.zone) for each in read.items]
    nothing = None if rows else empty(_nothing(read))
    return cards, by_day(read.by_day), spoken, _lists(read), rows, nothing, _print(read, view), _limits(read)


def _card(title: str, figure: str, beside: str) -> html.Section:
    said = [html.Div(figure, className="value"), html.Div(beside, className="beside-value")]
    return panel(title, html.Div(said, className="single"))


def _nothing(read: ExposureReport) -> str:
    if not read.lists:
        return "Nobody is watched yet: import a list with `txhub watchlist import`, or watch an address on its page."
    return "No transaction of this range has to do with a watched address."


def _row(each: Exposure, zone: tzinfo) -> dict[str, Any]:
    amount = each.amount if each.amount is not None else each.amount_base
    unit = each.symbol or ("" if each.amount is not None else "base units")
    listed = "then and now" if each.listed_then and each.listed_now else "now" if each.listed_now else "no more"
    return {
        "place": f"{each.hash} {each.address} {each.direction} {each.hops} {each.via} {each.token_address} {amount}",
        "time": moment(each.block_time, zone),
        "hash": each.hash,
        "hash_path": transaction_path(each.chain, each.hash),
        "who": each.name,
        "who_path": address_path(each.chain, each.address),
        "how": f"{'received' if each.direction == 'in' else 'sent'}{'' if not each.hops else ', by one'}",
        "amount": coins(amount, unit),
        "amount_exact": exact(amount, unit),
        "usd": "" if each.value_usd is None else exact(each.value_usd),
        "listed": listed,
        "lists": f"then: {each.listed_then or 'no list'}; now: {each.listed_now or each.reason or 'no list'}",
        "via": each.via or "",
        "via_path": address_path(each.chain, each.via) if each.via else "",
    }


def _lists(read: ExposureReport) -> Any:
    found = {each.key: each.transactions for each in read.by_list}
    rows = [
        html.Tr(
            [
                html.Td(
                    [each.source, html.Div(shortened(each.list_version), className="below")], title=each.list_version
                ),
                html.Td(f"{each.addresses:,}", className="number right"),
                html.Td(f"{found.get(each.source, 0):,}", className="number right"),
            ]
        )
        for each in read.lists
    ]
    return table(("List", "Addresses:", "Exposed:"), rows, "Lists") if rows else empty(_nothing(read))


def _print(read: ExposureReport, view: View) -> list[Any]:
    """How many are listed, and the report to print or to keep."""
    question: dict[str, str] = {"start": read.start.isoformat(), "end": read.end.isoformat()}
    if view.filters.chains:
        question["chain"] = ",".join(view.filters.chains)
    left = f"{read.left_out:,} more are counted" if read.left_out else ""
    links = [
        html.A(words, href=f"/v1/reports/exposure?{urlencode(question | {'format': form})}", className="elsewhere")
        for form, words in (("html", "Report to print"), ("csv", "CSV"), ("parquet", "Parquet"))
    ]
    return [left, *links]


def _limits(read: ExposureReport) -> Any:
    if not read.limits:
        return None
    heading = f"{minute(read.start)} to {minute(read.end)} UTC. What this cannot say:"
    return html.Div([html.P(heading), html.Ul([html.Li(each) for each in read.limits])], className="hint")


PAGE = Page(PATH, "Exposure", "exposure", layout, register)
