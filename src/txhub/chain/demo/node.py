"""A node for any network: JSON-RPC over HTTP and WebSocket, as Ethereum's and Bitcoin's nodes speak it."""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager, suppress
from typing import Any, Protocol

import msgspec
from aiohttp import WSCloseCode, WSMsgType, web

from txhub.chain.demo.methods import (
    INVALID_PARAMS,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    METHODS,
    PARSE_ERROR,
    Fault,
)
from txhub.errors import PortInUse
from txhub.model import Family


class Network(Protocol):
    """What a node serves. Blocks come as JSON text that is ready to be sent.

    Hashes are lower-case hex text, with `0x` on an EVM network and without on a Bitcoin-like one.
    """

    chain_id: int
    family: Family

    async def head_number(self) -> int:
        """Return the number of the newest block."""
        ...

    async def block_json(self, number: int) -> bytes | None:
        """Return a block with its whole transactions, or None past the head.

        EVM: the result of `eth_getBlockByNumber(number, true)`. Bitcoin: of `getblock(hash, 3)`.
        """
        ...

    async def header_json(self, number: int) -> bytes | None:
        """Return a block without transactions (Bitcoin: `getblockheader`), or None past the head."""
        ...

    async def receipts_json(self, number: int) -> bytes | None:
        """Return the result of `eth_getBlockReceipts`, or None where there are no receipts."""
        ...

    async def block_hash(self, number: int) -> str | None:
        """Return a block's hash, or None past the head."""
        ...

    async def number_by_hash(self, hash: str) -> int | None:  # noqa: A002 (the field's word)
        """Return the number of the block with this hash, or None if there is none (any more)."""
        ...

    def heads(self) -> AsyncGenerator[int, None]:
        """Yield the number of each block that becomes the head from now on; it ends when the network does."""
        ...


_GOODBYE_S = 1.0
"""How long answers under way may take to get out when the server ends."""


class _Request(msgspec.Struct):
    """A JSON-RPC request. The id comes back as it was written."""

    method: str
    params: list[Any] = []
    id: msgspec.Raw = msgspec.Raw(b"null")


@asynccontextmanager
async def serve(networks: Mapping[str, Network], port: int = 0) -> AsyncIterator[str]:
    """Serve each network at its name's path on one loopback port, until the block ends.

    Yields the base URL, `http://127.0.0.1:PORT`; WebSockets are at the same place. Port 0 takes a free one.

    Raises:
        PortInUse: another program listens on the port.
    """
    app = web.Application()
    nodes = {name: _Node(network) for name, network in networks.items()}
    for name, node in nodes.items():
        app.router.add_get(f"/{name}", node.on_websocket)
        app.router.add_post(f"/{name}", node.on_post)

    async def say_goodbye(_: web.Application) -> None:
        for node in nodes.values():
            await node.close()

    app.on_shutdown.append(say_goodbye)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=_GOODBYE_S)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", port)
        try:
            await site.start()
        except OSError as fault:
            raise PortInUse(f"cannot listen on 127.0.0.1:{port}: {os.strerror(fault.errno or 0)}") from None
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


class _Node:
    """One network, as its path of the server answers for it."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._methods = METHODS[network.family]
        self._sockets: set[web.WebSocketResponse] = set()
        self._subscription_ids = itertools.count(1)

    async def close(self) -> None:
        """Take leave of every WebSocket as a node does that is shut down in order."""
        for socket in list(self._sockets):
            await socket.close(code=WSCloseCode.GOING_AWAY)

    async def on_post(self, request: web.Request) -> web.Response:
        return web.Response(body=await self._answer(await request.read(), None), content_type="application/json")

    async def on_websocket(self, request: web.Request) -> web.WebSocketResponse:
        if self._network.family != "evm":
            raise web.HTTPUpgradeRequired(text="This node speaks JSON-RPC over HTTP POST only.")
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        self._sockets.add(socket)
        try:
            async with asyncio.TaskGroup() as tasks:
                subscriptions = _Subscriptions(self._network, socket, tasks, self._subscription_ids)
                with suppress(ConnectionError):  # the other side has gone without a word
                    async for message in socket:
                        text = message.data.encode() if message.type is WSMsgType.TEXT else message.data
                        await socket.send_frame(await self._answer(text, subscriptions), WSMsgType.TEXT)
                subscriptions.cancel_all()
        finally:
            self._sockets.discard(socket)
        return socket

    async def _answer(self, text: bytes, subscriptions: _Subscriptions | None) -> bytes:
        if not text.lstrip().startswith(b"["):
            return await self._answer_one(text, subscriptions)
        try:
            batch = msgspec.json.decode(text, type=list[msgspec.Raw])
        except msgspec.DecodeError:
            return _error(b"null", PARSE_ERROR, "the request is not JSON")
        if not batch:
            return _error(b"null", INVALID_REQUEST, "the batch is empty")
        return b"[" + b",".join([await self._answer_one(bytes(one), subscriptions) for one in batch]) + b"]"

    async def _answer_one(self, text: bytes, subscriptions: _Subscriptions | None) -> bytes:
        try:
            request = msgspec.json.decode(text, type=_Request)
        except msgspec.ValidationError:
            return _error(b"null", INVALID_REQUEST, "this is not a JSON-RPC request")
        except msgspec.DecodeError:
            return _error(b"null", PARSE_ERROR, "the request is not JSON")
        request_id = bytes(request.id)
        try:
            result = await self._call(request, subscriptions)
        except Fault as fault:
            return _error(request_id, fault.code, str(fault))
        return b"".join((b'{"jsonrpc":"2.0","id":', request_id, b',"result":', result, b"}"))

    async def _call(self, request: _Request, subscriptions: _Subscriptions | None) -> bytes:
        if subscriptions is not None and request.method == "eth_subscribe":
            return subscriptions.add(request.params)
        if subscriptions is not None and request.method == "eth_unsubscribe":
            return subscriptions.cancel(request.params)
        method = self._methods.get(request.method)
        if method is None:
            raise Fault(METHOD_NOT_FOUND, f"the method {request.method} does not exist/is not available")
        return await method(self._network, request.params)


class _Subscriptions:
    """The subscriptions of one WebSocket, each a task that writes to it."""

    def __init__(
        self, network: Network, socket: web.WebSocketResponse, tasks: asyncio.TaskGroup, ids: itertools.count[int]
    ) -> None:
        self._network = network
        self._socket = socket
        self._group = tasks
        self._ids = ids
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def add(self, params: list[Any]) -> bytes:
        """Begin to announce new heads; the result is the subscription's id."""
        if params != ["newHeads"]:
            raise Fault(INVALID_PARAMS, "there is only newHeads to subscribe to")
        key = f"0x{next(self._ids):032x}"
        self._tasks[key] = self._group.create_task(self._announce(key))
        return msgspec.json.encode(key)

    def cancel(self, params: list[Any]) -> bytes:
        """End a subscription."""
        task = self._tasks.pop(params[0], None) if params and isinstance(params[0], str) else None
        if task is None:
            raise Fault(INVALID_PARAMS, "subscription not found")
        task.cancel()
        return b"true"

    def cancel_all(self) -> None:
        """End all, because the WebSocket is closed."""
        for task in self._tasks.values():
            task.cancel()

    async def _announce(self, key: str) -> None:
        start = f'{{"jsonrpc":"2.0","method":"eth_subscription","params":{{"subscription":"{key}","result":'.encode()
        async with aclosing(self._network.heads()) as heads:
            async for number in heads:
                header = await self._network.header_json(number)
                if header is None:
                    continue  # taken back by a reorg before it could be announced
                with suppress(ConnectionError):  # the loop that reads finds out as well, and ends this task
                    await self._socket.send_frame(b"".join((start, header, b"}}")), WSMsgType.TEXT)


def _error(request_id: bytes, code: int, message: str) -> bytes:
    fault = msgspec.json.encode({"code": code, "message": message})
    return b"".join((b'{"jsonrpc":"2.0","id":', request_id, b',"error":', fault, b"}"))
