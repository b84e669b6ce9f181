"""Reads what only the archive has: lazily, so that no more of a file is read than a question needs."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

import polars as pl

from txhub.store.place import Place
from txhub.store.read import Reader
from txhub.store.sqlfiles import queries

_SQL = queries("coldread")


class File(NamedTuple):
    """A file of the archive; the amounts in a `wide` one are text."""

    path: str
    wide: bool


def scan_files(place: Place, files: Iterable[File]) -> pl.LazyFrame | None:
    """The rows of files of one table, with its columns; None where there are no files.

    Where a file is wide, amounts are text in all of them. Files from elsewhere are fetched first.
    """
    sorted_files = sorted(files, key=lambda file: file.wide)
    if not sorted_files:
        return None
    wide = sorted_files[-1].wide
    parts = [
        pl.scan_parquet(place.local(paths), hive_partitioning=False)
        for some in (False, True)
        if (paths := [file.path for file in sorted_files if file.wide is some])
    ]
    if wide:
        parts = [part.with_columns(pl.selectors.decimal().cast(pl.String)) for part in parts]
    return pl.concat(parts)


async def scan_transactions(
    reader: Reader,
    place: Place,
    *,
    chain: str,
    start: datetime,
    end: datetime,
    hashes: Collection[bytes] = (),
    senders: Collection[bytes] = (),
    recipients: Collection[bytes] = (),
    parties: Collection[bytes] = (),
) -> pl.LazyFrame | None:
    """The transactions of a chain from `start` up to `end` whose raw rows were dropped; None where there are none.

    The columns, their order and their types are those of a page of `query/transactions.py`, but for value_usd, which
    prices tell. Each filter that is given has to be met; several values of one are alternatives.

    Args:
        reader: of the manifest.
        place: where the archive is.
        chain: a chain's name.
        start: the first moment.
        end: the moment after the last.
        hashes: of transactions, as stored.
        senders: addresses, as stored.
        recipients: addresses, as stored.
        parties: senders or recipients.

    Raises:
        DatabaseUnavailable, DatabaseRefused: the manifest cannot be read.
        ArchiveUnavailable: files that are elsewhere cannot be fetched.
    """
    known = await reader.frame(_SQL["dropped_transactions"], chain, start, end)
    files = [File(row["path"], row["wide"]) for row in known.iter_rows(named=True)]
    raw = await asyncio.to_thread(scan_files, place, files)
    if raw is None:
        return None
    conditions = [pl.col("block_time").is_between(start, end, closed="left")]
    for columns, values in (
        (("hash",), hashes),
        (("from_address",), senders),
        (("to_address",), recipients),
        (("from_address", "to_address"), parties),
    ):
        if values:
            conditions.append(pl.any_horizontal(pl.col(column).is_in(list(values)) for column in columns))
    [about] = known.select("chain", "family", "symbol", "decimals").unique().iter_rows(named=True)
    return raw.filter(*conditions).select(_page(**about))


def _page(chain: str, family: str, symbol: str, decimals: int) -> Sequence[pl.Expr]:
    evm = family == "evm"
    hex_of = {name: pl.lit("0x") + pl.col(name).bin.encode("hex") for name in ("hash", "method_id")}
    written = {
        name: pl.lit("0x") + pl.col(name).bin.encode("hex") if evm else pl.col(name).cast(pl.String)
        for name in ("from_address", "to_address")
    }
    return [
        pl.col("chain_id"),
        pl.lit(chain).alias("chain"),
        pl.col("block_number", "block_time", "tx_index"),
        (hex_of["hash"] if evm else pl.col("hash").bin.encode("hex")).alias("hash"),
        *(text.alias(name) for name, text in written.items()),
        pl.col("kind"),
        _coins("value", decimals).alias("value"),
        pl.col("value").cast(pl.String).alias("value_base"),
        _coins("fee", decimals).alias("fee"),
        pl.lit(symbol).alias("symbol"),
        pl.col("gas_used", "gas_price", "tx_type"),
        hex_of["method_id"].alias("method_id"),
        pl.col("input_size", "nonce", "success"),
    ]


def _coins(column: str, decimals: int) -> pl.Expr:
    """Base units as whole coins: the point is put into the digits, so nothing is rounded."""
    digits = pl.col(column).cast(pl.String).str.zfill(decimals + 1)
    whole = digits.str.head(-decimals) if decimals else digits
    fraction = digits.str.tail(decimals).str.strip_chars_end("0")
    return pl.when(fraction == "").then(whole).otherwise(whole + "." + fraction)
