"""Exposure to watched addresses: direct and by one hop, as lists change, live and by a search of history."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.archived import archive_all, drop_all
from tests.archived import commit as committed
from tests.blocks import BASE, BITCOIN, ETHEREUM, START
from tests.exposed import TOKEN, Sent, Spent, block_of, hash_of, linked_to
from txhub.detect.screening import keep_screening, request_search, screen_committed, search_history
from txhub.model import Block, Chain
from txhub.query.exposure import read_exposure
from txhub.store.labels import Entry, Taken, add_entry, end_entry, import_entries
from txhub.store.ledger import Ledger
from txhub.store.moves import Moves
from txhub.store.place import Place
from txhub.store.pool import Pool, open_pool
from txhub.store.read import Reader

DAY = datetime(2026, 3, 2, tzinfo=UTC)
LISTED, ALSO = b"\xaa" * 20, b"\xab" * 20
ANNA, BORIS, CLARA, DORA = (bytes([n]) * 20 for n in (1, 2, 3, 4))
BAD = b"1BadBadBadBadBadBadBadBadBadBadBad"
EVE, FRED, GINA, CHANGE = (
    b"1%sxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" % name for name in (b"Eve", b"Fred", b"Gina", b"Change")
)
HOUR = timedelta(hours=1)


@pytest.fixture
async def pool(database: str) -> AsyncIterator[Pool]:
    async with open_pool(database, name="test") as pool:
        for chain in (ETHEREUM, BASE, BITCOIN):
            await Ledger(pool, chain).register()
        yield pool


async def commit(pool: Pool, chain: Chain, *blocks: Block, bulk: bool = False) -> None:
    await Ledger(pool, chain).commit(blocks, bulk=bulk)


async def listed(pool: Pool, version: str, as_of: datetime, *addresses: bytes, source: str = "ofac") -> None:
    entries = [
        Entry(each.decode() if each[:1] == b"1" else f"0x{each.hex()}", "Somebody", "sanctioned") for each in addresses
    ]
    await import_entries(pool, entries, Taken(source, version, as_of, watched=True), "list")


async def screened(pool: Pool, place: Place | None = None) -> None:
    """Do the worker's part, until nothing is left to do."""
    moves = Moves(pool, place)
    while await screen_committed(pool, moves):
        pass
    while await search_history(pool, moves):
        pass


async def found(pool: Pool) -> set[tuple[Any, ...]]:
    rows = await pool.fetch("SELECT hash, address, direction, via, link_hash, parties, amount FROM txhub.exposures")
    return {(*row[:5], tuple(row[5]), int(row[6])) for row in rows}


async def test_direct_exposure_by_coins_tokens_and_outputs(pool: Pool) -> None:
    sent = Sent(ANNA, LISTED, 5)
    got = Sent(LISTED, BORIS, 7)
    token = Sent(LISTED, CLARA, 9, token=TOKEN)
    failed = Sent(DORA, LISTED, 11, success=False)
    self_sent = Sent(ALSO, LISTED, 1)
    await commit(pool, ETHEREUM, block_of(ETHEREUM, 1, DAY, [Sent(ANNA, BORIS), sent, got, token, failed, self_sent]))
    on_base = Sent(ANNA, LISTED, 3)
    await commit(pool, BASE, block_of(BASE, 1, DAY, [on_base]))
    paid = Spent([(EVE, 100), (FRED, 50)], [(GINA, 60), (BAD, 30), (CHANGE, 40), (BAD, 15), (None, 1)])
    spent = Spent([(BAD, 100), (None, 1)], [(EVE, 60), (BAD, 35)])
    await commit(pool, BITCOIN, block_of(BITCOIN, 1, DAY, [Spent([], [(EVE, 1)]), paid, spent]))
    await listed(pool, "1", DAY - HOUR, LISTED, ALSO, BAD)
    await screened(pool)
    direct = [
        (hash_of(1, 1, sent), LISTED, "in", None, None, (ANNA,), 5),
        (hash_of(1, 2, got), LISTED, "out", None, None, (BORIS,), 7),
        (hash_of(1, 3, token), LISTED, "out", None, None, (CLARA,), 9),
        (hash_of(1, 4, failed), LISTED, "in", None, None, (DORA,), 11),
        (hash_of(1, 5, self_sent), LISTED, "in", None, None, (ALSO,), 1),
        (hash_of(1, 5, self_sent), ALSO, "out", None, None, (LISTED,), 1),
        (hash_of(1, 0, on_base), LISTED, "in", None, None, (ANNA,), 3),
        (hash_of(1, 1, paid), BAD, "in", None, None, (EVE, FRED), 45),
        (hash_of(1, 2, spent), BAD, "out", None, None, (EVE,), 65),
    ]
    assert {each for each in await found(pool) if each[3] is None} == set(direct)
    rows = await pool.fetch(
        "SELECT chain, address, symbol, amount, failed, listed_then, listed_now"
        " FROM txhub.exposures_view WHERE hops = 0"
    )
    assert {tuple(row[:3]) for row in rows} == {
        ("ethereum", f"0x{LISTED.hex()}", "ETH"),
        ("ethereum", f"0x{LISTED.hex()}", None),
        ("ethereum", f"0x{ALSO.hex()}", "ETH"),
        ("base", f"0x{LISTED.hex()}", "ETH"),
        ("bitcoin", BAD.decode(), "BTC"),
    }
    assert {tuple(row[5:]) for row in rows} == {("ofac 1", "ofac 1")}
    assert [int(row[3] * 10**18) for row in rows if row[4]] == [11]


async def test_indirect_exposure_by_one_hop_within_the_window(pool: Pool) -> None:
    early = Sent(CLARA, ANNA, 1)  # before Anna got anything
    link = Sent(LISTED, ANNA, 10)
    later = Sent(ANNA, BORIS, 4)
    token = Sent(ANNA, DORA, 5, token=TOKEN)
    back = Sent(ANNA, LISTED, 2)  # direct
    too_late = Sent(ANNA, CLARA, 3)
    failed = Sent(ANNA, CLARA, 3, success=False)
    nothing = Sent(ANNA, CLARA, 0)
    await commit(
        pool,
        ETHEREUM,
        block_of(ETHEREUM, 1, DAY, [Sent(ANNA, DORA, 8), link, later]),
        block_of(ETHEREUM, 2, DAY + HOUR, [token, failed, nothing]),
        block_of(ETHEREUM, 3, DAY + timedelta(days=3), [back]),
        block_of(ETHEREUM, 4, DAY + timedelta(days=7), [too_late]),
        bulk=True,
    )
    await commit(pool, ETHEREUM, block_of(ETHEREUM, 0, DAY - HOUR, [early]))
    paid = Spent([(BAD, 100)], [(EVE, 60), (FRED, 40)])
    onward = Spent([(EVE, 60), (CHANGE, 5)], [(GINA, 30), (EVE, 34)])
    await commit(pool, BITCOIN, block_of(BITCOIN, 1, DAY, [paid, onward]))
    await listed(pool, "1", DAY - HOUR, LISTED, BAD)
    await screened(pool)
    assert {each for each in await found(pool) if each[3] is not None} == {
        (hash_of(1, 2, later), LISTED, "out", ANNA, hash_of(1, 1, link), (BORIS,), 4),
        (hash_of(2, 0, token), LISTED, "out", ANNA, hash_of(1, 1, link), (DORA,), 5),
        # what Anna got before she sent some of it to the listed address
        (hash_of(0, 0, early), LISTED, "in", ANNA, hash_of(3, 0, back), (CLARA,), 1),
        (hash_of(1, 1, onward), BAD, "out", EVE, hash_of(1, 0, paid), (GINA,), 26),
    }


async def test_a_service_is_not_followed(pool: Pool) -> None:
    out = [Sent(ANNA, bytes([9, n]) + bytes(18), 1) for n in range(100)]
    await commit(pool, ETHEREUM, block_of(ETHEREUM, 1, DAY, [Sent(LISTED, ANNA, 10), *out]))
    await listed(pool, "1", DAY, LISTED)
    await screened(pool)
    assert len(await found(pool)) == 101
    await commit(pool, ETHEREUM, block_of(ETHEREUM, 2, DAY + timedelta(days=6), [Sent(ANNA, BORIS)]))
    await screened(pool)
    assert len(await found(pool)) == 1  # 101 transfers within the week: an exchange, or something like it
    many = Spent([(BAD, 1000)], [(b"1%dxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" % n, 1) for n in range(101)])
    await commit(pool, BITCOIN, block_of(BITCOIN, 1, DAY, [many]))
    await listed(pool, "1", DAY, BAD, source="other")
    await screened(pool)
    assert [each[5] for each in await found(pool) if each[1] == BAD] == [()]


async def test_lists_of_other_dates_say_what_was_listed_then_and_what_is_now(pool: Pool, database: str) -> None:
    times = [DAY, DAY + timedelta(days=10), DAY + timedelta(days=20)]
    transfers = [Sent(ANNA, LISTED, n + 1) for n in range(3)]
    other = Sent(BORIS, ALSO, 9)
    await listed(pool, "before", times[0] + HOUR, LISTED, ALSO)
    for number, (time, transfer) in enumerate(zip(times, transfers, strict=True), 1):
        await commit(pool, ETHEREUM, block_of(ETHEREUM, number, time, [transfer, other]))
    await screened(pool)

    async def said() -> list[tuple[Any, ...]]:
        rows = await pool.fetch(
            "SELECT block_number, listed_then, listed_now, retracted_at, reason FROM txhub.exposures_view"
            " WHERE address = $1 ORDER BY block_number",
            f"0x{LISTED.hex()}",
        )
        return [tuple(row) for row in rows]

    then = [None, "ofac before", "ofac before"]
    assert await said() == [(n, listing, "ofac before", None, None) for n, listing in enumerate(then, 1)]
    async with Reader(database) as reader:

        async def report() -> Any:
            return (await read_exposure(reader, start=DAY.isoformat(), end="2026-04-01", now=DAY)).report

        before = await report()
        assert (before.total.transactions, before.total.listed_then, before.retracted.transactions) == (6, 4, 0)
        await listed(pool, "after", times[1] + HOUR, ALSO)
        reason = "ofac after does not list it any more"
        ended = times[1] + HOUR
        # the third was committed when the address was thought to be listed, but the list says that it was not
        assert await said() == [(1, None, None, ended, reason), (2, "ofac before", None, ended, reason)]
        after = await report()
        assert (after.total.transactions, after.retracted.transactions) == (3, 2)
        assert {each.reason for each in after.items} == {None, reason}
        assert [each.retracted_at is None for each in after.items] == [True] * 3 + [False] * 2
        await listed(pool, "again", times[2] + HOUR, LISTED, ALSO)
        assert await said() == [
            (n, listing, "ofac again", None, None) for n, listing in enumerate([None, "ofac before", None], 1)
        ]
        await screened(pool)
        again = (await report()).total
        assert (again.transactions, again.listed_then, again.addresses, again.unpriced) == (6, 3, 2, 6)


async def test_what_a_search_of_history_newly_exposes_is_told(pool: Pool, database: str) -> None:
    first, second = Sent(ANNA, LISTED, 5), Sent(BORIS, ALSO, 6)
    await commit(pool, ETHEREUM, block_of(ETHEREUM, 1, DAY, [first]), block_of(ETHEREUM, 2, DAY + 30 * HOUR, [second]))
    await listed(pool, "1", DAY, LISTED)
    await screened(pool)
    await listed(pool, "2", DAY + HOUR, LISTED, ALSO)
    await commit(pool, ETHEREUM, block_of(ETHEREUM, 3, DAY + 40 * HOUR, [Sent(ANNA, ALSO)]))
    await screened(pool)
    events = await pool.fetch(
        "SELECT details::jsonb ->> 'newly_exposed' FROM txhub.event_log WHERE event = 'history_searched'"
    )
    assert [row[0] for row in events] == ["1", "1"]
    [_, search] = [row[0] for row in await pool.fetch("SELECT id FROM txhub.screenings ORDER BY id")]
    async with Reader(database) as reader:
        found = await read_exposure(reader, start="2026-01-01", end="2027-01-01", screening=str(search), now=DAY)
        assert [each.hash for each in found.report.items] == [f"0x{hash_of(2, 0, second).hex()}"]
        assert found.report.items[0].path == [f"0x{BORIS.hex()}", f"0x{ALSO.hex()}"]


def story() -> list[tuple[datetime, Sequence[Sent]]]:
    """Two weeks in which three listed addresses and their neighbours deal with each other, block by block."""
    people = [LISTED, ALSO, ANNA, BORIS, CLARA, DORA]
    return [
        (
            DAY + timedelta(hours=11 * number),
            [
                Sent(people[(number * 7 + k) % 6], people[(number * 5 + 3 * k + 1) % 6], number + k + 1)
                for k in range(4)
            ],
        )
        for number in range(30)
    ]


async def test_live_screening_a_rerun_and_any_order_find_the_same(pool: Pool, database: str) -> None:
    blocks = [block_of(ETHEREUM, number, *each) for number, each in enumerate(story())]
    await listed(pool, "1", DAY, LISTED, ALSO)
    await screened(pool)
    for block in blocks[:20]:
        await commit(pool, ETHEREUM, block)
        await screened(pool)
    lost = await found(pool)
    for block in blocks[25:]:  # a gap is filled afterwards, the newest first
        await commit(pool, ETHEREUM, block)
        await screened(pool)
    await commit(pool, ETHEREUM, *blocks[20:25], bulk=True)
    await screened(pool)
    live = await found(pool)
    assert len(live) > len(lost) > 50
    assert {each[3] for each in live} >= {None, ANNA, BORIS, CLARA, DORA}
    await pool.execute("DELETE FROM txhub.exposures")
    await request_search(pool)
    await screened(pool)
    assert await found(pool) == live


async def test_a_reorg_takes_exposure_away_and_brings_it_back(pool: Pool) -> None:
    link, onward = Sent(LISTED, ANNA, 10), Sent(ANNA, BORIS, 4)
    first = block_of(ETHEREUM, 1, DAY, [Sent(CLARA, DORA)])
    await listed(pool, "1", DAY, LISTED)
    await commit(pool, ETHEREUM, first)
    with_link = linked_to(block_of(ETHEREUM, 2, DAY + HOUR, [link]), first.hash)
    after = linked_to(block_of(ETHEREUM, 3, DAY + 2 * HOUR, [onward]), with_link.hash)
    await commit(pool, ETHEREUM, with_link)
    await commit(pool, ETHEREUM, after)
    await screened(pool)
    both = await found(pool)
    assert len(both) == 2
    ledger = Ledger(pool, ETHEREUM)
    other = linked_to(block_of(ETHEREUM, 2, DAY + HOUR, [Sent(CLARA, DORA)], "b"), first.hash)
    other_after = linked_to(block_of(ETHEREUM, 3, DAY + 2 * HOUR, [onward], "b"), other.hash)
    await ledger.replace(1, [other, other_after])
    await screened(pool)
    assert await found(pool) == set()
    await ledger.replace(1, [with_link, after])
    await screened(pool)
    assert await found(pool) == both


async def until(pool: Pool, question: str) -> None:
    async with asyncio.timeout(10):
        while not await pool.fetchval(question):  # noqa: ASYNC110 (another process's work, which tells nobody)
            await asyncio.sleep(0.02)


async def test_a_worker_screens_within_a_second(pool: Pool) -> None:
    await listed(pool, "1", DAY, LISTED)
    working = asyncio.create_task(keep_screening(pool, None))
    try:
        await until(pool, "SELECT bool_and(finished_at IS NOT NULL) FROM txhub.screenings")
        await commit(pool, ETHEREUM, block_of(ETHEREUM, 1, DAY, [Sent(ANNA, LISTED)]))
        await until(pool, "SELECT count(*) > 0 FROM txhub.exposures")
    finally:
        working.cancel()
    seconds = "SELECT extract(epoch FROM e.found_at - b.committed_at) FROM txhub.exposures e, txhub.blocks b"
    assert await pool.fetchval(seconds) < 1


async def test_an_entry_taken_off_by_hand_says_so(pool: Pool) -> None:
    entry = await add_entry(pool, Entry(f"0x{LISTED.hex()}", "Me", "watched"), source="own", watched=True, now=DAY)
    await commit(pool, ETHEREUM, block_of(ETHEREUM, 1, DAY, [Sent(ANNA, LISTED)]))
    await screened(pool)
    change = await end_entry(pool, entry.id, watched=True, now=DAY + HOUR)
    assert change
    assert change.taken_away == 1
    assert await pool.fetchval("SELECT reason FROM txhub.exposures_view") == "it was taken off own"


async def test_what_only_the_archive_has_is_searched_as_well(pool: Pool, database: str, tmp_path: Path) -> None:
    times = [START + timedelta(minutes=30 * number) for number in range(165)]  # three whole days
    people = [LISTED, ALSO, ANNA, BORIS, CLARA, DORA]
    blocks, bitcoins = [], []
    for number, time in enumerate(times):
        sent = [
            Sent(people[(number * 5 + k) % 6], people[(number + 2 * k + 1) % 6], 10**20 + k, (None, TOKEN)[k % 2])
            for k in range(3)
            if number % 9 == 0
        ]
        sent.append(Sent(ANNA, LISTED, 3, success=False))
        blocks.append(block_of(ETHEREUM, number, time, sent))
        coins = [(BAD, EVE, FRED, GINA)[(number + k) % 4] for k in range(3)]
        spent = Spent([(coins[0], 10**9), (None, 5)], [(coins[1], 6 * 10**8), (coins[2], 3 * 10**8), (coins[0], 7)])
        bitcoins.append(block_of(BITCOIN, number, time, [spent]))
    await committed(pool, blocks)
    await committed(pool, bitcoins, BITCOIN)
    await listed(pool, "1", START, LISTED, BAD)
    await screened(pool)
    expected = await found(pool)
    between = {each[3] for each in expected}
    assert None in between
    assert {each[:1] == b"1" for each in between if each} == {True, False}
    place = Place(str(tmp_path / "archive"))
    await archive_all(pool, database, place)
    dropped = await drop_all(pool, place)
    assert len(dropped.days) == 3
    await pool.execute("DELETE FROM txhub.exposures")
    await request_search(pool)
    await screened(pool, place)
    assert await found(pool) == expected
