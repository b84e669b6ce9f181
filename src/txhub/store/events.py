"""Writes the event log: what operators have to know, a row each, by the names of `txhub.eventlog`."""

from __future__ import annotations

import json

from txhub.eventlog import Component, EventName, Level
from txhub.store.faults import translated
from txhub.store.pool import Connection, Pool
from txhub.store.sqlfiles import queries

_RECORD = queries("ledger")["record_event"]


async def record_event(
    connection: Connection | Pool,
    level: Level,
    component: Component,
    event: EventName,
    chain_id: int | None = None,
    /,
    **details: object,
) -> None:
    """Write a line of the event log, in the transaction that is open on `connection`, if one is.

    Raises:
        DatabaseUnavailable, DatabaseRefused, DiskFull: see `faults`.
    """
    with translated():
        await connection.execute(_RECORD, level, component, chain_id, event, json.dumps(details, default=str))
