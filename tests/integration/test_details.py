"""One transaction and one block, against the rows as they were committed: live, replaced by a reorg, and archived."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Context, Decimal
from pathlib import Path

import pytest

from tests.archived import NOW, archive_all, commit, drop_all, three_days
from tests.asking import asking
from tests.blocks import BITCOIN, ETHEREUM, make_blocks, make_branch
from tests.conftest import open_database
from txhub.client import AsyncClient
from txhub.contract import BlockDetail, Coin, Source, Status, TokenTransfer, TransactionDetail
from txhub.errors import NotFound, TooLong, UsageError
from txhub.model import Block, Chain, Transaction
from txhub.query import transaction as question
from txhub.query.block import read_block
from txhub.query.transaction import read_transaction
from txhub.store.coldread import ColdReader
from txhub.store.edition import Edition
from txhub.store.labels import import_list
from txhub.store.ledger import Ledger
from txhub.store.place import Place
from txhub.store.pool import Pool, open_pool
from txhub.store.read import Reader
from txhub.store.server import Server

FORK = 10
SHOWN = replace(ETHEREUM, explorer="https://explorer.example.org")
OURS = make_blocks(range(FORK + 3))
WINNERS = make_branch(range(FORK + 1, FORK + 5), "b", fork=FORK)
LOSERS = OURS[FORK + 1 :]
BACK = LOSERS[0].transactions[3]
"""A transaction of a block that lost; one of those that won has it as well."""
WINNERS[1].transactions.append(BACK._replace(block_number=WINNERS[1].number, block_time=WINNERS[1].time, tx_index=20))
CHAIN = [*OURS[: FORK + 1], *WINNERS]
TIP = CHAIN[-1].number
SOON = CHAIN[-1].time + timedelta(seconds=5)
"""Moments after the newest block, so that all of them may still be replaced."""
COINS = [*three_days(BITCOIN, transactions=5)][:3]
TOKEN = (2).to_bytes(20, "big")
DECIMALS = 6


async def fill(url: str, folder: Path) -> None:
    path = folder / "desk.csv"
    path.write_text(
        f"address,name,category,country\n0x{(7).to_bytes(20, 'big').hex()},Acme,exchange,GB\n"
        f"0x{TOKEN.hex()},Dollar,token,\n"
    )
    async with open_pool(url, name="test") as pool:
        ledger = Ledger(pool, SHOWN)
        await ledger.register()
        await ledger.commit(OURS)
        await ledger.replace(FORK, WINNERS)
        await commit(pool, COINS, BITCOIN)
        await pool.execute("INSERT INTO txhub.tokens VALUES (1, $1, 'USD', $2, 'test')", TOKEN, DECIMALS)
        await import_list(pool, path, source="desk", version="1", as_of=OURS[0].time)


@pytest.fixture(scope="module", params=list(Edition), ids=str)
def filled(
    request: pytest.FixtureRequest,
    servers: Callable[[Edition], Server],
    migrated: Callable[[Edition], str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[str]:
    with open_database(servers(request.param), migrated(request.param)) as url:
        asyncio.run(fill(url, tmp_path_factory.mktemp("lists")))
        yield url


@pytest.fixture
async def reader(filled: str) -> AsyncIterator[Reader]:
    async with Reader(filled) as reader:
        yield reader


COLD = ColdReader(Place("memory://nothing"))


async def told(reader: Reader, row: Transaction, now: datetime = SOON, block: str | None = None) -> TransactionDetail:
    chain = {1: "ethereum", 0: "bitcoin"}[row.chain_id]
    return await read_transaction(reader, COLD, chain, row.hash.hex(), block=block, now=now)


def text(address: bytes, chain: Chain) -> str:
    return "0x" + address.hex() if chain.family == "evm" else address.decode()


def whole(amount: Decimal, decimals: int) -> str:
    exact = Context(prec=120)
    return format(exact.normalize(exact.scaleb(amount, -decimals)), "f")


def transfers(block: Block, row: Transaction) -> list[TokenTransfer]:
    """What the contract says of the transfers that the block has of a transaction."""
    return [
        TokenTransfer(
            each.log_index,
            text(each.token_address, ETHEREUM),
            "USD" if (known := each.token_address == TOKEN) else None,
            DECIMALS if known else None,
            each.standard,
            text(each.from_address, ETHEREUM),
            text(each.to_address, ETHEREUM),
            None if each.token_id is None else str(each.token_id),
            whole(each.amount, DECIMALS) if known else str(each.amount) if each.standard != "erc20" else None,
            str(each.amount),
        )
        for each in block.token_transfers
        if each.tx_index == row.tx_index
    ]


def coins(block: Block, row: Transaction, side: str) -> list[Coin]:
    return [
        Coin(
            each.n,
            None if each.address is None else each.address.decode(),
            whole(each.amount, 8),
            str(each.amount),
            each.script.hex(),
        )
        for each in block.utxo_io
        if (each.tx_index, each.side) == (row.tx_index, side)
    ]


async def test_a_transaction_is_told_whole(reader: Reader) -> None:
    for block in CHAIN[::3]:
        for row in block.transactions[:4]:
            detail = await told(reader, row)
            own = detail.transaction
            assert (own.hash, own.block_number, own.tx_index) == ("0x" + row.hash.hex(), block.number, row.tx_index)
            assert (own.value_base, own.fee) == (str(row.value), None if row.fee is None else whole(row.fee, 18))
            assert detail.token_transfers == transfers(block, row)
            assert detail.token_transfer_count == len(detail.token_transfers)
            assert (detail.inputs, detail.outputs) == ([], [])
            head = detail.block
            assert (head.number, head.hash, head.time) == (block.number, "0x" + block.hash.hex(), block.time)
            assert (head.tx_count, head.gas_used, head.size) == (block.tx_count, block.gas_used, block.size)
            assert (detail.confirmations, detail.status) == (TIP - block.number + 1, Status.PROVISIONAL)
            assert (detail.source, detail.explorer) == (Source.RAW, f"{SHOWN.explorer}/tx/{own.hash}")
            named = {own.from_address, own.to_address}
            named |= {
                x for each in detail.token_transfers for x in (each.token_address, each.from_address, each.to_address)
            }
            known = {"0x" + (7).to_bytes(20, "big").hex(): "Acme", "0x" + TOKEN.hex(): "Dollar"}
            assert {each.name for each in detail.labels} == {
                name for address, name in known.items() if address in named
            }
            assert await told(reader, row, block=str(block.number)) == detail
            assert await told(reader, row, block="0") == detail


async def test_some_transactions_have_transfers_and_labels(reader: Reader) -> None:
    details = [await told(reader, row) for row in CHAIN[2].transactions]
    assert any(each.token_transfers for each in details)
    assert any(each.labels for each in details)


async def test_what_bitcoin_spends_and_makes(reader: Reader) -> None:
    block = COINS[1]
    for row in block.transactions:
        detail = await told(reader, row)
        assert detail.transaction.hash == row.hash.hex()
        assert detail.inputs == coins(block, row, "in")
        assert detail.outputs == coins(block, row, "out")
        assert (detail.input_count, detail.output_count, detail.explorer) == (2, 2, None)
    assert [each.n for each in detail.outputs] == [0, 1]


async def test_what_is_deep_or_old_is_final(reader: Reader) -> None:
    row = CHAIN[0].transactions[0]
    later = SOON + timedelta(seconds=ETHEREUM.finality_depth * ETHEREUM.block_time_s)
    assert (await told(reader, row, later)).status is Status.FINAL


async def test_a_transaction_that_a_reorg_took_away_says_so(reader: Reader) -> None:
    row = LOSERS[1].transactions[2]
    detail = await told(reader, row)
    assert (detail.status, detail.confirmations, detail.reorgs) == (Status.GONE, 0, [1])
    assert detail.block.hash == "0x" + LOSERS[1].hash.hex()
    assert detail.transaction.value_base == str(row.value)
    for row in LOSERS[1].transactions:
        assert (await told(reader, row)).token_transfers == transfers(LOSERS[1], row)


async def test_a_transaction_that_came_back_is_where_it_is_now(reader: Reader) -> None:
    detail = await told(reader, BACK)
    assert (detail.status, detail.reorgs) == (Status.PROVISIONAL, [1])
    assert detail.block.hash == "0x" + WINNERS[1].hash.hex()
    assert detail.transaction.block_number == WINNERS[1].number


async def test_a_search_ends(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(question, "SEARCHED_S", -1.0)
    with pytest.raises(TooLong) as stopped:
        await read_transaction(reader, COLD, "ethereum", "00" * 32, now=SOON)
    assert "block=" in (stopped.value.hint or "")
    row = CHAIN[0].transactions[0]
    assert (await told(reader, row, block="0")).transaction.block_number == 0


async def test_a_block_is_told_by_number_and_by_hash(reader: Reader) -> None:
    for block in CHAIN:
        detail = await read_block(reader, COLD, "ethereum", str(block.number), now=SOON)
        assert detail == await read_block(reader, COLD, "ethereum", "0x" + block.hash.hex(), now=SOON)
        assert_adds_up(detail, block)
        assert (detail.status, detail.reorg, detail.confirmations) == (Status.PROVISIONAL, None, TIP - block.number + 1)
        beside = (block.number - 1 if block.number else None, block.number + 1 if block.number < TIP else None)
        assert (detail.previous, detail.next) == beside
        assert detail.explorer == f"{SHOWN.explorer}/block/{block.number}"


def assert_adds_up(detail: BlockDetail, block: Block) -> None:
    rows = block.transactions
    assert detail.header.hash == "0x" + block.hash.hex()
    assert detail.header.parent_hash == "0x" + block.parent_hash.hex()
    assert {each.kind.value: each.tx_count for each in detail.kinds} == {
        kind: sum(row.kind == kind for row in rows) for kind in {row.kind for row in rows}
    }
    assert detail.value == whole(sum((row.value for row in rows), Decimal(0)), 18)
    assert detail.value_max == whole(max(row.value for row in rows), 18)
    assert detail.fees == whole(sum((row.fee for row in rows if row.fee is not None), Decimal(0)), 18)
    assert detail.failed_count == sum(row.success is False for row in rows)
    assert detail.token_transfer_count == len(block.token_transfers)


async def test_a_block_that_a_reorg_replaced_is_found_by_its_hash(reader: Reader) -> None:
    for block in LOSERS:
        detail = await read_block(reader, COLD, "ethereum", block.hash.hex(), now=SOON)
        assert_adds_up(detail, block)
        assert (detail.status, detail.reorg, detail.confirmations) == (Status.GONE, 1, 0)
        assert detail.transactions is None


@pytest.mark.parametrize("block", [str(TIP + 1), "0x" + "00" * 32])
async def test_what_is_not_there_is_not_found(reader: Reader, block: str) -> None:
    with pytest.raises(NotFound):
        await read_block(reader, COLD, "ethereum", block, now=SOON)
    with pytest.raises(NotFound, match="has no transaction"):
        await read_transaction(reader, COLD, "ethereum", "00" * 32, now=SOON)


@pytest.mark.parametrize("wrong", ["0x12", "latest", "9" * 40, "-1", "0x" + "0g" * 32, ""])
async def test_what_is_no_hash_is_refused(reader: Reader, wrong: str) -> None:
    with pytest.raises(UsageError, match="block is"):
        await read_block(reader, COLD, "ethereum", wrong, now=SOON)
    with pytest.raises(UsageError, match="hash is"):
        await read_transaction(reader, COLD, "ethereum", wrong, now=SOON)
    with pytest.raises(UsageError, match="chain is 'dogecoin'"):
        await read_block(reader, COLD, "dogecoin", "1", now=SOON)


async def test_the_routes_and_their_links(filled: str) -> None:
    async with asking(filled, SOON) as api:
        client = AsyncClient("http://127.0.0.1")
        client._http = api
        block = await client.block("ethereum", 3)
        page = (await api.get(block.transactions or "")).raise_for_status().json()
        assert {item["hash"] for item in page["items"]} == {"0x" + row.hash.hex() for row in OURS[3].transactions}
        row = OURS[3].transactions[1]
        detail = await client.transaction("ethereum", "0x" + row.hash.hex(), block=3)
        assert detail.transaction.tx_index == 1
        assert (await client.block("ethereum", detail.block.hash)).header == block.header
        for path in ("/v1/blocks/ethereum/99", f"/v1/transactions/ethereum/{'00' * 32}"):
            answer = await api.get(path)
            assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
        assert (await api.get("/v1/transactions?block=3")).json()["detail"] == "block is of no chain"
        assert (await api.get("/v1/transactions?chain=ethereum&block=99")).json()["items"] == []


@pytest.fixture
async def pool(database: str) -> AsyncIterator[Pool]:
    async with open_pool(database, name="test") as pool:
        yield pool


async def test_what_was_dropped_is_told_from_the_archive(database: str, pool: Pool, tmp_path: Path) -> None:
    place = Place(str(tmp_path / "archive"))
    cold = ColdReader(place)
    past = {chain: three_days(chain, transactions=8) for chain in (ETHEREUM, BITCOIN)}
    for chain, blocks in past.items():
        await commit(pool, blocks, chain)
    await archive_all(pool, database, place)
    async with Reader(database) as reader:

        async def answers() -> list[TransactionDetail | BlockDetail]:
            found: list[TransactionDetail | BlockDetail] = []
            for chain, blocks in past.items():
                for number in (5, 60, 140):
                    found.append(await read_block(reader, cold, chain.name, str(number), now=NOW))
                    for row in blocks[number].transactions:
                        found.append(await read_transaction(reader, cold, chain.name, row.hash.hex(), now=NOW))
            return found

        before = await answers()
        await drop_all(pool, place, before=date(2026, 3, 4))
        after = await answers()
    await cold.close()
    archived = [each.source is Source.ARCHIVE for each in after]
    assert any(archived)
    assert not all(archived)
    assert [replace(each, source=Source.RAW) for each in after] == before
