"""What a transaction weighs by the column, beside the information that is really in it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
import pyarrow.parquet as pq
from rich.table import Table

from txhub.cli.bench_figures import FILTERS
from txhub.cli.console import out
from txhub.rollup.states import read_hypertables
from txhub.store.edition import edition_of
from txhub.store.pool import Connection, Pool
from txhub.store.sqlfiles import queries

_SQL = queries("weight")
_BITS_A_DIGIT = 3.3219
_OF_THE_BLOCK = ("chain_id", "block_number", "block_time", "tx_index")
"""Known of a row from its place and the ledger."""
_FOLLOWS = ("fee",)
"""Known from other columns: gas times its price."""


class Stored(NamedTuple):
    """Bytes a row: by column, of indexes, and in all, with what belongs to none of these."""

    columns: Mapping[str, float]
    indexes: float
    whole: float


async def weigh(pool: Pool, parquet: Path) -> None:
    """Print what a row weighs as rows, in the columnstore, and in a Parquet file of the same rows, by column.

    Beside them is what a row says: see `information`.

    Args:
        parquet: the transactions of the first day.
    """
    frame = await asyncio.to_thread(pl.read_parquet, parquet)
    said = await asyncio.to_thread(information, frame)
    forms = {"rows": await _as_rows(pool), "columnstore": await _in_the_columnstore(pool), "Parquet": _in(parquet)}
    table = Table("bytes a transaction", *forms, "information", title="What a transaction weighs, by column")
    for name in frame.columns:
        sizes = _cells(forms, lambda each: each.columns[name])  # noqa: B023 (called at once)
        table.add_row(name, *sizes, f"{said[name]:.2f}")
    table.add_row("filters of the columnstore", *_cells(forms, lambda each: _filters(each, frame.columns)), "")
    table.add_row("indexes", *_cells(forms, lambda each: each.indexes), "")
    table.add_row("pages, headers and what else there is", *_cells(forms, _rest), "")
    table.add_row("in all", *_cells(forms, lambda each: each.whole), f"{sum(said.values()):.2f}")
    out.print(table)


async def weigh_beside(pool: Pool) -> None:
    """Print what is stored beside the transactions: of each block, each day of a chain and each transaction."""
    raw = sum(each.bytes for each in await read_hypertables(pool))
    held = await pool.fetchrow(_SQL["beside"], raw)
    table = Table("beside the transactions", "bytes", title="What else is stored")
    table.add_row("a block in the ledger", f"{held['ledger'] / held['blocks']:,.0f}")
    for name, what in (
        ("rollups", "rollups of a chain's day: minutes, hours, days, value bins"),
        ("lists", "lists of a chain's day: the busiest of each hour"),
        ("sketches", "sketches of a chain's day"),
    ):
        table.add_row(what, f"{held[name] / held['days']:,.0f}")
    table.add_row(FILTERS, f"{held['filters'] / held['transactions']:.2f}")
    out.print(table)


def _cells(forms: Mapping[str, Stored | None], figure: Callable[[Stored], float]) -> list[str]:
    return ["" if each is None else f"{figure(each):.2f}" for each in forms.values()]


def _filters(stored: Stored, columns: Sequence[str]) -> float:
    """Blooms, least and greatest values of batches."""
    return sum(size for name, size in stored.columns.items() if name not in columns)


def _rest(stored: Stored) -> float:
    return stored.whole - stored.indexes - sum(stored.columns.values())


def information(frame: pl.DataFrame) -> dict[str, float]:
    """Bytes that each column of transactions cannot do without, if nothing but itself helps to tell it.

    A code of two parts: which value a row has, by how often each comes (its entropy; all that come once are one of
    them), and each value spelled out once: bytes as they are, numbers by their digits without the zeros at their end.
    What follows from the row's place or from other columns is nothing.
    """
    return {
        name: 0.0 if name in _OF_THE_BLOCK or name in _FOLLOWS else _two_parts(frame[name]) for name in frame.columns
    }


def _two_parts(column: pl.Series) -> float:
    rows = column.len()
    counts = column.alias("value").to_frame().group_by("value").len()
    often = counts.filter(pl.col("len") > 1)["len"]
    shares = pl.Series([*often.to_list(), rows - int(often.sum())]).cast(pl.Float64)
    entropy = shares.filter(shares > 0).entropy(base=2) or 0.0
    values = counts["value"].drop_nulls()
    if values.dtype == pl.Binary:
        spelled = 8.0 * int(values.bin.size().sum())
    elif values.dtype.is_numeric():
        digits = values.cast(pl.Int128).cast(pl.String).str.strip_chars_end("0").str.len_chars()
        spelled = _BITS_A_DIGIT * int(digits.sum())
    else:
        spelled = 8.0 * int(values.cast(pl.String).str.len_bytes().sum())
    return float(entropy + spelled / rows) / 8


async def _as_rows(pool: Pool) -> Stored:
    """A copy of some hours, as a table of the database has them."""
    async with pool.acquire() as connection:
        await connection.execute(_SQL["as_rows"])
        try:
            await connection.execute(_SQL["fill"])
            [held] = await connection.fetch(_SQL["rows"])
            return await _weighed(connection, held)
        finally:
            await connection.execute(_SQL["end"])


async def _in_the_columnstore(pool: Pool) -> Stored | None:
    """The first chunk; None where there is no columnstore."""
    async with pool.acquire() as connection:
        statement = queries("weight", await edition_of(pool))["columnstore"]
        for held in await connection.fetch(statement):
            return await _weighed(connection, held)
    return None


async def _weighed(connection: Connection, held: Mapping[str, Any]) -> Stored:
    await connection.execute(_SQL["begin"])
    relation, rows = held["relation"], held["rows"]
    columns = await connection.fetch(_SQL["columns"], relation)
    [sizes] = await connection.fetch(_SQL["sizes"], relation)
    return Stored({name: size / rows for name, size in columns}, sizes["indexes"] / rows, sizes["whole"] / rows)


def _in(parquet: Path) -> Stored:
    """A Parquet file."""
    described = pq.read_metadata(parquet)
    columns = dict.fromkeys(described.schema.names, 0.0)
    for group in range(described.num_row_groups):
        for at in range(described.num_columns):
            column = described.row_group(group).column(at)
            columns[column.path_in_schema] += column.total_compressed_size / described.num_rows
    return Stored(columns, 0.0, parquet.stat().st_size / described.num_rows)
