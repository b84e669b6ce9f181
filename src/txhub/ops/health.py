"""The health of each chain's stream: how old its newest committed block is, against how often blocks come."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Literal

from txhub.contract import StreamHealth
from txhub.store.read import Reader
from txhub.store.sqlfiles import queries

Status = Literal["ok", "late", "down", "empty"]

LATE_BLOCKS, LATE_LEAST_S = 5, 15.0
"""A stream is late when the newest block is older than this many block times, and than this many seconds."""
DOWN_BLOCKS, DOWN_LEAST_S = 30, 120.0
"""And down when it is older than these."""
_SQL = queries("coverage")


async def read_health(reader: Reader, now: datetime) -> list[StreamHealth]:
    """Every chain's stream, by name.

    Raises:
        DatabaseUnavailable, DatabaseRefused, SchemaMismatch: see `faults`.
    """
    rows = await reader.frame(_SQL["streams"])
    return [_judged(row, now) for row in rows.iter_rows(named=True)]


def is_down(streams: Iterable[StreamHealth]) -> bool:
    """Whether any stream is down."""
    return any(stream.status == "down" for stream in streams)


def _judged(row: dict[str, Any], now: datetime) -> StreamHealth:
    last_time: datetime | None = row["last_time"]
    lag = None if last_time is None else (now - last_time).total_seconds()
    status, reason = _verdict(lag, row["block_time_s"], followed=row["follow_from"] is not None)
    return StreamHealth(
        chain=row["chain"],
        status=status,
        reason=reason,
        last_block=row["last_block"],
        last_time=last_time,
        committed_at=row["committed_at"],
        lag_s=lag,
    )


def _verdict(lag: float | None, block_time: float, *, followed: bool) -> tuple[Status, str]:
    if lag is None:
        return "empty", "no block is committed yet"
    if not followed:
        return "ok", "not followed live: only older blocks were loaded"
    age = f"the newest block is {lag:.0f} s old, and one comes every {block_time:g} s"
    if lag > max(DOWN_BLOCKS * block_time, DOWN_LEAST_S):
        return "down", age
    if lag > max(LATE_BLOCKS * block_time, LATE_LEAST_S):
        return "late", age
    return "ok", "blocks are committed as they come"
