"""What addresses moved, transaction by transaction: from the database, and from the archive where rows were dropped.

The view `address_moves` has every way in which value touches an address. Here they are put together to what an address
moved in one transaction in one asset, with the other side of it: on Bitcoin that is the whole transaction's.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from txhub.model import Family
from txhub.store.coldmoves import ColdFile, ColdMoves
from txhub.store.faults import translated
from txhub.store.horizon import steady_horizon
from txhub.store.place import Place
from txhub.store.pool import Connection, Pool
from txhub.store.sqlfiles import queries
from txhub.store.touches import Side, Touch, Window

_SQL = queries("moves")


class MovedChain(NamedTuple):
    """A chain whose moves are read."""

    chain_id: int
    name: str
    family: Family


class Move(NamedTuple):
    """What an address moved in one transaction in one asset, base units.

    `direction` is `out` from the address or `in` to it; change that came back is taken off. `parties` are the other
    side, each once. Of a transaction that `failed` nothing was moved.
    """

    block_number: int
    block_time: datetime
    tx_index: int
    hash: bytes
    address: bytes
    direction: str
    token_address: bytes | None
    amount: int
    parties: tuple[bytes, ...]
    failed: bool


class Moves:
    """Reads moves; from the archive too, if it is known where that is."""

    def __init__(self, pool: Pool, place: Place | None) -> None:
        self._pool = pool
        self._cold = None if place is None else ColdMoves(place)

    async def of(self, chain: MovedChain, addresses: Collection[bytes], start: datetime, end: datetime) -> list[Move]:
        """Everything that these addresses moved within [start, end), in no order.

        Raises:
            DatabaseUnavailable, DatabaseRefused, TooLong: see `faults`.
            ArchiveUnavailable: rows were dropped, and their files cannot be read.
        """
        listed = list(addresses)
        async with steady_horizon(self._pool) as (connection, _):
            rows = await connection.fetch(_SQL["of"], chain.chain_id, listed, start, end)
            touches = [_touch(row) for row in rows]
            files = await self._dropped(connection, chain, start, end)
            if files and self._cold:
                touches += await asyncio.to_thread(self._cold.of, chain.family, files, listed, start, end)
            return await self._moves(connection, chain, touches, files)

    async def within(self, chain: MovedChain, windows: Sequence[Window], at_most: int) -> list[list[Move] | None]:
        """For each window the moves of its address; None where they have more than `at_most` transfers in them.

        Raises:
            DatabaseUnavailable, DatabaseRefused, TooLong, ArchiveUnavailable: as `of`.
        """
        if not windows:
            return []
        start, end = min(each.start for each in windows), max(each.end for each in windows)
        found: list[list[Touch]] = [[] for _ in windows]
        async with steady_horizon(self._pool) as (connection, _):
            columns = [list(column) for column in zip(*windows, strict=True)]
            rows = await connection.fetch(_SQL["in_windows"], chain.chain_id, *columns, start, end, at_most + 1)
            for n, *touch in rows:
                found[n - 1].append(_touch(touch))
            files = await self._dropped(connection, chain, start, end)
            if files and self._cold:
                for number, touches in enumerate(
                    await asyncio.to_thread(self._cold.within, chain.family, files, windows, at_most + 1)
                ):
                    found[number] += touches
            followed = [touches if len(touches) <= at_most else [] for touches in found]
            moves = await self._moves(connection, chain, {each for touches in followed for each in touches}, files)
        of_address: defaultdict[tuple[bytes, str], list[Move]] = defaultdict(list)
        for move in moves:
            of_address[move.address, move.direction].append(move)
        return [
            None
            if len(touches) > at_most
            else [each for each in of_address[window.address, window.direction] if window.holds(each.block_time)]
            for window, touches in zip(windows, found, strict=True)
        ]

    async def moving(
        self, chain: MovedChain, addresses: Collection[bytes], start: datetime, end: datetime
    ) -> set[bytes]:
        """Which of these addresses moved anything within [start, end), by the rows that the database has."""
        with translated():
            rows = await self._pool.fetch(_SQL["moving"], chain.chain_id, list(addresses), start, end)
        return {row["address"] for row in rows}

    async def _dropped(
        self, connection: Connection, chain: MovedChain, start: datetime, end: datetime
    ) -> list[ColdFile]:
        if self._cold is None:
            return []
        return [ColdFile(*row) for row in await connection.fetch(_SQL["dropped"], chain.chain_id, start, end)]

    async def _moves(
        self, connection: Connection, chain: MovedChain, touches: Collection[Touch], files: Sequence[ColdFile]
    ) -> list[Move]:
        """Put touches together to moves, by what else their transactions have."""
        if not touches:
            return []
        places = {(each.block_time, each.block_number, each.tx_index) for each in touches}
        times, numbers, indexes = (list(column) for column in zip(*places, strict=True))
        asked = (chain.chain_id, times, numbers, indexes, min(times), max(times))
        outcomes = {(row[0], row[1]): (row[2], row[3]) for row in await connection.fetch(_SQL["transactions"], *asked)}
        sides: defaultdict[tuple[int, int], list[Side]] = defaultdict(list)
        if chain.family == "utxo":
            for number, index, side, address, amount in await connection.fetch(_SQL["sides"], *asked):
                sides[number, index].append(Side(side, address, int(amount)))
        if files and self._cold:
            cold = await asyncio.to_thread(self._cold.transactions, chain.family, files, places)
            outcomes |= cold.outcomes
            for place, of_transaction in cold.sides.items():
                sides[place] = of_transaction
        together = _of_utxos(touches, sides) if chain.family == "utxo" else _of_accounts(touches)
        return [
            move._replace(hash=known[0], failed=known[1] is False)
            for move in together
            if (known := outcomes.get((move.block_number, move.tx_index))) is not None
        ]


def _touch(row: Iterable[object]) -> Touch:
    touch = Touch(*row)  # type: ignore[arg-type]
    return touch._replace(amount=int(touch.amount))


def _of_accounts(touches: Iterable[Touch]) -> Iterator[Move]:
    """By transaction, address, direction and asset; the call of a token's contract that moves no coin counts as the
    token's move alone."""
    grouped: defaultdict[tuple[int, int, bytes, str, bytes | None], list[Touch]] = defaultdict(list)
    of_tokens = set()
    for touch in touches:
        key = (touch.block_number, touch.tx_index, touch.address, touch.direction, touch.token_address)
        grouped[key].append(touch)
        if touch.token_address is not None:
            of_tokens.add((touch.block_number, touch.tx_index, touch.address))
    for (number, index, address, direction, token), group in grouped.items():
        amount = sum(each.amount for each in group)
        if token is None and not amount and (number, index, address) in of_tokens:
            continue
        parties = {each.counterparty for each in group if each.counterparty not in (None, address)}
        yield Move(
            number, group[0].block_time, index, b"", address, direction, token, amount, _sorted(parties), failed=False
        )


def _of_utxos(touches: Iterable[Touch], sides: dict[tuple[int, int], list[Side]]) -> Iterator[Move]:
    """By transaction and address: what it spent less what came back to it, or the other way round."""
    touched = {(each.block_number, each.tx_index, each.address): each.block_time for each in touches}
    for (number, index, address), time in touched.items():
        own = sides.get((number, index), [])
        spent = sum(each.amount for each in own if each.side == "in" and each.address == address)
        made = sum(each.amount for each in own if each.side == "out" and each.address == address)
        direction, other = ("out", "out") if spent >= made else ("in", "in")
        parties = {each.address for each in own if each.side == other and each.address != address}
        yield Move(
            number, time, index, b"", address, direction, None, abs(spent - made), _sorted(parties), failed=False
        )


def _sorted(parties: Iterable[bytes | None]) -> tuple[bytes, ...]:
    return tuple(sorted(party for party in parties if party is not None))
