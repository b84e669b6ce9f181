"""A small past that questions are asked of: three chains, two gaps, and what the answers have to be.

Ethereum and base share a coin; bitcoin does not. The expectations are made from the rows as they were
committed, in exact arithmetic, without any SQL.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import polars as pl

from tests.blocks import BASE, BITCOIN, ETHEREUM, START, make_block
from txhub.contract import BUCKET_SECONDS, Bucket
from txhub.model import Block
from txhub.store.ledger import Ledger
from txhub.store.pool import open_pool

CHAINS = {chain.name: chain for chain in (BASE, BITCOIN, ETHEREUM)}
NOW = START + timedelta(days=30)
"""When the questions are asked: long after, so that nothing of it is provisional."""
GAPS = {"ethereum": range(50, 60), "base": range(60, 100)}


def _bitcoin_block(number: int) -> Block:
    block = make_block(number, chain=BITCOIN, transactions=5)
    block.transactions[:] = [
        row._replace(from_address=None if row.tx_index == 0 else b"bcrt1qfrom", to_address=b"bcrt1qto%d" % row.tx_index)
        for row in block.transactions
    ]
    return block


BLOCKS: dict[str, list[Block]] = {
    "ethereum": [make_block(n, transactions=7) for n in range(400) if n not in GAPS["ethereum"]],
    "base": [make_block(n, chain=BASE, transactions=3) for n in range(400) if n not in GAPS["base"]],
    "bitcoin": [_bitcoin_block(n) for n in range(8)],
}
ROWS = pl.DataFrame(
    [
        (chain, row.block_time, row.block_number, row.tx_index, row.kind, row.hash, int(row.value))
        for chain, blocks in BLOCKS.items()
        for block in blocks
        for row in block.transactions
    ],
    schema={
        "chain": pl.String,
        "time": pl.Datetime("us", "UTC"),
        "number": pl.Int64,
        "index": pl.Int64,
        "kind": pl.String,
        "hash": pl.Binary,
        "value": pl.Object,
    },
    orient="row",
)


async def commit_sample(url: str) -> None:
    """Commit the sample to a migrated database."""
    async with open_pool(url, name="test") as pool:
        for name, blocks in BLOCKS.items():
            ledger = Ledger(pool, CHAINS[name])
            await ledger.register()
            await ledger.commit(blocks, bulk=True)


def expected(metric: str, bucket: Bucket, chains: Iterable[str], kinds: Iterable[str] = ()) -> dict[datetime, float]:
    """The value of each bucket that has transactions of these chains (of one coin) and kinds (none: all)."""
    width = BUCKET_SECONDS[bucket]
    sums: dict[int, tuple[int, int]] = {}
    decimals = 0
    for chain, time, kind, value in ROWS.select("chain", "time", "kind", "value").iter_rows():
        if chain in chains and (not kinds or kind in kinds):
            decimals = CHAINS[chain].decimals
            start = int(time.timestamp()) // width * width
            count, total = sums.get(start, (0, 0))
            sums[start] = count + 1, total + value
    return {
        datetime.fromtimestamp(start, UTC): float(
            {
                "tx_rate": Fraction(count * 60, width),
                "volume": Fraction(total, 10**decimals),
                "avg_value": Fraction(total, count * 10**decimals),
            }[metric]
        )
        for start, (count, total) in sums.items()
    }
