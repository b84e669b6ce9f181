"""Keeps `txhub.exposures` what the chain and the watchlists say: as blocks are committed, and back through history.

What is in the table follows from the moves of every address that is or ever was on a watchlist; what lists make of it
is the view's. So it does not matter in which pieces, how often or in what order it is screened: a span that is screened
again is as it was. New blocks are screened as the outbox tells of them. A change of a watchlist leaves a search
(`txhub.screenings`), which goes back through history day by day and remembers how far it came.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime, time, timedelta
from typing import NamedTuple

from txhub.detect.exposure import Link, direct, indirect, links
from txhub.store import exposures as store
from txhub.store.events import record_event
from txhub.store.exposures import HOP_WINDOW, MOST_TRANSFERS, Reconciled
from txhub.store.faults import translated
from txhub.store.moves import Move, MovedChain, Moves
from txhub.store.place import Place
from txhub.store.pool import Pool
from txhub.store.sqlfiles import queries

READER = "exposure"
"""The cursor in the outbox."""
_BATCH = 1000
_LINKS = 200
"""Links that are followed at once."""
_SQL, _OUTBOX, _LEDGER = queries("screening"), queries("outbox"), queries("ledger")
Pair = tuple[bytes, bytes]


class Span(NamedTuple):
    """Time of a chain whose blocks were committed, [start, end); `replaced` where a reorg took some away."""

    chain: MovedChain
    start: datetime
    end: datetime
    replaced: bool


class Screened(NamedTuple):
    """What screening a span changed."""

    direct: Reconciled
    indirect: Reconciled


class Progress(NamedTuple):
    """How far a search of history is: everything from `reached` on is searched; None: there was nothing left to do."""

    id: int
    source: str
    list_version: str
    reached: datetime | None
    finished: bool


async def keep_screening(pool: Pool, place: Place | None, interval: float = 0.3) -> None:
    """Screen what is committed, and then a piece of history, for ever; with nothing to do, look every `interval` s."""
    moves = Moves(pool, place)
    while True:
        events = await screen_committed(pool, moves)
        searched = await search_history(pool, moves)
        if events < _BATCH and searched is None:
            await asyncio.sleep(interval)


async def screen_committed(pool: Pool, moves: Moves) -> int:
    """Screen what was committed since the last call, as far as the outbox tells; how many events that were.

    Raises:
        DatabaseUnavailable, DatabaseRefused, TooLong, ArchiveUnavailable: try again; screening twice does no harm.
    """
    with translated():
        events = await pool.fetch(_SQL["unread"], READER, _BATCH)
    if not events:
        return 0
    chains = {chain.chain_id: chain for chain in await _chains(pool)}
    touched = [
        Span(chains[row["chain_id"]], row["first"], row["last"] + timedelta.resolution, row["replaced"])
        for row in events
    ]
    watched = {chain: await _watched(pool, chain) for chain in dict.fromkeys(span.chain for span in touched)}
    for span in _pieces(touched):
        if watched[span.chain]:
            await screen(pool, moves, span, watched[span.chain])
    with translated():
        await pool.execute(_OUTBOX["move_cursor"], READER, events[-1]["id"])
    return len(events)


async def search_history(pool: Pool, moves: Moves) -> Progress | None:
    """Search one more day of history for the addresses of the oldest search that is not finished; None: all are.

    Raises:
        DatabaseUnavailable, DatabaseRefused, TooLong, ArchiveUnavailable: try again; it goes on from there.
    """
    with translated():
        search = await pool.fetchrow(_SQL["next_search"])
    if search is None:
        return None
    newest = await _newest_before(pool, search["reached"]) if search["entered"] else None
    if newest is None:
        await _finish(pool, search["id"], search["source"], search["list_version"])
        return Progress(search["id"], search["source"], search["list_version"], search["reached"], finished=True)
    start = datetime.combine(newest.date(), time(), newest.tzinfo)
    end = search["reached"] or newest + timedelta.resolution
    for chain in await _chains(pool):
        span = Span(chain, start, min(end, start + timedelta(days=1)), replaced=False)
        await screen(pool, moves, span, search["entered"], search["id"])
    with translated():
        await pool.execute(_SQL["reach"], search["id"], start)
    return Progress(search["id"], search["source"], search["list_version"], start, finished=False)


async def request_search(pool: Pool) -> None:
    """Have history searched once more for every address that is watched, such as after a release found more.

    Raises:
        DatabaseUnavailable, DatabaseRefused: nothing was changed.
    """
    with translated():
        await pool.execute(_SQL["request_search"])


async def screen(
    pool: Pool, moves: Moves, span: Span, addresses: Collection[bytes], search: int | None = None
) -> Screened:
    """Let the exposures by these watched addresses be what a span's moves say, and what follows from them by one hop.

    Args:
        pool: of a migrated database.
        moves: reads moves.
        span: what to screen.
        addresses: those watched addresses; exposures by others stay as they are.
        search: the search of history that does it; None: the span's blocks were just committed, so that its moves may
            also lie within the windows of links that were there before.
    """
    chain_id = span.chain.chain_id
    known = await store.read_direct(pool, chain_id, span.start, span.end, list(addresses))
    found = direct(chain_id, await moves.of(span.chain, addresses, span.start, span.end))
    changed = await store.reconcile(pool, known, found, search)
    keys = {each.key for each in changed.changed}
    pairs = {
        link.pair
        for link in links([*changed.added, *changed.removed, *changed.changed, *(e for e in known if e.key in keys)])
    }
    if search is None:
        pairs |= await _touched(pool, moves, span)
    return Screened(changed, await _follow(pool, moves, span, pairs, search))


async def _touched(pool: Pool, moves: Moves, span: Span) -> set[Pair]:
    """The pairs whose links reach into a span, and whose intermediates moved in it, or did before a reorg."""
    reaching = await store.read_direct(pool, span.chain.chain_id, span.start - HOP_WINDOW, span.end + HOP_WINDOW)
    pairs = {link.pair for link in links(reaching)}
    if span.replaced or not pairs:
        return pairs
    moving = await moves.moving(span.chain, {via for _, via in pairs}, span.start, span.end)
    return {pair for pair in pairs if pair[1] in moving}


async def _follow(pool: Pool, moves: Moves, span: Span, pairs: Collection[Pair], search: int | None) -> Reconciled:
    """Let the indirect exposures by these pairs be right, wherever a change in the span may reach."""
    done = Reconciled([], [], [])
    if not pairs:
        return done
    start, end = span.start - HOP_WINDOW, span.end + HOP_WINDOW
    watched = sorted({address for address, _ in pairs})
    chain_id = span.chain.chain_id
    reaching = await store.read_direct(pool, chain_id, start - HOP_WINDOW, end + HOP_WINDOW, watched)
    own = [link for link in links(reaching) if link.pair in pairs]
    linked: list[tuple[Link, Sequence[Move] | None]] = []
    for first in range(0, len(own), _LINKS):
        some = own[first : first + _LINKS]
        linked += zip(some, await moves.within(span.chain, [link.window for link in some], MOST_TRANSFERS), strict=True)
    found = [each for each in indirect(chain_id, linked) if start <= each.block_time < end]
    known = await store.read_indirect(pool, chain_id, start, end, pairs)
    return await store.reconcile(pool, known, found, search)


def _pieces(spans: Iterable[Span]) -> Iterator[Span]:
    """The spans, those of a chain that overlap or lie within an hour of each other made one, cut at midnights."""
    merged: list[Span] = []
    for span in sorted(spans, key=lambda each: (each.chain, each.start)):
        last = merged[-1] if merged else None
        if last and last.chain == span.chain and span.start <= last.end + timedelta(hours=1):
            merged[-1] = Span(last.chain, last.start, max(last.end, span.end), last.replaced or span.replaced)
        else:
            merged.append(span)
    for span in merged:
        start = span.start
        while start < span.end:
            midnight = datetime.combine(start.date() + timedelta(days=1), time(), start.tzinfo)
            yield span._replace(start=start, end=min(span.end, midnight))
            start = midnight


async def _chains(pool: Pool) -> list[MovedChain]:
    with translated():
        return [MovedChain(*row) for row in await pool.fetch(_SQL["chains"])]


async def _watched(pool: Pool, chain: MovedChain) -> list[bytes]:
    with translated():
        return [row["address"] for row in await pool.fetch(_SQL["watched"], chain.chain_id)]


async def _newest_before(pool: Pool, moment: datetime | None) -> datetime | None:
    with translated():
        newest: datetime | None = await pool.fetchval(_SQL["newest_before"], moment)
    return newest


async def _finish(pool: Pool, key: int, source: str, version: str) -> None:
    """Say what the search found: in the event log, which operators read, and to the rules, which look at it again."""
    with translated():
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute(_SQL["claim"], key)
            found = dict(await connection.fetchrow(_SQL["finish"], key))
            told = {"source": source, "list_version": version, "screening": key, **found}
            await record_event(connection, "info", "worker", "history_searched", **told)
            await connection.execute(_LEDGER["take_turn"])
            await connection.execute(_SQL["tell_dated"], key)
