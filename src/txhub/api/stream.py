"""Live events for every client from one reader of the outbox.

    stream_events  ->  Feed (one connection, the newest events in memory)  ->  every client of /v1/stream

A client is a cursor, so it costs nothing to be slow: behind what the feed remembers it reads the
database, and behind what the database keeps it gets `reset`. Ids come in order of commit, and each
client sees every one once.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from itertools import takewhile

import structlog
from litestar.response.sse import ServerSentEventMessage

from txhub.errors import TxhubError
from txhub.query.events import read_events, read_kept
from txhub.store.outbox import OutboxEvent, OutboxReader
from txhub.store.read import Reader

HEARTBEAT_S = 15.0
"""Seconds of quiet after which a client gets a comment, so that it can tell quiet from a dead connection."""
REMEMBERED = 2000
"""Events that the feed keeps in memory."""
_RETRY_S = 1.0
_BATCH = 500
_log = structlog.get_logger("stream")


class Feed:
    """The newest events of the outbox, and how to wait for the next ones."""

    def __init__(self, outbox: OutboxReader, remembered: int = REMEMBERED) -> None:
        self._outbox = outbox
        self._events: deque[OutboxEvent] = deque(maxlen=remembered)
        self._floor: int | None = None
        self._changed = asyncio.Condition()
        self.position: int | None = None
        """Id of the newest event; None until the database has answered once."""
        self.closed = False

    async def run(self) -> None:
        """Follow the outbox for ever; where the database goes away, go on from there once it is back.

        However this ends, no client is left waiting for it.
        """
        try:
            while True:
                await self._follow()
                await asyncio.sleep(_RETRY_S)
        finally:
            await self.close()

    async def close(self) -> None:
        """Let every client finish."""
        async with self._changed:
            self.closed = True
            self._changed.notify_all()

    def after(self, cursor: int) -> list[OutboxEvent] | None:
        """The events after an id, or None where the feed does not remember that far back."""
        if self._floor is None or cursor < self._floor:
            return None
        return list(takewhile(lambda event: event.id > cursor, reversed(self._events)))[::-1]

    async def wait(self, cursor: int, seconds: float) -> bool:
        """Wait for an event after an id, or for the end; False if nothing came in time.

        After id -1 comes the database's first answer.
        """
        try:
            async with asyncio.timeout(seconds), self._changed:
                await self._changed.wait_for(
                    lambda: self.closed or (self.position is not None and self.position > cursor)
                )
        except TimeoutError:
            return False
        return True

    async def _follow(self) -> None:
        try:
            async with aclosing(self._outbox.follow(self.position)) as batches:
                async for position, events in batches:
                    await self._take(position, events)
        except TxhubError as error:
            _log.warning("the outbox cannot be read", error=str(error), again_in_s=_RETRY_S)

    async def _take(self, position: int, events: Sequence[OutboxEvent]) -> None:
        async with self._changed:
            if self._floor is None:
                self._floor = position
            for event in events:
                if len(self._events) == self._events.maxlen:
                    self._floor = self._events[0].id
                self._events.append(event)
            self.position = position
            self._changed.notify_all()


async def messages(
    feed: Feed,
    reader: Reader,
    cursor: int | None,
    chain_ids: frozenset[int] | None,
    heartbeat: float = HEARTBEAT_S,
) -> AsyncGenerator[ServerSentEventMessage, None]:
    """What a client is sent: everything after its cursor, for ever, or from now on where it has none.

    A message without data only tells the cursor: clients remember it, and show nothing.
    """
    if cursor is None:
        cursor = feed.position or 0
    elif feed.after(cursor) is None or cursor > (feed.position or 0):
        kept = await read_kept(reader)
        if not kept.reaches(cursor):
            cursor = kept.newest or 0
            yield ServerSentEventMessage(id=cursor, event="reset", data='{"reason":"older events are not kept"}')
    yield ServerSentEventMessage(id=cursor, data=None, comment="txhub")
    while not feed.closed:
        events = feed.after(cursor)
        if events is None:
            events = await read_events(reader, cursor, _BATCH)
        for event in events:
            cursor = event.id
            if chain_ids is None or event.chain_id is None or event.chain_id in chain_ids:
                yield ServerSentEventMessage(id=event.id, event=event.event, data=event.data)
        if not events and not await feed.wait(cursor, heartbeat):
            yield ServerSentEventMessage(id=cursor, data=None, comment="heartbeat")
