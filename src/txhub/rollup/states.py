"""How rollups and hypertables stand: what `txhub rollup list` and `txhub policy list` show."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from txhub.rollup.catalog import HYPERTABLES, ROLLUPS, Rollup
from txhub.store.edition import edition_of
from txhub.store.faults import translated
from txhub.store.pool import Pool
from txhub.store.sqlfiles import queries


class RollupState(NamedTuple):
    """A rollup as declared, and what the database says of it; None where commits keep it and no policy runs."""

    rollup: Rollup
    watermark: datetime | None
    """Buckets before this are materialised; later ones are computed when they are read."""
    last_run: datetime | None
    last_status: str | None
    next_run: datetime | None
    failures: int
    last_error: str | None


class HypertableState(NamedTuple):
    """A table that is cut into chunks of time. Sizes are bytes."""

    name: str
    chunk_interval: timedelta
    compress_after: timedelta | None
    """Age at which a chunk goes to the columnstore; None where there is none."""
    chunks: int
    columnstore_chunks: int
    bytes: int
    saved_bytes: int | None
    """What the columnstore saved; None where nothing was in rows before."""


async def read_rollups(pool: Pool) -> list[RollupState]:
    """Every rollup of the catalog, in its order."""
    with translated():
        rows = await pool.fetch(queries("rollup", await edition_of(pool))["rollup_states"])
    states = {name: rest for name, *rest in rows}
    return [RollupState(rollup, *states[rollup.name]) for rollup in ROLLUPS]


async def read_hypertables(pool: Pool) -> list[HypertableState]:
    """Every hypertable of the catalog, in its order."""
    with translated():
        rows = await pool.fetch(queries("rollup", await edition_of(pool))["hypertable_states"])
    states = {row["name"]: HypertableState(*row) for row in rows}
    return [states[name] for name in HYPERTABLES]
