"""Tables: one look, one set of options, and the columns that many of them have."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, tzinfo
from typing import Any

import dash_ag_grid as dag
from dash import html

from dashboards.filters import to_query
from dashboards.parts import address_path, labelled, link, transaction_path
from dashboards.quantities import KIND_NAMES, coins, exact, moment
from dashboards.view import View
from txhub.contract import Transaction

Column = dict[str, Any]

OPTIONS: dict[str, Any] = {
    "theme": {
        "function": (
            "themeQuartz.withParams({backgroundColor: 'transparent', foregroundColor: 'var(--ink)', "
            "headerBackgroundColor: 'transparent', headerTextColor: 'var(--faint)', borderColor: 'var(--line)', "
            "rowHoverColor: 'var(--hover)', wrapperBorder: false, headerFontSize: 12, fontSize: 13, "
            "fontFamily: 'inherit', spacing: 6, headerColumnBorder: false, "
            "headerColumnResizeHandleColor: 'transparent'})"
        )
    },
    "domLayout": "autoHeight",
    "rowHeight": 38,
    "headerHeight": 34,
    "suppressCellFocus": False,
    "tooltipShowDelay": 300,
    "suppressNoRowsOverlay": True,
    "enableCellTextSelection": True,
    "ensureDomOrder": True,
}
PAGED: dict[str, Any] = {"pagination": True, "paginationPageSize": 25, "paginationPageSizeSelector": False}
"""What a grid is told that shows its rows page by page."""
PHONE, NARROW, MEDIUM, WIDE = 300, 560, 800, 1150
"""Pixels of a grid below which columns `from_width` them are left out; and where there is no room for all, the last of
these first (`assets/dashAgGridFunctions.js`)."""


def grid(
    name: str, columns: Sequence[Column], row_id: str, *, spoken: str, sortable: bool = True, **options: Any
) -> html.Div:
    """A table, empty until its `rowData` is filled.

    Args:
        name: its id.
        columns: as `column` and the others make them.
        row_id: the field that tells its rows apart.
        spoken: what it is called by those who hear the page.
        sortable: whether a click on a column's title sorts by it.
        options: ag-grid's own, beside `OPTIONS`.
    """
    table = dag.AgGrid(
        id=name,
        columnDefs=list(columns),
        rowData=[],
        getRowId=f"params.data.{row_id}",
        dashGridOptions={**OPTIONS, **options},
        defaultColDef={"sortable": sortable, "suppressMovable": True, "resizable": True},
        eventListeners={"gridSizeChanged": ["fitColumns(params)"]},
        style={"height": None},
        className="grid",
    )
    return html.Div(table, className="table", role="region", **labelled(spoken))


def pager(path: str, view: View, older: str | None) -> list[html.A]:
    """Links from a page of a long list to the newest one and to the next `older` one, where there are these.

    The URL tells by `cursor` which page it is.
    """
    kept = {name: value for name, value in view.own.items() if name != "cursor"}
    links = []
    if "cursor" in view.own:
        links.append(link("Newest", f"{path}{to_query(view.filters, kept) or '?'}", className="step"))
    if older:
        links.append(link("Older", f"{path}{to_query(view.filters, kept | {'cursor': older})}", className="step"))
    return links


def column(field: str, title: str, *, from_width: int = 0, **options: Any) -> Column:
    """A column of text; it is left out where the table is narrower than `from_width`."""
    return {"field": field, "headerName": title, "context": {"fromWidth": from_width}, **options}


def amount_column(field: str, title: str, **options: Any) -> Column:
    """A column of amounts: `field` as people read it, all digits of `field`_exact on hover, sorted by `field`_order."""
    return column(
        f"{field}_order",
        title,
        type="rightAligned",
        cellClass="ag-right-aligned-cell number strong",
        valueFormatter={"function": f"params.data.{field}"},
        tooltipField=f"{field}_exact",
        **{"minWidth": 160, **options},
    )


def time_column(title: str = "Time", path: str | None = None, **options: Any) -> Column:
    """The column `time`, as `moment` spells it; it leads to what the field `path` of its row says, if one is named."""
    linked = {} if path is None else {"cellRenderer": "Linked", "cellRendererParams": {"path": path}}
    return column("time", title, **{"width": 164, "minWidth": 164, "cellClass": "number", **linked, **options})


def identifier_column(field: str, title: str, **options: Any) -> Column:
    """A column of hashes or addresses: their ends, a link where the row has `field`_path, and copied by a button."""
    return column(field, title, cellRenderer="Identifier", sortable=False, **{"minWidth": 146, "flex": 1, **options})


TRANSACTION_COLUMNS = (
    time_column(path="hash_path"),
    column("chain", "Chain", width=104, from_width=NARROW),
    amount_column("value", "Value", flex=1.3),
    column("kind", "Kind", width=134, from_width=MEDIUM),
    identifier_column("from", "From", from_width=NARROW),
    identifier_column("to", "To", from_width=MEDIUM),
    identifier_column("hash", "Transaction", from_width=NARROW),
)


def transaction_row(transaction: Transaction, zone: tzinfo = UTC) -> dict[str, Any]:
    """A transaction as a row of a table with `TRANSACTION_COLUMNS`."""
    chain, sender, receiver = transaction.chain, transaction.from_address, transaction.to_address
    return {
        "time": moment(transaction.block_time, zone),
        "chain": chain,
        "value": coins(transaction.value, transaction.symbol),
        "value_exact": exact(transaction.value, transaction.symbol),
        "value_order": float(transaction.value),
        "kind": KIND_NAMES[transaction.kind],
        "from": sender or "",
        "from_path": address_path(chain, sender) if sender else "",
        "to": receiver or "",
        "to_path": address_path(chain, receiver) if receiver else "",
        "hash": transaction.hash,
        "hash_path": transaction_path(chain, transaction.hash),
    }
