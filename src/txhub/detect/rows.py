"""A chain's committed rows as frames: what patterns look at.

Each source is a frame whose rows of a block follow from that block alone, so that frames of neighbouring spans put
together are the frame of both, and a span that changed can be replaced by itself.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

import polars as pl

from txhub.chain.contract import created_address
from txhub.detect.bound import MOST, saturated
from txhub.model import Block, Chain
from txhub.store.read import Reader
from txhub.store.sqlfiles import queries

Rows = Mapping[str, pl.DataFrame]
"""Frames by the names of their sources."""
_SQL = queries("detection")
_PLACE: dict[str, pl.DataType] = {
    "time": pl.Datetime("us", "UTC"),
    "number": pl.Int64(),
    "index": pl.Int32(),
    "n": pl.Int32(),
}
"""The columns that order rows: block time, block number, position of the transaction, position in it."""
TRANSFERS = {
    **_PLACE,
    "hash": pl.Binary(),
    "kind": pl.String(),
    "token": pl.Binary(),
    "sender": pl.Binary(),
    "receiver": pl.Binary(),
    "amount": pl.Int128(),
}
"""Value that went from somebody to somebody else: hash and kind of the transaction, contract of the token (null: the
coin), both addresses, base units.

A sender is null where the node does not say, a receiver where the output's script has no address. On Bitcoin each
output is a transfer, but for those back to a spender (change) and those of coinbases.
"""
OUTCOMES = {**_PLACE, "known": pl.Int64(), "failed": pl.Int64()}
"""A row a block: how many of its calls have a known outcome, and how many of those failed."""


NEW_CONTRACT_CALLS = {**TRANSFERS, "created": _PLACE["time"]}
"""Calls of contracts (the receiver) that a transaction made not longer than `CONTRACT_AGE` before, and when it did."""
WAKINGS = {**TRANSFERS, "seen": _PLACE["time"]}
"""Transfers of the coin of a tenth of `large_value` or more, and when the sender was last seen before; null: never."""
WATCHED = {
    **TRANSFERS,
    "watched": pl.Binary(),
    "other": pl.Binary(),
    "both": pl.Boolean(),
    "list": pl.String(),
    "met": _PLACE["time"],
}
"""Moves of watched addresses while a list had them: the address, the other side (null: nobody, or not known), whether
that is watched too, a list's name, and when the other side last dealt with any of them before, within `MEMORY`."""
LONGEST_READ = timedelta(days=1)
"""No longer span is read at once, however little is in it."""
CONTRACT_AGE = timedelta(days=1)
MEMORY = timedelta(days=90)
_WAKING_SHARE = Decimal("0.1")
Read = Callable[[Reader, Chain, datetime, datetime], Awaitable[pl.DataFrame | None]]


class Source(NamedTuple):
    """Where a frame comes from: what reads a chain's rows of [start, end), None where it has none; and its columns."""

    read: Read
    columns: Mapping[str, pl.DataType]


def _stated(**statements: str) -> Read:
    """Rows of a statement, by the chain's family; its parameters are the chain, start and end."""

    async def read(reader: Reader, chain: Chain, start: datetime, end: datetime) -> pl.DataFrame | None:
        statement = statements.get(chain.family)
        return None if statement is None else await reader.frame(statement, chain.chain_id, start, end)

    return read


async def _read_new_contract_calls(reader: Reader, chain: Chain, start: datetime, end: datetime) -> pl.DataFrame | None:
    if chain.family != "evm":
        return None
    made = await reader.frame(_SQL["creations"], chain.chain_id, start - CONTRACT_AGE, end)
    created = {
        created_address(sender, nonce): time
        for time, sender, nonce in made.select("time", "sender", "nonce").iter_rows()
    }
    if not created:
        return None
    calls = await reader.frame(_SQL["calls"], chain.chain_id, start, end, list(created))
    times = pl.Series([created[receiver] for receiver in calls["receiver"]], dtype=_PLACE["time"])
    age = calls["time"].cast(_PLACE["time"]) - times
    return calls.with_columns(created=times).filter((age >= timedelta(0)) & (age <= CONTRACT_AGE))


async def _read_wakings(reader: Reader, chain: Chain, start: datetime, end: datetime) -> pl.DataFrame | None:
    least = chain.large_value.scaleb(chain.decimals) * _WAKING_SHARE
    return await reader.frame(_SQL[f"wakings_{chain.family}"], chain.chain_id, start, end, format(least, "f"))


async def _read_watched(reader: Reader, chain: Chain, start: datetime, end: datetime) -> pl.DataFrame | None:
    statement = queries("watched")["watched"]
    found = await reader.frame(statement, chain.chain_id, start, end)
    if found.is_empty():
        return None
    return acquainted(found, await reader.frame(statement, chain.chain_id, start - MEMORY, start))


def acquainted(found: pl.DataFrame, before: pl.DataFrame) -> pl.DataFrame:
    """Moves of watched addresses with `met`, by those of `MEMORY` before them."""
    dealt = (
        pl.concat(each.select("other", "time") for each in (before, found))
        .drop_nulls()
        .unique()
        .sort("other", "time")
        .with_columns(met=pl.col("time").shift().over("other"))
    )
    return found.join(dealt, on=["other", "time"], how="left", maintain_order="left")


def watched_of(rows: Rows, lists: Mapping[bytes, str], before: pl.DataFrame | None = None) -> pl.DataFrame:
    """The moves of watched addresses among the frames of `rows_of`, without a database.

    Args:
        rows: transfers of the coin and of tokens; on Bitcoin they know the largest spender alone.
        lists: the list of each watched address, which has it all the time.
        before: what this returned for the time before.
    """
    transfers = pl.concat([rows["transfers"], rows["token_transfers"]]).sort("time", "number", "index", "n")
    listed = pl.DataFrame(list(lists.items()), schema={"watched": pl.Binary, "list": pl.String}, orient="row")
    addresses = listed["watched"].implode()
    out, came = pl.col("sender").is_in(addresses), pl.col("receiver").is_in(addresses)
    sent = pl.when(out)
    moves = (
        transfers.filter(out.fill_null(False) | came.fill_null(False))
        .with_columns(
            watched=sent.then("sender").otherwise("receiver"),
            other=sent.then("receiver").otherwise("sender"),
            both=(out & came).fill_null(False),
        )
        .join(listed, on="watched", how="left", maintain_order="left")
    )
    return acquainted(moves, moves.clear() if before is None else before).select(
        pl.col(name).cast(dtype) for name, dtype in WATCHED.items()
    )


SOURCES: dict[str, Source] = {
    "transfers": Source(_stated(evm=_SQL["transfers_evm"], utxo=_SQL["transfers_utxo"]), TRANSFERS),
    "token_transfers": Source(_stated(evm=_SQL["token_transfers"]), TRANSFERS),
    "outcomes": Source(_stated(evm=_SQL["outcomes"]), OUTCOMES),
    "new_contract_calls": Source(_read_new_contract_calls, NEW_CONTRACT_CALLS),
    "wakings": Source(_read_wakings, WAKINGS),
    "watched": Source(_read_watched, WATCHED),
}


async def reach(reader: Reader, chain: Chain, start: datetime, end: datetime, transactions: int) -> datetime:
    """How far to go in [start, end) for about so many transactions: the moment after a block's, or `end`.

    Raises:
        DatabaseUnavailable, DatabaseRefused, SchemaMismatch, TooLong: see `Reader.frame`.
    """
    end = min(end, start + LONGEST_READ)
    found = (await reader.frame(_SQL["reach"], chain.chain_id, start, end, transactions))["time"].to_list()
    return found[0] + timedelta(microseconds=1) if found else end


async def read_rows(reader: Reader, chain: Chain, sources: Iterable[str], start: datetime, end: datetime) -> Rows:
    """The rows of blocks with times in [start, end), in order.

    Raises:
        DatabaseUnavailable, DatabaseRefused, SchemaMismatch, TooLong: see `Reader.frame`.
    """
    rows = {}
    for name in sources:
        source = SOURCES[name]
        frame = await source.read(reader, chain, start, end)
        rows[name] = pl.DataFrame(schema=source.columns) if frame is None else _shaped(frame, source.columns)
    return rows


def rows_of(blocks: Sequence[Block]) -> Rows:
    """The frames of decoded blocks that follow from those alone, without a database."""
    made = {
        "transfers": [row for block in blocks for row in (_outputs(block) if block.utxo_io else _values(block))],
        "token_transfers": [row for block in blocks for row in _tokens(block)],
        "outcomes": [row for block in blocks for row in _outcomes(block)],
    }
    return {
        name: pl.DataFrame(rows, schema=dict(SOURCES[name].columns), orient="row").sort("time", "number", "index", "n")
        for name, rows in made.items()
    }


def _values(block: Block) -> Iterator[tuple[object, ...]]:
    for row in block.transactions:
        moved = row.value > 0 and row.success is not False and row.to_address is not None
        if moved and row.from_address is not None and row.from_address != row.to_address:
            place = (row.block_time, row.block_number, row.tx_index, -1, row.hash, row.kind, None)
            yield *place, row.from_address, row.to_address, int(row.value)


def _outputs(block: Block) -> Iterator[tuple[object, ...]]:
    spenders: dict[int, set[bytes]] = defaultdict(set)
    for move in block.utxo_io:
        if move.side == "in":
            spenders[move.tx_index].add(move.script)
    carried_by = {row.tx_index: row for row in block.transactions}
    for move in block.utxo_io:
        row = carried_by[move.tx_index]
        paid = move.side == "out" and move.amount > 0 and row.kind != "coinbase"
        if paid and move.script not in spenders[move.tx_index]:
            place = (row.block_time, row.block_number, row.tx_index, move.n, row.hash, row.kind, None)
            yield *place, row.from_address, move.address, int(move.amount)


def _tokens(block: Block) -> Iterator[tuple[object, ...]]:
    carried_by = {row.tx_index: row for row in block.transactions}
    for row in block.token_transfers:
        if row.amount > 0 and row.from_address != row.to_address:
            by = carried_by[row.tx_index]
            place = (row.block_time, row.block_number, row.tx_index, row.log_index, by.hash, by.kind)
            yield *place, row.token_address, row.from_address, row.to_address, min(int(row.amount), MOST)


def _outcomes(block: Block) -> Iterator[tuple[object, ...]]:
    known = [row.success for row in block.transactions if row.kind != "transfer" and row.success is not None]
    if known:
        yield block.time, block.number, 0, 0, len(known), known.count(False)


def _shaped(frame: pl.DataFrame, columns: Mapping[str, pl.DataType]) -> pl.DataFrame:
    return frame.select(
        saturated(frame[name]) if dtype == pl.Int128 else pl.col(name).cast(dtype) for name, dtype in columns.items()
    )
