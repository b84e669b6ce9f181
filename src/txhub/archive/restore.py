"""Brings dropped days back from the archive: every table of every chain, in one transaction a day.

What the files hold is compared with the manifest before, and what the database holds with it after: a day comes back
exactly or not at all. The horizon follows when no day above it is gone any more.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from txhub.archive import manifest
from txhub.archive.export import ChainDay, read_ledger
from txhub.archive.manifest import Entry
from txhub.archive.partition import NUMERIC, RAW, start_of
from txhub.archive.verify import count_rows, fault_of_file
from txhub.errors import ArchiveMismatch
from txhub.store.faults import translated
from txhub.store.horizon import move_horizon
from txhub.store.place import Place
from txhub.store.pool import Connection, Pool
from txhub.store.sqlfiles import queries

_SQL = queries("archive")
_LEDGER = queries("ledger")


class Restored(NamedTuple):
    """A day that is back, and how many raw rows that were."""

    day: date
    rows: int


async def restore(
    pool: Pool, place: Place, *, first: date | None = None, last: date | None = None
) -> AsyncIterator[Restored]:
    """Restore every dropped day from `first` to `last`, both included (None: no bound), newest first.

    Raises:
        ArchiveMismatch: a file is not what was archived; days restored before stay, this one was not touched.
        ArchiveUnavailable: the place cannot be read.
        DiskFull, DatabaseUnavailable: see `faults`; run it again for the rest.
    """
    async with manifest.archive_turn(pool):
        await move_horizon(pool, _nothing)  # a run that was killed may have left it where it was
        gone = [entry for entry in await manifest.read_entries(pool, first, last) if entry.gone]
        for day in sorted({entry.day for entry in gone}, reverse=True):
            entries = [entry for entry in gone if entry.day == day]
            for entry in entries:
                if fault := await asyncio.to_thread(fault_of_file, place, entry):
                    raise ArchiveMismatch(f"{entry.chain} {entry.table} of {day} cannot be restored: {fault}")
            rows = await _restore_day(pool, place, day, [entry for entry in entries if entry.table in RAW])
            await move_horizon(pool, _nothing)
            yield Restored(day, rows)


async def _restore_day(pool: Pool, place: Place, day: date, entries: Sequence[Entry]) -> int:
    with translated():
        async with pool.acquire() as connection:
            # In a transaction of its own: a commit that needs room for another day must not wait for all of this.
            await connection.execute(_LEDGER["make_room"], start_of(day), start_of(day))
            async with connection.transaction():
                for entry in entries:
                    await _expect_the_ledger(connection, entry)
                    if (await count_rows(connection, entry.partition)).rows:
                        raise ArchiveMismatch(f"{entry.chain} {entry.table} of {day} has rows that should be gone")
                await connection.execute(_LEDGER["before_copy"], True)
                for entry in entries:
                    await _copy(connection, place, entry)
                    found = await count_rows(connection, entry.partition)
                    if found != entry.totals:
                        raise ArchiveMismatch(f"{entry.chain} {entry.table} of {day}: {found} is not {entry.totals}")
                await connection.execute(_SQL["restored"], day)
    return sum(entry.rows for entry in entries)


async def _expect_the_ledger(connection: Connection, entry: Entry) -> None:
    ledger = await read_ledger(connection, ChainDay(entry.chain_id, entry.chain, entry.day))
    if ledger.fingerprint != entry.ledger:
        raise ArchiveMismatch(f"the ledger has other blocks of {entry.day} of {entry.chain} than were archived")


async def _copy(connection: Connection, place: Place, entry: Entry) -> None:
    if entry.path is None:
        return
    with place.open(entry.path) as file, pq.ParquetFile(file) as parquet:
        for group in range(parquet.num_row_groups):
            records = await asyncio.to_thread(_records, parquet, group)
            await connection.copy_records_to_table(
                entry.table, schema_name="txhub", columns=parquet.schema_arrow.names, records=records
            )


def _records(parquet: pq.ParquetFile, group: int) -> list[tuple[object, ...]]:
    """A row group as COPY takes it."""
    rows = parquet.read_row_group(group)
    return list(zip(*(_values(name, rows[name]) for name in rows.column_names), strict=True))


def _values(name: str, column: pa.ChunkedArray) -> list[object]:
    if pa.types.is_timestamp(column.type):
        # Arrow makes each of them with a search for its time zone; the rows of a block share one.
        encoded = column.combine_chunks().dictionary_encode()
        times = encoded.dictionary.to_pylist()
        return [times[index] for index in encoded.indices.to_pylist()]
    if name in NUMERIC and pa.types.is_string(column.type):
        return [None if digits is None else Decimal(digits) for digits in column.to_pylist()]
    return list(column.to_pylist())


async def _nothing(connection: Connection) -> None:
    """What moving the horizon back takes beside that."""
