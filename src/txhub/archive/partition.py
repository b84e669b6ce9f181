"""Partitions: a UTC day of one table of one chain each, and how its rows stand in Parquet.

Types are those that Spark, DuckDB and Polars read alike: bytes as binary, times as UTC microseconds. Amounts of a
chain's coin are decimal(38,0), whose sums those tools compute; where one has more digits, which no coin's supply has,
these columns of that file are text. Amounts and ids of tokens fill 256 bits, so they are always text: exact digits.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Literal, NamedTuple
from urllib.parse import quote

import pyarrow as pa

Table = Literal["transactions", "token_transfers", "utxo_io", "blocks"]
RAW: tuple[Table, ...] = ("transactions", "token_transfers", "utxo_io")
"""The tables whose rows retention drops."""
TABLES: tuple[Table, ...] = (*RAW, "blocks")
ROW_GROUP = 100_000
DIGITS = 38

_TIME = pa.timestamp("us", tz="UTC")
_COIN = pa.decimal128(DIGITS, 0)
_PLACE = [("chain_id", pa.int32()), ("block_number", pa.int64()), ("block_time", _TIME), ("tx_index", pa.int32())]
_SCHEMAS: dict[Table, pa.Schema] = {
    "transactions": pa.schema(
        [
            *_PLACE,
            ("hash", pa.binary()),
            ("from_address", pa.binary()),
            ("to_address", pa.binary()),
            ("value", _COIN),
            ("fee", _COIN),
            ("gas_used", pa.int64()),
            ("gas_price", pa.int64()),
            ("tx_type", pa.int16()),
            ("kind", pa.string()),
            ("method_id", pa.binary()),
            ("input_size", pa.int32()),
            ("nonce", pa.int64()),
            ("success", pa.bool_()),
        ]
    ),
    "token_transfers": pa.schema(
        [
            *_PLACE,
            ("log_index", pa.int32()),
            ("token_address", pa.binary()),
            ("standard", pa.string()),
            ("from_address", pa.binary()),
            ("to_address", pa.binary()),
            ("token_id", pa.string()),
            ("amount", pa.string()),
        ]
    ),
    "utxo_io": pa.schema(
        [
            *_PLACE,
            ("side", pa.string()),
            ("n", pa.int32()),
            ("address", pa.binary()),
            ("script", pa.binary()),
            ("amount", _COIN),
        ]
    ),
    "blocks": pa.schema(
        [
            ("chain_id", pa.int32()),
            ("number", pa.int64()),
            ("hash", pa.binary()),
            ("parent_hash", pa.binary()),
            ("time", _TIME),
            ("tx_count", pa.int32()),
            ("dropped_count", pa.int32()),
            ("gas_used", pa.int64()),
            ("gas_limit", pa.int64()),
            ("base_fee", pa.int64()),
            ("size", pa.int32()),
            ("committed_at", _TIME),
        ]
    ),
}
NUMERIC = {"value", "fee", "amount", "token_id"}
"""Columns that the database holds as numeric."""
SUMMED: dict[Table, tuple[str, str | None]] = {
    "transactions": ("value", "fee"),
    "token_transfers": ("amount", None),
    "utxo_io": ("amount", None),
    "blocks": ("tx_count", None),
}
"""What value_sum and fee_sum of the manifest add up."""


class Totals(NamedTuple):
    """What is counted of a partition, by the database and by whoever reads its file. Sums are exact, base units."""

    rows: int
    value_sum: Decimal
    fee_sum: Decimal
    first_block: int | None
    last_block: int | None


class Partition(NamedTuple):
    """A UTC day of one table of one chain."""

    chain_id: int
    chain: str
    table: Table
    day: date

    @property
    def path(self) -> str:
        """The name of its file below the archive's address, in Hive's layout."""
        return f"table={self.table}/chain={quote(self.chain, safe='')}/day={self.day.isoformat()}/part-0.parquet"


def schema_of(table: Table, *, wide: bool) -> pa.Schema:
    """The columns of a table's file; in a `wide` one all amounts are text."""
    schema = _SCHEMAS[table]
    if not wide:
        return schema
    return pa.schema([(field.name, pa.string() if field.type == _COIN else field.type) for field in schema])


def number_column(table: Table) -> str:
    """The column that holds the number of a row's block."""
    return "number" if table == "blocks" else "block_number"


def start_of(day: date) -> datetime:
    """The first moment of a day."""
    return datetime.combine(day, time(), UTC)


def end_of(day: date) -> datetime:
    """The first moment after a day."""
    return start_of(day) + timedelta(days=1)
