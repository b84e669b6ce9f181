"""Closed hours: the busiest and the active addresses equal what is counted from the rows, also after late blocks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from datasketches import hll_sketch, hll_union

from tests.blocks import ETHEREUM, START, make_block, make_blocks, make_branch
from txhub.model import Block, Transaction
from txhub.rollup import hours
from txhub.rollup.hours import close_hours
from txhub.rollup.refresh import catch_up
from txhub.store.ledger import Ledger
from txhub.store.pool import Pool, open_pool

TOP = 8
Key = tuple[bytes | None, ...]
Hours = dict[datetime, dict[Key, tuple[int, ...]]]
PARTIES: dict[str, Callable[[Transaction], Key]] = {
    "top_senders_1h": lambda row: (row.from_address,),
    "top_receivers_1h": lambda row: (row.to_address,),
    "top_flows_1h": lambda row: (row.from_address, row.to_address),
}


async def close(pool: Pool, now: datetime = START + timedelta(days=30)) -> int:
    while await catch_up(pool, now):
        pass
    return await close_hours(pool, now)


def expected(
    blocks: Iterable[Block], key_of: Callable[[Transaction], Key]
) -> dict[datetime, dict[Key, tuple[int, ...]]]:
    """For each hour: count, sum and greatest value of each of the busiest, and of the others with their bounds."""
    groups: dict[datetime, dict[Key, list[int]]] = defaultdict(lambda: defaultdict(list))
    for block in blocks:
        for row in block.transactions:
            if None not in (key := key_of(row)):
                groups[block.time.replace(minute=0, second=0)][key].append(int(row.value))
    result = {}
    for hour, parties in groups.items():
        by_count = sorted(parties, key=lambda k: (-len(parties[k]), -sum(parties[k]), k))[:TOP]
        by_value = sorted(parties, key=lambda k: (-sum(parties[k]), -len(parties[k]), k))[:TOP]
        top = {*by_count, *by_value}
        kept = {key: (len(values), sum(values), max(values), 0, 0) for key, values in parties.items() if key in top}
        others = [values for key, values in parties.items() if key not in top]
        if others:
            every = [value for values in others for value in values]
            bounds = max(map(len, others)), max(map(sum, others))
            kept[tuple(None for _ in next(iter(top)))] = (len(every), sum(every), max(every), *bounds)
        result[hour] = kept
    return result


async def found(pool: Pool, view: str) -> Hours:
    keys = ("from_address", "to_address") if "flows" in view else ("address",)
    result: Hours = defaultdict(dict)
    for row in await pool.fetch(f"SELECT * FROM txhub.{view}"):
        figures = (row[name] for name in ("tx_count", "value_sum", "value_max", "count_bound", "value_bound"))
        result[row["bucket"]][tuple(row[key] for key in keys)] = tuple(map(int, figures))
    return result


def addresses(blocks: Sequence[Block]) -> set[bytes]:
    rows = [row for block in blocks for row in block.transactions]
    return {address for row in rows for address in (row.from_address, row.to_address) if address is not None}


async def test_the_busiest_of_each_hour_are_those_of_the_rows(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hours, "TOP", TOP)
    blocks = make_blocks(range(900))
    async with open_pool(database, name="test") as pool:
        ledger = Ledger(pool, ETHEREUM)
        await ledger.register()
        await ledger.commit(blocks[100:800], bulk=True)
        assert await close(pool) == 4
        await ledger.commit(blocks[:100], bulk=True)
        for block in blocks[800:]:
            await ledger.commit([block])
        assert await close(pool) > 0
        assert await close(pool) == 0
        for view, key_of in PARTIES.items():
            assert await found(pool, view) == expected(blocks, key_of), view


async def test_a_reorg_closes_its_hours_again(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hours, "TOP", TOP)
    common, winners = make_blocks(range(400)), make_branch(range(390, 395), "winner", fork=389, transactions=3)
    async with open_pool(database, name="test") as pool:
        ledger = Ledger(pool, ETHEREUM)
        await ledger.register()
        await ledger.commit(common, bulk=True)
        await close(pool)
        await ledger.replace(389, winners)
        assert await close(pool) == 1
        for view, key_of in PARTIES.items():
            assert await found(pool, view) == expected(common[:390] + winners, key_of), view


async def test_an_hour_is_closed_when_it_is_over(database: str) -> None:
    async with open_pool(database, name="test") as pool:
        ledger = Ledger(pool, ETHEREUM)
        await ledger.register()
        await ledger.commit(make_blocks(range(200)), bulk=True)  # 22:30 to 23:10
        assert await close(pool, START + timedelta(minutes=35)) == 0
        assert await close(pool, START + timedelta(minutes=41)) == 1
        assert await close(pool, START + timedelta(hours=3)) == 1


async def test_sketches_count_the_active_addresses_and_combine_over_hours(database: str) -> None:
    blocks = [make_block(number) for number in range(900)]
    for block in blocks:  # more addresses than the made blocks have
        block.transactions[:] = [
            row._replace(from_address=(block.number * 20 + row.tx_index).to_bytes(20, "big"), value=Decimal(1))
            for row in block.transactions
        ]
    async with open_pool(database, name="test") as pool:
        ledger = Ledger(pool, ETHEREUM)
        await ledger.register()
        await ledger.commit(blocks, bulk=True)
        await close(pool)
        rows = await pool.fetch("SELECT bucket, sketch FROM txhub.active_1h")
        union = hll_union(hours.SKETCH_LOG2_K)
        for row in rows:
            hour = [block for block in blocks if block.time.replace(minute=0, second=0) == row["bucket"]]
            sketch = hll_sketch.deserialize(row["sketch"])
            assert sketch.get_lower_bound(3) <= len(addresses(hour)) <= sketch.get_upper_bound(3)
            union.update(sketch)
        together = union.get_result()
        assert together.get_lower_bound(3) <= len(addresses(blocks)) <= together.get_upper_bound(3)
        assert len(rows) == len({block.time.replace(minute=0, second=0) for block in blocks})
        assert rows[0]["bucket"].tzinfo == UTC
