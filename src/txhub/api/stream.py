"""Live events for every client from one reader of the outbox.

    stream_events  ->  Feed (one connection, the newest events in memory)  ->  every client of /v1/stream

A client is a cursor, so it costs little to be slow: behind what the feed remembers it reads the
database, and behind what the database keeps it gets `reset`. Ids come in order of commit, and each
client sees every one once. Who takes nothing at all for a while is dropped, and may come back with its cursor.

Health is a state, not a history: a client is told each chain's verdict when it comes, and whenever it changes from
then on. That has no id of its own, so cursors know nothing of it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Collection, Sequence
from contextlib import aclosing
from datetime import datetime
from itertools import takewhile

import msgspec
import structlog
from litestar.enums import ScopeType
from litestar.exceptions import LitestarException
from litestar.middleware import ASGIMiddleware
from litestar.response.sse import ServerSentEventMessage
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from txhub.contract import StreamHealth
from txhub.errors import TxhubError
from txhub.ops.health import read_health
from txhub.ops.metrics import Metrics
from txhub.query.events import read_events, read_kept
from txhub.store.outbox import OutboxEvent, OutboxReader
from txhub.store.read import Reader

HEARTBEAT_S = 15.0
"""Seconds of quiet after which a client gets a comment, so that it can tell quiet from a dead connection."""
HEALTH_S = 5.0
"""Seconds between two looks at the health of the chains, for all clients together."""
SEND_PATIENCE_S = 30.0
"""Seconds that a client may leave what it is sent lying before it is dropped."""
REMEMBERED = 2000
"""Events that the feed keeps in memory."""
_RETRY_S = 1.0
_BATCH = 500
_log = structlog.get_logger("stream")


class Verdicts:
    """What a client was told of the chains that it follows: of each, the verdict and the state of its follower."""

    def __init__(self, chains: Collection[str] | None) -> None:
        self._chains = chains
        self._told: dict[str, tuple[str, str | None]] = {}

    def differ(self, health: dict[str, StreamHealth]) -> bool:
        """Whether there is something to tell."""
        return any(self._is_news(stream) for stream in health.values())

    def news(self, health: dict[str, StreamHealth]) -> list[StreamHealth]:
        """What is to be told, and counts as told from now on."""
        found = [stream for stream in health.values() if self._is_news(stream)]
        self._told |= {stream.chain: (stream.status, stream.state) for stream in found}
        return found

    def _is_news(self, stream: StreamHealth) -> bool:
        if self._chains is not None and stream.chain not in self._chains:
            return False
        return self._told.get(stream.chain) != (stream.status, stream.state)


class _Concern(msgspec.Struct):
    """The chain that an event is about, as its data tells."""

    chain: str | None = None


class Feed:
    """The newest events of the outbox, and how to wait for the next ones."""

    def __init__(self, outbox: OutboxReader, remembered: int = REMEMBERED) -> None:
        self._outbox = outbox
        self._events: deque[OutboxEvent] = deque(maxlen=remembered)
        self._newest: dict[str | None, int] = {}
        self._floor: int | None = None
        self._changed = asyncio.Condition()
        self.position: int | None = None
        """Id of the newest event; None until the database has answered once."""
        self.health: dict[str, StreamHealth] = {}
        """The newest judgement of each chain."""
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

    def version(self, chains: Collection[str] = ()) -> object:
        """What changes with every event of these chains, or of none; without chains, with every event."""
        if not chains:
            return self.position
        return [self._newest.get(chain) for chain in (None, *sorted(chains))]

    async def judge(self, streams: Sequence[StreamHealth]) -> None:
        """Take over a new judgement of all chains."""
        async with self._changed:
            self.health = {stream.chain: stream for stream in streams}
            self._changed.notify_all()

    async def wait(self, cursor: int, seconds: float, told: Verdicts | None = None) -> bool:
        """Wait for an event after an id, for verdicts other than those told, or for the end; False if nothing came.

        After id -1 comes the database's first answer.
        """

        def is_news() -> bool:
            if self.closed or (self.position is not None and self.position > cursor):
                return True
            return told is not None and told.differ(self.health)

        try:
            async with asyncio.timeout(seconds), self._changed:
                await self._changed.wait_for(is_news)
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
                self._newest[msgspec.json.decode(event.data, type=_Concern).chain] = event.id
            self.position = position
            self._changed.notify_all()


async def messages(
    feed: Feed,
    reader: Reader,
    cursor: int | None,
    chain_ids: frozenset[int] | None,
    heartbeat: float = HEARTBEAT_S,
    chains: Collection[str] | None = None,
) -> AsyncGenerator[ServerSentEventMessage, None]:
    """What a client is sent: everything after its cursor, for ever, or from now on where it has none.

    A message without data only tells the cursor: clients remember it, and show nothing. `chains` are the names of
    `chain_ids`.
    """
    told = Verdicts(chains)
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
        verdicts = told.news(feed.health)
        for stream in verdicts:
            yield ServerSentEventMessage(event="health", data=msgspec.json.encode(stream).decode())
        if not events and not verdicts and not await feed.wait(cursor, heartbeat, told):
            yield ServerSentEventMessage(id=cursor, data=None, comment="heartbeat")


async def watch(feed: Feed, reader: Reader, clock: Callable[[], datetime]) -> None:
    """Judge the chains for ever, so that clients are told when one goes quiet: nothing is committed then."""
    while True:
        try:
            await feed.judge(await read_health(reader, clock()))
        except TxhubError as error:
            _log.warning("the chains cannot be judged", error=str(error), again_in_s=HEALTH_S)
        await asyncio.sleep(HEALTH_S)


class Impatience(ASGIMiddleware):
    """Counts clients, and drops one that leaves what it is sent lying: it has its cursor.

    They are counted here, since what makes their messages is not closed when sending fails, but collected some day.
    """

    scopes = (ScopeType.HTTP,)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Wait for the client, but not for ever."""
        metrics: Metrics = scope["litestar_app"].state.metrics
        dropped = False

        async def bounded(message: Message) -> None:
            nonlocal dropped
            try:
                async with asyncio.timeout(SEND_PATIENCE_S):
                    await send(message)
            except TimeoutError:
                dropped = True
                raise

        try:
            with metrics.stream_clients.track_inprogress():
                await next_app(scope, receive, bounded)
        except LitestarException:  # as which it tells whatever goes wrong once an answer has begun
            if not dropped:
                raise
            _log.warning("a client was dropped that took nothing", seconds=SEND_PATIENCE_S)
