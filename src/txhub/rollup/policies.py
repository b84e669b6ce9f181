"""The policies that the database itself runs: refreshing aggregates, moving chunks to the columnstore."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Literal

from txhub.errors import UsageError
from txhub.rollup.catalog import HYPERTABLES, LAG, ROLLUPS
from txhub.store.edition import edition_of
from txhub.store.faults import translated
from txhub.store.horizon import steady_horizon
from txhub.store.pool import LONG_S, Pool
from txhub.store.sqlfiles import queries

Policy = Literal["chunk_interval", "compress_after"]
_CHOSEN = queries("policies")


async def apply_policies(pool: Pool, *, chunk_interval: timedelta, compress_after: timedelta) -> None:
    """Make the database's policies those of the catalog and the settings; running it again changes nothing.

    What `choose_policy` decided for a table comes before the settings.

    Args:
        chunk_interval: of chunks made from now on.
        compress_after: age at which a chunk goes to the columnstore.
    """
    with translated():
        statements = queries("rollup", await edition_of(pool))
        for rollup in ROLLUPS:
            if not await pool.fetchval(statements["is_filled"], rollup.name):
                # Once a policy has moved the watermark, older rows are no longer looked at: all of them first.
                async with steady_horizon(pool) as (connection, horizon):
                    all_of_it = (rollup.name, horizon, datetime.now(UTC) - LAG)
                    await connection.execute(statements["refresh"], *all_of_it, timeout=LONG_S)
            await pool.execute(
                statements["set_refresh_policy"], rollup.name, rollup.look_back, rollup.lag, rollup.every
            )
        chosen = {(row["hypertable"], row["policy"]): row["span"] for row in await pool.fetch(_CHOSEN["chosen"])}
        for hypertable in HYPERTABLES:
            interval = chosen.get((hypertable, "chunk_interval"), chunk_interval)
            await pool.execute(statements["set_chunk_interval"], hypertable, interval)
            age = chosen.get((hypertable, "compress_after"), compress_after)
            if await pool.fetchval(statements["columnstore_policy"], hypertable) != age:
                await pool.execute(statements["drop_columnstore_policy"], hypertable)
                await pool.execute(statements["add_columnstore_policy"], hypertable, age)


async def choose_policy(pool: Pool, hypertable: str, policy: Policy, span: timedelta) -> None:
    """Decide a policy of one table, whatever the settings say; `apply_policies` puts it into effect.

    Raises:
        UsageError: there is no such table.
    """
    if hypertable not in HYPERTABLES:
        raise UsageError(f"{hypertable!r} is no table with policies", hint=f"one of {', '.join(HYPERTABLES)}")
    with translated():
        await pool.execute(_CHOSEN["choose"], hypertable, policy, span)
