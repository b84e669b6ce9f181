"""The rules about watched addresses: live, again and after reorgs, in both editions."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from tests.blocks import BITCOIN, ETHEREUM
from tests.exposed import TOKEN, Sent, Spent, block_of, hash_of, linked_to
from txhub.chain.bitcoin_decode import RawBlock as RawBitcoinBlock
from txhub.chain.bitcoin_decode import decode_block as decode_bitcoin_block
from txhub.chain.decode import RawBlock, RawReceipt, decode_block
from txhub.chain.demo.network import DEMO_CHAINS, DemoNetwork
from txhub.chain.demo.truth import Pattern as Planted
from txhub.cli.demo import introduce
from txhub.detect.defaults import wanted
from txhub.detect.runner import Runner
from txhub.detect.screening import screen_committed, search_history
from txhub.model import Block, Chain
from txhub.store.labels import Entry, Taken, import_entries
from txhub.store.ledger import Ledger
from txhub.store.moves import Moves
from txhub.store.pool import Pool, open_pool
from txhub.store.read import Reader
from txhub.store.rules import set_rule

DAY = datetime(2026, 3, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)
LISTED, ALSO, EXCHANGE = b"\xaa" * 20, b"\xab" * 20, b"\xee" * 20
ANNA, BORIS = b"\x01" * 20, b"\x02" * 20
BAD = b"1BadBadBadBadBadBadBadBadBadBadBad"
EVE, FRED = b"1Evexxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", b"1Fredxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
COIN = 10**18


def written(address: bytes) -> str:
    return address.decode() if address[:1] == b"1" else f"0x{address.hex()}"


class Stage:
    def __init__(self, pool: Pool, reader: Reader, url: str) -> None:
        self.pool, self.reader, self.url = pool, reader, url
        self.runner = Runner(pool, reader, url)

    async def commit(self, *blocks: Any, chain: Any = ETHEREUM) -> None:
        await Ledger(self.pool, chain).commit(blocks)
        await self.runner.catch_up()

    async def alerts(self, rule: str) -> list[tuple[str, str]]:
        question = "SELECT subject, title FROM txhub.alerts WHERE rule = $1 ORDER BY started_at, id"
        return [tuple(row) for row in await self.pool.fetch(question, rule)]

    async def everything(self) -> list[tuple[Any, ...]]:
        question = "SELECT rule, subject, title, details, value, hash FROM txhub.alerts WHERE chain_state = 'pending'"
        return sorted(tuple(row) for row in await self.pool.fetch(question))


@pytest.fixture
async def stage(database: str) -> AsyncIterator[Stage]:
    async with open_pool(database, name="test") as pool, Reader(database) as reader:
        for chain in (ETHEREUM, BITCOIN):
            await Ledger(pool, chain).register()
        for name, rule in (("hits", {"pattern": "watchlist"}), ("first", {"pattern": "first_contact"})):
            await set_rule(pool, name, wanted(rule), by="test")
        lists = [Entry(written(each), f"Somebody {each[:1].hex()}", "sanctioned") for each in (LISTED, ALSO, BAD)]
        await import_entries(pool, lists, Taken("ofac", "1", DAY, watched=True), "list")
        service = [Entry(written(EXCHANGE), "Northgate: hot", "exchange")]
        await import_entries(pool, service, Taken("known", "1", DAY, watched=False), "list")
        yield Stage(pool, reader, database)


async def test_hits_and_first_contacts(stage: Stage) -> None:
    before = Sent(ANNA, LISTED, COIN)  # the list did not have it yet
    sent, between = Sent(LISTED, ANNA, 2 * COIN), Sent(LISTED, ALSO, 3 * COIN)
    token, again = Sent(BORIS, LISTED, 5, TOKEN), Sent(BORIS, ALSO, COIN)
    failed, nothing, service = (
        Sent(BORIS, LISTED, 7, success=False),
        Sent(BORIS, LISTED, 0),
        Sent(EXCHANGE, LISTED, COIN),
    )
    await stage.commit(block_of(ETHEREUM, 1, DAY - HOUR, [before]))
    await stage.commit(block_of(ETHEREUM, 2, DAY + HOUR, [Sent(ANNA, BORIS), sent, between]))
    await stage.commit(block_of(ETHEREUM, 3, DAY + 2 * HOUR, [token, again, failed, nothing, service]))
    paid = Spent([(EVE, 9), (FRED, 90)], [(BAD, 40), (EVE, 50), (BAD, 5)])
    change = Spent([(BAD, 45)], [(FRED, 20), (BAD, 24)])
    await stage.commit(block_of(BITCOIN, 1, DAY + HOUR, [paid, change]), chain=BITCOIN)
    hits = await stage.alerts("hits")
    places = [(2, 1, sent), (2, 2, between), (3, 0, token), (3, 1, again), (3, 4, service)]
    coins = [hash_of(1, 0, paid).hex(), hash_of(1, 1, change).hex()]
    assert {each[0] for each in hits} == {f"0x{hash_of(*place).hex()}" for place in places} | set(coins)
    titles = dict(hits)
    assert titles[f"0x{hash_of(2, 1, sent).hex()}"] == "Somebody aa, listed by ofac, sent 2 ETH to 0x0101…010101"
    assert titles[coins[0]].startswith("Somebody 31, listed by ofac, got 0.00000005 BTC from 1Fred")
    assert titles[coins[1]].startswith("Somebody 31, listed by ofac, sent 0.00000045 BTC to")
    first = await stage.alerts("first")
    assert [each[0] for each in first] == [written(ANNA), written(FRED), written(BORIS)]
    assert first[0][1] == "First contact: 0x0101…010101 got 2 ETH from Somebody aa, listed by ofac"
    roles = await stage.pool.fetch(
        "SELECT DISTINCT p.role FROM txhub.alert_parties p JOIN txhub.alerts a ON a.id = p.alert_id"
        " WHERE a.rule = 'hits' AND p.address = $1",
        LISTED,
    )
    assert [row[0] for row in roles] == ["listed"]


async def test_live_detection_and_a_rerun_find_the_same_also_after_a_reorg(stage: Stage) -> None:
    people = [LISTED, ALSO, ANNA, BORIS, EXCHANGE]
    blocks = []
    for number in range(12):
        sent = [Sent(people[(number + k) % 5], people[(2 * number + 3 * k + 1) % 5], COIN + k) for k in range(3)]
        block = block_of(ETHEREUM, number, DAY + number * HOUR, [each for each in sent if each.sender != each.receiver])
        blocks.append(linked_to(block, blocks[-1].hash) if blocks else block)
    for block in blocks[:8]:
        await stage.commit(block)
    await stage.commit(*blocks[10:])
    await stage.commit(*blocks[8:10])
    live = await stage.everything()
    assert {each[0] for each in live} == {"hits", "first"}
    lost = linked_to(block_of(ETHEREUM, 1, DAY + HOUR, [Sent(BORIS, EXCHANGE)], "b"), blocks[0].hash)
    await Ledger(stage.pool, ETHEREUM).replace(0, [lost])
    await stage.runner.catch_up()
    short = await stage.everything()
    assert len(short) < len(live)
    await Ledger(stage.pool, ETHEREUM).replace(0, blocks[1:])
    await stage.runner.catch_up()
    assert await stage.everything() == live
    await stage.pool.execute("DELETE FROM txhub.alert_parties")
    await stage.pool.execute("ALTER TABLE txhub.alert_events DISABLE TRIGGER USER")
    await stage.pool.execute("DELETE FROM txhub.alert_events")
    await stage.pool.execute("DELETE FROM txhub.alerts")
    await stage.pool.execute("UPDATE txhub.rules SET looked_version = 0")
    await Runner(stage.pool, stage.reader, stage.url).catch_up()
    assert await stage.everything() == live


async def decoded(network: DemoNetwork, chain: Chain, number: int) -> Block:
    text = await network.block_json(number) or b""
    if chain.family == "utxo":
        return decode_bitcoin_block(chain, msgspec.json.decode(text, type=RawBitcoinBlock), number)
    said = msgspec.json.decode(await network.receipts_json(number) or b"[]", type=list[RawReceipt])
    return decode_block(chain, msgspec.json.decode(text, type=RawBlock), number, said)


@pytest.mark.parametrize("chain", [chain for chain in DEMO_CHAINS if chain.name != "demo-l2"], ids=lambda c: c.name)
async def test_every_planted_transfer_of_a_listed_address_is_found_and_nothing_else(
    database: str, chain: Chain
) -> None:
    end = datetime(2026, 9, 27, tzinfo=UTC)
    network = DemoNetwork(chain, clock=end.timestamp)
    wanted_patterns = (Planted.LISTED, Planted.MIXER)
    planted = [
        each for each in network.planted(end.timestamp() - 86_400, end.timestamp()) if each.pattern in wanted_patterns
    ]
    numbers = sorted({transfer.number for each in planted for transfer in each.transfers})
    await introduce(database)
    async with open_pool(database, name="test") as pool, Reader(database) as reader:
        blocks = [await decoded(network, chain, number) for number in numbers]
        await Ledger(pool, chain).commit(blocks, bulk=True)
        await set_rule(pool, "hits", wanted({"pattern": "watchlist"}), by="test")
        await Runner(pool, reader, database).catch_up()
        watched = {row[0] for row in await pool.fetch("SELECT address FROM txhub.labels WHERE watched")}
        alerts = await pool.fetch("SELECT a.block_number, a.hash FROM txhub.alerts a")
        parties = await pool.fetch("SELECT address FROM txhub.alert_parties WHERE role = 'listed'")
    touched = {
        (block.number, row.tx_index)
        for block in blocks
        for row in (*block.token_transfers, *block.transactions)
        if watched & {row.from_address, row.to_address} and getattr(row, "value", 1) > 0
    } | {(block.number, io.tx_index) for block in blocks for io in block.utxo_io if io.address in watched}
    failed = {(b.number, t.tx_index) for b in blocks for t in b.transactions if t.success is False}
    hashes = {t.hash for b in blocks for t in b.transactions if (b.number, t.tx_index) in touched - failed}
    assert {row["hash"] for row in alerts} == hashes
    assert {transfer.number for each in planted for transfer in each.transfers} == {
        row["block_number"] for row in alerts
    }
    assert len(alerts) == sum(len(each.transfers) for each in planted) > 20
    assert {row["address"] for row in parties} <= watched


async def test_a_list_that_is_dated_back_is_looked_at_again_once(stage: Stage) -> None:
    new = b"\xac" * 20

    async def listed(version: str, as_of: datetime, *addresses: bytes) -> None:
        entries = [Entry(written(each), "Somebody", "sanctioned") for each in addresses]
        await import_entries(stage.pool, entries, Taken("other", version, as_of, watched=True), "list")
        moves = Moves(stage.pool, None)
        while await screen_committed(stage.pool, moves) or await search_history(stage.pool, moves):
            pass
        await stage.runner.catch_up()

    async def standing() -> set[tuple[str, int]]:
        rows = await stage.pool.fetch(
            "SELECT rule, block_number FROM txhub.alerts WHERE chain_state <> 'retracted' AND chain_id = 1"
        )
        return {tuple(row) for row in rows}

    await stage.commit(*[block_of(ETHEREUM, n, DAY + n * HOUR, [Sent(ANNA, new, COIN)]) for n in range(1, 6)])
    assert await standing() == set()
    await listed("1", DAY + timedelta(minutes=90), new)
    assert await standing() == {("hits", n) for n in range(2, 6)} | {("first", 2)}
    told = "SELECT data ->> 'start', data ->> 'end' FROM txhub.stream_events WHERE event = 'watchlist' ORDER BY id"
    [(start, end)] = await stage.pool.fetch(told)
    assert [datetime.fromisoformat(each) for each in (start, end)] == [DAY + 2 * HOUR, DAY + 5 * HOUR]
    events = await stage.pool.fetchval("SELECT count(*) FROM txhub.alert_events")
    await listed("2", DAY + timedelta(minutes=210), new, LISTED)  # it stays listed, and nobody dealt with the other
    await Runner(stage.pool, stage.reader, stage.url).catch_up()
    assert len(await stage.pool.fetch(told)) == 1
    assert await stage.pool.fetchval("SELECT count(*) FROM txhub.alert_events") == events
    await listed("3", DAY + timedelta(minutes=270), LISTED)
    assert await standing() == {("hits", n) for n in range(2, 5)} | {("first", 2)}
