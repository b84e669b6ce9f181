"""What the pages of addresses hold, made from what was read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, Any

from dash import html

from dashboards.details import explorer_link, facts, names_of, of_all, table, whole_hours
from dashboards.filters import Filters, to_query
from dashboards.pages.transaction_panels import outcome
from dashboards.parts import address_link, address_path, age, copy_button, empty, link, notice, panel
from dashboards.quantities import NOT_KNOWN, coins, count, exact, minute, moment
from dashboards.tables import (
    MEDIUM,
    NARROW,
    PHONE,
    TRANSACTION_COLUMNS,
    WIDE,
    amount_column,
    column,
    identifier_column,
    transaction_row,
)
from dashboards.view import View
from dashboards.zone import short_name
from txhub.contract import AddressProfile, Alert, Counterparty, Label, Party, Rank, Ranking, TokenMoved

if TYPE_CHECKING:
    from dashboards.pages.addresses import Profile

ALERTS, TOKENS = 8, 12
"""How many of an address its page shows."""
RANKS = {Rank.COUNT: "Most transactions", Rank.VALUE: "Most value", Rank.LARGEST: "Largest value"}
BUSIEST = (
    identifier_column("address", "Address", minWidth=112, flex=1.75),
    column("chain", "Chain", width=110, from_width=NARROW),
    column("count", "Number", width=74, type="rightAligned", tooltipField="count_exact"),
    amount_column("value", "Value", flex=1, minWidth=138, context={"fromWidth": PHONE}),
    amount_column("largest", "Largest", flex=1, context={"fromWidth": MEDIUM}),
)
TRANSACTIONS = (*TRANSACTION_COLUMNS, column("outcome", "Outcome", width=104, from_width=WIDE))


def busiest(found: list[tuple[Ranking[Party], Ranking[Party]]], view: View, _now: datetime) -> tuple[Any, ...]:
    """Rows of senders and of receivers, and over which hours they are counted."""
    rank = view.own.get("rank", Rank.COUNT)
    sides = [[row for ranking in side for row in _rows(ranking)] for side in zip(*found, strict=True)] or [[], []]
    if rank == Rank.COUNT:
        for rows in sides:
            rows.sort(key=lambda row: row["tx_count"], reverse=True)
    return sides[0], sides[1], whole_hours([ranking for pair in found for ranking in pair], view.zone)


def _rows(ranking: Ranking[Party]) -> list[dict[str, Any]]:
    names = names_of(ranking.labels)
    return [
        {
            "place": f"{each.chain} {each.address}",
            "chain": each.chain,
            "address": each.address,
            "address_path": address_path(each.chain, each.address),
            "address_name": names.get(each.address, ""),
            "tx_count": each.tx_count,
            "count": f"{each.tx_count:,}" + ("+" if each.count_bound else ""),
            "count_exact": _at_most(f"{each.tx_count:,}", each.count_bound and f"{each.count_bound:,}"),
            "value": coins(each.value, each.symbol),
            "value_exact": _at_most(
                exact(each.value, each.symbol), float(each.value_bound) and exact(each.value_bound)
            ),
            "value_order": float(each.value),
            "largest": coins(each.value_max, each.symbol),
            "largest_exact": exact(each.value_max, each.symbol),
            "largest_order": float(each.value_max),
        }
        for each in ranking.items
    ]


def _at_most(figure: str, missing: Any) -> str:
    return f"{figure}, and {missing} more at most" if missing else figure


def profile(read: Profile, view: View, _now: datetime) -> tuple[Any, ...]:
    """Everything about an address, its latest transactions, the way to all of them, and what watching it takes."""
    found = read.profile
    names = names_of(found.labels)
    own = [label for label in found.labels if label.address == found.address]
    around = link("draw them", f"/flows?around={found.chain}:{found.address}{_and(view.filters)}")
    said = of_all(len(found.counterparties), found.counterparty_count)
    about_it = panel(
        own[0].name if own else "Address",
        html.Div([html.Code(found.address), copy_button(found.address)], className="whole-hash"),
        _facts(found, own, view.zone),
        note=explorer_link(found.explorer),
    )
    left = [about_it, panel("With whom", _counterparties(found, names), note=[f"{said}, ", around])]
    right = [
        panel("Alerts", _alerts(read.alerts.items[:ALERTS], view.zone), note=_all_alerts(found, view.filters)),
        panel("Tokens", _tokens(found), note=of_all(min(len(found.tokens), TOKENS), found.token_count)),
    ]
    parts: list[Any] = [] if found.complete else [_cut_short(found, view.zone)]
    columns = [html.Div(each, className="stack") for each in (left, right)]
    parts.append(html.Div(columns, className="columns from-above"))
    rows = [
        transaction_row(each, view.zone) | {"outcome": outcome(each), "place": f"{each.block_number} {each.tx_index}"}
        for each in read.latest.items
    ]
    name = own[0].name if own else None
    about = {"address": found.address, "chain": found.chain, "name": name}
    return parts, rows, _all_of_it(found, view.filters), about


def _and(filters: Filters) -> str:
    query = to_query(filters).removeprefix("?")
    return f"&{query}" if query else ""


def _all_alerts(found: AddressProfile, filters: Filters) -> html.A:
    query = to_query(Filters(filters.range, chains=(found.chain,), senders=(found.address,)), {"case": "all"})
    return link("all of them", f"/alerts{query}")


def _all_of_it(found: AddressProfile, filters: Filters) -> list[Any]:
    """Links to all that it sent, and to all that it got."""
    sent = to_query(Filters(filters.range, chains=(found.chain,), senders=(found.address,)))
    got = to_query(Filters(filters.range, chains=(found.chain,), receivers=(found.address,)))
    return [link("all sent", f"/transactions{sent}"), " ", link("all received", f"/transactions{got}")]


def _cut_short(found: AddressProfile, zone: tzinfo) -> html.Div:
    said = (
        f"It did so much that figures reach back to {minute(found.start, zone)} only: {count(found.moves_read)} moves."
    )
    return notice("A busy address", said)


def _facts(found: AddressProfile, own: list[Label], zone: tzinfo) -> html.Dl:
    def seen(time: datetime | None) -> Any:
        return (
            "not in this range"
            if time is None
            else [f"{moment(time, zone)} {short_name(zone, time)} ", age(time, zone)]
        )

    known = [
        html.Li(f"{label.name}: {label.category}{f', {label.country}' if label.country else ''} ({label.source})")
        for label in own
    ]
    return facts(
        [
            ("Chain", found.chain),
            ("Known as", html.Ul(known, className="said-list") if known else "nobody that a list names"),
            ("First seen", seen(found.first_seen)),
            ("Last seen", seen(found.last_seen)),
            ("Transactions", f"{found.tx_count:,}: {found.sent_count:,} sent, {found.received_count:,} received"),
            ("Sent", html.Strong(exact(found.value_sent, found.symbol))),
            ("Received", html.Strong(exact(found.value_received, found.symbol))),
            ("Failed", f"{found.failed_count:,} of those it sent"),
            ("Fees paid", exact(found.fees, found.symbol)),
        ]
    )


def _alerts(alerts: Iterable[Alert], zone: tzinfo) -> Any:
    lines = [
        html.Li(
            [
                html.Span(moment(alert.started_at, zone), className="when"),
                html.Span(alert.severity, className=f"badge {alert.severity}"),
                " ",
                link(alert.title, f"/alerts/{alert.id}"),
            ]
        )
        for alert in alerts
    ]
    return html.Ol(lines, className="story") if lines else empty("None in this range.")


def _tokens(found: AddressProfile) -> Any:
    def moved(token: TokenMoved, amount: str | None, times: int) -> str:
        return f"{coins(amount) if amount else NOT_KNOWN} ({times:,})"

    rows = [
        html.Tr(
            [
                html.Td(address_link(found.chain, each.token_address, name=each.symbol)),
                html.Td(moved(each, each.amount_received, each.received_count), className="number right"),
                html.Td(moved(each, each.amount_sent, each.sent_count), className="number right"),
            ]
        )
        for each in found.tokens[:TOKENS]
    ]
    return table(("Token", "Received:", "Sent:"), rows, "Tokens") if rows else empty("No tokens in this range.")


def _counterparties(found: AddressProfile, names: Mapping[str, str]) -> Any:
    def line(each: Counterparty) -> html.Tr:
        return html.Tr(
            [
                html.Td(address_link(found.chain, each.address, name=names.get(each.address))),
                html.Td(f"{each.received_count:,}", className="number right"),
                html.Td(exact(each.value_received, found.symbol), className="number right"),
                html.Td(f"{each.sent_count:,}", className="number right"),
                html.Td(exact(each.value_sent, found.symbol), className="number right"),
            ]
        )

    titles = ("Address", "From it:", "Received:", "To it:", "Sent:")
    lines = [line(each) for each in found.counterparties]
    return table(titles, lines, "Counterparties") if lines else empty("Nobody in this range.")
