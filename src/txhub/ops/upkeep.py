"""How txhub itself stands, gathered for whoever looks after it."""

from __future__ import annotations

from txhub.contract import ArchiveState, OpenFinding, Operations, RollupUpkeep, ServiceState, TableUpkeep
from txhub.rollup.states import HypertableState, RollupState, read_hypertables, read_rollups
from txhub.store.edition import edition_of
from txhub.store.faults import translated
from txhub.store.horizon import read_horizon
from txhub.store.pool import Pool
from txhub.store.sqlfiles import queries

_SQL = queries("upkeep")


async def read_operations(pool: Pool) -> Operations:
    """What is wrong, what runs, how rollups and chunks are kept, and what the archive holds.

    Raises:
        DatabaseUnavailable, DatabaseRefused: see `store.faults`.
    """
    with translated():
        edition = await edition_of(pool)
        horizon = await read_horizon(pool)
        findings, services, archive = [await pool.fetch(_SQL[name]) for name in ("findings", "services", "archive")]
    return Operations(
        edition.value,
        horizon,
        [OpenFinding(**row) for row in findings],
        [ServiceState(**row) for row in services],
        [_rollup(state) for state in await read_rollups(pool)],
        [_table(state) for state in await read_hypertables(pool)],
        [ArchiveState(**row) for row in archive],
    )


def _rollup(state: RollupState) -> RollupUpkeep:
    rollup = state.rollup
    return RollupUpkeep(
        rollup.name,
        state.watermark,
        rollup.lag.total_seconds(),
        rollup.every.total_seconds(),
        state.last_run,
        state.last_status,
        state.next_run,
        state.failures or 0,  # none where its policy has not run yet
        state.last_error,
    )


def _table(state: HypertableState) -> TableUpkeep:
    after = state.compress_after
    return TableUpkeep(
        state.name,
        state.chunk_interval.total_seconds(),
        None if after is None else after.total_seconds(),
        state.chunks,
        state.columnstore_chunks,
        state.bytes,
        state.saved_bytes,
    )
