"""Transactions: all that meet the filters, newest first; and one of them with everything that is known of it."""

from __future__ import annotations

from typing import Any, cast

from dash import Dash, Output, html

from dashboards.live import Hub
from dashboards.page import Page, Parts
from dashboards.pages import transaction_panels as panels
from dashboards.parts import loading, panel
from dashboards.tables import TRANSACTION_COLUMNS, WIDE, column, grid
from dashboards.view import View, any_block, keep_shown, part, touched
from txhub.client import AsyncClient
from txhub.contract import TransactionDetail, TransactionPage

PATH = "/transactions"
ON_A_PAGE = 100


def layout(parts: Parts) -> html.Div | None:
    """The list, or the transaction that a chain and a hash name."""
    if not parts:
        return _list()
    return _detail() if len(parts) == 2 else None


def _list() -> html.Div:
    return html.Div(
        panel(
            "Transactions",
            part(
                "transactions",
                html.Div(loading(12), id="transactions-empty", className="instead"),
                grid(
                    "transactions-rows",
                    [*TRANSACTION_COLUMNS, column("outcome", "Outcome", width=104, from_width=WIDE)],
                    "place",
                    spoken="Transactions",
                    sortable=False,
                ),
                html.Nav(id="transactions-pages", className="pager"),
            ),
            note=html.Span(id="transactions-note"),
        ),
        className="stack",
    )


def _detail() -> html.Div:
    return html.Div(part("transaction", html.Div(loading(10), id="transaction-facts")), className="stack")


def register(app: Dash, client: AsyncClient, _hub: Hub) -> None:
    """Read again when the filters or the page of the list change, and the newest page when news touch it."""

    async def read_list(view: View) -> TransactionPage:
        question = cast("Any", view.filters.transactions_question())
        block = view.own.get("block", "")
        return await client.transactions(
            **question,
            block=int(block) if block.isdecimal() else None,
            cursor=view.own.get("cursor"),
            limit=ON_A_PAGE,
        )

    async def read_detail(view: View) -> TransactionDetail:
        chain, tx_hash = view.parts
        return await client.transaction(chain, tx_hash)

    keep_shown(
        app,
        PATH,
        "transactions",
        [
            Output("transactions-rows", "rowData"),
            Output("transactions-empty", "children"),
            Output("transactions-pages", "children"),
            Output("transactions-note", "children"),
        ],
        read_list,
        panels.listed,
        concerned=touched,
    )
    keep_shown(
        app,
        PATH,
        "transaction",
        [Output("transaction-facts", "children")],
        read_detail,
        lambda read, view, _now: [panels.detail(read, view.zone)],
        concerned=any_block,
    )


PAGE = Page(PATH, "Transactions", "transactions", layout, register)
