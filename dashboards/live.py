"""News for open pages: one stream from the API per server process, handed on to every page.

    API /v1/stream  ->  Hub  ->  a mailbox for each page  ->  GET /live (server-sent events)  ->  assets/live.js

A page is told *that* something changed, and where; it then reads what it shows. So news can be merged:
a mailbox holds at most one piece, however slow its page is, and a page that is told twice a second
has missed nothing.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from txhub.client import StreamEvent, TxhubError
from txhub.contract import AlertEvent, BackfillEvent, BlockEvent, ReorgEvent, StreamHealth

PACE_S = 0.5
"""Least seconds between two pieces of news to a page."""

BEAT_S = 10.0
"""Seconds of quiet after which a page hears a beat, so that it can tell quiet from a dead connection."""

RETRY_S = 1.0
"""Seconds to wait before the API is asked again after it failed."""

RECENT_BLOCKS = 12

_log = logging.getLogger(__name__)


class Source(Protocol):
    """What the hub needs of `txhub.client.AsyncClient`."""

    def stream(self, last_id: int | None = None) -> AsyncIterator[StreamEvent]:
        """Events as they are committed."""

    async def health(self) -> list[StreamHealth]:
        """Each chain's stream: asked only whether there is an answer again."""


@dataclass(frozen=True, slots=True)
class News:
    """What changed: the chains, and the span of block time that is new on them; and whether alerts did.

    No chains and no alerts: everything may have changed. No span: only the state of the streams, or alerts, did.
    """

    chains: frozenset[str] = frozenset()
    start: datetime | None = None
    end: datetime | None = None
    alerts: bool = False

    @property
    def everything(self) -> bool:
        """Whether all that a page shows has to be read again."""
        return not self.chains and not self.alerts

    def __or__(self, other: News) -> News:
        if self.everything or other.everything:
            return EVERYTHING
        return News(
            self.chains | other.chains,
            min((each for each in (self.start, other.start) if each), default=None),
            max((each for each in (self.end, other.end) if each), default=None),
            self.alerts or other.alerts,
        )

    def as_json(self) -> dict[str, Any]:
        """The form in which a page's script hands it back."""
        return {
            "chains": sorted(self.chains),
            "start": self.start and self.start.isoformat(),
            "end": self.end and self.end.isoformat(),
            "alerts": self.alerts,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> News:
        """What `as_json` wrote."""
        start, end = (data[name] and datetime.fromisoformat(data[name]) for name in ("start", "end"))
        return cls(frozenset(data["chains"]), start, end, data["alerts"])


EVERYTHING = News()


@dataclass(frozen=True, slots=True)
class Link:
    """Whether the API answers this server, and if not, why."""

    up: bool
    reason: str = ""


class Mailbox:
    """What one page has not been told yet: at most one piece of news, and the state of the link."""

    def __init__(self, link: Link) -> None:
        self._news: News | None = None
        self._link: Link | None = link
        self._filled = asyncio.Event()
        self._filled.set()

    def put(self, message: News | Link) -> None:
        """Add to what the page will be told next."""
        if isinstance(message, Link):
            self._link = message
        else:
            self._news = message if self._news is None else self._news | message
        self._filled.set()

    async def take(self) -> tuple[Link | None, News | None]:
        """Wait for something to tell, and empty the mailbox."""
        await self._filled.wait()
        self._filled.clear()
        taken = self._link, self._news
        self._link = self._news = None
        return taken


class Hub:
    """Follows the API while at least one page is open, and fills the pages' mailboxes."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._mailboxes: set[Mailbox] = set()
        self._following: asyncio.Task[None] | None = None
        self.closed = False
        self._link = Link(True)
        self._last_id: int | None = None
        self._blocks: deque[BlockEvent] = deque(maxlen=RECENT_BLOCKS)

    @property
    def blocks(self) -> list[BlockEvent]:
        """The newest blocks that were announced while a page was open, newest first."""
        return list(reversed(self._blocks))

    @contextmanager
    def subscribe(self) -> Iterator[Mailbox]:
        """A mailbox for a page, as long as it is open."""
        mailbox = Mailbox(self._link)
        self._mailboxes.add(mailbox)
        if self._following is None:
            self._following = asyncio.create_task(self._follow())
            self._following.add_done_callback(self._ended)
        try:
            yield mailbox
        finally:
            self._mailboxes.discard(mailbox)
            if not self._mailboxes:
                self._stop()

    async def close(self) -> None:
        """Stop following, and let whoever still listens go: pages look for the server again by themselves."""
        self.closed = True
        self._publish(Link(False, "the server stops"))
        if following := self._stop():
            await asyncio.wait([following])

    def _stop(self) -> asyncio.Task[None] | None:
        following, self._following = self._following, None
        if following is not None:
            following.cancel()
        # Nobody follows from here on: the next page starts at the head, with a fresh look at everything.
        self._last_id = None
        return following

    def _ended(self, following: asyncio.Task[None]) -> None:
        """Pages must not take a follower that failed for a quiet chain."""
        if not following.cancelled() and (failure := following.exception()):
            _log.error("the live stream cannot be read", exc_info=failure)
            self._set_link(Link(False, "the live stream cannot be read; the server's log says why"))

    def _publish(self, message: News | Link) -> None:
        for mailbox in self._mailboxes:
            mailbox.put(message)

    def _set_link(self, link: Link) -> None:
        if link != self._link:
            self._link = link
            self._publish(link)

    async def _follow(self) -> None:
        """Hand on what the stream tells; where the API is lost, go on from there once it answers again.

        The stream itself tells how each chain is when it begins, and whenever that changes.
        """
        while True:
            try:
                if not self._link.up:
                    await self._source.health()  # a stream of which nothing comes yet does not say that it is there
                    self._set_link(Link(True))
                async for event in self._source.stream(self._last_id):
                    self._last_id = event.id
                    self._publish(self._news_of(event))
            except TxhubError as error:
                self._set_link(Link(False, str(error)))
            await asyncio.sleep(RETRY_S)

    def _news_of(self, event: StreamEvent) -> News:
        match event.data:
            case BlockEvent(chain=chain, time=time):
                self._blocks.append(event.data)
                return News(frozenset({chain}), time, time)
            case BackfillEvent(chain=chain, start=start, end=end):
                return News(frozenset({chain}), start, end)
            case ReorgEvent(chain=chain, ancestor=ancestor, start=start, end=end):
                kept = [block for block in self._blocks if block.chain != chain or block.number <= ancestor]
                self._blocks = deque(kept, maxlen=RECENT_BLOCKS)
                return News(frozenset({chain}), start, end)
            case AlertEvent():
                return News(alerts=True)
            case StreamHealth(chain=chain):
                return News(frozenset({chain}))
            case _:
                return EVERYTHING


async def events(hub: Hub) -> AsyncIterator[str]:
    """The body of `GET /live`: what one page is told, as server-sent events, until it goes away."""
    yield f"retry: {int(RETRY_S * 1000)}\n\n"
    with hub.subscribe() as mailbox:
        while not hub.closed:
            try:
                link, news = await asyncio.wait_for(mailbox.take(), BEAT_S)
            except TimeoutError:
                yield _event("beat", {})
                continue
            if link is not None:
                yield _event("link", {"up": link.up, "reason": link.reason})
            if news is not None:
                yield _event("news", news.as_json())
                await asyncio.sleep(PACE_S)


def _event(name: str, data: dict[str, Any]) -> str:
    return f"event: {name}\ndata: {json.dumps(data)}\n\n"
