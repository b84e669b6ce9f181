"""The event log in the archive: a Parquet file a day, written once the day is over."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from txhub.archive.partition import end_of, start_of
from txhub.store.faults import translated
from txhub.store.place import Place, Written
from txhub.store.pool import Pool, Record
from txhub.store.sqlfiles import queries

SETTLED = timedelta(minutes=10)
"""How long after its end a day has all its events: no transaction takes so long."""
SCHEMA = pa.schema(
    [
        ("id", pa.int64()),
        ("time", pa.timestamp("us", tz="UTC")),
        ("level", pa.string()),
        ("component", pa.string()),
        ("chain_id", pa.int32()),
        ("event", pa.string()),
        ("details", pa.string()),
    ]
)
_SQL = queries("eventlog")


def path_of(day: date) -> str:
    """The name of a day's file below the archive's address, in Hive's layout."""
    return f"table=event_log/day={day.isoformat()}/part-0.parquet"


async def export_events(pool: Pool, place: Place, now: datetime) -> list[date]:
    """Write every day that is over and not in the archive yet; which those were.

    Raises:
        ArchiveUnavailable, DiskFull: the place cannot be written to; what was exported before stays.
        DatabaseUnavailable, DatabaseRefused: see `faults`.
    """
    with translated():
        days = [row["day"] for row in await pool.fetch(_SQL["days_to_export"], now - SETTLED)]
        for day in days:
            rows = await pool.fetch(_SQL["day"], start_of(day), end_of(day))
            written = await asyncio.to_thread(_write, place, day, rows)
            await pool.execute(_SQL["exported"], day, path_of(day), len(rows), written.size, written.sha256)
    return days


def _write(place: Place, day: date, rows: Sequence[Record]) -> Written:
    table = pa.Table.from_pylist([dict(row) for row in rows], SCHEMA)

    def fill(file: BinaryIO) -> None:
        pq.write_table(table, file, compression="zstd")

    return place.write(path_of(day), fill)
