"""The archive holds what the database held, exactly, before anything is dropped; and gives it back."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from tests.archived import NOW, archive_all, commit, drop_all, export_all, faults, restore_all, three_days
from tests.blocks import BASE, BITCOIN, ETHEREUM, START, make_block, make_blocks
from txhub.archive import manifest
from txhub.archive.manifest import Entry
from txhub.archive.query import query
from txhub.archive.retention import drop
from txhub.archive.upkeep import run_round
from txhub.errors import ArchiveMismatch, BehindHorizon, InTheWay, NotFound, UsageError
from txhub.rollup.policies import apply_policies
from txhub.rollup.settle import settle
from txhub.store import horizon as horizons
from txhub.store.edition import Edition
from txhub.store.horizon import read_horizon, steady_horizon, steady_in_transaction
from txhub.store.ledger import Ledger
from txhub.store.place import Place
from txhub.store.pool import Pool, open_pool

FIRST, SECOND = date(2026, 3, 1), date(2026, 3, 2)
MORE_THAN_A_DAY = range(900)
"""Ethereum's blocks from 22:30 to 01:30: the first day's last 450, then those after them."""


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(str(tmp_path / "archive"))


@pytest.fixture
async def pool(database: str) -> AsyncIterator[Pool]:
    async with open_pool(database, name="test") as pool:
        yield pool


def by_table(entries: Iterable[Entry], day: date, chain: str = "ethereum") -> dict[str, Entry]:
    return {entry.table: entry for entry in entries if (entry.day, entry.chain) == (day, chain)}


async def test_a_day_is_exported_exactly(pool: Pool, database: str, place: Place) -> None:
    blocks = make_blocks(MORE_THAN_A_DAY, transactions=6)
    await commit(pool, blocks)
    outcomes = await export_all(pool, database, place)
    assert [(each.day.day, each.reason is None) for each in outcomes] == [(FIRST, True), (SECOND, False)]
    entries = by_table(await manifest.read_entries(pool), FIRST)
    day = [block for block in blocks if block.time.date() == FIRST]
    rows = [row for block in day for row in block.transactions]
    transfers = [row for block in day for row in block.token_transfers]

    assert entries["transactions"].totals == (
        len(rows),
        sum(int(r.value) for r in rows),
        sum(int(r.fee or 0) for r in rows),
        0,
        449,
    )
    assert entries["token_transfers"].rows == len(transfers)
    assert entries["token_transfers"].value_sum == sum(int(row.amount) for row in transfers)
    assert entries["blocks"].totals == (450, len(rows), 0, 0, 449)
    assert (entries["utxo_io"].rows, entries["utxo_io"].path) == (0, None)
    path = "table=transactions/chain=ethereum/day=2026-03-01/part-0.parquet"
    assert entries["transactions"].path == path
    file = Path(place.shown) / path
    assert hashlib.sha256(file.read_bytes()).digest() == entries["transactions"].sha256

    frame = pl.read_parquet(file, hive_partitioning=False)
    found = [tuple(row) for row in frame.iter_rows()]
    assert found == [tuple(row) for row in rows]
    tokens = pl.read_parquet(Path(place.shown) / str(entries["token_transfers"].path), hive_partitioning=False)
    exact = tokens.with_columns(pl.col("amount", "token_id").map_elements(Decimal, return_dtype=pl.Object))
    assert sorted(map(tuple, exact.iter_rows())) == sorted(map(tuple, transfers))


async def test_what_was_exported_is_verified_by_reading_it_again(pool: Pool, database: str, place: Place) -> None:
    await commit(pool, make_blocks(MORE_THAN_A_DAY, transactions=2))
    await export_all(pool, database, place)
    assert all(entry.verified_at is None for entry in await manifest.read_entries(pool))
    assert await faults(pool, place) == {}
    assert all(entry.verified_at for entry in await manifest.read_entries(pool))
    assert [outcome.exported for outcome in await export_all(pool, database, place)] == [[]]

    file = Path(place.shown) / "table=transactions/chain=ethereum/day=2026-03-01/part-0.parquet"
    sound = file.read_bytes()
    file.write_bytes(sound[:-9] + bytes([sound[-9] ^ 1]) + sound[-8:])
    assert "another than was written" in (await faults(pool, place))["ethereum transactions 2026-03-01"]
    assert await manifest.read_entries(pool) == []
    await export_all(pool, database, place)
    assert await faults(pool, place) == {}
    assert file.read_bytes() == sound
    file.unlink()
    assert "not there" in (await faults(pool, place))["ethereum transactions 2026-03-01"]
    await export_all(pool, database, place)
    assert await faults(pool, place) == {}


async def test_rows_that_changed_in_the_database_fail_verification(pool: Pool, database: str, place: Place) -> None:
    await commit(pool, make_blocks(MORE_THAN_A_DAY, transactions=2))
    await export_all(pool, database, place)
    await pool.execute("DELETE FROM txhub.token_transfers WHERE block_number < 9")
    assert list(await faults(pool, place)) == ["ethereum token_transfers 2026-03-01"]
    await pool.execute("DELETE FROM txhub.transactions WHERE block_number < 9")
    await pool.execute("DELETE FROM txhub.archive_manifest")
    [first, _] = await export_all(pool, database, place)
    assert (first.exported, first.fault) == ([], True)
    assert "its ledger tells of 900" in str(first.reason)
    assert await manifest.read_entries(pool) == []
    await run_round(pool, database, place, None, settle, NOW)
    told = "SELECT details FROM txhub.event_log WHERE component = 'archive' AND event = 'archive_fault'"
    assert "its ledger tells of" in await pool.fetchval(told)


async def test_only_whole_and_final_days_are_exported(pool: Pool, database: str, place: Place) -> None:
    blocks = make_blocks(MORE_THAN_A_DAY, transactions=1)
    await commit(pool, [block for block in blocks if block.number != 200])
    missing = "blocks of it or around it are missing"
    assert [each.reason for each in await export_all(pool, database, place)] == [f"1 {missing}", f"64 {missing}"]
    await commit(pool, [blocks[200]])
    [first, _] = await export_all(pool, database, place, now=datetime(2026, 3, 2, 0, 5, tzinfo=UTC))
    assert first.reason == "it is final at 2026-03-02 00:12 UTC"
    [first, _] = await export_all(pool, database, place)
    assert first.reason is None


async def test_a_chain_that_nobody_follows_holds_what_it_was_asked_for(pool: Pool, database: str, place: Place) -> None:
    await commit(pool, make_blocks(range(100, 800), transactions=1), followed=False)
    assert [(each.day.day, each.reason) for each in await export_all(pool, database, place)] == [
        (FIRST, None),
        (SECOND, None),
    ]


async def test_a_day_that_changed_is_exported_again(pool: Pool, database: str, place: Place) -> None:
    blocks = make_blocks(MORE_THAN_A_DAY, transactions=2)
    await commit(pool, blocks[100:], followed=False)
    await export_all(pool, database, place)
    await faults(pool, place)
    before = by_table(await manifest.read_entries(pool), FIRST)
    await commit(pool, blocks[:100], followed=False)
    assert "export it again" in (await faults(pool, place))["ethereum blocks 2026-03-01"]
    await export_all(pool, database, place)
    after = by_table(await manifest.read_entries(pool), FIRST)
    assert (before["blocks"].rows, after["blocks"].rows) == (350, 450)
    assert await faults(pool, place) == {}


async def test_amounts_of_256_bits_stay_exact(pool: Pool, database: str, place: Place) -> None:
    most = Decimal(2**256 - 1)
    blocks = make_blocks(range(514), transactions=4)
    row = blocks[0].transactions[0]
    blocks[0].transactions[0] = row._replace(value=most, fee=Decimal(7))
    transfer = next(each for block in blocks for each in block.token_transfers)
    blocks[1].token_transfers[:] = [transfer._replace(block_number=1, amount=most, token_id=most)] * 3
    await commit(pool, blocks)
    await export_all(pool, database, place)
    assert await faults(pool, place) == {}
    entries = by_table(await manifest.read_entries(pool), FIRST)
    assert entries["transactions"].wide
    assert entries["transactions"].value_sum > most
    assert entries["token_transfers"].value_sum > 3 * most
    frame = pl.read_parquet(Path(place.shown) / str(entries["transactions"].path))
    assert (frame["value"][0], frame["fee"][0]) == (str(most), "7")


async def test_an_archive_elsewhere(pool: Pool, database: str) -> None:
    place = Place("memory://archive")
    await commit(pool, make_blocks(range(514), transactions=2))
    bitcoins = [make_block(number, chain=BITCOIN, transactions=3, start=START) for number in range(40)]
    await commit(pool, bitcoins, BITCOIN)
    await export_all(pool, database, place)
    assert await faults(pool, place) == {}
    moves = by_table(await manifest.read_entries(pool), FIRST, "bitcoin")["utxo_io"]
    assert moves.rows == sum(len(block.utxo_io) for block in bitcoins if block.time.date() == FIRST)


ROLLUPS = {
    "tx_1m": "SELECT * FROM txhub.tx_1m",
    "tx_1h": "SELECT * FROM txhub.tx_1h",
    "tx_1d": "SELECT * FROM txhub.tx_1d",
    "chain_1m": "SELECT * FROM txhub.chain_1m",
    "peaks_1h": "SELECT * FROM txhub.peaks_1h",
    "value_hist_1h": "SELECT * FROM txhub.value_hist_1h",
    "token_1h": "SELECT * FROM txhub.token_1h",
    "top_senders_1h": "SELECT * FROM txhub.top_senders_1h",
    "top_receivers_1h": "SELECT * FROM txhub.top_receivers_1h",
    "top_flows_1h": "SELECT * FROM txhub.top_flows_1h",
    "active_1h": "SELECT * FROM txhub.active_1h",
}
RAW = {
    "transactions": "SELECT * FROM txhub.transactions",
    "token_transfers": "SELECT * FROM txhub.token_transfers",
    "utxo_io": "SELECT * FROM txhub.utxo_io",
    "blocks": "SELECT * FROM txhub.blocks",
}


async def contents(pool: Pool, questions: dict[str, str], chain_ids: Iterable[int] = ()) -> dict[str, list[str]]:
    """Every row of these, as text and sorted; of some chains only where such are named."""
    ids = set(chain_ids)
    return {
        name: sorted(str(tuple(row)) for row in await pool.fetch(question) if not ids or row["chain_id"] in ids)
        for name, question in questions.items()
    }


async def test_no_rollup_loses_anything_when_a_chain_is_backfilled_behind_the_horizon(
    pool: Pool, database: str, place: Place
) -> None:
    await apply_policies(pool, chunk_interval=timedelta(days=1), compress_after=timedelta(days=2))
    ethereum, bitcoin, base = three_days(ETHEREUM), three_days(BITCOIN), three_days(BASE)
    await commit(pool, ethereum)
    await commit(pool, bitcoin, BITCOIN)
    await settle(pool, START, NOW, NOW)
    two = (ETHEREUM.chain_id, BITCOIN.chain_id)
    rollups, raw = await contents(pool, ROLLUPS, two), await contents(pool, RAW, two)
    assert all(rollups.values())

    # Two chains, and their raw rows are dropped.
    assert await drop_all(pool, place) == ([], "2026-03-01 of bitcoin: transactions is not in the archive as it is now")
    await export_all(pool, database, place)
    assert await drop_all(pool, place) == ([], "2026-03-01 of bitcoin: transactions is not verified")
    await faults(pool, place)
    days = [date(2026, 3, number) for number in range(1, 5)]
    assert await drop_all(pool, place, before=date(2026, 3, 4)) == (days[:3], None)
    assert await read_horizon(pool) == datetime(2026, 3, 4, tzinfo=UTC)
    assert await pool.fetchval("SELECT min(block_time) FROM txhub.transactions") == datetime(2026, 3, 4, tzinfo=UTC)
    assert await contents(pool, ROLLUPS, two) == rollups
    await settle(pool, START, NOW, NOW)
    assert await contents(pool, ROLLUPS, two) == rollups

    # Nor may a reorg reach below it.
    with pytest.raises(BehindHorizon):
        await Ledger(pool, ETHEREUM).replace(10, [])
    assert await contents(pool, {"blocks": RAW["blocks"]}, two) == {"blocks": raw["blocks"]}

    # A third one wants to write behind the horizon.
    with pytest.raises(BehindHorizon) as refused:
        await commit(pool, base[:60], BASE, followed=False)
    assert refused.value.hint == "run `txhub archive restore --from 2026-03-01` first"
    assert await pool.fetchval("SELECT count(*) FROM txhub.blocks WHERE chain_id = $1", BASE.chain_id) == 0
    await commit(pool, base[110:], BASE, followed=False)
    await settle(pool, START, NOW, NOW)
    assert await contents(pool, ROLLUPS, two) == rollups

    # One day of several is restored: it is there to be read, and still nothing may be written.
    assert await restore_all(pool, place, days[0], days[0]) == [days[0]]
    assert await read_horizon(pool) == datetime(2026, 3, 4, tzinfo=UTC)
    with pytest.raises(BehindHorizon):
        await commit(pool, base[:1], BASE, followed=False)
    await settle(pool, START, NOW, NOW)
    assert await contents(pool, ROLLUPS, two) == rollups

    # All are: every row is back, and the third chain can be written.
    assert await restore_all(pool, place, days[0]) == [days[2], days[1]]
    assert await read_horizon(pool) is None
    assert await contents(pool, RAW, two) == raw
    assert await restore_all(pool, place) == []
    await commit(pool, base[:110], BASE, followed=False)
    await settle(pool, START, NOW, NOW)
    assert await contents(pool, ROLLUPS, two) == rollups
    three = await contents(pool, ROLLUPS)
    assert await pool.fetchval("SELECT sum(tx_count) FROM txhub.tx_1d WHERE chain = 'base'") == 3 * len(base)

    # And dropped once more: what was restored stays a week, unless somebody says otherwise.
    await archive_all(pool, database, place)
    await pool.execute("UPDATE txhub.archive_manifest SET restored_at = $1 WHERE restored_at IS NOT NULL", NOW)
    assert "it was restored" in ((await drop_all(pool, place)).stays or "")
    assert (await drop_all(pool, place, restored_too=True)).days == days[:3]
    assert await contents(pool, ROLLUPS) == three
    await restore_all(pool, place)
    assert await contents(pool, RAW, two) == raw


async def test_the_archive_answers_sql(pool: Pool, database: str, place: Place) -> None:
    ethereum, bitcoin = three_days(ETHEREUM), three_days(BITCOIN)
    await commit(pool, ethereum)
    await commit(pool, bitcoin, BITCOIN)
    await archive_all(pool, database, place)
    entries = await manifest.read_entries(pool, date(2026, 3, 2), date(2026, 3, 3))
    answer = query(
        place,
        entries,
        "SELECT chain, day, count(*) AS n, sum(value) AS value FROM transactions GROUP BY 1, 2 ORDER BY 1, 2",
    )
    expected = [
        (
            chain,
            day,
            sum(len(block.transactions) for block in own),
            sum(int(row.value) for b in own for row in b.transactions),
        )
        for chain, blocks in (("bitcoin", bitcoin), ("ethereum", ethereum))
        for day in (date(2026, 3, 2), date(2026, 3, 3))
        if (own := [block for block in blocks if block.time.date() == day])
    ]
    assert answer.rows() == expected
    block, coins = ethereum[20], bitcoin[20]
    one = query(place, entries, f"SELECT hash FROM blocks WHERE hash = '0x{block.hash.hex()}'")
    assert one.rows() == [(f"0x{block.hash.hex()}",)]
    paid = query(place, entries, "SELECT to_address FROM transactions WHERE chain = 'bitcoin' AND block_number = 20")
    assert paid["to_address"].to_list() == [
        str(row.to_address, "ascii") for row in coins.transactions if row.to_address
    ]
    with pytest.raises(UsageError, match="cannot be answered"):
        query(place, entries, "SELECT nothing FROM transactions")
    with pytest.raises(NotFound):
        query(place, [], "SELECT 1")


async def test_the_worker_archives_and_drops_what_is_old_enough(pool: Pool, database: str, place: Place) -> None:
    await apply_policies(pool, chunk_interval=timedelta(days=1), compress_after=timedelta(days=2))
    await commit(pool, three_days(ETHEREUM))
    await settle(pool, START, NOW, NOW)
    rollups = await contents(pool, ROLLUPS)
    await run_round(pool, database, place, None, settle, NOW)
    assert all(entry.verified_at and not entry.gone for entry in await manifest.read_entries(pool))
    assert await read_horizon(pool) is None

    third = datetime(2026, 3, 3, tzinfo=UTC)
    await run_round(pool, database, place, NOW - third, settle, NOW)
    assert await read_horizon(pool) == third
    assert await contents(pool, ROLLUPS) == rollups

    # A day whose file is gone stays until it was written anew, and the operator is told.
    [entry] = [e for e in await manifest.read_entries(pool, third.date(), third.date()) if e.table == "transactions"]
    (Path(place.shown) / str(entry.path)).unlink()
    await run_round(pool, database, place, NOW - third - timedelta(days=1), settle, NOW)
    assert await read_horizon(pool) == third
    await run_round(pool, database, place, NOW - third - timedelta(days=1), settle, NOW)
    assert await read_horizon(pool) == third
    told = "SELECT details FROM txhub.event_log WHERE component = 'archive' AND event = 'archive_fault'"
    assert "the file is not there" in await pool.fetchval(told)
    await run_round(pool, database, place, NOW - third - timedelta(days=1), settle, NOW)
    assert await read_horizon(pool) == third + timedelta(days=1)
    assert await contents(pool, ROLLUPS) == rollups


async def test_raw_rows_stay_as_long_as_refresh_policies_reach(
    pool: Pool, database: str, place: Place, edition: Edition
) -> None:
    await apply_policies(pool, chunk_interval=timedelta(days=1), compress_after=timedelta(days=2))
    await commit(pool, three_days(ETHEREUM))
    await archive_all(pool, database, place)
    soon = datetime(2026, 3, 4, 20, tzinfo=UTC)

    dropped = await drop(pool, place, before=date(2026, 3, 3), now=soon, settle=settle)
    if edition is Edition.TIMESCALE:
        assert dropped == ([], "2026-02-28: the refresh policies look back 3 days, 0:00:00")
    else:
        assert dropped == ([date(2026, 3, 1), date(2026, 3, 2)], None)


async def test_a_day_that_a_chunk_divides_goes_when_the_whole_chunk_may(
    pool: Pool, database: str, place: Place, edition: Edition
) -> None:
    await apply_policies(pool, chunk_interval=timedelta(days=2), compress_after=timedelta(days=2))
    await commit(pool, three_days(ETHEREUM))
    await archive_all(pool, database, place)
    whole = (await drop_all(pool, place, before=date(2026, 3, 4))).days
    if edition is Edition.TIMESCALE:
        edges = {
            row["range_start"] for row in await pool.fetch("SELECT range_start FROM timescaledb_information.chunks")
        }
        assert await read_horizon(pool) in edges
        assert len(whole) in {1, 2, 3}
    else:
        assert len(whole) == 3


async def test_a_damaged_file_is_not_restored(pool: Pool, database: str, place: Place) -> None:
    await commit(pool, three_days(ETHEREUM))
    await archive_all(pool, database, place)
    raw = await contents(pool, RAW)
    await drop_all(pool, place, before=date(2026, 3, 3))
    file = Path(place.shown) / "table=token_transfers/chain=ethereum/day=2026-03-02/part-0.parquet"
    sound = file.read_bytes()
    file.write_bytes(sound[:400] + b"\0" + sound[401:])
    assert list(await faults(pool, place)) == ["ethereum token_transfers 2026-03-02"]
    with pytest.raises(ArchiveMismatch, match="cannot be restored"):
        await restore_all(pool, place)
    assert await pool.fetchval("SELECT min(block_time) FROM txhub.transactions") >= datetime(2026, 3, 3, tzinfo=UTC)
    assert await read_horizon(pool) == datetime(2026, 3, 3, tzinfo=UTC)
    file.write_bytes(sound)
    await restore_all(pool, place)
    assert await contents(pool, RAW) == raw


async def test_nothing_is_dropped_while_somebody_writes_or_refreshes(
    pool: Pool, database: str, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(horizons, "_TRIES", 1)
    await commit(pool, three_days(ETHEREUM))
    await archive_all(pool, database, place)
    async with steady_horizon(pool):
        with pytest.raises(InTheWay):
            await drop_all(pool, place)
    async with pool.acquire() as writer, writer.transaction():
        await steady_in_transaction(writer)
        with pytest.raises(InTheWay):
            await drop_all(pool, place)
    assert await read_horizon(pool) is None
    assert (await drop_all(pool, place)).days


async def test_a_block_that_comes_while_its_day_is_dropped_is_never_lost(
    pool: Pool, database: str, place: Place
) -> None:
    """Either it is committed first, and the day stays; or the day goes first, and the block is refused."""
    await commit(pool, three_days(ETHEREUM))
    await archive_all(pool, database, place)
    late = three_days(BASE)
    ledger = Ledger(pool, BASE)
    await ledger.register()

    async def write() -> int:
        try:
            return sum([(await ledger.commit([block])).blocks for block in late[:40]])
        except BehindHorizon:
            return 0

    _, dropped = await asyncio.gather(write(), drop_all(pool, place, before=date(2026, 3, 4)))
    horizon = await read_horizon(pool)
    held = await pool.fetch("SELECT number, time, tx_count FROM txhub.blocks WHERE chain_id = $1", BASE.chain_id)
    for row in held:
        archived = horizon is not None and row["time"] < horizon
        rows = await pool.fetchval(
            "SELECT count(*) FROM txhub.transactions WHERE chain_id = $1 AND block_number = $2",
            BASE.chain_id,
            row["number"],
        )
        assert not archived
        assert rows == row["tx_count"]
    assert held or dropped.days
