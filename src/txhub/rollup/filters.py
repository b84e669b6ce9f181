"""Makes Bloom filters of closed days: whether a hash or an address can be in a day, without a look at its rows.

Split block Bloom filters, as Apache Parquet specifies them but for one bit of a key. What reads them stands in
`sql/migrations/0021`.
"""

from __future__ import annotations

import asyncio

import numpy as np

from txhub.store.faults import translated
from txhub.store.horizon import steady_in_transaction
from txhub.store.pool import LONG_S, Pool
from txhub.store.sqlfiles import queries

BITS = 12
"""Bits of a filter for each key: of a thousand keys that are not in it, it lets five through."""
_BLOCK_BITS = 256
_FACTORS = (0x47B6137B, 0x44974D91, 0x8824AD5B, 0xA2B7289D, 0x705495C7, 0x2DF1424B, 0x9EFC4947, 0x5C6BFB31)
"""One for each word of a block, from Parquet's specification."""
_SQL = queries("filters")


async def make_filters(pool: Pool) -> int:
    """Make the filters of every closed day that has none, the newest first; how many days that were.

    Raises:
        DatabaseUnavailable: try again; a day has its filters wholly or not at all.
    """
    made = 0
    while await _make_next(pool):
        made += 1
    return made


async def keep_filtering(pool: Pool, interval: float = 60.0) -> None:
    """Make filters for ever, looking every `interval` seconds. Apart from closing hours, which does not wait for it."""
    while True:
        await make_filters(pool)
        await asyncio.sleep(interval)


def filter_of(keys: bytes) -> bytes:
    """The filter of keys of eight bytes each, the most significant byte first."""
    numbers = np.frombuffer(keys, dtype=">u8").astype(np.uint64)
    blocks = max(1, -(-len(numbers) * BITS // _BLOCK_BITS))
    words = np.zeros((blocks, len(_FACTORS)), dtype="<u4")
    places = (numbers >> np.uint64(32)) * np.uint64(blocks) >> np.uint64(32)
    lower = numbers & np.uint64(0x7FFFFFFF)
    for word, factor in enumerate(_FACTORS):
        bits = (lower * np.uint64(factor) >> np.uint64(27)) & np.uint64(31)
        np.bitwise_or.at(words[:, word], places, (np.uint64(1) << bits).astype(np.uint32))
    return words.tobytes()


async def _make_next(pool: Pool) -> bool:
    with translated():
        async with pool.acquire() as connection, connection.transaction():
            # While it is made, nobody drops the rows it is made of.
            day = await connection.fetchrow(_SQL["next"], await steady_in_transaction(connection))
            if day is None:
                return False
            filters = []
            for name in ("hashes", "addresses"):
                keys = await connection.fetchval(_SQL[name], *day, timeout=LONG_S)
                filters.append(await asyncio.to_thread(filter_of, keys))
            await connection.execute(_SQL["store"], *day, *filters)
    return True
