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
from txhub.rollup.filters import make_filters
from txhub.rollup.hours import close_hours
from txhub.rollup.refresh import catch_up
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
        (
            chain,
            row.block_time,
            row.block_number,
            row.tx_index,
            row.kind,
            row.hash,
            int(row.value),
            None if row.fee is None else int(row.fee),
            row.gas_used,
            row.success,
        )
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
        "fee": pl.Object,
        "gas_used": pl.Int64,
        "success": pl.Boolean,
    },
    orient="row",
)


async def commit_sample(url: str) -> None:
    """Commit the sample to a migrated database, and do the worker's part."""
    async with open_pool(url, name="test") as pool:
        for name, blocks in BLOCKS.items():
            ledger = Ledger(pool, CHAINS[name])
            await ledger.register()
            await ledger.commit(blocks, bulk=True)
        while await catch_up(pool, NOW):
            pass
        await close_hours(pool, NOW)
        await make_filters(pool)


def expected(
    metric: str, bucket: Bucket, chains: Iterable[str], kinds: Iterable[str] = ()
) -> dict[datetime, float | None]:
    """The value of each bucket that has transactions of these chains (of one coin) and kinds (none: all)."""
    width = BUCKET_SECONDS[bucket]
    buckets: dict[int, list[tuple[int, int | None, int | None, bool | None]]] = {}
    decimals = 0
    columns = ("chain", "time", "kind", "value", "fee", "gas_used", "success")
    for chain, time, kind, *figures in ROWS.select(columns).iter_rows():
        if chain in chains and (not kinds or kind in kinds):
            decimals = CHAINS[chain].decimals
            buckets.setdefault(int(time.timestamp()) // width * width, []).append(tuple(figures))
    result: dict[datetime, float | None] = {}
    for start, rows in buckets.items():
        values, fees, gas, outcomes = zip(*rows, strict=True)
        known_fees, known_gas, known = (
            [each for each in column if each is not None] for column in (fees, gas, outcomes)
        )
        exact = {
            "tx_rate": Fraction(len(rows) * 60, width),
            "volume": Fraction(sum(values), 10**decimals),
            "avg_value": Fraction(sum(values), len(rows) * 10**decimals),
            "fees": Fraction(sum(known_fees), 10**decimals) if known_fees else None,
            "gas_used": Fraction(sum(known_gas)) if known_gas else None,
            "failed_rate": Fraction(known.count(False), len(known)) if known else None,
        }[metric]
        result[datetime.fromtimestamp(start, UTC)] = None if exact is None else float(exact)
    return result
