"""The newest rows of an address, as many as can be read in a moment, and how far back they reach."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from txhub.contract import ChainInfo
from txhub.query.sought import Sought, newest_pieces, oldest_pieces
from txhub.query.timerange import TimeRange
from txhub.store.read import Reader
from txhub.store.sqlfiles import queries

SEARCHED_S = 2.0
"""Seconds of search after which it ends where it is."""
_SQL = queries("addresses")


@dataclass(frozen=True, slots=True)
class Read:
    """Rows with their `block_time`, all that there are in a range; `complete` where that is all that was asked for."""

    rows: pl.DataFrame
    range: TimeRange
    complete: bool


async def read_moves(reader: Reader, chain: ChainInfo, address: bytes, asked: TimeRange, most: int) -> Read:
    """The ways in which value touched an address, see `txhub.address_moves`."""
    return await _newest(reader, "moves", chain, address, asked, most)


async def read_exchanged(reader: Reader, chain: ChainInfo, address: bytes, asked: TimeRange, most: int) -> Read:
    """The transactions that an address sent or got: from_address, to_address and value, base units as text."""
    return await _newest(reader, "exchanged", chain, address, asked, most)


async def read_first_seen(reader: Reader, chain: ChainInfo, address: bytes, asked: TimeRange) -> datetime | None:
    """When an address was first touched in a range; None where it was not, or the search took too long."""
    began = time.monotonic()
    async for span in oldest_pieces(reader, Sought(addresses=[[address]]), asked, chain):
        found = await reader.frame(_SQL["first_seen"], chain.chain_id, address, *span, 1)
        if found.height:
            first: datetime = found["block_time"][0]
            return first
        if time.monotonic() - began > SEARCHED_S:
            break
    return None


async def kept_range(reader: Reader, chain: ChainInfo, asked: TimeRange, now: datetime) -> tuple[TimeRange, bool]:
    """The part of a range that the database has rows of, and whether that is all that the ledger has of it."""
    [horizon] = (await reader.frame(_SQL["horizon"]))["time"]
    first = max(asked.start, chain.first_time or asked.start)
    start = first if horizon is None else max(first, horizon)
    end = min(asked.end, now)
    return TimeRange(min(start, end), end), start == first


async def _newest(
    reader: Reader, statement: str, chain: ChainInfo, address: bytes, asked: TimeRange, most: int
) -> Read:
    """Rows of one moment stay together: where there are more than `most`, the oldest moment of them is left out."""
    began = time.monotonic()
    found: list[pl.DataFrame] = []
    async for span in newest_pieces(reader, Sought(addresses=[[address]]), asked, [chain], asked.end):
        wanted = most + 1 - sum(each.height for each in found)
        rows = await reader.frame(_SQL[statement], chain.chain_id, address, *span, wanted)
        if rows.height == wanted:
            cut: datetime = rows["block_time"][-1]
            found.append(rows.filter(pl.col("block_time") > cut))
            return Read(pl.concat(found), TimeRange(cut + timedelta.resolution, asked.end), False)
        found.append(rows)
        if span.start > asked.start and time.monotonic() - began > SEARCHED_S:
            return Read(pl.concat(found), TimeRange(span.start, asked.end), False)
    return Read(pl.concat(found), asked, True)
