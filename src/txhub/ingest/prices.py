"""Follows the feed that tells what a chain's coin is worth, and stores each new answer."""

from __future__ import annotations

import asyncio
from datetime import datetime

import structlog

from txhub.chain.chainlink import read_answers
from txhub.errors import NodeRefused, NodeUnavailable
from txhub.model import Chain
from txhub.store.pool import Pool
from txhub.store.prices import Price, newest_time, put_prices

INTERVAL_S = 60.0


async def follow_price(pool: Pool, chain: Chain, since: datetime, *, interval: float = INTERVAL_S) -> None:
    """Store the answers of a chain's feed for ever, those after `since` first, looking every `interval` seconds.

    A feed that cannot be read is logged and tried again: prices are never worth stopping for.

    Raises:
        DatabaseUnavailable, DatabaseRefused, DiskFull: see `faults`.
    """
    log = structlog.get_logger("prices").bind(chain=chain.name)
    while True:
        try:
            stored = await store_answers(pool, chain, since)
        except (NodeUnavailable, NodeRefused) as failure:
            log.warning("price_unknown", reason=str(failure), again_in_s=interval)
        else:
            log.debug("prices_stored", count=stored)
        await asyncio.sleep(interval)


async def store_answers(pool: Pool, chain: Chain, since: datetime) -> int:
    """Store what a chain's feed answered after `since` and is not stored yet, by the coin's symbol; how many that were.

    Raises:
        NodeUnavailable, NodeRefused: the feed cannot be read.
        DatabaseUnavailable, DatabaseRefused, DiskFull: see `faults`.
    """
    source = f"chainlink {chain.name} {chain.price_feed}"
    known = await newest_time(pool, chain.symbol, source)
    answers = await read_answers(chain, since if known is None else max(since, known))
    await put_prices(pool, [Price(chain.symbol, answer.time, answer.usd, source) for answer in answers])
    return len(answers)
