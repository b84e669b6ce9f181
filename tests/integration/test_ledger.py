"""The commit of blocks: exactly once, all or nothing, seen in order."""

from __future__ import annotations

import asyncio
import json
import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from tests.blocks import BASE, BITCOIN, ETHEREUM, START, make_block, make_blocks, make_branch
from tests.conftest import open_database
from txhub.errors import BrokenLink, SchemaMismatch, UsageError
from txhub.model import Block
from txhub.rollup.refresh import Span, catch_up, refresh
from txhub.store.ledger import Committed, Ledger
from txhub.store.migrate import migrate
from txhub.store.pool import Pool, open_pool
from txhub.store.server import Server


async def contents(pool: Pool) -> tuple[int, int, Decimal]:
    blocks = await pool.fetchval("SELECT count(*) FROM txhub.blocks")
    rows, total = await pool.fetchrow("SELECT count(*), sum(value) FROM txhub.transactions")
    return blocks, rows, total


async def test_a_second_commit_of_the_same_blocks_adds_nothing(database: str) -> None:
    blocks = make_blocks(range(40))
    expected = sum(row.value for block in blocks for row in block.transactions)
    async with open_pool(database, name="test") as pool:
        ledger = Ledger(pool, ETHEREUM)
        await ledger.register()
        assert await ledger.commit(blocks[:30], bulk=True) == Committed(30, 600)
        assert await ledger.commit(blocks[20:]) == Committed(10, 200)
        assert await ledger.commit(blocks, bulk=True) == Committed(0, 0)
        assert await contents(pool) == (40, 800, expected)


async def test_every_column_comes_back_as_it_went_in(database: str) -> None:
    block = make_block(7)
    async with open_pool(database, name="test") as pool:
        ledger = Ledger(pool, ETHEREUM)
        await ledger.register()
        await ledger.commit([block])
        rows = await pool.fetch("SELECT * FROM txhub.transactions ORDER BY tx_index")
        assert [tuple(row) for row in rows] == [tuple(row) for row in block.transactions]
        kept = await pool.fetchrow("SELECT * FROM txhub.blocks")
    assert (kept["hash"], kept["parent_hash"], kept["time"]) == (block.hash, block.parent_hash, block.time)
    assert (kept["tx_count"], kept["gas_used"], kept["base_fee"], kept["size"]) == (20, block.gas_used, 7, 10_000)


async def test_four_writers_of_overlapping_ranges_with_aborts_end_as_one(database: str) -> None:
    blocks = make_blocks(range(120))
    expected = sum(row.value for block in blocks for row in block.transactions)
    async with open_pool(database, name="test", size=6) as pool:
        ledger = Ledger(pool, ETHEREUM)
        await ledger.register()

        async def write(seed: int) -> None:
            chance = random.Random(seed)
            while await ledger.missing(0, 119):
                start = chance.randrange(-10, 120)
                part = [block for block in blocks if start <= block.number < start + chance.randrange(1, 30)]
                chance.shuffle(part)
                task = asyncio.create_task(ledger.commit(part, bulk=chance.random() < 0.5))
                if chance.random() < 0.3:
                    await asyncio.sleep(chance.random() / 50)
                    task.cancel()
                await asyncio.wait([task])
                if not task.cancelled():
                    task.result()

        await asyncio.gather(*map(write, range(4)))
        assert await contents(pool) == (120, 2400, expected)
        assert await pool.fetchval("SELECT sum(tx_count) FROM txhub.tx_1d") == 2400
        told = await pool.fetch("SELECT data FROM txhub.stream_events ORDER BY id")
        assert sum(json.loads(row["data"])["tx_count"] for row in told) == 2400


async def test_missing_runs_are_found_newest_first(database: str) -> None:
    async with open_pool(database, name="test") as pool:
        ledger = Ledger(pool, ETHEREUM)
        await ledger.register()
        assert await ledger.missing(5, 9) == [range(5, 10)]
        await ledger.commit(make_blocks([6, 7, 12, 20], transactions=1))
        assert await ledger.missing(5, 21) == [range(21, 22), range(13, 20), range(8, 12), range(5, 6)]
        assert await ledger.missing(6, 7) == []
        assert await ledger.missing(5, 21, limit=1) == [range(21, 22)]
        tip = await ledger.tip()
        assert tip is not None
        assert (tip.number, tip.hash) == (20, make_block(20).hash)


async def test_event_ids_become_visible_in_order(database: str) -> None:
    """A reader that always takes everything after its cursor must see every event of competing committers."""
    async with open_pool(database, name="test", size=8) as pool:
        ledgers = [Ledger(pool, chain) for chain in (ETHEREUM, BASE)]
        for ledger in ledgers:
            await ledger.register()
        seen: list[int] = []
        done = asyncio.Event()

        async def read() -> None:
            while True:
                last = done.is_set()
                rows = await pool.fetch(
                    "SELECT id FROM txhub.stream_events WHERE id > $1 ORDER BY id", seen[-1] if seen else 0
                )
                seen.extend(row["id"] for row in rows)
                if last and not rows:
                    return

        async def write(ledger: Ledger, numbers: range) -> None:
            for number in numbers:
                await ledger.commit([make_block(number, chain=ledger.chain, transactions=3)])

        reading = asyncio.create_task(read())
        await asyncio.gather(*(write(ledger, range(n, n + 15)) for ledger in ledgers for n in (0, 15, 30)))
        done.set()
        await reading
        assert len(seen) == len(set(seen)) == 90
        assert await pool.fetchval("SELECT count(*) FROM txhub.stream_events") == 90


async def test_a_second_follower_waits_for_its_turn(database: str) -> None:
    order: list[str] = []
    async with open_pool(database, name="one") as first, open_pool(database, name="two") as second:

        async def follow() -> None:
            async with Ledger(second, ETHEREUM).turn_to_follow():
                order.append("second")

        async with Ledger(first, ETHEREUM).turn_to_follow():
            waiting = asyncio.create_task(follow())
            async with Ledger(second, BASE).turn_to_follow():
                order.append("another chain")
            order.append("first is done")
        await waiting
    assert order == ["another chain", "first is done", "second"]


async def test_the_promise_to_follow_only_moves_back(database: str) -> None:
    async with open_pool(database, name="test") as pool:
        ledger = Ledger(pool, ETHEREUM)
        await ledger.register()
        assert [await ledger.follow_from(number) for number in (100, 200, 50, 70)] == [100, 100, 50, 50]


async def test_a_chain_id_is_never_taken_over_by_another_chain(database: str) -> None:
    async with open_pool(database, name="test") as pool:
        await Ledger(pool, ETHEREUM).register()
        with pytest.raises(UsageError, match="chain id 1 "):
            await Ledger(pool, BASE.__class__(1, "other", "evm", "X", 6, 1.0, 1, Decimal(1))).register()


async def test_without_a_schema_the_error_says_to_migrate(empty_database: str) -> None:
    async with open_pool(empty_database, name="test") as pool:
        with pytest.raises(SchemaMismatch) as caught:
            await Ledger(pool, ETHEREUM).commit([make_block(1)])
    assert "db migrate" in (caught.value.hint or "")


TABLES = ("transactions", "token_transfers", "utxo_io")
REORG_VIEWS = (*TABLES, "tx_1m", "tx_1h", "tx_1d", "chain_1m", "peaks_1h")


async def views(pool: Pool) -> dict[str, list[str]]:
    found = {view: await pool.fetch(f"SELECT * FROM txhub.{view}") for view in REORG_VIEWS}
    found["blocks"] = await pool.fetch("SELECT chain_id, number, hash, parent_hash, time, tx_count FROM txhub.blocks")
    return {view: sorted(map(repr, rows)) for view, rows in found.items()}


async def test_token_transfers_and_coin_moves_come_back_as_they_went_in(database: str) -> None:
    ethereum, bitcoin = make_block(7), make_block(7, chain=BITCOIN)
    async with open_pool(database, name="test") as pool:
        for chain, block in ((ETHEREUM, ethereum), (BITCOIN, bitcoin)):
            ledger = Ledger(pool, chain)
            await ledger.register()
            await ledger.commit([block], bulk=chain is BITCOIN)
        transfers = await pool.fetch("SELECT * FROM txhub.token_transfers ORDER BY log_index")
        assert [tuple(row) for row in transfers] == [tuple(row) for row in ethereum.token_transfers] != []
        moves = await pool.fetch("SELECT * FROM txhub.utxo_io ORDER BY tx_index, side, n")
        assert [tuple(row) for row in moves] == [tuple(row) for row in bitcoin.utxo_io] != []


async def test_every_way_value_touched_an_address_is_in_one_view(database: str) -> None:
    blocks = make_blocks(range(20))
    other = [make_block(number, chain=BITCOIN) for number in range(3)]
    async with open_pool(database, name="test") as pool:
        for chain, some in ((ETHEREUM, blocks), (BITCOIN, other)):
            ledger = Ledger(pool, chain)
            await ledger.register()
            await ledger.commit(some)
        for address in {row.from_address for row in blocks[0].transactions} | {b"bcrt1q7"}:
            rows = [row for block in blocks for row in block.transactions]
            transfers = [row for block in blocks for row in block.token_transfers]
            moves = [row for block in other for row in block.utxo_io if row.address == address]
            expected = {
                "out": sum(int(r.value) for r in rows if r.from_address == address)
                + sum(int(t.amount) for t in transfers if t.from_address == address)
                + sum(int(m.amount) for m in moves if m.side == "in"),
                "in": sum(int(r.value) for r in rows if r.to_address == address)
                + sum(int(t.amount) for t in transfers if t.to_address == address)
                + sum(int(m.amount) for m in moves if m.side == "out"),
            }
            question = "SELECT direction, sum(amount) FROM txhub.address_moves WHERE address = $1 GROUP BY 1"
            assert dict(await pool.fetch(question, address)) == {key: sum_ for key, sum_ in expected.items() if sum_}


@pytest.mark.parametrize("wrong", [0, 5, 9])
async def test_blocks_that_do_not_link_are_refused_and_nothing_of_them_is_written(database: str, wrong: int) -> None:
    blocks = make_blocks(range(10))
    async with open_pool(database, name="test") as pool:
        ledger = Ledger(pool, ETHEREUM)
        await ledger.register()
        await ledger.commit([block for block in blocks if block.number != wrong])
        before = await views(pool)
        with pytest.raises(BrokenLink) as caught:
            await ledger.commit([make_block(wrong, branch="other"), make_block(20)])
        assert caught.value.numbers == (wrong,)
        assert await views(pool) == before
        await ledger.commit([blocks[wrong]])
        with pytest.raises(BrokenLink) as within:
            await ledger.commit([make_block(30), make_block(31, branch="other"), make_block(40)], bulk=True)
        assert within.value.numbers == (30, 31)


@pytest.mark.parametrize(("depth", "won"), [(1, 2), (3, 3), (12, 14), (64, 65), (5, 2), (4, 0)])
async def undisturbed(server: Server, blocks: list[Block]) -> dict[str, list[str]]:
    """The views of a database that these blocks alone were ever committed to."""
    with open_database(server) as url:
        migrate(url)
        async with open_pool(url, name="test") as pool:
            ledger = Ledger(pool, ETHEREUM)
            await ledger.register()
            await ledger.commit(blocks)
            return await views(pool)


@pytest.mark.parametrize(("depth", "won"), [(1, 2), (3, 3), (12, 14), (64, 65), (5, 2), (4, 0)])
async def test_a_reorg_leaves_what_the_winning_chain_alone_would_have(
    server: Server, database: str, depth: int, won: int
) -> None:
    tip = 80
    ancestor = tip - depth
    common, losers = make_blocks(range(ancestor + 1)), make_blocks(range(ancestor + 1, tip + 1))
    winners = make_branch(range(ancestor + 1, ancestor + 1 + won), "winner", fork=ancestor, transactions=7)
    expected = await undisturbed(server, common + winners)
    everything = [Span(START - timedelta(days=2), START + timedelta(days=2))]
    async with open_pool(database, name="test") as pool:
        ledger = Ledger(pool, ETHEREUM)
        await ledger.register()
        await ledger.commit(common[:40], bulk=True)
        await ledger.commit(common[40:])
        await ledger.commit(losers, bulk=depth > 10)
        await refresh(pool, everything, datetime.now(UTC))
        reorg = await ledger.replace(ancestor, winners)
        assert reorg is not None
        assert (reorg.ancestor, reorg.depth, reorg.from_number) == (ancestor, depth, tip)
        assert reorg.to_number == ancestor + won
        while await catch_up(pool, datetime.now(UTC)):
            pass
        assert await views(pool) == expected
        assert await ledger.unlinked(0, tip + 10) == []

        kept = await pool.fetch("SELECT hash FROM txhub.orphans WHERE reorg_id = 1 ORDER BY number")
        assert [row["hash"] for row in kept] == [block.hash for block in losers]
        for table in TABLES:
            rows = await pool.fetch(f"SELECT * FROM txhub.orphan_{table} WHERE reorg_id = 1")
            lost = [row for block in losers for row in getattr(block, table)]
            assert sorted(repr(tuple(row)[:-1]) for row in rows) == sorted(repr(tuple(row)) for row in lost)
        told = await pool.fetch("SELECT event FROM txhub.stream_events ORDER BY id DESC LIMIT $1", won + 1)
        assert [row["event"] for row in told] == ["block"] * won + ["reorg"]


async def test_winners_that_do_not_link_change_nothing(database: str) -> None:
    async with open_pool(database, name="test") as pool:
        ledger = Ledger(pool, ETHEREUM)
        await ledger.register()
        await ledger.commit(make_blocks(range(10)))
        before = await views(pool)
        for winners in (
            make_branch(range(8, 12), "other", fork=5),
            [*make_branch(range(8, 10), "other", fork=7), make_block(10)],
        ):
            with pytest.raises(BrokenLink):
                await ledger.replace(7, winners)
        assert await views(pool) == before
        assert await pool.fetchval("SELECT count(*) FROM txhub.reorgs") == 0
