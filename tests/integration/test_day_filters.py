"""Filters of days: a day is left out of a search only if it cannot have what is sought, whatever was committed."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Iterable
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.blocks import BASE, BITCOIN, ETHEREUM, START, make_block, make_branch
from txhub.model import Block, Chain
from txhub.query.chains import read_chains
from txhub.query.search import search
from txhub.query.sought import Sought, absent_days, newest_pieces, oldest_pieces
from txhub.query.timerange import ALWAYS, TimeRange
from txhub.query.transaction import read_transaction
from txhub.query.transactions import read_transactions
from txhub.rollup.filters import filter_of, make_filters
from txhub.rollup.hours import close_hours
from txhub.rollup.refresh import catch_up
from txhub.store.coldread import ColdReader
from txhub.store.ledger import Ledger
from txhub.store.place import Place
from txhub.store.pool import Pool, open_pool
from txhub.store.read import Reader

COLD = ColdReader(Place("memory://nothing"))
DAY = timedelta(days=1)
DAYS = 6
A_DAY = 7200
"""Blocks of Ethereum."""
NOW = START + timedelta(days=30)
MIDNIGHT = START.replace(hour=0, minute=0)


def made(day: int, chain: Chain = ETHEREUM, blocks: int = 20) -> list[Block]:
    """Some blocks of a chain's day, with addresses of the day's own beside those that every day has."""
    a_day = round(DAY.total_seconds() / chain.block_time_s)
    result = [make_block(day * a_day + each, chain=chain, transactions=5) for each in range(blocks)]
    if chain.family == "evm":
        for block in result:
            block.transactions[:] = [
                row._replace(from_address=own_address(day) if row.tx_index == 0 else row.from_address)
                for row in block.transactions
            ]
    return result


def own_address(day: int) -> bytes:
    return b"only on this day" + day.to_bytes(4, "big")


async def commit(pool: Pool, chain: Chain, blocks: Iterable[Block]) -> None:
    ledger = Ledger(pool, chain)
    await ledger.register()
    await ledger.commit(list(blocks), bulk=True)


async def close(pool: Pool) -> None:
    while await catch_up(pool, NOW):
        pass
    await close_hours(pool, NOW)
    await make_filters(pool)


@pytest.fixture
async def pool(database: str) -> AsyncIterator[Pool]:
    async with open_pool(database, name="test") as pool:
        yield pool


@pytest.fixture
async def reader(database: str) -> AsyncIterator[Reader]:
    async with Reader(database) as reader:
        yield reader


async def absent(reader: Reader, sought: Sought, chain: Chain = ETHEREUM) -> set[int]:
    """The days, by number, that cannot have it."""
    return {(day - MIDNIGHT).days for _, day in await absent_days(reader, sought, ALWAYS, [chain.chain_id])}


def everything(block: Block) -> Iterable[Sought]:
    yield from (Sought(hash=row.hash) for row in block.transactions)
    touched = {address for row in block.transactions for address in (row.from_address, row.to_address)}
    touched |= {address for row in block.token_transfers for address in (row.from_address, row.to_address)}
    touched |= {row.address for row in block.utxo_io}
    yield from (Sought(addresses=[[address]]) for address in touched if address is not None)


@pytest.mark.parametrize("chain", [ETHEREUM, BITCOIN], ids=lambda chain: chain.name)
async def test_what_a_day_has_is_never_absent_from_it(pool: Pool, reader: Reader, chain: Chain) -> None:
    blocks = made(0, chain) + made(1, chain)
    await commit(pool, chain, blocks)
    await close(pool)
    for block in blocks[::3]:
        for each in everything(block):
            assert (block.time - MIDNIGHT).days not in await absent(reader, each, chain)


async def test_what_a_day_has_not_is_absent_but_for_one_in_a_hundred(pool: Pool, reader: Reader) -> None:
    await commit(pool, ETHEREUM, made(0, blocks=40))
    await close(pool)
    chance = random.Random(1)
    let_through = 0
    for _ in range(300):
        let_through += not await absent(reader, Sought(hash=chance.randbytes(32)))
        let_through += not await absent(reader, Sought(addresses=[[chance.randbytes(20)]]))
    assert let_through <= 12


@pytest.mark.parametrize("keys", [0, 1, 1000, 100_000])
def test_a_filter_has_twelve_bits_a_key_and_sets_eight_of_them_at_most(keys: int) -> None:
    chance = random.Random(keys)
    made = filter_of(b"".join(chance.randbytes(8) for _ in range(keys)))
    assert len(made) % 32 == 0
    assert 12 * keys <= 8 * len(made) < 12 * keys + 256 + (256 if keys == 0 else 0)
    assert int.from_bytes(made).bit_count() <= 8 * keys


async def test_what_was_committed_since_is_not_absent_at_any_moment(pool: Pool, reader: Reader) -> None:
    await commit(pool, ETHEREUM, made(0) + made(1))
    await close(pool)
    late = make_block(60, transactions=3)
    wanted = Sought(hash=late.transactions[0].hash)
    assert await absent(reader, wanted) == {0, 1}
    await commit(pool, ETHEREUM, [late])
    assert await absent(reader, wanted) == {1}
    assert await absent(reader, wanted, BASE) == set()
    by_hash = "SELECT block_number FROM txhub.transactions_with_hash($1)"
    assert (await reader.frame(by_hash, late.transactions[0].hash)).rows() == [(60,)]
    while await catch_up(pool, NOW):
        assert await absent(reader, wanted) == {1}
    assert await absent(reader, wanted) == {1}
    await close_hours(pool, NOW)
    assert await absent(reader, wanted) == {1}
    assert await make_filters(pool) == 1
    assert await absent(reader, wanted) == {1}
    assert await absent(reader, Sought(hash=bytes(32))) == {0, 1}
    assert await make_filters(pool) == 0


async def test_what_a_reorg_brings_is_not_absent(pool: Pool, reader: Reader) -> None:
    await commit(pool, ETHEREUM, [make_block(number, transactions=3) for number in range(20)])
    await close(pool)
    winners = make_branch(range(15, 20), "winner", fork=14, transactions=3)
    wanted = Sought(hash=winners[0].transactions[0].hash)
    assert await absent(reader, wanted) == {0}
    await Ledger(pool, ETHEREUM).replace(14, winners)
    assert await absent(reader, wanted) == set()
    await close(pool)
    assert await absent(reader, wanted) == set()


async def test_one_of_each_group_has_to_be_there(pool: Pool, reader: Reader) -> None:
    await commit(pool, ETHEREUM, [block for day in range(3) for block in made(day)])
    await close(pool)
    first, second = own_address(0), own_address(1)
    assert await absent(reader, Sought(addresses=[[first, second]])) == {2}
    assert await absent(reader, Sought(addresses=[[first], [second]])) == {0, 1, 2}
    assert await absent(reader, Sought()) == set()


async def test_a_search_reads_the_days_that_have_it(pool: Pool, reader: Reader) -> None:
    await commit(pool, ETHEREUM, [block for day in range(DAYS) for block in made(day)])
    await commit(pool, BASE, made(3, BASE) + made(4, BASE))
    await close(pool)
    chains = await read_chains(reader, counted=False)
    wanted = Sought(addresses=[[own_address(2)]])

    async def days_read(pieces: AsyncIterator[TimeRange]) -> list[int]:
        """Of the days there are, those that are read."""
        found = []
        async for piece in pieces:
            found += [
                day for day in range(DAYS) if piece.start < MIDNIGHT + (day + 1) * DAY and day_of(day) < piece.end
            ]
        return found

    def day_of(day: int) -> datetime:
        return MIDNIGHT + day * DAY

    assert await days_read(newest_pieces(reader, wanted, ALWAYS, chains)) == [5, 2]
    assert await days_read(oldest_pieces(reader, wanted, TimeRange(day_of(0), day_of(6)), chains[-1])) == [2]
    assert await days_read(newest_pieces(reader, Sought(), ALWAYS, chains)) == [5, 4, 2, 3, 0, 1]
    within = TimeRange(day_of(2) + timedelta(hours=23), day_of(4) + timedelta(hours=1))
    assert await days_read(newest_pieces(reader, wanted, within, chains, within.end)) == [4, 2]


async def test_questions_find_what_is_long_ago(pool: Pool, reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    days = [made(day) for day in range(DAYS)]
    await commit(pool, ETHEREUM, [block for day in days for block in day])
    await close(pool)
    row = days[1][7].transactions[0]
    read: list[tuple[Any, ...]] = []
    frame = Reader.frame

    async def noting(self: Reader, statement: Any, *parameters: object) -> Any:
        read.append(parameters)
        return await frame(self, statement, *parameters)

    monkeypatch.setattr(Reader, "frame", noting)
    found = await read_transaction(reader, COLD, "ethereum", "0x" + row.hash.hex(), now=NOW)
    assert (found.transaction.block_number, found.transaction.tx_index) == (row.block_number, row.tx_index)
    hits = await search(reader, row.hash.hex(), now=NOW)
    assert [hit.link for hit in hits.items] == [
        f"/v1/transactions/ethereum/0x{row.hash.hex()}?block={row.block_number}"
    ]
    in_sql = await reader.frame("SELECT block_number, tx_index FROM txhub.transactions_with_hash($1)", row.hash)
    assert in_sql.rows() == [(row.block_number, row.tx_index)]
    assert (await reader.frame("SELECT FROM txhub.transactions_with_hash($1)", bytes(32))).is_empty()
    read.clear()
    address = "0x" + own_address(1).hex()
    page = await read_transactions(reader, COLD, address=[address], now=NOW)
    assert page.rows["block_number"].to_list() == [block.number for block in reversed(days[1])]
    assert len([parameters for parameters in read if own_address(1) in parameters]) <= 3
