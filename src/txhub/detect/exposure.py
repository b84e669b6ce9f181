"""Exposure to watched addresses, as it follows from moves alone.

    moves of watched addresses -> direct -> links to intermediates -> their moves within the window -> indirect

Pure functions: whatever reads the moves, of a block that was just committed or of years of history, finds the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from txhub.store.exposures import HOP_WINDOW, MOST_PARTIES, Exposure
from txhub.store.moves import Move
from txhub.store.touches import Window

NOBODY = bytes(20)
"""Who tokens come from when they are made, and go to when they are destroyed: no intermediate."""


class Link(NamedTuple):
    """A transaction in which an intermediate dealt with a watched address.

    `direction` `out`: it got value from the watched address, so what it sends afterwards may be that; `in`: it sent
    value there, so what it got before may have been meant for it.
    """

    watched: bytes
    via: bytes
    direction: str
    place: tuple[int, int]
    time: datetime
    hash: bytes

    @property
    def window(self) -> Window:
        """When moves of the intermediate count."""
        if self.direction == "out":
            return Window(self.via, "out", self.time, self.time + HOP_WINDOW)
        return Window(self.via, "in", self.time - HOP_WINDOW, self.time + timedelta.resolution)

    @property
    def pair(self) -> tuple[bytes, bytes]:
        """The watched address, and the intermediate."""
        return self.watched, self.via


def direct(chain_id: int, moves: Iterable[Move]) -> list[Exposure]:
    """The exposure of whoever dealt with watched addresses, by the moves of those."""
    return [
        Exposure(
            chain_id,
            *(move.block_number, move.block_time, move.tx_index, move.hash, move.address, move.direction),
            move.token_address,
            via=None,
            link_hash=None,
            link_time=None,
            parties=_named(move.parties),
            amount=move.amount,
            failed=move.failed,
        )
        for move in moves
    ]


def links(exposures: Iterable[Exposure]) -> list[Link]:
    """The transactions by which direct exposures reach further: those that moved something, with each party."""
    return [
        Link(each.address, party, each.direction, each.place, each.block_time, each.hash)
        for each in exposures
        if each.amount and not each.failed
        for party in each.parties
        if party not in (each.address, NOBODY)
    ]


def indirect(chain_id: int, linked: Iterable[tuple[Link, Sequence[Move] | None]]) -> list[Exposure]:
    """The exposure of whoever dealt with intermediates after, or before, those dealt with a watched address.

    Args:
        chain_id: the chain.
        linked: links, each with what its intermediate moved within the window; None: too much to be followed.

    Where several links lead to the same transaction, the path has the one that is nearest in time.
    """
    nearest: dict[tuple[object, ...], tuple[Link, Exposure]] = {}
    for link, moves in linked:
        for move in moves or ():
            place = (move.block_number, move.tx_index)
            follows = place > link.place if link.direction == "out" else place < link.place
            parties = [party for party in move.parties if party != link.watched]
            if not follows or move.failed or not move.amount or not parties:
                continue
            found = Exposure(
                chain_id,
                *(move.block_number, move.block_time, move.tx_index, move.hash, link.watched, link.direction),
                move.token_address,
                via=link.via,
                link_hash=link.hash,
                link_time=link.time,
                parties=_named(parties),
                amount=move.amount,
                failed=False,
            )
            known = nearest.get(found.key)
            if known is None or _nearer(link, known[0]):
                nearest[found.key] = link, found
    return [found for _, found in nearest.values()]


def _nearer(link: Link, other: Link) -> bool:
    """Whether a link is nearer in time to what follows it, or to what it follows; hashes decide between equals."""
    if link.place == other.place:
        return link.hash < other.hash
    return link.place > other.place if link.direction == "out" else link.place < other.place


def _named(parties: Sequence[bytes]) -> tuple[bytes, ...]:
    return tuple(parties) if len(parties) <= MOST_PARTIES else ()
