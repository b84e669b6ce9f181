"""Connections to nodes that carry JSON-RPC as bytes, over WebSocket and HTTP.

Answers are not parsed here: whoever asked knows what the answer looks like, and parsing it once,
into the right types, is most of the speed.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from socket import gaierror
from typing import Any, Protocol

import aiohttp
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as connect_websocket
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from txhub.chain.registry import redact
from txhub.chain.source import Notice
from txhub.errors import NodeBusy, NodeRefused, NodeUnavailable

TIMEOUT_S = 30.0
"""How long a node may take to accept a connection, and to answer a request."""

_PING_S = 20.0
"""How long between two pings of a WebSocket."""
_CLOSE_S = 2.0
"""How long a node may take to answer that a WebSocket is to be closed."""

_IN_FLIGHT = 8
"""Requests under way on one WebSocket at once; the next one waits."""

_ID = re.compile(rb'"id"\s*:\s*"?(\d+)')
"""A quoted `id` before a colon is always a key, and no block has such a key: the first one is the answer's."""

_HINT = "check the URL, and that the node is running and reachable from here"


class RequestTooLarge(NodeRefused):
    """The node does not take a request of this size."""


class Connection(Protocol):
    """A connection to one node."""

    where: str
    """The node's URL as it may be shown."""

    async def exchange(self, request: bytes, ids: Sequence[int]) -> bytes:
        """Send a request, or a batch of them, with these ids and return the bytes of the answer.

        Raises:
            NodeUnavailable: the connection failed or was lost, the node is too busy, or it took too long.
            NodeRefused: the node does not let us in, or does not take a request of this size.
        """
        ...

    async def close(self) -> None:
        """Close the connection; requests under way raise `NodeUnavailable`."""
        ...


async def connect(url: str, timeout_s: float = TIMEOUT_S) -> Connection:
    """Connect to a node by its URL (over HTTP: at the first request).

    Raises:
        NodeUnavailable: nothing answers there.
        NodeRefused: it does not let us in.
    """
    if not is_websocket(url):
        return HttpConnection(url, timeout_s)
    where = redact(url)
    try:
        socket = await connect_websocket(url, **socket_options(timeout_s))
    except InvalidStatus as refusal:
        raise status_error(where, refusal.response.status_code, refusal.response.headers) from None
    except (OSError, WebSocketException) as fault:
        raise NodeUnavailable(f"no node answers at {where}: {reason(fault)}", hint=_HINT) from None
    return WebSocketConnection(socket, where, timeout_s)


def is_websocket(url: str) -> bool:
    """Tell whether a node's URL is one of a WebSocket; the others are HTTP."""
    return url.lower().startswith("ws")


def socket_options(timeout_s: float) -> dict[str, Any]:
    """Return how WebSockets to nodes are opened, as the library `websockets` names it.

    A socket whose other end has gone without a word (half open) is found by pings even when nothing is asked. A
    pong waits behind an answer of many megabytes, so it may take as long as an answer: a shorter time would cut off
    answers that are still coming. A frame may be of any size: whole batches of blocks are one. Such a socket is
    not waited for long when it is closed, either.
    """
    return {
        "open_timeout": timeout_s,
        "ping_interval": _PING_S,
        "ping_timeout": timeout_s,
        "close_timeout": _CLOSE_S,
        "max_size": None,
        "compression": None,
    }


def endpoint_changed(before: str, after: str, reason: str) -> Notice:
    """Return the notice that one of a chain's endpoints takes the place of another."""
    return Notice("warning", "endpoint_changed", {"from": redact(before), "to": redact(after), "reason": reason})


def end_now(socket: ClientConnection) -> None:
    """End a WebSocket that is not closed yet, without a word to the other side. It may never have been connected."""
    if (transport := getattr(socket, "transport", None)) is not None:
        transport.abort()


class WebSocketConnection:
    """Requests over one WebSocket; answers may come in any order and are matched by id."""

    def __init__(self, socket: ClientConnection, where: str, timeout_s: float) -> None:
        self.where = where
        self._socket = socket
        self._timeout_s = timeout_s
        self._slots = asyncio.Semaphore(_IN_FLIGHT)
        self._waiting: dict[int, asyncio.Future[bytes]] = {}
        self._lost: str | None = None
        self._reader = asyncio.create_task(self._read(), name=f"answers of {where}")

    async def exchange(self, request: bytes, ids: Sequence[int]) -> bytes:
        """Send a request and wait for its answer; see `Connection`."""
        async with self._slots:
            if self._lost is not None:
                raise NodeUnavailable(self._lost)
            answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
            self._waiting.update(dict.fromkeys(ids, answer))
            try:
                async with asyncio.timeout(self._timeout_s):
                    await self._socket.send(request, text=True)
                    return await answer
            except TimeoutError:
                raise NodeUnavailable(f"{self.where} did not answer within {self._timeout_s:g} s") from None
            except ConnectionClosed as closed:
                raise NodeUnavailable(f"{self.where} closed the connection ({closed})") from None
            finally:
                for key in ids:
                    self._waiting.pop(key, None)

    async def close(self) -> None:
        """Close the connection; requests under way raise `NodeUnavailable`."""
        try:
            await self._socket.close()
        finally:
            end_now(self._socket)
        await self._reader

    async def _read(self) -> None:
        try:
            while True:
                frame = await self._socket.recv(decode=False)
                match = _ID.search(frame)
                if match is None:
                    # An error about a request that the node could not even read, or no JSON at all:
                    # nothing tells whose it is, so everybody gets it.
                    for answer in self._waiting.values():
                        _settle(answer, frame)
                elif (waiting := self._waiting.get(int(match[1]))) is not None:
                    _settle(waiting, frame)
        except ConnectionClosed as closed:
            self._lost = f"{self.where} closed the connection ({closed})"
            for answer in self._waiting.values():
                if not answer.done():
                    answer.set_exception(NodeUnavailable(self._lost))


class HttpConnection:
    """Requests by HTTP POST; connections are kept alive and shared."""

    def __init__(self, url: str, timeout_s: float) -> None:
        self.where = redact(url)
        self._url = url
        self._timeout_s = timeout_s
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=timeout_s), headers={"Content-Type": "application/json"}
        )

    async def exchange(self, request: bytes, ids: Sequence[int]) -> bytes:
        """Send a request and wait for its answer; see `Connection`."""
        try:
            async with self._session.post(self._url, data=request) as response:
                answer = await response.read()
        except TimeoutError:
            raise NodeUnavailable(f"{self.where} did not answer within {self._timeout_s:g} s") from None
        except (aiohttp.ClientError, OSError, RuntimeError) as fault:  # RuntimeError: closed by us meanwhile
            raise NodeUnavailable(f"no node answers at {self.where}: {reason(fault)}", hint=_HINT) from None
        # Bitcoin Core sends its own errors with status 500 and 404, as JSON that says more than the status.
        if response.status == HTTPStatus.OK or (response.status >= 400 and answer.lstrip()[:1] in (b"{", b"[")):
            if response.status == HTTPStatus.TOO_MANY_REQUESTS:
                raise status_error(self.where, response.status, response.headers)
            return answer
        raise status_error(self.where, response.status, response.headers)

    async def close(self) -> None:
        """Close the connections; requests under way raise `NodeUnavailable`."""
        await self._session.close()


def status_error(where: str, status: int, headers: Mapping[str, str]) -> NodeUnavailable | NodeRefused:
    """Return the error that an HTTP status of a node amounts to."""
    text = f"{where} answers with HTTP status {status}"
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return NodeBusy(
            text,
            after_s=_seconds(headers.get("Retry-After", "")),
            hint="the node limits requests: lower parallel_requests, or use a node of your own",
        )
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return RequestTooLarge(text, hint="the request asks for too much at once: lower request_blocks")
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return NodeRefused(text, hint="the user, password or key in the node's URL is not accepted")
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return NodeUnavailable(text)
    return NodeRefused(text, hint="is this the URL of a node?")


def _seconds(retry_after: str) -> float | None:
    """How long a node wants to be left alone, by its header: so many seconds, or until a date."""
    if retry_after.isascii() and retry_after.isdigit():
        return float(retry_after)
    try:
        return max((parsedate_to_datetime(retry_after) - datetime.now(UTC)).total_seconds(), 0.0)
    except (ValueError, TypeError):  # no date, or one without a zone
        return None


def _settle(answer: asyncio.Future[bytes], frame: bytes) -> None:
    if not answer.done():
        answer.set_result(frame)


def reason(fault: BaseException) -> str:
    """Say what failed without repeating a URL: libraries put whole URLs into some of their messages."""
    if isinstance(fault, aiohttp.ClientConnectorError):
        fault = fault.os_error
    if isinstance(fault, gaierror):
        return "its name cannot be resolved"
    if isinstance(fault, OSError) and fault.errno and fault.errno > 0:
        return os.strerror(fault.errno).lower()  # its own text depends on the event loop
    return str(fault) if isinstance(fault, ConnectionClosed) else type(fault).__name__
