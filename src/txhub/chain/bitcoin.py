"""Blocks of Bitcoin and its like from Bitcoin Core's JSON-RPC over HTTP, release 23 or later.

A user and password go into the node's URL. Bitcoin Core announces nothing over HTTP, so the newest block is polled.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable, Sequence
from datetime import datetime
from typing import Any, TypeAlias, TypeVar

import msgspec

from txhub.chain.bitcoin_decode import RawBlock, RawHeader, decode_block, decode_head
from txhub.chain.decode import refused
from txhub.chain.jsonrpc import Call, Node, ask
from txhub.chain.peers import Address, BitcoinPeer
from txhub.chain.source import Notice, Notify
from txhub.chain.transport import TIMEOUT_S, Connection
from txhub.errors import BadBlock, NodeRefused
from txhub.model import Block, Chain, Head

_BODIES = 4
"""Blocks asked for in one request: one from a busy day is 15 MB of JSON with previous outputs."""
_WITH_PREVIOUS_OUTPUTS = 3
_MEDIAN_BLOCKS = 11
"""A block's median time is that of so many blocks, itself the last."""
_BITCOIN = 0
"""The chain id that stands for Bitcoin's main network."""

Result = TypeVar("Result")


Answer: TypeAlias = msgspec.Raw | NodeRefused | None
"""What a call of a batch was answered with: the JSON of its result, which is not parsed yet, or an error."""


class _ChainInfo(msgspec.Struct):
    chain: str


class BitcoinSource:
    """Blocks of one Bitcoin-like chain; see `txhub.chain.source.Source`.

    `poll_s` is how often to look for a new block; a tenth of the block time, between half a second and 15.
    """

    def __init__(self, chain: Chain, *, poll_s: float | None = None, timeout_s: float = TIMEOUT_S) -> None:
        self.chain = chain
        self.notify: Notify = lambda notice: None
        self._poll_s = poll_s or min(max(chain.block_time_s / 10, 0.5), 15.0)
        self._node = Node(chain.endpoints, self._greet, timeout_s, self._tell)

    async def check(self) -> None:
        """Make sure that the node serves this chain: Bitcoin's main network, or for other chain ids any but that.

        Raises:
            NodeRefused: it serves another one; names both.
        """
        await self._node.connected()

    async def head(self) -> Head:
        """Return the newest block of the chain."""
        [answer] = await self._ask(("getbestblockhash",))
        return await self._head(self._result(answer, str))

    async def heads(self) -> AsyncGenerator[Head, None]:
        """Yield the newest block, and from then on each newest block that polling finds.

        Every poll is a request of its own, so a lost node shows at the next one; long pauses between blocks
        are Bitcoin's nature and no fault.
        """
        seen: str | None = None
        while True:
            [answer] = await self._ask(("getbestblockhash",))
            newest = self._result(answer, str)
            if newest != seen:
                yield await self._head(newest)
                seen = newest
            await asyncio.sleep(self._poll_s)

    async def blocks(self, numbers: Sequence[int]) -> list[Block | BadBlock]:
        """Fetch and decode blocks; the answer is in the order of `numbers`."""
        hashes = await self._ask(*(("getblockhash", number) for number in numbers))
        blocks: list[Block | BadBlock] = []
        for start in range(0, len(numbers), _BODIES):
            blocks += await self._bodies(numbers[start : start + _BODIES], hashes[start : start + _BODIES])
        return blocks

    async def block_by_hash(self, hash: bytes, number: int) -> Block:  # noqa: A002 (the field's word)
        """Fetch the block that a head announced.

        Raises:
            BadBlock: the block is wrong, or the node does not have it (any more).
        """
        [answer] = await self._ask(("getblock", hash.hex(), _WITH_PREVIOUS_OUTPUTS))
        block = await asyncio.to_thread(self._decode, answer, number)
        if block.hash != hash:
            raise refused(self.chain, number, "the node sent a block with another hash")
        return block

    async def number_at(self, time: datetime) -> int:
        """Return the number of the first block at or after `time`; past the head, the head's number and one.

        Blocks' own times may go back a little, their median times never do. So the median is searched for,
        which is late by some blocks, and the blocks that it was taken of are looked at one by one.
        """
        wanted = time.timestamp()
        low, high = 0, (await self.head()).number + 1
        end = high
        while low < high:
            middle = (low + high) // 2
            [header] = await self._headers([middle])
            if (header.time if header.mediantime is None else header.mediantime) < wanted:
                low = middle + 1
            else:
                high = middle
        near = await self._headers(range(max(0, low - _MEDIAN_BLOCKS), min(low + 1, end)))
        return next((header.height for header in near if header.time >= wanted), low)

    async def peers(self) -> list[Address | None]:
        """Ask the node for its peers: their addresses, None for each that comes by Tor and the like.

        Raises:
            NodeUnavailable: nobody answers; ask again later.
            NodeRefused: the node does not tell.
        """
        [answer] = await self._ask(("getpeerinfo",))
        return [peer.address for peer in self._result(answer, list[BitcoinPeer])]

    async def close(self) -> None:
        """Close all connections. Calls under way raise `NodeUnavailable`."""
        await self._node.close()

    async def _greet(self, connection: Connection) -> None:
        info = await ask(connection, Call("getblockchaininfo"), _ChainInfo)
        if info is None or (info.chain == "main") != (self.chain.chain_id == _BITCOIN):
            served = f"Bitcoin's network {info.chain!r}" if info else "no network"
            raise NodeRefused(
                f"{connection.where} serves {served}, which is not {self.chain.name} (chain {self.chain.chain_id})",
                hint="Bitcoin's main network has the chain id 0; give test networks another one",
            )

    def _tell(self, notice: Notice) -> None:
        self.notify(notice)  # whoever is told is set after the constructor has run

    async def _bodies(self, numbers: Sequence[int], hashes: Sequence[Answer]) -> list[Block | BadBlock]:
        asked = [answer for answer in hashes if isinstance(answer, msgspec.Raw)]
        calls = [("getblock", self._result(answer, str), _WITH_PREVIOUS_OUTPUTS) for answer in asked]
        bodies = iter(await self._ask(*calls))
        blocks: list[Block | BadBlock] = []
        for number, found in zip(numbers, hashes, strict=True):
            try:
                # In a thread, because a large block takes a good part of a second.
                body = next(bodies) if isinstance(found, msgspec.Raw) else found
                blocks.append(await asyncio.to_thread(self._decode, body, number))
            except BadBlock as bad:
                blocks.append(bad)
        return blocks

    def _decode(self, answer: Answer, number: int) -> Block:
        if not isinstance(answer, msgspec.Raw):
            raise refused(self.chain, number, str(answer))
        try:
            raw = msgspec.json.decode(answer, type=RawBlock)
        except msgspec.ValidationError as fault:
            raise refused(self.chain, number, str(fault)) from None
        return decode_block(self.chain, raw, number)

    async def _head(self, block_hash: str) -> Head:
        [answer] = await self._ask(("getblockheader", block_hash))
        return decode_head(self.chain, self._result(answer, RawHeader))

    async def _headers(self, numbers: Iterable[int]) -> list[RawHeader]:
        hashes = [self._result(answer, str) for answer in await self._ask(*(("getblockhash", n) for n in numbers))]
        answers = await self._ask(*(("getblockheader", block_hash) for block_hash in hashes))
        return [self._result(answer, RawHeader) for answer in answers]

    def _result(self, answer: Answer, kind: type[Result]) -> Result:
        if not isinstance(answer, msgspec.Raw):
            raise answer or NodeRefused(f"the node of {self.chain.name} answers nothing")
        try:
            return msgspec.json.decode(answer, type=kind)
        except msgspec.ValidationError as fault:
            raise NodeRefused(f"the node of {self.chain.name} answers with something unexpected: {fault}") from None

    async def _ask(self, *calls: tuple[Any, ...]) -> list[Answer]:
        """Ask calls (method, then parameters) as one batch; the answers in their order."""
        if not calls:
            return []  # to a node an empty batch is an error
        return await self._node.batch([Call(method, params) for method, *params in calls], msgspec.Raw)
