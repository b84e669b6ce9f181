"""Reads the archive's files again and compares them with the manifest, and with the database while it has the rows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from datetime import date
from decimal import Decimal
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from txhub.archive import manifest
from txhub.archive.export import ChainDay, read_ledger
from txhub.archive.manifest import Entry
from txhub.archive.partition import SUMMED, Partition, Table, Totals, end_of, number_column, schema_of, start_of
from txhub.store.faults import translated
from txhub.store.place import Place
from txhub.store.pool import Connection, Pool
from txhub.store.sqlfiles import queries

_SQL = queries("archive")
_ROOM = pa.decimal256(76, 0)
"""Room for the sum of any number of decimals of 38 digits."""


class Verdict(NamedTuple):
    """An entry of the manifest, and what is wrong with it; None: the file is what it should be."""

    entry: Entry
    fault: str | None


async def verify(
    pool: Pool, place: Place, *, first: date | None = None, last: date | None = None, again: bool = True
) -> AsyncGenerator[Verdict]:
    """Verify the partitions of the days from `first` to `last`, both included (None: no bound).

    The file's SHA-256, size, columns, rows, sums and block numbers have to be the manifest's; where the database has
    the raw rows, those of the database too. Only then does the manifest say verified. A day with a file that is not
    what was written is forgotten while the database has its rows, so that the next export writes it anew.

    Args:
        pool: needs two connections.
        place: where the archive is.
        first: the first day.
        last: the last day.
        again: also those that were verified before.

    Raises:
        ArchiveUnavailable: the place cannot be read.
    """
    async with manifest.archive_turn(pool):
        for entry in await manifest.read_entries(pool, first, last):
            if again or entry.verified_at is None:
                fault = await asyncio.to_thread(fault_of_file, place, entry)
                if fault:
                    await manifest.forget(pool, entry.chain_id, entry.day)
                else:
                    fault = await _fault_of_rows(pool, entry)
                    await manifest.record_verified(pool, entry, fault is None)
                yield Verdict(entry, fault)


def fault_of_file(place: Place, entry: Entry) -> str | None:
    """What is wrong with a file, compared with its entry; it is read from end to end."""
    if entry.path is None:
        return None
    found = place.fingerprint(entry.path)
    if found is None:
        return "the file is not there"
    if found != (entry.size, entry.sha256):
        return f"the file is another than was written: {found.size:,} bytes, SHA-256 {found.sha256.hex()}"
    with place.open(entry.path) as file, pq.ParquetFile(file) as parquet:
        if not parquet.schema_arrow.equals(schema_of(entry.table, wide=entry.wide)):
            return "its columns are not those of the table"
        counted = _count(parquet, entry.table)
    return _difference("the file", counted, "the manifest", entry.totals)


async def count_rows(connection: Connection | Pool, partition: Partition) -> Totals:
    """What the database counts of a partition."""
    span = (partition.chain_id, start_of(partition.day), end_of(partition.day))
    with translated():
        row = await connection.fetchrow(_SQL[f"totals_of_{partition.table}"], *span)
    sums = Decimal(row["value_sum"]), Decimal(row["fee_sum"])
    return Totals(row["rows"], *sums, row["first_block"], row["last_block"])


async def _fault_of_rows(pool: Pool, entry: Entry) -> str | None:
    ledger = await read_ledger(pool, ChainDay(entry.chain_id, entry.chain, entry.day))
    if ledger.fingerprint != entry.ledger:
        return "the ledger has other blocks of this day than when it was exported: export it again"
    if entry.gone and entry.table != "blocks":
        return None
    return _difference("the database", await count_rows(pool, entry.partition), "the manifest", entry.totals)


def _count(parquet: pq.ParquetFile, table: Table) -> Totals:
    value, fee = SUMMED[table]
    number = number_column(table)
    rows, value_sum, fee_sum = 0, 0, 0
    firsts: list[int] = []
    lasts: list[int] = []
    for group in range(parquet.num_row_groups):
        columns = parquet.read_row_group(group, columns=[name for name in (number, value, fee) if name])
        rows += columns.num_rows
        value_sum += _sum(columns[value])
        fee_sum += _sum(columns[fee]) if fee else 0
        bounds = pc.min_max(columns[number]).as_py()
        firsts.append(bounds["min"])
        lasts.append(bounds["max"])
    return Totals(rows, Decimal(value_sum), Decimal(fee_sum), min(firsts), max(lasts))


def _sum(column: pa.ChunkedArray) -> int:
    """The exact sum of a column; the digits of text can be more than any type of Arrow holds."""
    if pa.types.is_string(column.type):
        return sum(int(digits) for digits in column.to_pylist() if digits is not None)
    if pa.types.is_decimal(column.type):
        column = column.cast(_ROOM)
    return int(pc.sum(column).as_py() or 0)


def _difference(one: str, counted: Totals, other: str, expected: Totals) -> str | None:
    differing = [
        f"{name} {mine} in {one}, {theirs} in {other}"
        for name, mine, theirs in zip(Totals._fields, counted, expected, strict=True)
        if mine != theirs
    ]
    return "; ".join(differing) or None
