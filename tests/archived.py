"""Steps of an archive's life, as tests take them: commit, export, verify, drop, restore."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime

from tests.blocks import ETHEREUM, make_block
from txhub.archive.export import Outcome, export
from txhub.archive.restore import restore
from txhub.archive.retention import Dropped, drop
from txhub.archive.verify import verify
from txhub.model import Block, Chain
from txhub.rollup.settle import settle
from txhub.store.ledger import Ledger
from txhub.store.place import Place
from txhub.store.pool import Pool

NOW = datetime(2026, 4, 1, tzinfo=UTC)


async def commit(pool: Pool, blocks: Iterable[Block], chain: Chain = ETHEREUM, *, followed: bool = True) -> None:
    ledger = Ledger(pool, chain)
    await ledger.register()
    if followed:
        await ledger.follow_from(0)
    await ledger.commit(list(blocks), bulk=True)


async def export_all(pool: Pool, url: str, place: Place, now: datetime = NOW) -> list[Outcome]:
    return [outcome async for outcome in export(pool, url, place, now=now)]


async def faults(pool: Pool, place: Place) -> dict[str, str]:
    """What verification finds, by chain, table and day."""
    return {
        f"{entry.chain} {entry.table} {entry.day}": fault
        async for entry, fault in verify(pool, place)
        if fault is not None
    }


async def drop_all(pool: Pool, place: Place, before: date = date(2026, 3, 5), **options: bool) -> Dropped:
    return await drop(pool, place, before=before, now=NOW, settle=settle, **options)


async def restore_all(pool: Pool, place: Place, first: date | None = None, last: date | None = None) -> list[date]:
    return [done.day async for done in restore(pool, place, first=first, last=last)]


async def archive_all(pool: Pool, url: str, place: Place) -> None:
    await export_all(pool, url, place)
    assert await faults(pool, place) == {}


def three_days(chain: Chain, transactions: int = 3) -> list[Block]:
    """Blocks every half hour from 1 March 22:30 on, for three days and more."""
    slow = replace(chain, block_time_s=1800.0)
    blocks = [make_block(number, chain=slow, transactions=transactions) for number in range(165)]
    if chain.family == "utxo":
        for block in blocks:
            block.transactions[:] = [
                row._replace(from_address=bitcoin_address(row.tx_index), to_address=bitcoin_address(block.number))
                for row in block.transactions
            ]
    return blocks


def bitcoin_address(number: int) -> bytes:
    """An address that looks like one; its alphabet has no 1."""
    return b"bcrt1q" + (b"%08d" % number).replace(b"1", b"z")
