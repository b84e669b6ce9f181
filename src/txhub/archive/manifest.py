"""The manifest: what the archive holds, partition by partition, as `txhub.archive_manifest` has it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

from txhub.archive.partition import Partition, Table, Totals
from txhub.model import Family
from txhub.store.faults import translated
from txhub.store.pool import Connection, Pool
from txhub.store.sqlfiles import queries

_SQL = queries("archive")
_NO_LIMIT = 10.0**9
"""Seconds: an archive run waits for its turn as long as the other one takes."""


class Entry(NamedTuple):
    """A partition in the archive. Where it has no rows there is no file: `path` and `sha256` are None."""

    chain_id: int
    chain: str
    table: Table
    day: date
    path: str | None
    rows: int
    first_block: int | None
    last_block: int | None
    value_sum: Decimal
    fee_sum: Decimal
    wide: bool
    size: int
    sha256: bytes | None
    ledger: bytes
    exported_at: datetime
    verified_at: datetime | None
    dropped_at: datetime | None
    restored_at: datetime | None
    family: Family

    @property
    def partition(self) -> Partition:
        """What it is an entry of."""
        return Partition(self.chain_id, self.chain, self.table, self.day)

    @property
    def totals(self) -> Totals:
        """What was counted when it was exported."""
        return Totals(self.rows, self.value_sum, self.fee_sum, self.first_block, self.last_block)

    @property
    def gone(self) -> bool:
        """Whether only the archive has these rows."""
        return self.dropped_at is not None and self.restored_at is None


class Exported(NamedTuple):
    """A partition that was just written."""

    partition: Partition
    path: str | None
    totals: Totals
    wide: bool
    size: int
    sha256: bytes | None
    ledger: bytes


async def read_entries(
    connection: Connection | Pool, first: date | None = None, last: date | None = None
) -> list[Entry]:
    """The entries of the days from `first` to `last`, both included (None: no bound), oldest first."""
    with translated():
        return [Entry(*row) for row in await connection.fetch(_SQL["entries"], first, last)]


async def forget(pool: Pool, chain_id: int, day: date) -> None:
    """Take a day's entries out, before their files are written anew."""
    with translated():
        await pool.execute(_SQL["forget"], chain_id, day)


async def record(pool: Pool, exported: Iterable[Exported]) -> None:
    """Enter partitions whose files are in place, all or none."""
    rows = [
        (
            *(each.partition.chain_id, each.partition.table, each.partition.day, each.path, each.totals.rows),
            *(each.totals.first_block, each.totals.last_block, each.totals.value_sum, each.totals.fee_sum),
            *(each.wide, each.size, each.sha256, each.ledger),
        )
        for each in exported
    ]
    with translated():
        await pool.executemany(_SQL["record"], rows)


async def record_verified(pool: Pool, entry: Entry, sound: bool) -> None:
    """Note that a file was found equal to the database, or that it no longer counts as such."""
    with translated():
        await pool.execute(_SQL["verified"], entry.chain_id, entry.day, entry.table, sound)


@asynccontextmanager
async def archive_turn(pool: Pool) -> AsyncIterator[None]:
    """Wait until nobody else writes, verifies, drops or restores, and keep others waiting until the block ends."""
    with translated():
        connection = await pool.acquire()
    try:
        with translated():
            await connection.execute(_SQL["claim"], timeout=_NO_LIMIT)
        yield
    finally:
        # A connection that is given back forgets its advisory locks.
        await pool.release(connection)
