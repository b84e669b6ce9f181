"""The audit: random blocks and random hours, computed anew from the raw rows and compared to the last digit.

All of a chain's is read in one snapshot, so nothing that is committed meanwhile can look like a fault. An hour is
audited once its commits have been read from the outbox: until then a rollup is behind, not wrong. Below the horizon
there are no raw rows to compare with, and nothing is audited.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from txhub.ops.findings import Finding
from txhub.store.faults import translated
from txhub.store.pool import Connection, Pool, Record
from txhub.store.sqlfiles import queries

NEWEST_BLOCKS, RANDOM_BLOCKS = 50, 200
"""Of each chain, so many blocks at the head and a run of so many anywhere are looked at."""
PATIENCE = timedelta(seconds=60)
"""How long one comparison may take."""
ROLLUPS = ("tx_1m", "chain_1m", "tx_1h", "peaks_1h", "value_hist_1h", "token_1h", "tx_1d")
"""What is compared, in this order."""
_HOUR = timedelta(hours=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SQL = queries("audit")


class Extent(NamedTuple):
    """What of a chain can be audited: blocks and times, ends included."""

    chain_id: int
    chain: str
    first_block: int
    last_block: int
    first_time: datetime
    last_time: datetime


async def audit(pool: Pool, chance: random.Random) -> list[Finding]:
    """Compare a sample of every chain; what does not agree.

    Raises:
        DatabaseUnavailable, TooLong: try again.
    """
    with translated():
        rows = await pool.fetch(_SQL["chains"])
        extents = [Extent(*row) for row in rows if row["first_block"] is not None]
        found: list[Finding] = []
        for extent in extents:
            async with (
                pool.acquire() as connection,
                connection.transaction(isolation="repeatable_read", readonly=True),
            ):
                await connection.execute(_SQL["patience"], str(int(PATIENCE.total_seconds() * 1000)))
                found += await audit_blocks(connection, extent, sample_blocks(extent, chance))
                found += await audit_hour(connection, extent, sample_hour(extent, chance))
    return found


def sample_blocks(extent: Extent, chance: random.Random) -> list[range]:
    """The newest blocks, and a run of others."""
    newest = range(max(extent.last_block - NEWEST_BLOCKS + 1, extent.first_block), extent.last_block + 1)
    start = chance.randint(extent.first_block, max(extent.last_block - RANDOM_BLOCKS, extent.first_block))
    return [newest, range(start, min(start + RANDOM_BLOCKS, extent.last_block + 1))]


def sample_hour(extent: Extent, chance: random.Random) -> datetime:
    """The start of an hour with blocks of the chain in it."""
    first, last = ((moment - _EPOCH) // _HOUR for moment in (extent.first_time, extent.last_time))
    return _EPOCH + chance.randint(first, last) * _HOUR


async def audit_blocks(connection: Connection, extent: Extent, runs: Sequence[range]) -> list[Finding]:
    """Compare the rows of blocks with their headers: how many, and their gas. One finding for the chain, or none."""
    wrong: dict[int, Record] = {}
    for run in runs:
        for row in await connection.fetch(_SQL["blocks"], extent.chain_id, run.start, run.stop - 1):
            wrong[row["number"]] = row
    if not wrong:
        return []
    number, row = min(wrong.items())
    says = f"block {number} has {row['rows']:,} of {row['expected']:,} transactions"
    if row["rows"] == row["expected"]:
        says = f"the transactions of block {number} used {row['gas_sum']:,} gas, its header says {row['gas_used']:,}"
    return [Finding("block_disagrees", says, extent.chain, {"blocks": sorted(wrong)[:10]})]


async def audit_hour(connection: Connection, extent: Extent, hour: datetime) -> list[Finding]:
    """Compare the rollups of an hour with its rows, and those of its day with its hours. One finding, or none."""
    day = hour.replace(hour=0)
    if not await connection.fetchval(_SQL["is_settled"], extent.chain_id, day, day + timedelta(days=1)):
        return []
    wrong = []
    for rollup in ROLLUPS:
        differing = await connection.fetchval(_SQL[rollup], extent.chain_id, hour, hour + _HOUR)
        if differing:
            wrong.append(f"{rollup} in {differing:,} rows")
    if not wrong:
        return []
    says = f"the hour from {hour:%Y-%m-%d %H:%M}: {', '.join(wrong)}"
    return [Finding("rollup_disagrees", says, extent.chain, {"hour": hour.isoformat()})]
