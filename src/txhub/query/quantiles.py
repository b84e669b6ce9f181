"""Quantiles of transactions' values, from histograms that add up over hours, chains and kinds."""

from __future__ import annotations

import asyncio
from typing import Any

import polars as pl
from sqlalchemy import BigInteger, ColumnElement, Select, Text, cast, func, literal_column, null, select

from txhub.contract import Bucket
from txhub.query.question import SeriesQuestion
from txhub.store import schema
from txhub.store.read import Reader

QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9, 0.99)
BINS_A_DECADE = 32
BIN_ERROR = 0.037
"""A bin's middle is within this fraction of every value in it: 10^(1/64) - 1."""
_FRAME: dict[str, pl.DataType] = {
    "time": pl.Datetime("us", "UTC"),
    "chain": pl.String(),
    "kind": pl.String(),
    "quantile": pl.Float64(),
    "value": pl.Float64(),
}


async def read_quantiles(reader: Reader, question: SeriesQuestion) -> tuple[pl.DataFrame, int]:
    """A row for every bucket of every line and quantile (time, chain, kind, quantile and value, whole coins), and how
    many rows of bins were read.

    Null where a bucket has no transactions.
    """
    rows = await reader.frame(_statement(question)) if question.chains else pl.DataFrame()
    rows_read = int(rows["rows"].sum()) if rows.height else 0
    return await asyncio.to_thread(_points, question, rows), rows_read


def _statement(question: SeriesQuestion) -> Select[Any]:
    """How many transactions each line and bucket has in each bin.

    Bins stay numbers: to raise a power for each row took three quarters of the time.
    """
    h = schema.value_hist_1h.c
    time: ColumnElement[Any] = h.bucket
    if question.bucket is not Bucket.H1:
        time = func.date_bin(question.width, h.bucket, literal_column("TIMESTAMPTZ '1970-01-01T00:00:00Z'"))
    chain = h.chain if question.by_chain else cast(null(), Text)
    kind = cast(h.kind, Text) if question.by_kind else cast(null(), Text)
    count = cast(func.sum(h.tx_count), BigInteger)
    statement = (
        select(
            time.label("time"),
            chain.label("chain"),
            kind.label("kind"),
            h.bin,
            h.decimals,
            count.label("count"),
            func.count().label("rows"),
        )
        .where(
            h.chain_id.in_([each.chain_id for each in question.chains]),
            h.bucket >= question.range.start,
            h.bucket < question.range.end,
        )
        .group_by(*(literal_column(str(position)) for position in range(1, 6)))
    )
    if question.kinds:
        statement = statement.where(h.kind.in_([cast(each.value, schema.TX_KIND) for each in question.kinds]))
    return statement


def _middle() -> pl.Expr:
    """The middle of a bin, in whole coins: what `txhub.bin_value` says in base units."""
    base_units = pl.when(pl.col("bin") < 0).then(0.0).otherwise(pl.lit(10.0).pow((pl.col("bin") + 0.5) / BINS_A_DECADE))
    return base_units / pl.lit(10.0).pow(pl.col("decimals"))


def _points(question: SeriesQuestion, rows: pl.DataFrame) -> pl.DataFrame:
    if rows.is_empty():
        return pl.DataFrame(schema=_FRAME)
    line = ["chain", "kind"]
    bins = (
        rows.with_columns(value=_middle())
        .sort("value")
        .with_columns(
            below=pl.col("count").cum_sum().over("time", *line), all=pl.col("count").sum().over("time", *line)
        )
    )
    found = pl.concat(
        bins.filter(pl.col("below") >= quantile * pl.col("all"))
        .group_by("time", *line)
        .agg(pl.col("value").min(), quantile=pl.lit(quantile))
        for quantile in QUANTILES
    )
    lines = found.select(*line, "quantile").unique()
    grid = lines.join(question.times.to_frame(), how="cross")
    values = grid.join(found, on=["time", *line, "quantile"], how="left", nulls_equal=True)
    return values.sort(*line, "quantile", "time").select(list(_FRAME))
