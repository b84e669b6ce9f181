"""The health of each chain's stream: how old its newest committed block is, against how often blocks come."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Literal

from txhub.contract import StreamHealth
from txhub.query.chains import read_chains
from txhub.query.coverage import quality, read_coverage
from txhub.query.timerange import TimeRange
from txhub.store.read import Reader
from txhub.store.sqlfiles import queries

Status = Literal["ok", "late", "down", "empty", "idle"]

LATE_BLOCKS, LATE_LEAST_S = 5, 15.0
"""A stream is late when the newest block is older than this many block times, and than this many seconds."""
DOWN_BLOCKS, DOWN_LEAST_S = 30, 120.0
"""And down when it is older than these."""
COVERED = timedelta(hours=1)
"""Coverage is told of the time from so long ago on."""
SILENT_S = 60.0
"""A follower that has said nothing for so long has ended: it says how it is four times as often."""
_SQL = queries("coverage")


async def read_health(reader: Reader, now: datetime) -> list[StreamHealth]:
    """Every chain's stream, by name.

    Raises:
        DatabaseUnavailable, DatabaseRefused, SchemaMismatch: see `faults`.
    """
    rows = await reader.frame(_SQL["streams"])
    followed = set(rows.filter(rows["follow_from"].is_not_null())["chain"])
    chains = [chain for chain in await read_chains(reader, counted=False) if chain.name in followed]
    asked = TimeRange(now - COVERED, now)
    covered = {
        name: quality([coverage], now).coverage
        for name, coverage in (await read_coverage(reader, chains, asked, now)).items()
    }
    return [_judged(row, covered.get(row["chain"]), now) for row in rows.iter_rows(named=True)]


def is_down(streams: Iterable[StreamHealth]) -> bool:
    """Whether any stream is down."""
    return any(stream.status == "down" for stream in streams)


def _judged(row: dict[str, Any], coverage: float | None, now: datetime) -> StreamHealth:
    last_block: int | None = row["last_block"]
    last_time: datetime | None = row["last_time"]
    head: int | None = row["head"]
    lag = None if last_time is None else (now - last_time).total_seconds()
    status, reason = _verdict(lag, row, now)
    return StreamHealth(
        chain=row["chain"],
        status=status,
        reason=reason,
        last_block=last_block,
        last_time=last_time,
        committed_at=row["committed_at"],
        lag_s=lag,
        state=row["state"],
        since=row["since"],
        endpoint=row["endpoint"],
        head=head,
        lag_blocks=None if head is None or last_block is None else max(head - last_block, 0),
        expected_interval_s=row["block_time_s"],
        coverage=coverage,
    )


def _verdict(lag: float | None, row: dict[str, Any], now: datetime) -> tuple[Status, str]:
    """The age of the newest block decides; what the follower says explains it, and is believed when it gave up."""
    told = _told(row, now)
    if row["state"] == "halted":
        return "down", row["reason"]
    if lag is None:
        tried = row["since"] is not None and row["state"] not in ("following", "catching_up")
        if tried and now - row["since"] > timedelta(seconds=DOWN_LEAST_S):
            return "down", f"no block was ever committed{told}"
        return "empty", f"no block is committed yet{told}"
    if row["follow_from"] is None:
        return "idle", "not followed live: only older blocks were loaded"
    block_time = row["block_time_s"]
    age = f"the newest block is {lag:.0f} s old, and one comes every {block_time:g} s{told}"
    if lag > max(DOWN_BLOCKS * block_time, DOWN_LEAST_S):
        return "down", age
    if lag > max(LATE_BLOCKS * block_time, LATE_LEAST_S):
        return "late", age
    return "ok", "blocks are committed as they come"


def _told(row: dict[str, Any], now: datetime) -> str:
    """What the follower says, where it explains why nothing comes."""
    if row["told_at"] is None or (now - row["told_at"]).total_seconds() > SILENT_S:
        return "; no ingester follows it now"
    return "" if row["state"] == "following" else f"; {row['reason']}"
