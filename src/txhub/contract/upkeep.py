"""How txhub itself stands: what is wrong, what runs, and what is done to the rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime


@dataclass(slots=True)
class OpenFinding:
    """Something that is wrong now."""

    name: str
    """As docs/runbook.md has it, such as `stream_down`."""
    chain: str | None
    level: str
    """`info`: it is over by itself; `warning`: look at it today; `error`: look at it now."""
    since: datetime
    says: str


@dataclass(slots=True)
class ServiceState:
    """A process of txhub, as it was last seen."""

    name: str
    version: str
    started_at: datetime
    seen_at: datetime
    stopped_at: datetime | None


@dataclass(slots=True)
class RollupUpkeep:
    """A rollup, and how the database keeps it; nulls where commits do, and no policy runs."""

    name: str
    watermark: datetime | None
    """Buckets before this are materialised; later ones are computed when they are read."""
    lag_s: float
    """Nothing newer than so many seconds is materialised."""
    every_s: float
    last_run: datetime | None
    last_status: str | None
    next_run: datetime | None
    failures: int
    last_error: str | None


@dataclass(slots=True)
class TableUpkeep:
    """A table that is cut into chunks of time."""

    name: str
    chunk_s: float
    compress_after_s: float | None
    """Age at which a chunk goes to the columnstore; null where there is none."""
    chunks: int
    columnstore_chunks: int
    bytes: int
    saved_bytes: int | None
    """What the columnstore saved; null where nothing was in rows before."""


@dataclass(slots=True)
class ArchiveState:
    """What the archive holds of a table of a chain: a partition is a day."""

    chain: str
    table: str
    partitions: int
    first_day: date
    last_day: date
    rows: int
    bytes: int
    verified: int
    """Partitions whose file was read again and found equal to the database."""
    dropped: int
    """Partitions of which only the archive has the rows."""
    exported_at: datetime


@dataclass(slots=True)
class Operations:
    """How txhub itself stands."""

    edition: str
    horizon: datetime | None
    """Raw rows before this are gone from the database; null: none are."""
    findings: list[OpenFinding]
    services: list[ServiceState]
    rollups: list[RollupUpkeep]
    tables: list[TableUpkeep]
    archive: list[ArchiveState]
