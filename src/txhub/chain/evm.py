"""Blocks of an EVM chain: heads announced through web3.py, bodies fetched as raw JSON.

web3.py's formatters cost more than everything else on a body's way together, so bodies never pass through
it: several are asked for in one batch and decoded by `txhub.chain.decode`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

import msgspec
from web3 import AsyncWeb3, WebSocketProvider
from web3.exceptions import Web3Exception
from websockets.exceptions import WebSocketException

from txhub.chain.decode import RawBlock, RawHeader, decode_block, decode_head, refused
from txhub.chain.registry import redact, title
from txhub.chain.transport import TIMEOUT_S, Connection, connect
from txhub.errors import BadBlock, NodeRefused, NodeUnavailable
from txhub.model import Block, Chain, Head

_HEADS_WAITING = 1000
"""Announced heads that may wait to be fetched; what does not fit is found again as a gap."""
_SILENT_BLOCKS = 5
_SILENT_S = 10.0
"""A stream is lost when no head came for so many block times, and at least so many seconds."""
_ENCODE = msgspec.json.encode

Result = TypeVar("Result")
AnyAnswer = TypeVar("AnyAnswer", "_Answer[str]", "_Answer[RawHeader]", "_Answer[RawBlock]", "_RawAnswer")


class _Error(msgspec.Struct):
    message: str = "an error without a message"
    code: int = 0


class _Answer(msgspec.Struct, Generic[Result]):
    """One answer of a batch; a block that the node does not have is null."""

    id: int | None = None
    result: Result | None = None
    error: _Error | None = None


class _RawAnswer(msgspec.Struct):
    """The same, its result not looked at yet."""

    id: int | None = None
    result: msgspec.Raw = msgspec.Raw(b"null")
    error: _Error | None = None


_TEXTS = msgspec.json.Decoder(list[_Answer[str]])
_HEADERS = msgspec.json.Decoder(list[_Answer[RawHeader]])
_BLOCKS = msgspec.json.Decoder(list[_Answer[RawBlock]])
_RAW = msgspec.json.Decoder(list[_RawAnswer])
_REFUSAL = msgspec.json.Decoder(_RawAnswer)
_BLOCK = msgspec.json.Decoder(RawBlock)


class EvmSource:
    """Blocks of one EVM chain; see `txhub.chain.source.Source`.

    `silent_s` is how long no head may come; five block times, and at least ten seconds.
    """

    def __init__(self, chain: Chain, *, silent_s: float | None = None, timeout_s: float = TIMEOUT_S) -> None:
        self.chain = chain
        self._silent_s = silent_s or max(_SILENT_BLOCKS * chain.block_time_s, _SILENT_S)
        self._timeout_s = timeout_s
        self._endpoint = 0
        self._connection: Connection | None = None
        self._connecting = asyncio.Lock()
        self._next_id = 0
        self._closed = False

    async def check(self) -> None:
        """Make sure that the node serves this chain.

        Raises:
            NodeRefused: it serves another one; names both.
        """
        [answer] = await self._ask(_TEXTS, [("eth_chainId", ())])
        served = self._number(answer)
        if served != self.chain.chain_id:
            raise NodeRefused(
                f"the node serves {title(served)}, not {self.chain.name} (chain {self.chain.chain_id})",
                hint="give the URL of a node of this chain, or the chain that this node serves",
            )

    async def head(self) -> Head:
        """Return the newest block of the chain."""
        [answer] = await self._ask(_HEADERS, [("eth_getBlockByNumber", ("latest", False))])
        return decode_head(self.chain, self._result(answer))

    def heads(self) -> AsyncGenerator[Head, None]:
        """Yield heads as a WebSocket endpoint announces them; with HTTP endpoints only, as polling finds them."""
        announcing = [url for url in self.chain.endpoints if url.lower().startswith("ws")]
        if announcing:
            return self._announced(announcing[self._endpoint % len(announcing)])
        return self._polled()

    async def blocks(self, numbers: Sequence[int]) -> list[Block | BadBlock]:
        """Fetch and decode blocks in one request; the answer is in the order of `numbers`."""
        calls = [("eth_getBlockByNumber", (hex(number), True)) for number in numbers]
        try:
            answers = await self._ask(_BLOCKS, calls)
        except msgspec.ValidationError:
            # One of them is not what a block is: find out which, block by block.
            raws = await self._ask(_RAW, calls)
            return [self._decode_alone(raw, number) for raw, number in zip(raws, numbers, strict=True)]
        blocks: list[Block | BadBlock] = []
        for answer, number in zip(answers, numbers, strict=True):
            blocks.append(self._decode(answer, number))
            await asyncio.sleep(0)  # a block takes some milliseconds; others have their turn between two
        return blocks

    async def block_by_hash(self, hash: bytes, number: int) -> Block:  # noqa: A002 (the field's word)
        """Fetch the block that a head announced.

        Raises:
            BadBlock: the block is wrong, or the node does not have it (any more).
        """
        [answer] = await self._ask(_RAW, [("eth_getBlockByHash", ("0x" + hash.hex(), True))])
        block = self._decode_alone(answer, number)
        if isinstance(block, BadBlock):
            raise block
        if block.hash != hash:
            raise refused(self.chain, number, "the node sent a block with another hash")
        return block

    async def number_at(self, time: datetime) -> int:
        """Return the number of the first block at or after `time`; past the head, the head's number and one."""
        low, high = 0, (await self.head()).number + 1
        while low < high:
            middle = (low + high) // 2
            [answer] = await self._ask(_HEADERS, [("eth_getBlockByNumber", (hex(middle), False))])
            # A node may not have the oldest blocks: what it lacks lies before what it has.
            header = None if answer.result is None else decode_head(self.chain, answer.result)
            if header is None or header.time < time:
                low = middle + 1
            else:
                high = middle
        return low

    async def close(self) -> None:
        """Close all connections. Calls under way raise `NodeUnavailable`."""
        self._closed = True
        if self._connection is not None:
            await self._connection.close()

    async def _announced(self, url: str) -> AsyncGenerator[Head, None]:
        """Heads of one subscription; a task of its own receives, so that a slow reader never holds up the socket."""
        where = redact(url)
        waiting: asyncio.Queue[Head] = asyncio.Queue(_HEADS_WAITING)
        receiver = asyncio.create_task(self._receive(url, waiting), name=f"heads of {self.chain.name}")
        try:
            while True:
                get = asyncio.ensure_future(waiting.get())
                done, _ = await asyncio.wait(
                    {get, receiver}, timeout=self._silent_s, return_when=asyncio.FIRST_COMPLETED
                )
                if get in done:
                    yield get.result()
                    continue
                get.cancel()
                if receiver in done:
                    receiver.result()
                    raise NodeUnavailable(f"{where} closed the stream of heads")
                raise NodeUnavailable(f"{where} announced no block for {self._silent_s:g} s")
        finally:
            self._endpoint += 1
            receiver.cancel()
            await asyncio.wait({receiver})

    async def _receive(self, url: str, waiting: asyncio.Queue[Head]) -> None:
        where = redact(url)
        # A new instance for each connection: web3.py keeps what it subscribed to on a used one.
        provider = WebSocketProvider(url, websocket_kwargs={"max_size": None, "compression": None})
        provider.logger.disabled = True  # it would log whole URLs
        try:
            async with AsyncWeb3(provider) as web3:
                await web3.eth.subscribe("newHeads")
                async for message in web3.socket.process_subscriptions():
                    if not waiting.full():
                        waiting.put_nowait(_announced_head(message["result"]))
        except (OSError, WebSocketException, Web3Exception) as fault:
            raise NodeUnavailable(f"the stream of heads from {where} was lost ({type(fault).__name__})") from None

    async def _polled(self) -> AsyncGenerator[Head, None]:
        last: Head | None = None
        while True:
            head = await self.head()
            if last is None or head.hash != last.hash:
                yield head
                last = head
            await asyncio.sleep(self.chain.block_time_s / 2)

    def _decode(self, answer: _Answer[RawBlock], number: int) -> Block | BadBlock:
        try:
            if answer.error is not None:
                raise refused(self.chain, number, f"the node answers: {answer.error.message}")
            if answer.result is None:
                raise refused(self.chain, number, "the node does not have it (yet)")
            return decode_block(self.chain, answer.result, number)
        except BadBlock as refusal:
            return refusal

    def _decode_alone(self, answer: _RawAnswer, number: int) -> Block | BadBlock:
        if answer.error is not None or bytes(answer.result) == b"null":
            return self._decode(_Answer(error=answer.error), number)
        try:
            return self._decode(_Answer(result=_BLOCK.decode(answer.result)), number)
        except msgspec.ValidationError as fault:
            return refused(self.chain, number, str(fault))

    async def _ask(
        self, decoder: msgspec.json.Decoder[list[AnyAnswer]], calls: Sequence[tuple[str, Sequence[Any]]]
    ) -> list[AnyAnswer]:
        """Ask several things in one request; the answers are in the order of the calls.

        Raises:
            NodeUnavailable, NodeRefused: see `Source`.
            msgspec.ValidationError: an answer is of another shape than the decoder's.
        """
        ids = range(self._next_id, self._next_id + len(calls))
        self._next_id = ids.stop
        request = _ENCODE(
            [
                {"jsonrpc": "2.0", "id": key, "method": method, "params": parameters}
                for key, (method, parameters) in zip(ids, calls, strict=True)
            ]
        )
        connection = await self._connected()
        try:
            frame = await connection.exchange(request, ids)
        except NodeUnavailable:
            await self._drop(connection)
            raise
        try:
            answers = {answer.id: answer for answer in decoder.decode(frame)}
        except msgspec.ValidationError:
            if frame.lstrip()[:1] != b"[":
                raise self._refusal(connection.where, frame) from None
            raise
        except msgspec.DecodeError:
            await self._drop(connection)
            raise NodeUnavailable(f"{connection.where} sent something that is not JSON") from None
        if missing := [key for key in ids if key not in answers]:
            raise NodeUnavailable(f"{connection.where} left {len(missing)} of {len(ids)} questions without an answer")
        return [answers[key] for key in ids]

    def _refusal(self, where: str, frame: bytes) -> NodeRefused:
        """What a single answer to a batch means: the node refuses the whole of it."""
        try:
            error = _REFUSAL.decode(frame).error
        except msgspec.ValidationError:
            error = None
        said = error.message if error else "with something that is no answer"
        return NodeRefused(f"{where} refuses the request: {said}", hint="lower request_blocks, or use another node")

    async def _connected(self) -> Connection:
        async with self._connecting:
            if self._closed:
                raise NodeUnavailable("the source is closed")
            if self._connection is None:
                url = self.chain.endpoints[self._endpoint % len(self.chain.endpoints)]
                try:
                    self._connection = await connect(url, self._timeout_s)
                except (NodeUnavailable, NodeRefused):
                    self._endpoint += 1
                    raise
            return self._connection

    async def _drop(self, connection: Connection) -> None:
        """Give a failed connection up; the next call goes to the next endpoint."""
        if self._connection is connection:
            self._connection = None
            self._endpoint += 1
            await connection.close()

    def _result(self, answer: _Answer[Result]) -> Result:
        if answer.error is not None:
            raise NodeRefused(f"the node of {self.chain.name} answers: {answer.error.message}")
        if answer.result is None:
            raise NodeUnavailable(f"the node of {self.chain.name} has no blocks yet")
        return answer.result

    def _number(self, answer: _Answer[str]) -> int:
        text = self._result(answer)
        try:
            return int(text, 16)
        except ValueError:
            raise NodeRefused(f"the node of {self.chain.name} answers {text!r} where a number is expected") from None


def _announced_head(header: Any) -> Head:
    """A head as web3.py's formatters give it."""
    time = datetime.fromtimestamp(header["timestamp"], UTC)
    return Head(header["number"], bytes(header["hash"]), bytes(header["parentHash"]), time)
