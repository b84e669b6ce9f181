"""The policies that the database itself runs: refreshing aggregates, moving chunks to the columnstore."""

from __future__ import annotations

from datetime import timedelta

from txhub.rollup.catalog import HYPERTABLES, ROLLUPS
from txhub.store.edition import edition_of
from txhub.store.faults import translated
from txhub.store.pool import Pool
from txhub.store.sqlfiles import queries


async def apply_policies(pool: Pool, *, chunk_interval: timedelta, compress_after: timedelta) -> None:
    """Make the database's policies those of the catalog and the settings; running it again changes nothing.

    Args:
        chunk_interval: of chunks made from now on.
        compress_after: age at which a chunk goes to the columnstore.
    """
    with translated():
        statements = queries("rollup", await edition_of(pool))
        for rollup in ROLLUPS:
            await pool.execute(
                statements["set_refresh_policy"], rollup.name, rollup.look_back, rollup.lag, rollup.every
            )
        for hypertable in HYPERTABLES:
            await pool.execute(statements["set_chunk_interval"], hypertable, chunk_interval)
            await pool.execute(statements["drop_columnstore_policy"], hypertable)
            await pool.execute(statements["add_columnstore_policy"], hypertable, compress_after)
