"""Writes whole days to the archive: one Parquet file for each table of a chain, all of one snapshot.

A day is exported when the ledger holds it wholly and finally; again when the ledger's blocks of the day are others
than they were. The manifest forgets a day before its files are touched and names it when all of them are in place:
a run that is killed leaves days that are not in the manifest, never a wrong entry.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable, Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, BinaryIO, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from txhub.archive import manifest
from txhub.archive.manifest import Exported
from txhub.archive.partition import ROW_GROUP, TABLES, Partition, Totals, end_of, schema_of, start_of
from txhub.errors import ArchiveMismatch
from txhub.store.faults import translated
from txhub.store.horizon import read_horizon
from txhub.store.place import Place, Written
from txhub.store.pool import Connection, Pool
from txhub.store.snapshot import Snapshot, open_snapshot
from txhub.store.sqlfiles import queries

_SQL = queries("archive")
DICTIONARIES = ["chain_id", "from_address", "to_address", "token_address", "address", "kind", "standard", "side"]
"""Columns whose values come again and again; for the others a dictionary costs time and saves nothing."""


class ChainDay(NamedTuple):
    """A UTC day of one chain."""

    chain_id: int
    chain: str
    day: date


class Ledger(NamedTuple):
    """What the ledger holds of a chain's day.

    `kept` is how many transactions its blocks say are stored, `missing` how many blocks the ledger lacks until the day
    is whole and final, `final_at` the time before which it is not. `fingerprint` is the manifest's `ledger`.
    """

    blocks: int
    kept: int
    fingerprint: bytes
    missing: int
    final_at: datetime

    def lacks(self, now: datetime) -> str | None:
        """Why the day cannot be archived yet, or None."""
        if self.missing:
            return f"{self.missing:,} blocks of it or around it are missing"
        return f"it is final at {self.final_at:%Y-%m-%d %H:%M} UTC" if now < self.final_at else None


class Outcome(NamedTuple):
    """What an export did with a chain's day: the partitions it wrote, or why it wrote none.

    It is a `fault` when the database has not the rows that its ledger tells of; otherwise time will help.
    """

    day: ChainDay
    exported: list[Exported]
    reason: str | None
    fault: bool = False


async def export(
    pool: Pool, url: str, place: Place, *, first: date | None = None, last: date | None = None, now: datetime
) -> AsyncGenerator[Outcome]:
    """Export every day from `first` to `last` whose raw rows are here and that is not in the archive as it stands.

    Args:
        pool: for what is small; needs two connections.
        url: of the same database, for what is large.
        place: where the archive is.
        first: the first day; None: the oldest whose raw rows are here.
        last: the last day, included; None: the newest.
        now: a day that was not over for long enough to be final is left out.

    Raises:
        ArchiveUnavailable, DiskFull: the place cannot be written to. What was exported before stays.
    """
    async with manifest.archive_turn(pool):
        known = {(entry.chain_id, entry.day): entry.ledger for entry in await manifest.read_entries(pool, first, last)}
        for day in await days_with_rows(pool, first, last):
            ledger = await read_ledger(pool, day)
            if not ledger.blocks or known.get((day.chain_id, day.day)) == ledger.fingerprint:
                continue
            if reason := ledger.lacks(now):
                yield Outcome(day, [], reason)
                continue
            await manifest.forget(pool, day.chain_id, day.day)
            try:
                exported = await asyncio.to_thread(_export_day, url, place, day)
            except ArchiveMismatch as mismatch:
                yield Outcome(day, [], str(mismatch), fault=True)
                continue
            await manifest.record(pool, exported)
            yield Outcome(day, exported, None)


async def days_with_rows(pool: Pool, first: date | None = None, last: date | None = None) -> list[ChainDay]:
    """The days whose raw rows are above the horizon, oldest first."""
    with translated():
        horizon = await read_horizon(pool)
        since = max(filter(None, (horizon, start_of(first) if first else None)), default=None)
        rows = await pool.fetch(_SQL["days"], since)
    days = (
        ChainDay(chain_id, chain, oldest + timedelta(days=number))
        for chain_id, chain, oldest, newest in rows
        for number in range((min(newest, last or newest) - oldest).days + 1)
    )
    return sorted(days, key=lambda each: (each.day, each.chain))


async def read_ledger(connection: Connection | Pool, day: ChainDay) -> Ledger:
    """What the ledger holds of a day right now."""
    with translated():
        row = await connection.fetchrow(_SQL["ledger_of_day"], day.chain_id, start_of(day.day), end_of(day.day))
    return Ledger(row["blocks"], row["kept"], row["ledger"], row["missing"] or 0, row["final_at"])


def _export_day(url: str, place: Place, day: ChainDay) -> list[Exported]:
    span = (day.chain_id, start_of(day.day), end_of(day.day))
    with open_snapshot(url, name="archive") as snapshot:
        ledger = snapshot.row(_SQL["ledger_of_day"], *span)
        return [
            _export_table(snapshot, place, Partition(day.chain_id, day.chain, table, day.day), span, ledger)
            for table in TABLES
        ]


def _export_table(
    snapshot: Snapshot, place: Place, partition: Partition, span: tuple[object, ...], ledger: dict[str, Any]
) -> Exported:
    table = partition.table
    counted = snapshot.row(_SQL[f"totals_of_{table}"], *span)
    totals = Totals(
        counted["rows"],
        Decimal(counted["value_sum"]),
        Decimal(counted["fee_sum"]),
        counted["first_block"],
        counted["last_block"],
    )
    if table == "transactions" and totals.rows != ledger["kept"]:
        raise ArchiveMismatch(
            f"it has {totals.rows:,} transactions, its ledger tells of {ledger['kept']:,}:"
            " rows were changed by something else than txhub"
        )
    schema = schema_of(table, wide=counted["wide"])
    if not totals.rows:
        written, path = Written(0, b""), None
    else:
        path = partition.path
        rows = snapshot.batches(_SQL[f"rows_of_{table}"], *span)
        written = place.write(path, lambda file: _write(file, schema, rows))
    sha256 = written.sha256 or None
    return Exported(partition, path, totals, counted["wide"], written.size, sha256, ledger["ledger"])


def _write(file: BinaryIO, schema: pa.Schema, rows: Iterable[pa.RecordBatch]) -> None:
    dictionaries = [name for name in schema.names if name in DICTIONARIES]
    with pq.ParquetWriter(file, schema, compression="zstd", use_dictionary=dictionaries) as writer:
        for group in _groups(rows, schema):
            writer.write_table(group, row_group_size=ROW_GROUP)


def _groups(rows: Iterable[pa.RecordBatch], schema: pa.Schema) -> Iterator[pa.Table]:
    """The rows, so many at a time as a row group has."""
    waiting: list[pa.RecordBatch] = []
    for batch in rows:
        columns = [column.cast(field.type) for column, field in zip(batch.columns, schema, strict=True)]
        waiting.append(pa.RecordBatch.from_arrays(columns, schema=schema))
        if sum(each.num_rows for each in waiting) >= ROW_GROUP:
            table = pa.Table.from_batches(waiting)
            whole = table.num_rows // ROW_GROUP * ROW_GROUP
            yield table.slice(0, whole)
            waiting = table.slice(whole).to_batches()
    if waiting:
        yield pa.Table.from_batches(waiting)
