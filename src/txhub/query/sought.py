"""Searches for a hash or an address: days that cannot have it, as their filters say, are left out.

Without filters a search looks at each batch of rows there is. With them it reads 32 bytes for a day, and then the days
that have what is sought, beside one in two hundred of the others.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from txhub.contract import ChainInfo
from txhub.query.spans import newest_first, oldest_first
from txhub.query.timerange import TimeRange
from txhub.store.read import Reader
from txhub.store.sqlfiles import queries

_DAY = timedelta(days=1)
_SQL = queries("filters")


@dataclass(frozen=True, slots=True)
class Sought:
    """What every row has that a search is for: the hash, and of each group of addresses at least one.

    Nothing: the search is for other things, and no day is left out.
    """

    hash: bytes | None = None
    addresses: Sequence[Sequence[bytes]] = ()


async def absent_days(
    reader: Reader, sought: Sought, asked: TimeRange, chain_ids: Iterable[int]
) -> frozenset[tuple[int, datetime]]:
    """Days of chains, by their starts, that cannot have what is sought; those that have no filter may have it."""
    groups = [("addresses", group) for group in sought.addresses if group]
    if sought.hash is not None:
        groups.append(("hashes", [sought.hash]))
    chains = ",".join(map(str, chain_ids))
    if not chains:
        return frozenset()
    absent: set[tuple[int, datetime]] = set()
    for kind, keys in groups:
        hexes = ",".join(key.hex() for key in keys)
        absent.update((await reader.frame(_SQL["absent"], hexes, *asked, chains, kind)).iter_rows())
    return frozenset(absent)


async def newest_pieces(
    reader: Reader, sought: Sought, asked: TimeRange, chains: Iterable[ChainInfo], before: datetime | None = None
) -> AsyncIterator[TimeRange]:
    """The pieces of `newest_first` without the days that cannot have what is sought on any of the chains.

    The newest piece comes whole: what is frequent is found there, before any filter is looked at.
    """
    held = list(chains)
    pieces = newest_first(asked, held, before)
    yield (newest := next(pieces))
    older = TimeRange(asked.start, newest.start)
    absent = await _absent_from_all(reader, sought, older, held) if older.start < older.end else []
    for piece in pieces:
        for rest in _without(piece, absent):
            yield rest


async def oldest_pieces(reader: Reader, sought: Sought, asked: TimeRange, chain: ChainInfo) -> AsyncIterator[TimeRange]:
    """The same from the other end, see `oldest_first`; all days are looked up."""
    absent = await _absent_from_all(reader, sought, asked, [chain])
    for piece in oldest_first(asked):
        for rest in reversed(list(_without(piece, absent))):
            yield rest


async def _absent_from_all(
    reader: Reader, sought: Sought, asked: TimeRange, chains: Sequence[ChainInfo]
) -> list[datetime]:
    """The days that no chain can have it on, the newest first: a chain has nothing before its first block."""
    absent = await absent_days(reader, sought, asked, [chain.chain_id for chain in chains])
    days = sorted({day for _, day in absent}, reverse=True)
    return [day for day in days if all((each.chain_id, day) in absent for each in chains if _lives(each, day))]


def _lives(chain: ChainInfo, day: datetime) -> bool:
    if chain.first_time is None or chain.last_time is None:
        return False
    return chain.first_time < day + _DAY and chain.last_time >= day


def _without(piece: TimeRange, days: Iterable[datetime]) -> Iterator[TimeRange]:
    """What is left of a piece, the newest first; the days come the newest first too."""
    end = piece.end
    for day in days:
        if day < piece.end and day + _DAY > piece.start:
            if day + _DAY < end:
                yield TimeRange(day + _DAY, end)
            end = day
    if piece.start < end:
        yield TimeRange(piece.start, end)
