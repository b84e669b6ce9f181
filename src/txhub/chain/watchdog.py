"""The watchdog over a stream of heads: when none comes, it finds out whose fault that is by asking."""

from __future__ import annotations

import asyncio
import time as clock
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import NamedTuple

from txhub.chain.registry import redact
from txhub.chain.source import Notice, Notify
from txhub.errors import ListenerDied, NodeRefused, NodeStuck, NodeUnavailable
from txhub.eventlog import EventName, Level
from txhub.model import Chain, Head

_GRACE_S = 3.0
"""How long an announcement may be late: a block that came while the watchdog was asking is no fault."""


class Tip(NamedTuple):
    """How far a node is, as it says itself."""

    number: int
    syncing: bool


class Watchdog:
    """Watches the heads of one chain, from whichever endpoint they come.

    Args:
        chain: its `endpoints` are asked what they know.
        ask: asks the endpoint of a URL for its tip over a connection of its own. Raises NodeUnavailable, NodeRefused.
        silent_s: seconds without a head after which the watchdog asks, and asks again.
        notify: is told of each verdict.
    """

    def __init__(self, chain: Chain, ask: Callable[[str], Awaitable[Tip]], silent_s: float, notify: Notify) -> None:
        self._chain = chain
        self._ask = ask
        self._silent_s = silent_s
        self._notify = notify
        self._quiet_since: Head | None = None

    async def watch(self, url: str, heads: AsyncGenerator[Head, None]) -> AsyncGenerator[Head, None]:
        """Pass on the heads that come from the endpoint `url`, and ask questions when none comes.

        The first head is waited for as long as `heads` waits for it.

        Raises:
            ListenerDied: the node has newer blocks, but they do not come.
            NodeStuck: another endpoint has newer blocks, or the node says that it is still syncing.
            NodeUnavailable: the node does not answer (any more).
        """
        last: Head | None = None
        async with aclosing(heads):
            coming = asyncio.ensure_future(anext(heads))
            try:
                while True:
                    since = clock.monotonic()
                    while last is not None and not (await asyncio.wait({coming}, timeout=self._silent_s))[0]:
                        await self._look_into(url, last, since, coming)
                    try:
                        last = await coming
                    except StopAsyncIteration:
                        return
                    self._end_of_quiet(url, last)
                    coming = asyncio.ensure_future(anext(heads))
                    yield last
            finally:
                coming.cancel()
                await asyncio.gather(coming, return_exceptions=True)

    async def _look_into(self, url: str, last: Head, since: float, coming: asyncio.Future[Head]) -> None:
        verdict = await self._judge(url, last, clock.monotonic() - since)
        if verdict is None:
            if not coming.done() and self._quiet_since is None:
                self._quiet_since = last
                self._tell("warning", "chain_quiet", url, last, "no endpoint that answers has a newer block")
            return
        await asyncio.wait({coming}, timeout=min(_GRACE_S, self._silent_s))
        if not coming.done():
            if isinstance(verdict, ListenerDied | NodeStuck):
                event: EventName = "listener_died" if isinstance(verdict, ListenerDied) else "node_stuck"
                self._tell("warning", event, url, last, str(verdict))
            raise verdict

    async def _judge(self, url: str, last: Head, silent_s: float) -> NodeUnavailable | None:
        """What it means that nothing came from an endpoint since `last`; None if it has all there is."""
        where, since = redact(url), f"block {last.number} for {silent_s:.3g} s"
        try:
            tip = await self._ask(url)
        except (NodeUnavailable, NodeRefused) as failure:
            return NodeUnavailable(f"{where} is silent, no head came after {since}: {failure}", hint=failure.hint)
        if tip.number > last.number:
            return ListenerDied(f"{where} has block {tip.number}, but announced none after {since}")
        if tip.syncing:
            return NodeStuck(f"{where} is still syncing, it had no block after {since}")
        others = [other for other in self._chain.endpoints if other != url]
        for other, number in zip(others, await asyncio.gather(*map(self._number_at, others)), strict=True):
            if number is not None and number > last.number:
                return NodeStuck(f"{where} is stuck, it had no block after {since}; {redact(other)} has block {number}")
        return None

    async def _number_at(self, url: str) -> int | None:
        try:
            return (await self._ask(url)).number
        except (NodeUnavailable, NodeRefused):
            return None

    def _end_of_quiet(self, url: str, head: Head) -> None:
        if self._quiet_since is not None and head.number > self._quiet_since.number:
            self._quiet_since = None
            self._tell("info", "chain_resumed", url, head, "a new block came")

    def _tell(self, level: Level, event: EventName, url: str, head: Head, reason: str) -> None:
        self._notify(Notice(level, event, {"endpoint": redact(url), "block": head.number, "reason": reason}))
