"""What becomes of alerts as time goes on: confirmed, finalised, and told.

    outbox (block, backfill, reorg, alert)  ->  confirmed or finalised  ->  messages planned  ->  delivery

An alert is pending while its block is new, confirmed once a fifth of the chain's finality depth lies above it, and
finalised once all of it does; what is final already when it is raised is finalised at once. Detection retracts it where
the chain does not show it any more. All of a look is one transaction with the cursor into the outbox, so that nothing
is done twice or left out, whenever a worker dies.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import aclosing
from datetime import UTC, datetime

from txhub.alert.channels import Channel
from txhub.alert.dispatch import dispatch, read_alerts
from txhub.alert.grouping import Limits
from txhub.store.alerts import tell
from txhub.store.faults import translated
from txhub.store.outbox import OutboxReader
from txhub.store.pool import Connection, Pool
from txhub.store.sqlfiles import queries

BATCH = 500
_READER = "alerts"
_MOST_SETTLED = 1000
_NEWS = frozenset({"raised", "changed", "retracted", "ended"})
"""What may have to be told; what people do, and that a block was confirmed, has not."""
_SQL, _OUTBOX = queries("lifecycle"), queries("outbox")


async def catch_up(
    pool: Pool,
    channels: Sequence[Channel],
    limits: Limits,
    now: datetime,
    wake: Callable[[str], None] = lambda channel: None,
) -> int:
    """Do what follows from the next events of the outbox; how many events that were, at most `BATCH`.

    Args:
        pool: of a migrated database.
        channels: where alerts are told.
        limits: how much is told.
        now: what time it is.
        wake: told of each channel that has something to send now.

    Raises:
        DatabaseUnavailable, DatabaseRefused, DiskFull: see `faults`; nothing was changed, so try again.
    """
    with translated():
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute(_SQL["take_turn"])
            events = await connection.fetch(_SQL["unread"], _READER, BATCH)
            if not events:
                return 0
            settled = await settle(connection, {row["chain_id"] for row in events if row["chain_id"] is not None})
            ids = {row["alert_id"]: None for row in events if row["event"] == "alert" and row["change"] in _NEWS}
            alerts = await read_alerts(connection, list(ids), now)
            touched: set[str] = set()
            for alert_id in ids:
                if alert_id in alerts:
                    touched |= await dispatch(connection, alerts[alert_id], channels, limits, now)
            await connection.execute(_OUTBOX["move_cursor"], _READER, events[-1]["id"])
            await tell(connection, settled)
    for name in touched:
        wake(name)
    return len(events)


async def settle(connection: Connection, chain_ids: set[int]) -> list[tuple[int, str]]:
    """Confirm and finalise what can be on these chains; the ids, and what each became."""
    settled: list[tuple[int, str]] = []
    while chain_ids:
        rows = await connection.fetch(_SQL["settle"], sorted(chain_ids), _MOST_SETTLED)
        settled += [(row["alert_id"], row["event"]) for row in rows]
        if len(rows) < _MOST_SETTLED:
            break
    return settled


async def keep_alerts(
    pool: Pool, url: str, channels: Sequence[Channel], limits: Limits, wake: Callable[[str], None]
) -> None:
    """Catch up for ever, as things happen.

    Args:
        pool: of a migrated database.
        url: its URL, for a connection that listens.
        channels: where alerts are told.
        limits: how much is told.
        wake: told of each channel that has something to send now.
    """
    async with aclosing(OutboxReader(url).follow()) as happenings:
        async for _ in happenings:
            while await catch_up(pool, channels, limits, datetime.now(UTC), wake) == BATCH:
                pass
