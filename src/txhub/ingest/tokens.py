"""Asks token contracts for their symbol and decimals: the busiest of those that nobody asked yet.

What to ask is never remembered, it is asked of the rollups: so a restart forgets nothing, and a token that a
backfill brings in is found as well.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Protocol, runtime_checkable

import structlog

from txhub.chain.jsonrpc import MethodMissing
from txhub.model import Chain
from txhub.store.faults import translated
from txhub.store.pool import Pool
from txhub.store.sqlfiles import queries

BATCH = 50
INTERVAL_S = 30.0
RECENT = timedelta(days=1)
"""Most looks are for tokens moved since then, which is quick; what is older has its turn once an hour."""
_FROM_THE_START_EVERY = 120
_SQL = queries("tokens")
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


@runtime_checkable
class TokenSource(Protocol):
    """A source whose chain has token contracts."""

    chain: Chain

    async def token(self, address: bytes) -> tuple[str | None, int | None]:
        """Return what a contract says its symbol and decimals are; None for what it does not say.

        Raises:
            NodeUnavailable: nobody answers; ask again later.
            MethodMissing: the node calls no contracts.
        """
        ...


async def look_up_tokens(source: TokenSource, pool: Pool, since: datetime) -> int:
    """Ask the busiest unknown tokens moved since then, and store what they say; how many were asked.

    Raises:
        NodeUnavailable, DatabaseUnavailable: call it again, what is stored stays.
        MethodMissing: the node calls no contracts.
    """
    chain_id = source.chain.chain_id
    with translated():
        rows = await pool.fetch(_SQL["unknown"], chain_id, since, BATCH)
    found = [(row["token_address"], *await source.token(row["token_address"])) for row in rows]
    if found:
        addresses, symbols, decimals = map(list, zip(*found, strict=True))
        with translated():
            await pool.execute(_SQL["put"], chain_id, addresses, symbols, decimals)
    return len(found)


async def keep_looking(source: TokenSource, pool: Pool) -> None:
    """Look up tokens for ever; a node that calls no contracts is left alone, and said to be one once.

    Raises:
        NodeUnavailable, DatabaseUnavailable: run it again to go on.
    """
    log = structlog.get_logger("ingest").bind(chain=source.chain.name)
    turn, able = 0, True
    while True:
        since = datetime.now(UTC) - RECENT if turn % _FROM_THE_START_EVERY else _BEGINNING
        try:
            while asked := await look_up_tokens(source, pool, since):
                able = True
                log.debug("tokens asked", tokens=asked)
                if asked < BATCH:
                    break
        except MethodMissing as refusal:
            if able:
                log.info("tokens stay unnamed", reason=str(refusal))
            able = False
        turn += 1
        await asyncio.sleep(INTERVAL_S)
