"""A node whose answers and announcements can be tampered with on their way, over real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeAlias

import aiohttp
import msgspec
from aiohttp import WSMsgType, web

Send: TypeAlias = Callable[[bytes], Awaitable[None]]
"""Sends a frame to the client."""
Passing: TypeAlias = Callable[[bytes, Send], Awaitable[None]]
"""Passes a frame on: as it is, changed, later, more than once or not at all."""


async def as_it_is(frame: bytes, send: Send) -> None:
    await send(frame)


async def never(frame: bytes, send: Send) -> None:
    pass


async def twice(frame: bytes, send: Send) -> None:
    await send(frame)
    await send(frame)


async def half(frame: bytes, send: Send) -> None:
    await send(frame[: len(frame) // 2])


async def an_error(frame: bytes, send: Send) -> None:
    """Pass on the answer that something went wrong inside of the node, to each question of a batch."""
    answers = msgspec.json.decode(frame)
    error = {"code": -32603, "message": "internal error"}
    failed: Any = (
        [_failed(answer, error) for answer in answers] if isinstance(answers, list) else _failed(answers, error)
    )
    await send(msgspec.json.encode(failed))


def _failed(answer: dict[str, Any], error: dict[str, Any]) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": answer.get("id"), "error": error}


class Late:
    """Passes every frame on so much later, in their order."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    async def __call__(self, frame: bytes, send: Send) -> None:
        await asyncio.sleep(self._seconds)
        await send(frame)


class Some:
    """Does something to one frame of every so many, so many times, and passes the others on as they are."""

    def __init__(self, passing: Passing, every: int, times: int) -> None:
        self.done = 0
        self._passing = passing
        self._every = every
        self._times = times
        self._count = 0

    async def __call__(self, frame: bytes, send: Send) -> None:
        self._count += 1
        if self._count % self._every or self.done == self._times:
            await send(frame)
        else:
            self.done += 1
            await self._passing(frame, send)


class OutOfOrder:
    """Passes the second of two frames on before the first; one that no other follows waits for `patience_s`."""

    def __init__(self, patience_s: float = 0.3) -> None:
        self.swapped = 0
        self._patience_s = patience_s
        self._held: dict[Send, tuple[bytes, asyncio.TimerHandle]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def __call__(self, frame: bytes, send: Send) -> None:
        if (held := self._held.pop(send, None)) is None:
            timer = asyncio.get_running_loop().call_later(self._patience_s, self._give_up, send)
            self._held[send] = frame, timer
            return
        earlier, timer = held
        timer.cancel()
        self.swapped += 1
        await send(frame)
        await send(earlier)

    def _give_up(self, send: Send) -> None:
        frame, _ = self._held.pop(send)
        task = asyncio.ensure_future(send(frame))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


class FaultyNode:
    """Stands between clients and a node. `answers` and `heads` say what happens to what the node says.

    Both hold for connections that are there and for those to come; `mute` is for those that are there.
    """

    def __init__(self, node: str) -> None:
        self.url = ""
        self.answers: Passing = as_it_is
        self.heads: Passing = as_it_is
        self._node = node
        self._muted: set[web.WebSocketResponse] = set()
        self._sockets: set[web.WebSocketResponse] = set()

    def mute(self) -> None:
        """Announce nothing any more on the connections that are there, but go on to answer."""
        self._muted |= self._sockets

    def behave(self) -> None:
        """Pass everything on again, on new connections too."""
        self.answers = self.heads = as_it_is

    async def on_post(self, request: web.Request) -> web.Response:
        body = await request.read()
        async with aiohttp.ClientSession() as session, session.post(self._node, data=body) as answer:
            text = await answer.read()
        frames: list[bytes] = []

        async def collect(frame: bytes) -> None:
            frames.append(frame)

        await self.answers(text, collect)
        return web.Response(body=b"".join(frames), content_type="application/json")

    async def on_websocket(self, request: web.Request) -> web.WebSocketResponse:
        client = web.WebSocketResponse(compress=False, max_msg_size=0)
        await client.prepare(request)
        self._sockets.add(client)
        try:
            async with (
                aiohttp.ClientSession() as session,
                session.ws_connect(self._node, max_msg_size=0) as node,
            ):
                ways = [asyncio.create_task(_relay(client, node)), asyncio.create_task(self._tamper(node, client))]
                try:
                    await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for way in ways:
                        way.cancel()
                    await asyncio.gather(*ways, return_exceptions=True)
        finally:
            self._sockets.discard(client)
            self._muted.discard(client)
        return client

    async def _tamper(self, node: aiohttp.ClientWebSocketResponse, client: web.WebSocketResponse) -> None:
        async def send(frame: bytes) -> None:
            with suppress(ConnectionError):  # the other way finds out as well
                await client.send_frame(frame, WSMsgType.TEXT)

        async for message in node:
            frame = message.data.encode()
            if b'"eth_subscription"' not in frame[:80]:
                await self.answers(frame, send)
            elif client not in self._muted:
                await self.heads(frame, send)


async def _relay(client: web.WebSocketResponse, node: aiohttp.ClientWebSocketResponse) -> None:
    async for message in client:
        await node.send_str(message.data if message.type is WSMsgType.TEXT else message.data.decode())


@asynccontextmanager
async def serve_faulty(node: str) -> AsyncIterator[FaultyNode]:
    """A faulty node before the one at an http:// URL, until the block ends; its `url` is an http:// one as well."""
    faulty = FaultyNode(node)
    app = web.Application(client_max_size=1 << 30)
    app.router.add_get("/", faulty.on_websocket)
    app.router.add_post("/", faulty.on_post)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        faulty.url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
        yield faulty
    finally:
        await runner.cleanup()
