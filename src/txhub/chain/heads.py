"""The heads of an EVM chain from its endpoints in turn: announced over WebSocket, else polled over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager, suppress
from typing import Any

from txhub.chain.decode import RawHeader, decode_head
from txhub.chain.jsonrpc import Call, Node, none_works
from txhub.chain.source import Notify
from txhub.chain.subscription import announced
from txhub.chain.transport import Connection, endpoint_changed, is_websocket
from txhub.chain.watchdog import Tip, Watchdog
from txhub.errors import BadBlock, ListenerDied, NodeRefused, NodeStuck, NodeUnavailable
from txhub.model import Chain, Head

AGAIN_S = 60.0
"""How long HTTP is polled before the WebSocket endpoints get another try, and between two tries."""

_POLLS_A_BLOCK = 2
_POLL_S = (0.25, 2.0)
"""An HTTP endpoint is asked for its head twice a block time, within these limits."""
_ASKED_S = 10.0
"""How long a node may take to answer the watchdog: while it asks nobody follows the chain."""


class Heads:
    """The heads of one chain, from the first of its endpoints in turn that works.

    WebSocket endpoints come first, in their order, then the HTTP ones. Whichever is in use, when it is lost the
    next one has its turn; from HTTP the way leads back as soon as a WebSocket works again.

    Args:
        bodies: fetches the chain's blocks; it leaves an endpoint that is found stuck as well.
        greet: is run on every new connection, and refuses a node of another chain.
        notify: is told of each change of the endpoint with its reason, and of the watchdog's verdicts.
        silent_s: seconds without a head after which the watchdog asks why.
        timeout_s: seconds that a node may take to answer.
        again_s: seconds between two tries to go from HTTP back to a WebSocket.
    """

    def __init__(
        self,
        chain: Chain,
        bodies: Node,
        greet: Callable[[Connection], Awaitable[None]],
        notify: Notify,
        *,
        silent_s: float,
        timeout_s: float,
        again_s: float = AGAIN_S,
    ) -> None:
        self._chain = chain
        self._bodies = bodies
        self._greet = greet
        self._notify = notify
        self._timeout_s = timeout_s
        self._again_s = again_s
        self._endpoints = sorted(chain.endpoints, key=lambda url: not is_websocket(url))
        self._turn = 0
        self._watchdog = Watchdog(chain, self._tip, silent_s, notify)

    async def follow(self) -> AsyncGenerator[Head, None]:
        """Yield the newest block and each new head, until the endpoint in use is lost; it never ends by itself.

        Run it again to go on with the next endpoint.

        Raises:
            ListenerDied, NodeStuck: what the watchdog found out; see there.
            NodeUnavailable: the endpoint was lost, or none works; says which and why.
            NodeRefused: all endpoints refuse; tells of each.
        """
        failures: list[NodeUnavailable | NodeRefused] = []
        while len(failures) < len(self._endpoints):
            url, count = self._endpoints[self._turn], 0
            try:
                stream = announced(self._chain, url, self._timeout_s) if is_websocket(url) else self._polled(url)
                async with aclosing(self._watchdog.watch(url, stream)) as heads:
                    async for head in heads:
                        count += 1
                        yield head
            except (NodeUnavailable, NodeRefused) as failure:
                # A listener that never announced anything would do no better the next time.
                if not (isinstance(failure, ListenerDied) and count > 1):
                    self._move_on((self._turn + 1) % len(self._endpoints), str(failure))
                if isinstance(failure, NodeStuck):
                    await self._bodies.leave(url, str(failure))
                if count and isinstance(failure, NodeUnavailable):
                    raise
                if count:  # it let us in before, so trying again may help
                    raise NodeUnavailable(str(failure), hint=failure.hint) from failure
                failures.append(failure)
            else:
                failures.clear()
        raise none_works(failures)

    async def _polled(self, url: str) -> AsyncGenerator[Head, None]:
        """Yield the heads that polling an HTTP endpoint finds; ends when a WebSocket has taken its turn."""
        last: Head | None = None
        returning = asyncio.create_task(self._returned(lambda: last), name=f"way back of {self._chain.name}")
        pause = min(max(self._chain.block_time_s / _POLLS_A_BLOCK, _POLL_S[0]), _POLL_S[1])
        try:
            async with self._node(url, self._timeout_s) as node:
                while not returning.done():
                    head = await newest(self._chain, node)
                    if last is None or head.hash != last.hash:
                        last = head
                        yield head
                    await asyncio.wait({returning}, timeout=pause)
            self._move_on(returning.result(), "it answers, and announces heads sooner than polling finds them")
        finally:
            returning.cancel()
            await asyncio.gather(returning, return_exceptions=True)

    async def _returned(self, polled: Callable[[], Head | None]) -> int:
        """Wait for a WebSocket endpoint that works and has what polling had found before; its turn."""
        while True:
            await asyncio.sleep(self._again_s)
            reached = polled()
            for turn, url in enumerate(self._endpoints):
                with suppress(NodeUnavailable, NodeRefused):
                    if reached and is_websocket(url) and (await self._tip(url)).number >= reached.number:
                        return turn

    def _move_on(self, turn: int, reason: str) -> None:
        if turn != self._turn:
            self._notify(endpoint_changed(self._endpoints[self._turn], self._endpoints[turn], reason))
            self._turn = turn

    async def _tip(self, url: str) -> Tip:
        async with self._node(url, min(self._timeout_s, _ASKED_S)) as node:
            head = await newest(self._chain, node)
            syncing: Any = False
            with suppress(NodeRefused):  # not every node has the method
                syncing = await node.call(Call("eth_syncing"), Any)
            return Tip(head.number, bool(syncing))

    @asynccontextmanager
    async def _node(self, url: str, timeout_s: float) -> AsyncIterator[Node]:
        node = Node((url,), self._greet, timeout_s)
        try:
            yield node
        finally:
            await node.close()


async def newest(chain: Chain, node: Node) -> Head:
    """Ask a node for its newest block.

    Raises:
        NodeUnavailable: it does not answer, has no blocks yet, or its newest cannot be read.
        NodeRefused: it answers with an error.
    """
    header = await node.call(Call("eth_getBlockByNumber", ("latest", False)), RawHeader)
    if header is None:
        raise NodeUnavailable(f"the node of {chain.name} has no blocks yet")
    try:
        return decode_head(chain, header)
    except BadBlock as bad:
        raise NodeUnavailable(f"the node's newest block cannot be read: {bad}") from bad
