"""What an address did: when, how much, in which tokens, and with whom.

The newest moves of the address are read and added up here, up to a number that takes a moment; where it has more, the
figures are of the time since, and say so. Amounts are summed as integers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

import polars as pl

from txhub.contract import AddressProfile, ChainInfo, Counterparty, Rank, TokenMoved
from txhub.query import address as addresses
from txhub.query.amount import whole_coins
from txhub.query.chains import read_chains
from txhub.query.choice import chains_of, one_of
from txhub.query.explorer import address_link
from txhub.query.labelled import labels_of
from txhub.query.moves import kept_range, read_exchanged, read_first_seen, read_moves
from txhub.query.timerange import open_range
from txhub.store.read import Reader
from txhub.store.sqlfiles import queries

MOST_MOVES = 50_000
"""Moves of an address that are read."""
_SQL = queries("addresses")


@dataclass(slots=True)
class _Sums:
    """What an address exchanged with one counterparty, or of one token; base units."""

    sent_count: int = 0
    received_count: int = 0
    sent: int = 0
    received: int = 0
    largest: int = 0

    def add(self, direction: str, amount: int) -> None:
        if direction == "out":
            self.sent_count += 1
            self.sent += amount
        else:
            self.received_count += 1
            self.received += amount
        self.largest = max(self.largest, amount)

    def rank(self, by: Rank) -> tuple[int, int]:
        count, value = self.sent_count + self.received_count, self.sent + self.received
        return {Rank.COUNT: (count, value), Rank.VALUE: (value, count), Rank.LARGEST: (self.largest, count)}[by]


@dataclass(slots=True)
class _Added:
    """All that an address did."""

    coins: _Sums = field(default_factory=_Sums)
    fees: list[int] = field(default_factory=list)
    failed: int = 0
    transactions: set[tuple[int, int]] = field(default_factory=set)
    sent: set[tuple[int, int]] = field(default_factory=set)
    received: set[tuple[int, int]] = field(default_factory=set)
    parties: dict[bytes, _Sums] = field(default_factory=dict)
    tokens: dict[bytes, _Sums] = field(default_factory=dict)


class _Token(NamedTuple):
    symbol: str | None
    decimals: int | None


async def read_profile(
    reader: Reader,
    chain: str,
    address: str,
    *,
    start: str | None = None,
    end: str | None = None,
    rank: str = Rank.COUNT,
    limit: int = 20,
    now: datetime,
) -> AddressProfile:
    """What an address of a chain did in a range; without one, ever.

    Args:
        reader: where to ask.
        chain: the chain's name.
        address: as it is written there.
        start: the first moment, see `timerange`.
        end: the moment after the last.
        rank: what counterparties and tokens are ranked by; tokens by count, since their amounts do not compare.
        limit: how many of each are listed.
        now: what relative times count from.

    Raises:
        UsageError: a parameter cannot be understood.
    """
    by = one_of("rank", rank, Rank)
    asked = open_range(start, end, now)
    [of] = chains_of(await read_chains(reader, counted=False), [chain])
    [stored] = addresses.stored("address", [address], [of])
    kept, whole = await kept_range(reader, of, asked, now)
    moves = await read_moves(reader, of, stored, kept, MOST_MOVES)
    exchanged = moves
    if of.family == "utxo":  # a move of coins there has no other side
        exchanged = await read_exchanged(reader, of, stored, moves.range, MOST_MOVES)
    added = await asyncio.to_thread(_added, moves.rows)
    if of.family == "utxo":
        added.parties = await asyncio.to_thread(_parties, exchanged.rows, stored)
    times: list[datetime] = moves.rows["block_time"].to_list()  # the newest first
    first = times[-1] if times else None
    if not (whole and moves.complete):
        first = await read_first_seen(reader, of, stored, kept) if whole else None
    parties = _first(added.parties, by, limit)
    tokens = _first(added.tokens, Rank.COUNT, limit)
    shown = addresses.text(stored, of)
    listed = [
        Counterparty(
            addresses.text(party, of),
            sums.sent_count,
            sums.received_count,
            *(whole_coins(each, of.decimals) for each in (sums.sent, sums.received, sums.largest)),
        )
        for party, sums in parties
    ]
    return AddressProfile(
        chain=of.name,
        address=shown,
        symbol=of.symbol,
        first_seen=first,
        last_seen=times[0] if times else None,
        tx_count=len(added.transactions),
        sent_count=len(added.sent),
        received_count=len(added.received),
        failed_count=added.failed,
        value_sent=whole_coins(added.coins.sent, of.decimals),
        value_received=whole_coins(added.coins.received, of.decimals),
        fees=whole_coins(sum(added.fees), of.decimals) if added.fees else None,
        tokens=await _named(reader, of, tokens),
        token_count=len(added.tokens),
        counterparties=listed,
        counterparty_count=len(added.parties),
        labels=await labels_of(reader, of, [shown, *(each.address for each in listed)], now),
        explorer=address_link(of, shown),
        start=moves.range.start,
        end=moves.range.end,
        complete=whole and moves.complete and exchanged.complete,
        moves_read=moves.rows.height,
    )


def _added(moves: pl.DataFrame) -> _Added:
    added = _Added()
    columns = ("direction", "counterparty", "token_address", "amount", "fee", "success", "block_number", "tx_index")
    for direction, party, token, text, fee, success, *place in moves.select(columns).iter_rows():
        transaction = (place[0], place[1])
        added.transactions.add(transaction)
        if token is not None:
            added.tokens.setdefault(token, _Sums()).add(direction, int(text))
            continue
        amount = 0 if success is False else int(text)
        (added.sent if direction == "out" else added.received).add(transaction)
        added.coins.add(direction, amount)
        added.failed += direction == "out" and success is False
        if fee is not None:
            added.fees.append(int(fee))
        if party is not None:
            added.parties.setdefault(party, _Sums()).add(direction, amount)
    return added


def _parties(exchanged: pl.DataFrame, address: bytes) -> dict[bytes, _Sums]:
    """Whom transactions of many sides, of which the largest count, lead to and come from."""
    parties: dict[bytes, _Sums] = {}
    for sender, recipient, value in exchanged.select("from_address", "to_address", "value").iter_rows():
        for direction, own, party in (("out", sender, recipient), ("in", recipient, sender)):
            if own == address and party is not None:
                parties.setdefault(party, _Sums()).add(direction, int(value))
    return parties


def _first(sums: dict[bytes, _Sums], by: Rank, limit: int) -> list[tuple[bytes, _Sums]]:
    return sorted(sums.items(), key=lambda each: (*(-rank for rank in each[1].rank(by)), each[0]))[:limit]


async def _named(reader: Reader, chain: ChainInfo, tokens: Iterable[tuple[bytes, _Sums]]) -> list[TokenMoved]:
    moved = list(tokens)
    if not moved:
        return []
    rows = await reader.frame(_SQL["tokens"], chain.chain_id, ",".join(token.hex() for token, _ in moved))
    known = {address: _Token(symbol, decimals) for address, symbol, decimals in rows.iter_rows()}
    named = []
    for token, sums in moved:
        symbol, decimals = known.get(token, _Token(None, None))
        sent, received = (
            None if decimals is None else whole_coins(each, decimals) for each in (sums.sent, sums.received)
        )
        shown = addresses.text(token, chain)
        named.append(TokenMoved(shown, symbol, decimals, sums.sent_count, sums.received_count, sent, received))
    return named
