"""What addresses did, and what is around them, against the rows as they were committed."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.archived import three_days
from tests.asking import asking
from tests.blocks import BITCOIN, ETHEREUM, START, make_blocks
from tests.conftest import open_database
from txhub.client import AsyncClient
from txhub.contract import AddressProfile, Neighbourhood, Rank
from txhub.errors import UsageError
from txhub.model import Block, Transaction
from txhub.query import moves, neighbourhood, profile
from txhub.query.amount import whole_coins
from txhub.query.neighbourhood import read_neighbourhood
from txhub.query.profile import read_profile
from txhub.store.edition import Edition
from txhub.store.labels import import_list
from txhub.store.ledger import Ledger
from txhub.store.pool import open_pool
from txhub.store.read import Reader
from txhub.store.server import Server

BLOCKS = make_blocks(range(0, 900, 3))
"""Three hours, across a midnight, with every third block."""
COINS = three_days(BITCOIN, transactions=4)
NOW = START + timedelta(days=4)
ADDRESS = (7).to_bytes(20, "big")
SHOWN = "0x" + ADDRESS.hex()
SPENDER = b"bcrt1q7"
TOKEN = (3).to_bytes(20, "big")
ROWS = [row for block in BLOCKS for row in block.transactions]


async def fill(url: str, folder: Path) -> None:
    path = folder / "desk.csv"
    path.write_text(f"address,name,category\n{SHOWN},Acme,exchange\n0x{(8).to_bytes(20, 'big').hex()},Bolt,bridge\n")
    async with open_pool(url, name="test") as pool:
        for chain, blocks in ((ETHEREUM, BLOCKS), (BITCOIN, COINS)):
            ledger = Ledger(pool, chain)
            await ledger.register()
            await ledger.commit(blocks, bulk=True)
        await pool.execute("INSERT INTO txhub.tokens VALUES (1, $1, 'USD', 6, 'test')", TOKEN)
        await import_list(pool, path, source="desk", version="1", as_of=START)
        await pool.execute("ANALYZE")


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


async def told(reader: Reader, address: str = SHOWN, chain: str = "ethereum", **asked: Any) -> AddressProfile:
    return await read_profile(reader, chain, address, now=NOW, **asked)


def moved(row: Transaction) -> int:
    """The coins that a transaction really moved."""
    return 0 if row.success is False else int(row.value)


def assert_counted(found: AddressProfile, blocks: list[Block]) -> None:
    """The profile of ADDRESS is what these blocks' rows add up to."""
    rows = [row for block in blocks for row in block.transactions]
    sent = [row for row in rows if row.from_address == ADDRESS]
    received = [row for row in rows if row.to_address == ADDRESS]
    given = [each for block in blocks for each in block.token_transfers if each.from_address == ADDRESS]
    got = [each for block in blocks for each in block.token_transfers if each.to_address == ADDRESS]
    touched = sorted({each.block_time for each in (*sent, *received, *given, *got)})
    assert (found.first_seen, found.last_seen) == (touched[0], touched[-1])
    assert found.tx_count == len({(each.block_number, each.tx_index) for each in (*sent, *received, *given, *got)})
    assert (found.sent_count, found.received_count) == (len(sent), len(received))
    assert found.failed_count == sum(row.success is False for row in sent)
    assert found.value_sent == whole_coins(sum(map(moved, sent)), 18)
    assert found.value_received == whole_coins(sum(map(moved, received)), 18)
    assert found.fees == whole_coins(sum(int(row.fee) for row in sent if row.fee is not None), 18)
    assert found.moves_read == len(sent) + len(received) + len(given) + len(got)

    counts = Counter(row.to_address for row in sent if row.to_address is not None)
    back = Counter(row.from_address for row in received)
    assert found.counterparty_count == len(counts | back)
    for party in found.counterparties:
        raw = bytes.fromhex(party.address[2:])
        to, of = [row for row in sent if row.to_address == raw], [row for row in received if row.from_address == raw]
        assert (party.sent_count, party.received_count) == (len(to), len(of))
        assert party.value_sent == whole_coins(sum(map(moved, to)), 18)
        assert party.value_received == whole_coins(sum(map(moved, of)), 18)
        assert party.value_max == whole_coins(max(map(moved, [*to, *of])), 18)
    ranked = [each.sent_count + each.received_count for each in found.counterparties]
    assert ranked == sorted((counts + back).values(), reverse=True)[: len(ranked)]

    assert found.token_count == len({each.token_address for each in (*given, *got)})
    for token in found.tokens:
        raw = bytes.fromhex(token.token_address[2:])
        out, into = [x for x in given if x.token_address == raw], [x for x in got if x.token_address == raw]
        assert (token.sent_count, token.received_count) == (len(out), len(into))
        if raw == TOKEN:
            assert (token.symbol, token.decimals) == ("USD", 6)
            assert token.amount_sent == whole_coins(sum(int(each.amount) for each in out), 6)
            assert token.amount_received == whole_coins(sum(int(each.amount) for each in into), 6)
        else:
            assert (token.symbol, token.amount_sent) == (None, None)
    assert any(token.symbol for token in found.tokens)


async def test_all_that_an_address_did(reader: Reader) -> None:
    found = await told(reader)
    assert_counted(found, BLOCKS)
    assert found.complete
    assert (found.start, found.end) == (START, NOW)
    assert (found.chain, found.address, found.symbol, found.explorer) == ("ethereum", SHOWN, "ETH", None)
    listed = {each.address for each in found.counterparties}
    assert {each.name for each in found.labels} == {"Acme", *(["Bolt"] if "0x" + "0" * 39 + "8" in listed else [])}
    assert len(found.counterparties) == 20


async def test_what_it_did_in_a_range(reader: Reader) -> None:
    start, end = START + timedelta(minutes=20), START + timedelta(hours=2)
    found = await told(reader, start=start.isoformat(), end=end.isoformat(), limit=1000)
    assert_counted(found, [block for block in BLOCKS if start <= block.time < end])
    assert (found.start, found.end, found.complete) == (start, end, True)
    assert len(found.counterparties) == found.counterparty_count


async def test_of_a_busy_one_the_newest_moves_are_counted(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profile, "MOST_MOVES", 100)
    found = await told(reader)
    assert not found.complete
    assert 80 <= found.moves_read <= 100
    first = (await told(reader)).first_seen
    assert first is not None
    assert first < found.start
    since = [block for block in BLOCKS if block.time >= found.start]
    assert_counted(replaced(found, since), since)


def replaced(found: AddressProfile, blocks: list[Block]) -> AddressProfile:
    """The same with the first time in these blocks: `first_seen` is of all that there is."""
    touched = [
        each.block_time
        for block in blocks
        for each in (*block.transactions, *block.token_transfers)
        if ADDRESS in (each.from_address, each.to_address)
    ]
    found.first_seen = min(touched)
    return found


async def test_a_search_that_takes_long_ends_where_it_is(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moves, "SEARCHED_S", -1.0)
    found = await told(reader)
    midnight = START.replace(hour=0, minute=0) + timedelta(days=1)
    assert (found.complete, found.start) == (False, midnight)
    since = [block for block in BLOCKS if block.time >= midnight]
    assert_counted(replaced(found, since), since)


async def test_rows_that_were_dropped_are_not_claimed(filled: str, reader: Reader) -> None:
    horizon = START.replace(hour=0, minute=0) + timedelta(days=1)
    async with open_pool(filled, name="test") as pool:
        await pool.execute("UPDATE txhub.horizon SET time = $1", horizon)
        found = await told(reader)
        since = await told(reader, start=horizon.isoformat())
        await pool.execute("UPDATE txhub.horizon SET time = NULL")
    assert (found.complete, found.start, found.first_seen) == (False, horizon, None)
    assert since.complete


async def test_an_address_of_bitcoin(reader: Reader) -> None:
    address = next(row.from_address for row in COINS[5].transactions if row.from_address)
    found = await told(reader, address.decode(), "bitcoin", limit=1000)
    coins = [each for block in COINS for each in block.utxo_io if each.address == address]
    spent = [each for each in coins if each.side == "in"]
    assert found.value_sent == whole_coins(sum(int(each.amount) for each in spent), 8)
    assert found.value_received == whole_coins(sum(int(each.amount) for each in coins if each.side == "out"), 8)
    assert found.sent_count == len({(each.block_number, each.tx_index) for each in spent})
    assert (found.fees, found.tokens) == (None, [])
    sent = Counter(row.to_address for block in COINS for row in block.transactions if row.from_address == address)
    assert {each.address.encode(): each.sent_count for each in found.counterparties if each.sent_count} == sent


async def test_nobody_has_zeros(reader: Reader) -> None:
    found = await told(reader, "0x" + "ab" * 20)
    assert (found.tx_count, found.value_sent, found.fees, found.first_seen) == (0, "0", None, None)
    assert found.complete


def edges_of(rows: list[Transaction], *addresses: bytes) -> dict[tuple[str, str], list[int]]:
    edges: dict[tuple[str, str], list[int]] = {}
    for row in rows:
        if row.from_address and row.to_address and {row.from_address, row.to_address} & set(addresses):
            edges.setdefault(("0x" + row.from_address.hex(), "0x" + row.to_address.hex()), []).append(int(row.value))
    return edges


async def around(reader: Reader, **asked: Any) -> Neighbourhood:
    return (await read_neighbourhood(reader, SHOWN, now=NOW, **{"start": START.isoformat(), **asked})).as_contract()


@pytest.mark.parametrize("rank", list(Rank))
async def test_the_greatest_edges_around_an_address(reader: Reader, rank: Rank) -> None:
    found = await around(reader, chain=["ethereum"], rank=rank, limit=30)
    truth = edges_of(ROWS, ADDRESS)
    assert len(found.items) == 30
    measure: dict[Rank, Callable[[list[int]], int]] = {Rank.COUNT: len, Rank.VALUE: sum, Rank.LARGEST: max}
    for edge in found.items:
        values = truth[edge.from_address, edge.to_address]
        assert edge.tx_count == len(values)
        assert (edge.value, edge.value_max) == (whole_coins(sum(values), 18), whole_coins(max(values), 18))
    chosen = [measure[rank](truth[edge.from_address, edge.to_address]) for edge in found.items]
    assert chosen == sorted(map(measure[rank], truth.values()), reverse=True)[:30]
    assert {node.address for node in found.nodes} == {x for e in found.items for x in (e.from_address, e.to_address)}
    assert [node.address for node in found.nodes if node.hop == 0] == [SHOWN]
    assert found.complete
    assert {label.name for node in found.nodes for label in node.labels} <= {"Acme", "Bolt"}


async def test_two_hops(reader: Reader) -> None:
    end = (START + timedelta(minutes=6)).isoformat()
    found = await around(reader, chain=["ethereum"], limit=8, depth="2", end=end)
    rows = [row for row in ROWS if row.block_time < START + timedelta(minutes=6)]
    near = {bytes.fromhex(node.address[2:]) for node in found.nodes if node.hop == 1}
    truth = edges_of(rows, ADDRESS, *near)
    assert 8 < len(found.items) <= 16
    for edge in found.items:
        assert edge.tx_count == len(truth[edge.from_address, edge.to_address])
        hops = {node.address: node.hop for node in found.nodes}
        assert {hops[edge.from_address], hops[edge.to_address]} & ({0, 1})
    assert {node.hop for node in found.nodes} == {0, 1, 2}
    further = edges_of(rows, *near)
    beyond = sorted((len(values) for pair, values in further.items() if SHOWN not in pair), reverse=True)
    shown = [edge.tx_count for edge in found.items if SHOWN not in (edge.from_address, edge.to_address)]
    assert shown == beyond[:8]


async def test_a_busy_address_says_how_far_back_it_is_counted(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbourhood, "MOST_ROWS", 50)
    found = await around(reader, chain=["ethereum"], limit=1000)
    [centre] = [node for node in found.nodes if node.hop == 0]
    assert not found.complete
    assert centre.start is not None
    truth = edges_of([row for row in ROWS if row.block_time >= centre.start], ADDRESS)
    counted = {(edge.from_address, edge.to_address): edge.tx_count for edge in found.items}
    assert counted == {pair: len(values) for pair, values in truth.items()}


@pytest.mark.parametrize(
    ("asked", "fault"), [({"depth": "3"}, "depth is '3'"), ({"rank": "fame"}, "rank is 'fame'"), ({"limit": 1}, None)]
)
async def test_what_cannot_be_asked(reader: Reader, asked: dict[str, Any], fault: str | None) -> None:
    if fault is None:
        assert len((await around(reader, **asked)).items) == 1
        return
    with pytest.raises(UsageError, match=fault):
        await around(reader, **asked)


async def test_the_routes(filled: str) -> None:
    async with asking(filled, NOW) as api:
        client = AsyncClient("http://127.0.0.1")
        client._http = api
        found = await client.address("ethereum", SHOWN.upper().replace("X", "x"), limit=3)
        assert (found.address, len(found.counterparties)) == (SHOWN, 3)
        graph = await client.neighbourhood(SHOWN, chain="ethereum", start=START, depth=2, limit=5)
        assert graph.depth == 2
        listed = await client.flows(start=START, limit=4)
        assert len(listed.items) == 4
        assert len((await client.top_senders(start=START, limit=2)).items) == 2
        assert len((await client.top_receivers(start=START, limit=2)).items) == 2
        table = await api.get("/v1/flows", params={"address": SHOWN, "format": "csv", "start": START.isoformat()})
        assert table.headers["txhub-complete"] == "true"
        assert table.text.startswith("chain,from_address,to_address,tx_count,value,value_max,symbol\n")
        for path in ("/v1/addresses/ethereum/0x12", "/v1/flows?depth=2", "/v1/flows?address=0x12"):
            assert (await api.get(path)).status_code == 400, path
