"""A block: what it says of itself, what is in it, and the way to its neighbours."""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo
from typing import Any

from dash import Dash, Output, html

from dashboards.details import explorer_link, facts, number, table
from dashboards.filters import Between, Filters, to_query
from dashboards.live import Hub
from dashboards.page import Page, Parts
from dashboards.pages.transaction_panels import STATUS
from dashboards.parts import age, attributes, copy_button, link, loading, panel
from dashboards.quantities import KIND_NAMES, exact, moment, percent
from dashboards.view import View, any_block, keep_shown, part
from dashboards.zone import short_name
from txhub.client import AsyncClient
from txhub.contract import BlockDetail

PATH = "/blocks"


def layout(parts: Parts) -> html.Div | None:
    """The block that a chain and a number (or a hash) name; there is no list of all."""
    if len(parts) != 2:
        return None
    return html.Div(part("block", html.Div(loading(10), id="block-facts")), className="stack")


def register(app: Dash, client: AsyncClient, _hub: Hub) -> None:
    """Read again when the address names another block, and when there are new ones."""

    async def read(view: View) -> BlockDetail:
        chain, block = view.parts
        return await client.block(chain, int(block) if block.isdecimal() else block)

    def content(read: BlockDetail, view: View, _now: datetime) -> list[Any]:
        return [shown(read, view.zone)]

    keep_shown(app, PATH, "block", [Output("block-facts", "children")], read, content, concerned=any_block)


def shown(read: BlockDetail, zone: tzinfo) -> html.Div:
    """All that is known of a block."""
    header, chain = read.header, read.chain
    status, meaning = STATUS[read.status]
    kinds = [
        html.Tr([html.Td(KIND_NAMES[each.kind]), html.Td(f"{each.tx_count:,}", className="number right")])
        for each in read.kinds
    ]
    used = ""
    if header.gas_used is not None and header.gas_limit:
        used = f" ({percent(header.gas_used / header.gas_limit)} of the limit)"
    rows: list[tuple[str, Any]] = [
        ("Status", [html.Span(status, className=f"status {status}", title=meaning), f" {read.confirmations:,} deep"]),
        ("Time", [f"{moment(header.time, zone)} {short_name(zone, header.time)} ", age(header.time, zone)]),
        ("Hash", html.Span([html.Code(header.hash), copy_button(header.hash)], className="whole")),
        ("Parent", html.Code(header.parent_hash)),
        ("Transactions", _transactions(read)),
        ("Token transfers", f"{read.token_transfer_count:,}"),
        ("Failed", number(read.failed_count)),
        ("Moved in all", html.Strong(exact(read.value, read.symbol))),
        ("Largest value", exact(read.value_max, read.symbol)),
        ("Fees", exact(read.fees, read.symbol)),
        ("Gas used", number(header.gas_used) + used),
        ("Base fee", "none" if header.base_fee is None else f"{header.base_fee:,} base units"),
        ("Size", "not known" if header.size is None else f"{header.size:,} bytes"),
    ]
    return html.Div(
        [
            panel(
                f"{chain} #{header.number:,}",
                html.Nav([_step("Previous", chain, read.previous), _step("Next", chain, read.next)], className="pager"),
                facts(rows),
                note=explorer_link(read.explorer),
            ),
            panel("What its transactions do", table(("Kind", "Transactions:"), kinds, "Kinds")),
        ],
        className="columns from-above",
    )


def _transactions(read: BlockDetail) -> Any:
    dropped = f", {read.header.dropped_count:,} of them not kept" if read.header.dropped_count else ""
    said = f"{read.header.tx_count:,}{dropped}"
    if read.transactions is None:
        return said
    view = Filters(Between(read.header.time, read.header.time + timedelta(seconds=1)), chains=(read.chain,))
    return link(said, f"/transactions{to_query(view, {'block': str(read.header.number)})}")


def _step(text: str, chain: str, block: int | None) -> Any:
    if block is None:
        return html.Span(text, className="step", **attributes(aria_disabled="true"))
    return link(text, f"/blocks/{chain}/{block}", className="step")


PAGE = Page(PATH, "Block", "transactions", layout, register, listed=False)
