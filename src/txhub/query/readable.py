"""Rows as people read them: names of chains, hex text, whole coins. What is shown is made for the rows of a page only.

The same words serve rows of the database, of orphans, and of the archive, which are handed to the database for it.
"""

from __future__ import annotations

from typing import Any

import polars as pl
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    ColumnElement,
    DateTime,
    FromClause,
    Integer,
    Interval,
    LargeBinary,
    Numeric,
    Select,
    SmallInteger,
    Text,
    and_,
    case,
    cast,
    column,
    func,
    literal_column,
    select,
)
from sqlalchemy.sql.base import ReadOnlyColumnCollection
from sqlalchemy.types import TypeEngine

from txhub.query.criteria import PLACE
from txhub.store import schema

_PRICE_HOLDS = literal_column("INTERVAL '1 day'", Interval)
"""A price that is older than this at the time of a transaction says nothing of it: its value in USD is unknown."""
_Types = dict[str, TypeEngine[Any] | type[TypeEngine[Any]]]
_PLACE: _Types = {
    "chain_id": Integer,
    "block_number": BigInteger,
    "block_time": DateTime(timezone=True),
    "tx_index": Integer,
}
_RAW_TYPES: dict[str, _Types] = {
    "transactions": {
        **_PLACE,
        "hash": LargeBinary,
        "from_address": LargeBinary,
        "to_address": LargeBinary,
        "value": Numeric,
        "fee": Numeric,
        "gas_used": BigInteger,
        "gas_price": BigInteger,
        "tx_type": SmallInteger,
        "kind": schema.TX_KIND,
        "method_id": LargeBinary,
        "input_size": Integer,
        "nonce": BigInteger,
        "success": Boolean,
    },
    "token_transfers": {
        **_PLACE,
        "log_index": Integer,
        "token_address": LargeBinary,
        "standard": Text,
        "from_address": LargeBinary,
        "to_address": LargeBinary,
        "token_id": Numeric,
        "amount": Numeric,
    },
    "utxo_io": {
        **_PLACE,
        "side": Text,
        "n": Integer,
        "address": LargeBinary,
        "script": LargeBinary,
        "amount": Numeric,
    },
}
_HEX: ColumnElement[str] = literal_column("'hex'")


def given(found: pl.DataFrame, table: str) -> FromClause:
    """Rows of a table of the archive, handed to the database: it has the words for what they mean."""
    digits = pl.selectors.binary().bin.encode("hex")
    text = found.with_columns(digits.str.replace("^", r"\x"), pl.col("block_time").dt.strftime("%+"))
    columns: list[ColumnElement[Any]] = [column(name, type_) for name, type_ in _RAW_TYPES[table].items()]
    return (
        func.json_to_recordset(cast(cast(text.write_json(), Text), JSON))
        .table_valued(*columns, name="page")
        .render_derived(name="page", with_types=True)
    )


def transactions(page: FromClause, limit: int) -> Select[Any]:
    """Transactions, the newest first, with their `chain_id` before the fields of the contract."""
    p, c = page.c, schema.chains.c
    method = literal_column("'0x'", Text) + func.encode(p.method_id, _HEX, type_=Text)
    return (
        select(
            p.chain_id,
            c.name.label("chain"),
            p.block_number,
            p.block_time,
            p.tx_index,
            func.txhub.hash_text(p.hash, c.family).label("hash"),
            func.txhub.address_text(p.from_address, c.family).label("from_address"),
            func.txhub.address_text(p.to_address, c.family).label("to_address"),
            p.kind,
            func.txhub.to_native(p.value, c.decimals).label("value"),
            p.value.label("value_base"),
            _in_usd(p, c).label("value_usd"),
            func.txhub.to_native(p.fee, c.decimals).label("fee"),
            c.symbol,
            p.gas_used,
            p.gas_price,
            p.tx_type,
            method.label("method_id"),
            p.input_size,
            p.nonce,
            p.success,
        )
        .join_from(page, schema.chains, c.chain_id == p.chain_id)
        .order_by(*(p[name].desc() for name in PLACE))
        .limit(limit)
    )


def token_transfers(page: FromClause, limit: int) -> Select[Any]:
    """Transfers of tokens in order of their logs, with `total`, how many there are.

    Of an ERC-20 whose decimals are not known, the amount is null; of the others it counts pieces, unless they say that
    they have decimals.
    """
    p, c, k = page.c, schema.chains.c, schema.tokens.c
    pieces = case((cast(p.standard, Text) == literal_column("'erc20'"), None), else_=literal_column("0"))
    return (
        select(
            p.log_index,
            func.txhub.address_text(p.token_address, c.family).label("token_address"),
            k.symbol,
            k.decimals,
            cast(p.standard, Text).label("standard"),
            func.txhub.address_text(p.from_address, c.family).label("from_address"),
            func.txhub.address_text(p.to_address, c.family).label("to_address"),
            p.token_id,
            func.txhub.to_native(p.amount, func.coalesce(k.decimals, pieces)).label("amount"),
            p.amount.label("amount_base"),
            func.count().over().label("total"),
        )
        .join_from(page, schema.chains, c.chain_id == p.chain_id)
        .outerjoin(schema.tokens, and_(k.chain_id == p.chain_id, k.address == p.token_address))
        .order_by(p.log_index, p.token_id, p.to_address)
        .limit(limit)
    )


def coin_moves(page: FromClause, side: str, limit: int) -> Select[Any]:
    """What a transaction of a Bitcoin-like chain spends (`in`) or makes (`out`), in order, with their `total`."""
    p, c = page.c, schema.chains.c
    return (
        select(
            p.n,
            func.txhub.address_text(p.address, c.family).label("address"),
            func.txhub.to_native(p.amount, c.decimals).label("value"),
            p.amount.label("value_base"),
            func.encode(p.script, _HEX, type_=Text).label("script"),
            func.count().over().label("total"),
        )
        .join_from(page, schema.chains, c.chain_id == p.chain_id)
        .where(cast(p.side, Text) == side)
        .order_by(p.n)
        .limit(limit)
    )


def _in_usd(p: ReadOnlyColumnCollection[str, Any], c: ReadOnlyColumnCollection[str, Any]) -> ColumnElement[Any]:
    """US dollars to the cent: exact but for the last step, and null where no price is fresh."""
    price = func.txhub.price(c.symbol, p.block_time, _PRICE_HOLDS)
    return func.round(func.txhub.to_native(p.value, c.decimals) * price, literal_column("2"))
