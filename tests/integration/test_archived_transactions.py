"""Transactions whose raw rows were dropped are read from the archive, as they were from the database."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.archived import NOW, archive_all, bitcoin_address, commit, drop_all, restore_all, three_days
from tests.blocks import BITCOIN, ETHEREUM
from txhub.contract import Source, Transaction
from txhub.errors import ArchiveUnavailable, NotFound
from txhub.query import transactions as question
from txhub.query.timerange import ALWAYS
from txhub.query.transaction import read_transaction
from txhub.query.transactions import TransactionsAnswer, read_transactions
from txhub.store.coldread import ColdReader, dropped_files
from txhub.store.place import Place
from txhub.store.pool import Pool, open_pool
from txhub.store.prices import Price, put_prices
from txhub.store.read import Reader

SENDER = "0x" + (7).to_bytes(20, "big").hex()
HUGE = Decimal(10**45)
QUESTIONS: dict[str, dict[str, Any]] = {
    "everything": {},
    "one chain": {"chain": ["bitcoin"]},
    "kinds": {"kind": ["transfer", "contract_creation"]},
    "sender": {"chain": ["ethereum"], "from_": [SENDER]},
    "recipient": {"to": [SENDER]},
    "party": {"address": [SENDER]},
    "party on Bitcoin": {"chain": ["bitcoin"], "address": [bitcoin_address(2).decode()]},
    "least value": {"min_value": "0.5"},
    "greatest value": {"max_value": "0.00000001"},
    "value between": {"min_value": "1", "max_value": "500000"},
    "more than a file's decimals hold": {"min_value": "1000000000000000000000000"},
    "in a range of time": {"start": "2026-03-02T06:00:00Z", "end": "2026-03-04T18:30:00Z"},
    "all at once": {"chain": ["ethereum"], "kind": ["transfer"], "address": [SENDER], "start": "2026-03-02"},
}


@pytest.fixture
async def pool(database: str) -> AsyncIterator[Pool]:
    async with open_pool(database, name="test") as pool:
        yield pool


@pytest.fixture
async def reader(database: str) -> AsyncIterator[Reader]:
    async with Reader(database) as reader:
        yield reader


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(str(tmp_path / "archive"))


@pytest.fixture
async def cold(place: Place) -> AsyncIterator[ColdReader]:
    cold = ColdReader(place)
    yield cold
    await cold.close()


async def fill(pool: Pool, database: str, place: Place) -> None:
    """Two chains' three days, archived; one value does not fit the decimals of a file, and prices are known."""
    ethereum = three_days(ETHEREUM)
    first = ethereum[60].transactions
    first[0] = first[0]._replace(value=HUGE)
    await commit(pool, ethereum)
    await commit(pool, three_days(BITCOIN), BITCOIN)
    time = ethereum[20].time
    await put_prices(pool, [Price(asset, time, Decimal("1234.56"), "test") for asset in ("ETH", "BTC")])
    await archive_all(pool, database, place)


async def pages(reader: Reader, cold: ColdReader, limit: int, **asked: Any) -> list[TransactionsAnswer]:
    found = [await read_transactions(reader, cold, now=NOW, limit=limit, **asked)]
    while (cursor := found[-1].next) is not None:
        found.append(await read_transactions(reader, cold, now=NOW, limit=limit, cursor=cursor, **asked))
    return found


def items(found: list[TransactionsAnswer]) -> list[Transaction]:
    return [item for page in found for item in page.as_contract().items]


async def test_every_question_has_the_answer_that_it_had(
    pool: Pool, database: str, place: Place, reader: Reader, cold: ColdReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(pool, database, place)
    before = {name: await pages(reader, cold, 1000, **asked) for name, asked in QUESTIONS.items()}
    assert all(page.sources == [Source.RAW] for found in before.values() for page in found)
    assert all(items(found) for found in before.values())
    assert any(item.value_usd for item in items(before["everything"]))
    frames = {name: found[0].rows for name, found in before.items()}

    assert len((await drop_all(pool, place, before=date(2026, 3, 4))).days) == 3
    for name, asked in QUESTIONS.items():
        found = await pages(reader, cold, 1000, **asked)
        assert items(found) == items(before[name]), name
        assert found[0].rows.schema == frames[name].schema
        assert Source.ARCHIVE in found[-1].sources

    # Pages of any size make the same list, where each searches one day of the archive.
    monkeypatch.setattr(question, "SEARCHED_ROWS", 1)
    for limit in (7, 100):
        for name in ("everything", "party", "value between", "in a range of time"):
            found = await pages(reader, cold, limit, **QUESTIONS[name])
            assert items(found) == items(before[name]), name
            assert all(len(page.rows) <= limit for page in found)
    sources = [page.sources for page in await pages(reader, cold, 100)]
    assert sources[0] == [Source.RAW]
    assert sources[-1] == [Source.ARCHIVE]
    assert [Source.RAW, Source.ARCHIVE] in sources


async def test_a_search_that_takes_long_is_handed_over_and_goes_on(
    pool: Pool, database: str, place: Place, reader: Reader, cold: ColdReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(pool, database, place)
    whole = {name: await pages(reader, cold, 1000, **asked) for name, asked in QUESTIONS.items()}
    monkeypatch.setattr(question, "SEARCHED_S", -1.0)
    for name, asked in QUESTIONS.items():
        found = await pages(reader, cold, 1000, **asked)
        assert items(found) == items(whole[name]), name
        assert len(found) > 1, "the day of the newest block is a page of its own"
    # The same where the older days are in the archive only.
    await drop_all(pool, place, before=date(2026, 3, 3))
    for limit in (7, 1000):
        for name, asked in QUESTIONS.items():
            assert items(await pages(reader, cold, limit, **asked)) == items(whole[name]), name


async def test_a_page_of_the_database_alone_opens_no_file(
    pool: Pool, database: str, place: Place, reader: Reader, cold: ColdReader
) -> None:
    await fill(pool, database, place)
    await drop_all(pool, place, before=date(2026, 3, 4))
    await asyncio.to_thread(shutil.rmtree, place.shown)
    for asked in ({"limit": 50}, {"start": "2026-03-04"}):
        page = await read_transactions(reader, cold, now=NOW, **asked)
        assert page.rows.height >= 50
        assert page.sources == [Source.RAW]
    with pytest.raises(ArchiveUnavailable, match="cannot be read"):
        await read_transactions(reader, cold, now=NOW, start="2026-03-03", limit=1000)


async def test_a_file_that_cannot_have_what_is_sought_is_not_opened(
    pool: Pool, database: str, place: Place, reader: Reader, cold: ColdReader
) -> None:
    await fill(pool, database, place)
    await drop_all(pool, place, before=date(2026, 3, 4))
    row = three_days(ETHEREUM)[60].transactions[1]
    for file in await dropped_files(reader, "transactions", *ALWAYS):
        if file.chain_id != ETHEREUM.chain_id or file.start.date() != row.block_time.date():
            (Path(place.shown) / file.path).unlink()
    found = await read_transaction(reader, cold, "ethereum", "0x" + row.hash.hex(), now=NOW)
    assert (found.source, found.transaction.block_number) == (Source.ARCHIVE, 60)
    with pytest.raises(NotFound):
        await read_transaction(reader, cold, "ethereum", "0x" + bytes(32).hex(), now=NOW)
    stranger = "0x" + bytes(range(20)).hex()
    assert items(await pages(reader, cold, 100, chain=["ethereum"], address=[stranger])) == []


async def test_what_was_restored_a_moment_ago_is_there_once(
    pool: Pool, database: str, place: Place, reader: Reader, cold: ColdReader
) -> None:
    """The archive still answers for such a day: the database may have been asked before it came back."""
    await fill(pool, database, place)
    before = items(await pages(reader, cold, 1000))
    await drop_all(pool, place, before=date(2026, 3, 4))
    await restore_all(pool, place, first=date(2026, 3, 2))
    found = await pages(reader, cold, 1000)
    assert items(found) == before
    await pool.execute("UPDATE txhub.archive_manifest SET restored_at = restored_at - INTERVAL '1 hour'")
    assert items(await pages(reader, cold, 1000)) == before


async def test_an_archive_elsewhere_is_read_too(pool: Pool, database: str, reader: Reader) -> None:
    place = Place("memory://archived-transactions")
    cold = ColdReader(place)
    await fill(pool, database, place)
    before = items(await pages(reader, cold, 1000))
    await drop_all(pool, place, before=date(2026, 3, 4))
    assert items(await pages(reader, cold, 1000)) == before
    await cold.close()
