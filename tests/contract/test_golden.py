"""The same blocks into both editions: every contract view gives the same rows, and what is counted from the blocks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from tests.blocks import BASE, ETHEREUM, START, make_block, make_blocks
from txhub.model import Block, Transaction
from txhub.rollup.refresh import Span, catch_up, refresh
from txhub.store.edition import Edition
from txhub.store.ledger import Ledger
from txhub.store.pool import open_pool

VIEWS = (
    "transactions_view",
    "token_transfers",
    "utxo_io",
    "address_moves",
    "tx_1m",
    "tx_1h",
    "tx_1d",
    "chain_1m",
    "peaks_1h",
    "value_hist_1h",
    "token_1h",
    "chains",
    "blocks",
)
ETHEREUM_BLOCKS = make_blocks(range(900))
BASE_BLOCKS = [make_block(number, chain=BASE, transactions=3) for number in range(1500)]


async def fill(url: str) -> None:
    """Newest first in bulk, live blocks between, a second chain late and behind the watermark, all overlapping."""
    async with open_pool(url, name="test") as pool:
        ethereum, base = Ledger(pool, ETHEREUM), Ledger(pool, BASE)
        await ethereum.register()
        await base.register()
        for start in (600, 300, 0):
            await ethereum.commit(ETHEREUM_BLOCKS[start : start + 310], bulk=True)
            await catch_up(pool, datetime.now(UTC))
        for block in ETHEREUM_BLOCKS[890:]:
            await ethereum.commit([block])
        for start in range(0, 1500, 400):
            await base.commit(BASE_BLOCKS[start : start + 450], bulk=True)
        while await catch_up(pool, datetime.now(UTC)):
            pass


def rows_of(url: str, view: str) -> list[tuple[Any, ...]]:
    columns = "*"
    if view == "blocks":
        columns = (
            "chain_id, number, hash, parent_hash, time, tx_count, dropped_count, gas_used, gas_limit, base_fee, size"
        )
    with psycopg.connect(url, options="-c timezone=UTC") as connection:
        return sorted(connection.execute(f"SELECT {columns} FROM txhub.{view}").fetchall(), key=repr)


@pytest.fixture(scope="module")
def filled() -> dict[Edition, dict[str, list[tuple[Any, ...]]]]:
    return {}


async def test_every_view_equals_the_other_edition_and_an_independent_computation(
    database: str, edition: Edition, filled: dict[Edition, dict[str, list[tuple[Any, ...]]]]
) -> None:
    await fill(database)
    answers = filled[edition] = {view: rows_of(database, view) for view in VIEWS}

    for width, view in ((60, "tx_1m"), (3600, "tx_1h"), (86400, "tx_1d")):
        assert sorted(rollup(answers[view])) == sorted(expected(width, by_kind=True)), view
    assert sorted(rollup(answers["chain_1m"], kind=False)) == sorted(expected(60, by_kind=False))
    assert sorted((row[1], row[2], row[3], row[4]) for row in answers["peaks_1h"]) == sorted(peaks())
    assert len(answers["transactions_view"]) == sum(len(b.transactions) for b in ETHEREUM_BLOCKS + BASE_BLOCKS)

    if len(filled) == len(Edition):
        for view in VIEWS:
            assert filled[Edition.TIMESCALE][view] == filled[Edition.PLAIN][view], view


async def test_whole_coins_and_text_are_exact(database: str) -> None:
    async with open_pool(database, name="test") as pool:
        ledger = Ledger(pool, ETHEREUM)
        await ledger.register()
        one = make_block(1, transactions=1)
        row = one.transactions[0]._replace(value=Decimal(2**256 - 1), fee=Decimal(1), from_address=b"\xab" * 20)
        one.transactions[0] = row
        await ledger.commit([one])
        shown = await pool.fetchrow("SELECT * FROM txhub.transactions_view")
        assert shown["value"] == Decimal(
            "115792089237316195423570985008687907853269984665640564039457.584007913129639935"
        )
        assert shown["fee"] == Decimal("0.000000000000000001")
        assert (shown["hash"], shown["from_address"]) == ("0x" + row.hash.hex(), "0x" + "ab" * 20)
        found = "SELECT count(*) FROM txhub.transactions WHERE from_address = txhub.addr($1) AND hash = txhub.hash($2)"
        assert await pool.fetchval(found, "0x" + "AB" * 20, row.hash.hex()) == 1


async def test_a_refresh_of_nothing_and_a_second_refresh_change_nothing(database: str) -> None:
    async with open_pool(database, name="test") as pool:
        ledger = Ledger(pool, ETHEREUM)
        await ledger.register()
        await ledger.commit(ETHEREUM_BLOCKS[:100], bulk=True)
        everything = [Span(START - timedelta(days=2), START + timedelta(days=2))]
        await refresh(pool, everything, datetime.now(UTC))
        before = rows_of(database, "tx_1h")
        await refresh(pool, everything, datetime.now(UTC))
        await refresh(pool, [], datetime.now(UTC))
        assert rows_of(database, "tx_1h") == before


def rollup(rows: Sequence[tuple[Any, ...]], *, kind: bool = True) -> list[tuple[Any, ...]]:
    """The view's rows without chain id, symbol and decimals."""
    return [tuple(row[1:-2]) if kind else (row[1], "", *row[2:-2]) for row in rows]


def expected(width: int, *, by_kind: bool) -> list[tuple[Any, ...]]:
    """Counted in Python from the blocks themselves."""
    groups: dict[tuple[Any, ...], list[Transaction]] = {}
    for block in ETHEREUM_BLOCKS + BASE_BLOCKS:
        bucket = datetime.fromtimestamp(block.time.timestamp() // width * width, UTC)
        for row in block.transactions:
            groups.setdefault((name(block), row.kind if by_kind else "", bucket), []).append(row)
    return [(*key, *figures(rows)) for key, rows in groups.items()]


def figures(rows: Sequence[Transaction]) -> tuple[Any, ...]:
    known = [row for row in rows if row.success is not None]
    fees = [row.fee for row in rows if row.fee is not None]
    gas = [row.gas_used for row in rows if row.gas_used is not None]
    return (
        len(rows),
        len(known),
        sum(not row.success for row in known),
        sum(int(row.value) for row in rows),
        max(row.value for row in rows),
        sum(fees) if fees else None,
        sum(gas) if gas else None,
    )


def peaks() -> list[tuple[Any, ...]]:
    minutes: dict[tuple[str, datetime], int] = {}
    for block in ETHEREUM_BLOCKS + BASE_BLOCKS:
        minute = block.time.replace(second=0)
        minutes[name(block), minute] = minutes.get((name(block), minute), 0) + len(block.transactions)
    busiest: dict[tuple[str, datetime], tuple[int, datetime]] = {}
    for (chain, minute), count in sorted(minutes.items()):
        hour = minute.replace(minute=0)
        if count > busiest.get((chain, hour), (0, minute))[0]:
            busiest[chain, hour] = (count, minute)
    return [(chain, hour, minute, count) for (chain, hour), (count, minute) in busiest.items()]


def name(block: Block) -> str:
    return {1: "ethereum", 8453: "base"}[block.chain_id]
