"""The subscription to new heads that an EVM node announces over WebSocket, received by web3.py."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from web3 import AsyncWeb3, WebSocketProvider
from web3.exceptions import ProviderConnectionError
from web3.middleware import ExtraDataToPOAMiddleware
from websockets.asyncio.client import ClientConnection

from txhub.chain.registry import other_chain, redact
from txhub.chain.transport import end_now, reason, socket_options
from txhub.errors import NodeRefused, NodeUnavailable
from txhub.model import Chain, Head

_ENDING_S = 3.0
"""How long a receiver may take to close its socket before it is cancelled again."""
_WAITING = 1000
"""Heads that may wait for a slow reader. The oldest give way: what was not read is found again as a gap."""


async def announced(chain: Chain, url: str, timeout_s: float) -> AsyncGenerator[Head, None]:
    """Yield the node's newest block and then the heads of one subscription until it is lost; it never ends by itself.

    A task of its own receives, so that a slow reader never holds up the socket.

    Raises:
        NodeUnavailable: no head came within `timeout_s` seconds from the start, or the connection was lost later.
        NodeRefused: the node serves another chain.
    """
    where = redact(url)
    heads: asyncio.Queue[Head | None] = asyncio.Queue(_WAITING)
    receiver = asyncio.create_task(_receive(chain, url, timeout_s, heads), name=f"heads of {chain.name}")
    receiver.add_done_callback(lambda _: _offer(heads, None))
    try:
        try:
            async with asyncio.timeout(timeout_s):
                head = await heads.get()
        except TimeoutError:
            raise NodeUnavailable(f"{where} did not answer within {timeout_s:g} s") from None
        while head is not None:
            yield head
            head = await heads.get()
        raise _ending(where, receiver.exception())
    finally:
        await _end(receiver)


async def _receive(chain: Chain, url: str, timeout_s: float, heads: asyncio.Queue[Head | None]) -> None:
    with _ended_sockets() as create:
        # Always new objects: web3.py keeps what was subscribed to on used ones. A retry is the caller's affair.
        provider = WebSocketProvider(
            url,
            websocket_kwargs={**socket_options(timeout_s), "create_connection": create},
            request_timeout=timeout_s,
            max_connection_retries=1,
        )
        await _listen(provider, chain, url, heads)


async def _listen(provider: WebSocketProvider, chain: Chain, url: str, heads: asyncio.Queue[Head | None]) -> None:
    async with AsyncWeb3(provider) as web3:
        # BNB, Polygon and test networks put more into a header's extraData than web3.py accepts otherwise.
        web3.middleware_onion.inject(ExtraDataToPOAMiddleware, layer=0)
        if (served := await web3.eth.chain_id) != chain.chain_id:
            raise other_chain(redact(url), served, chain)
        await web3.eth.subscribe("newHeads")
        # A subscription tells nothing of the time before it: without this nobody would know where it began.
        _offer(heads, _head(await web3.eth.get_block("latest")))
        async for message in web3.socket.process_subscriptions():
            _offer(heads, _head(message["result"]))


@contextmanager
def _ended_sockets() -> Iterator[Callable[..., ClientConnection]]:
    """What creates sockets for `websockets`, and ends them all with the block.

    web3.py leaves one open that the node has begun to close, and so does whoever cancels it while it closes.
    """
    created: list[ClientConnection] = []

    def create(*options: Any, **named_options: Any) -> ClientConnection:
        created.append(ClientConnection(*options, **named_options))
        return created[-1]

    try:
        yield create
    finally:
        for socket in created:
            end_now(socket)


async def _end(receiver: asyncio.Task[None]) -> None:
    """End a receiver. To cancel it once may not do: `asyncio.wait_for` of Python 3.11, in web3.py, may swallow that."""
    while not receiver.done():
        receiver.cancel()
        await asyncio.wait({receiver}, timeout=_ENDING_S)
    if not receiver.cancelled():
        receiver.exception()  # who ends it is not interested any more


def _offer(heads: asyncio.Queue[Head | None], head: Head | None) -> None:
    if heads.full():
        heads.get_nowait()
    heads.put_nowait(head)


def _head(header: Any) -> Head:
    """A head as web3.py's formatters give it."""
    time = datetime.fromtimestamp(header["timestamp"], UTC)
    return Head(header["number"], bytes(header["hash"]), bytes(header["parentHash"]), time)


def _ending(where: str, fault: BaseException | None) -> NodeUnavailable | NodeRefused:
    """What the end of a stream means. web3.py's listener passes on whatever it stumbled over, so anything may come."""
    if fault is None:
        return NodeUnavailable(f"{where} closed the stream of heads")
    if isinstance(fault, NodeUnavailable | NodeRefused):
        return fault
    if isinstance(fault, ProviderConnectionError):  # its text holds the URL
        return NodeUnavailable(f"no node answers at {where}: {reason(fault.__cause__ or fault)}")
    ending = NodeUnavailable(f"the stream of heads from {where} was lost: {reason(fault)}")
    ending.__cause__ = fault
    return ending
