"""One transaction: its block, what it moved, who took part, and whether it stays.

A hash says nothing of when its transaction was, so the newest days are searched first, then older ones, then the
archive. Whoever knows the number of its block has it found at once.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import polars as pl
from sqlalchemy import FromClause, TableClause, select

from txhub.contract import (
    BlockHeader,
    ChainInfo,
    Coin,
    Kind,
    Source,
    Status,
    TokenTransfer,
    Transaction,
    TransactionDetail,
)
from txhub.errors import NotFound, TooLong
from txhub.query import readable
from txhub.query.chains import read_chains
from txhub.query.choice import chains_of
from txhub.query.explorer import transaction_link
from txhub.query.hash import stored_hash
from txhub.query.height import block_number
from txhub.query.labelled import labels_of
from txhub.query.sought import Sought, absent_days, newest_pieces
from txhub.query.standing import confirmations_of, status_of
from txhub.query.timerange import ALWAYS, TimeRange
from txhub.store import schema
from txhub.store.coldread import ColdReader, ColdRows, dropped_files
from txhub.store.read import Reader
from txhub.store.sqlfiles import queries

MOST_PARTS = 1000
"""Transfers, inputs or outputs of a transaction that are listed; all are counted."""
SEARCHED_S = 10.0
"""Seconds after which the search for a hash ends."""
_MOST_COLD = 100_000
"""Transfers, inputs or outputs of a transaction that are read of the archive."""
_COMES_BACK = (timedelta(days=1), timedelta(days=7))
"""A transaction of a replaced block that comes back does so within these of it, see `txhub.gone_transactions`."""
_TABLES: dict[str, tuple[TableClause, TableClause, tuple[str, ...]]] = {
    "token_transfers": (schema.token_transfers, schema.orphan_token_transfers, ("log_index", "token_id")),
    "utxo_io": (schema.utxo_io, schema.orphan_utxo_io, ("side", "n")),
}
"""The rows that belong to transactions: where they are, where those of orphans are, and their order."""
_SQL = queries("blocks")


class _Found(NamedTuple):
    """A transaction, where its rows are, and the reorg that took it away, if one did."""

    transaction: Transaction
    source: Source
    reorg: int | None = None


async def read_transaction(
    reader: Reader, cold: ColdReader, chain: str, hash_text: str, *, block: str | None = None, now: datetime
) -> TransactionDetail:
    """The transaction of a chain that has a hash; of two (Bitcoin had such) the later one.

    Args:
        reader: where to ask.
        cold: where to search days that were dropped.
        chain: the chain's name.
        hash_text: its hash.
        block: the number of its block, if it is known.
        now: labels are those in force then, and what is final is so then.

    Raises:
        UsageError: the chain is not known, or the texts are no hash and no number.
        NotFound: there is no such transaction.
        TooLong: it is not among the newest, and more cannot be searched.
        ArchiveUnavailable: it may be in the archive, and that cannot be read.
    """
    wanted = stored_hash("hash", hash_text)
    [of] = chains_of(await read_chains(reader, counted=False), [chain])
    number = None if block is None else block_number("block", block)
    orphaned = await reader.frame(_SQL["orphaned"], of.chain_id, wanted)
    found = await _find(reader, cold, of, wanted, _pieces(reader, of, wanted, number, orphaned))
    if found is None and not orphaned.is_empty():
        reorg = orphaned["reorg_id"][0]
        o = schema.orphan_transactions
        page = select(o).where(o.c.chain_id == of.chain_id, o.c.hash == wanted, o.c.reorg_id == reorg)
        found = _found(await reader.frame(readable.transactions(page.subquery("page"), 1)), Source.RAW, reorg)
    if found is None:
        raise NotFound(
            f"{of.name} has no transaction {hash_text}",
            hint="a hash says nothing of its chain: /v1/search?q= looks for it on all of them",
        )
    return await _told(reader, cold, of, found, orphaned["reorg_id"].to_list(), now)


async def _pieces(
    reader: Reader, chain: ChainInfo, wanted: bytes, block: int | None, orphaned: pl.DataFrame
) -> AsyncIterator[TimeRange]:
    """Where to search, in order."""
    sought, asked, newest = Sought(hash=wanted), ALWAYS, None
    if not orphaned.is_empty():
        before, after = _COMES_BACK
        times: list[datetime] = orphaned["block_time"].to_list()
        asked = TimeRange(min(times) - before, newest := max(times) + after)
    elif block is not None:
        known = await reader.frame(_SQL["by_number"], chain.chain_id, block)
        for moment in known["time"]:
            yield TimeRange(moment, moment + timedelta.resolution)
    async for piece in newest_pieces(reader, sought, asked, [chain], newest):
        yield piece


async def _find(
    reader: Reader, cold: ColdReader, chain: ChainInfo, wanted: bytes, pieces: AsyncIterator[TimeRange]
) -> _Found | None:
    t = schema.transactions
    began = time.monotonic()
    searched: list[TimeRange] = []
    async for span in pieces:
        searched.append(span)
        page = select(t).where(
            t.c.chain_id == chain.chain_id,
            t.c.hash == wanted,
            t.c.block_time >= span.start,
            t.c.block_time < span.end,
        )
        if found := _found(await reader.frame(readable.transactions(page.subquery("page"), 1)), Source.RAW):
            return found
        _go_on(began)
    whole = TimeRange(min(span.start for span in searched), max(span.end for span in searched))
    absent = await absent_days(reader, Sought(hash=wanted), whole, [chain.chain_id])
    for file in await dropped_files(reader, "transactions", *whole):
        if file.chain_id == chain.chain_id and (file.chain_id, file.start) not in absent:
            condition = pl.col("block_time").is_between(*whole, closed="left") & (pl.col("hash") == wanted)
            rows = await cold.newest([ColdRows(file, condition)], ("block_time",), 1)
            if rows.height:
                shaped = await reader.frame(readable.transactions(readable.given(rows, "transactions"), 1))
                return _found(shaped, Source.ARCHIVE)
            _go_on(began)
    return None


def _found(rows: pl.DataFrame, source: Source, reorg: int | None = None) -> _Found | None:
    if rows.is_empty():
        return None
    row = rows.drop("chain_id").row(0, named=True)
    return _Found(Transaction(**{**row, "kind": Kind(row["kind"])}), source, reorg)


def _go_on(began: float) -> None:
    if time.monotonic() - began > SEARCHED_S:
        raise TooLong(hint="send block=, the number of its block: then it is found at once")


async def _told(
    reader: Reader, cold: ColdReader, chain: ChainInfo, found: _Found, reorgs: list[int], now: datetime
) -> TransactionDetail:
    transaction, source, reorg = found
    transfers: list[TokenTransfer] = []
    coins: dict[str, list[Coin]] = {"in": [], "out": []}
    totals = dict.fromkeys(("transfers", *coins), 0)
    page = await _parts(reader, cold, chain, found)
    if page is not None and chain.family == "evm":
        rows = await reader.frame(readable.token_transfers(page, MOST_PARTS))
        transfers, totals["transfers"] = [TokenTransfer(**row) for row in _items(rows)], _total(rows)
    elif page is not None:
        for side in coins:
            rows = await reader.frame(readable.coin_moves(page, side, MOST_PARTS))
            coins[side], totals[side] = [Coin(**row) for row in _items(rows)], _total(rows)
    header = await _header(reader, chain, transaction, reorg)
    parties = [
        transaction.from_address,
        transaction.to_address,
        *(address for each in transfers for address in (each.token_address, each.from_address, each.to_address)),
        *(coin.address for side in coins.values() for coin in side),
    ]
    status = Status.GONE if reorg is not None else status_of(chain, header.number, header.time, now)
    return TransactionDetail(
        transaction=transaction,
        block=header,
        status=status,
        confirmations=0 if reorg is not None else confirmations_of(chain, header.number),
        reorgs=reorgs,
        token_transfers=transfers,
        token_transfer_count=totals["transfers"],
        inputs=coins["in"],
        input_count=totals["in"],
        outputs=coins["out"],
        output_count=totals["out"],
        labels=await labels_of(reader, chain, parties, now),
        explorer=transaction_link(chain, transaction.hash),
        source=source,
    )


async def _header(reader: Reader, chain: ChainInfo, transaction: Transaction, reorg: int | None) -> BlockHeader:
    number = transaction.block_number
    if reorg is None:
        rows = await reader.frame(_SQL["by_number"], chain.chain_id, number)
    else:
        rows = await reader.frame(_SQL["orphan_of_reorg"], chain.chain_id, number, reorg)
    if rows.is_empty():  # a reorg took the block away between two questions
        raise NotFound(f"block {number} was replaced a moment ago", hint="ask again")
    return BlockHeader(**rows.row(0, named=True))


async def _parts(reader: Reader, cold: ColdReader, chain: ChainInfo, found: _Found) -> FromClause | None:
    """The rows of transfers, or of inputs and outputs, that belong to a transaction; None where there are none."""
    name = "token_transfers" if chain.family == "evm" else "utxo_io"
    table, orphans, order = _TABLES[name]
    own = found.transaction
    if found.reorg is not None:
        where: Sequence[Any] = (orphans.c.reorg_id == found.reorg,)
        table = orphans
    else:
        where = (table.c.chain_id == chain.chain_id, table.c.block_time == own.block_time)
    if found.source is Source.RAW:
        place = (table.c.block_number == own.block_number, table.c.tx_index == own.tx_index)
        return select(table).where(*where, *place).subquery("page")
    day = TimeRange(own.block_time, own.block_time + timedelta.resolution)
    condition = (pl.col("block_number") == own.block_number) & (pl.col("tx_index") == own.tx_index)
    files = [each for each in await dropped_files(reader, name, *day) if each.chain_id == chain.chain_id]
    if not files:
        return None
    return readable.given(await cold.newest([ColdRows(each, condition) for each in files], order, _MOST_COLD), name)


def _items(rows: pl.DataFrame) -> Iterator[dict[str, Any]]:
    return rows.drop("total").iter_rows(named=True)


def _total(rows: pl.DataFrame) -> int:
    return int(rows["total"][0]) if rows.height else 0
