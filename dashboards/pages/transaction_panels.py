"""What the pages of transactions hold, made from what was read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, tzinfo
from typing import Any
from urllib.parse import urlencode

from dash import html

from dashboards.details import explorer_link, facts, names_of, number, of_all, party, table
from dashboards.parts import address_link, age, copy_button, empty, link, panel
from dashboards.quantities import KIND_NAMES, NOT_KNOWN, coins, exact, moment
from dashboards.tables import pager, transaction_row
from dashboards.view import View
from dashboards.zone import short_name
from txhub.contract import Coin, Source, Status, TokenTransfer, Transaction, TransactionDetail, TransactionPage

EXPORTS = {"csv": "CSV", "arrow": "Arrow", "parquet": "Parquet"}
STATUS = {
    Status.PROVISIONAL: ("provisional", "a reorg may still replace its block"),
    Status.FINAL: ("final", "deeper than any reorg that its chain allows"),
    Status.GONE: ("gone", "a reorg took it away, and it did not come back"),
}


def listed(page: TransactionPage, view: View, _now: datetime) -> tuple[Any, ...]:
    """Rows, what is said where there is none, the links to other pages of the list, and where rows are from."""
    rows = [
        transaction_row(each, view.zone)
        | {"outcome": outcome(each), "place": f"{each.chain} {each.block_number} {each.tx_index}"}
        for each in page.items
    ]
    nothing = None
    if not rows:
        more = " yet: the search goes on with the older ones" if page.next else ""
        nothing = empty(f"No transaction meets these filters{more}.")
    source = "partly from the archive" if Source.ARCHIVE in page.sources else ""
    return rows, nothing, pager("/transactions", view, page.next), [source, *_exports(view)]


def outcome(transaction: Transaction) -> str:
    """Whether a transaction succeeded, in a word."""
    return {True: "succeeded", False: "failed", None: NOT_KNOWN}[transaction.success]


def _exports(view: View) -> list[html.A]:
    """Links that save all that meets the filters."""
    asked = {name.rstrip("_"): value for name, value in view.filters.transactions_question().items() if value}
    block = {"block": view.own["block"]} if "block" in view.own else {}
    query = urlencode(
        {name: ",".join(said) if isinstance(said, tuple) else said for name, said in asked.items()} | block
    )
    return [
        html.A(words, href=f"/v1/transactions/export?{query}&format={form}", className="elsewhere")
        for form, words in EXPORTS.items()
    ]


def detail(read: TransactionDetail, zone: tzinfo) -> html.Div:
    """A transaction: what it did, who was part of it, its block, and what it moved besides."""
    names = names_of(read.labels)
    transaction = read.transaction
    panels: list[Any] = [
        panel(
            "Transaction",
            html.Div([html.Code(transaction.hash), copy_button(transaction.hash)], className="whole-hash"),
            _facts(read, names, zone),
            note=explorer_link(read.explorer),
        )
    ]
    if read.token_transfers:
        note = of_all(len(read.token_transfers), read.token_transfer_count)
        panels.append(
            panel("Token transfers", _token_transfers(transaction.chain, read.token_transfers, names), note=note)
        )
    if read.inputs or read.outputs:
        panels.append(
            html.Div(
                [
                    panel(
                        "Spends",
                        _coins(transaction, read.inputs, names),
                        note=of_all(len(read.inputs), read.input_count),
                    ),
                    panel(
                        "Makes",
                        _coins(transaction, read.outputs, names),
                        note=of_all(len(read.outputs), read.output_count),
                    ),
                ],
                className="columns even",
            )
        )
    return html.Div(panels, className="stack")


def _facts(read: TransactionDetail, names: Mapping[str, str], zone: tzinfo) -> html.Dl:
    transaction, block = read.transaction, read.block
    chain, symbol = transaction.chain, transaction.symbol
    status, meaning = STATUS[read.status]
    confirmed = f"{read.confirmations:,} confirmation{'' if read.confirmations == 1 else 's'}"
    worth = "" if transaction.value_usd is None else f" = {exact(transaction.value_usd, 'USD')} at the time"
    rows: list[tuple[str, Any]] = [
        ("Status", [html.Span(status, className=f"status {status}", title=meaning), f" {confirmed}"]),
        ("Outcome", html.Span(outcome(transaction), className=f"outcome {outcome(transaction)}")),
        (
            "Time",
            [
                f"{moment(transaction.block_time, zone)} {short_name(zone, transaction.block_time)} ",
                age(transaction.block_time, zone),
            ],
        ),
        ("Block", link(f"#{block.number:,}", f"/blocks/{chain}/{block.number}")),
        ("Kind", KIND_NAMES[transaction.kind]),
        ("From", party(chain, transaction.from_address, names)),
        ("To", party(chain, transaction.to_address, names)),
        ("Value", [html.Strong(exact(transaction.value, symbol)), worth]),
        ("Fee", exact(transaction.fee, symbol)),
        *_of_accounts(transaction),
        ("Position", f"{transaction.tx_index:,} of {block.tx_count:,} in its block"),
    ]
    if read.reorgs:
        rows.insert(1, ("Reorgs", f"{len(read.reorgs)} replaced a block that held it"))
    if read.source is Source.ARCHIVE:
        rows.append(("Read from", "the archive"))
    return facts(rows)


def _of_accounts(transaction: Transaction) -> list[tuple[str, Any]]:
    """What only transactions of accounts have: those of coins have neither gas nor a nonce."""
    if transaction.nonce is None:
        return []
    price = "not known" if transaction.gas_price is None else f"{transaction.gas_price:,} base units"
    return [
        ("Gas used", number(transaction.gas_used)),
        ("Gas price", price),
        ("Method", transaction.method_id or "none"),
        ("Input", f"{transaction.input_size:,} bytes"),
        ("Nonce", number(transaction.nonce)),
    ]


def _token_transfers(chain: str, transfers: Iterable[TokenTransfer], names: Mapping[str, str]) -> html.Div:
    rows = [
        html.Tr(
            [
                html.Td(_token(chain, each)),
                html.Td(_moved(each), className="number", title=f"{each.amount_base} base units"),
                html.Td(address_link(chain, each.from_address, name=names.get(each.from_address))),
                html.Td(address_link(chain, each.to_address, name=names.get(each.to_address))),
            ]
        )
        for each in transfers
    ]
    return table(("Token", "Amount", "From", "To"), rows, "Token transfers")


def _token(chain: str, transfer: TokenTransfer) -> Any:
    return address_link(chain, transfer.token_address, name=transfer.symbol)


def _moved(transfer: TokenTransfer) -> str:
    if transfer.token_id is not None:
        times = "" if transfer.standard == "erc721" else f"{transfer.amount_base} of "
        return f"{times}no. {transfer.token_id[:20]}{'…' if len(transfer.token_id) > 20 else ''}"
    return "decimals not known" if transfer.amount is None else coins(transfer.amount, transfer.symbol or "")


def _coins(transaction: Transaction, sides: Iterable[Coin], names: Mapping[str, str]) -> html.Div:
    rows = [
        html.Tr(
            [
                html.Td(f"{each.n}", className="number"),
                html.Td(
                    address_link(transaction.chain, each.address, name=names.get(each.address))
                    if each.address
                    else html.Span("no address", className="none", title=each.script)
                ),
                html.Td(exact(each.value, transaction.symbol), className="number right"),
            ]
        )
        for each in sides
    ]
    return table(("No.", "Address", "Amount:"), rows, "Outputs")
