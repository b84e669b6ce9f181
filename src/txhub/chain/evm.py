"""Blocks of an EVM chain: heads announced through web3.py, bodies fetched as raw JSON.

web3.py's formatters cost more than everything else on a body's way together, so bodies never pass through
it: several are asked for in one batch and decoded by `txhub.chain.decode`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from datetime import datetime

from txhub.chain.bodies import Bodies, Body
from txhub.chain.decode import RawBlock, RawHeader, decode_block, decode_head, refused
from txhub.chain.erc20 import questions, read_decimals, read_symbol
from txhub.chain.heads import AGAIN_S, Heads, newest
from txhub.chain.jsonrpc import Call, MethodMissing, Node, ask
from txhub.chain.peers import Address, EvmPeer
from txhub.chain.registry import other_chain
from txhub.chain.source import Notice, Notify
from txhub.chain.transport import TIMEOUT_S, Connection
from txhub.errors import BadBlock, NodeRefused
from txhub.model import Block, Chain, Head

_SILENT_BLOCKS = 5
_SILENT_S = 10.0
"""The watchdog asks why when no head came for so many block times, and at least so many seconds."""


class EvmSource:
    """Blocks of one EVM chain; see `txhub.chain.source.Source`.

    `silent_s` is after how long without a head the watchdog asks why; five block times, and at least ten seconds.
    `again_s` is how often WebSocket endpoints get another try while heads are polled over HTTP.
    """

    def __init__(
        self,
        chain: Chain,
        *,
        silent_s: float | None = None,
        timeout_s: float = TIMEOUT_S,
        again_s: float = AGAIN_S,
    ) -> None:
        self.chain = chain
        self.notify: Notify = lambda notice: None
        self._node = Node(chain.endpoints, self._greet, timeout_s, self._tell)
        self._bodies = Bodies(self._node, self._tell)
        self._heads = Heads(
            chain,
            self._node,
            self._greet,
            self._tell,
            silent_s=silent_s or max(_SILENT_BLOCKS * chain.block_time_s, _SILENT_S),
            timeout_s=timeout_s,
            again_s=again_s,
        )

    async def check(self) -> None:
        """Make sure that the node serves this chain.

        Raises:
            NodeRefused: it serves another one; names both.
        """
        await self._node.connected()

    async def head(self) -> Head:
        """Return the newest block of the chain."""
        return await newest(self.chain, self._node)

    def heads(self) -> AsyncGenerator[Head, None]:
        """Yield the newest block, then heads as a WebSocket endpoint announces them, else as polling finds them."""
        return self._heads.follow()

    async def blocks(self, numbers: Sequence[int]) -> list[Block | BadBlock]:
        """Fetch and decode blocks with their receipts; the answer is in the order of `numbers`."""
        bodies = await self._bodies.fetch("eth_getBlockByNumber", [hex(number) for number in numbers])
        blocks: list[Block | BadBlock] = []
        for number, body in zip(numbers, bodies, strict=True):
            try:
                blocks.append(self._decode(number, body))
            except BadBlock as bad:
                blocks.append(bad)
            await asyncio.sleep(0)  # a block takes about a millisecond; others have their turn between two
        return blocks

    async def block_by_hash(self, hash: bytes, number: int) -> Block:  # noqa: A002 (the field's word)
        """Fetch the block that a head announced, with its receipts.

        Behind a public URL are many machines: one that does not know the hash may have the number, so
        that is tried next, and the hash is compared in any case.

        Raises:
            BadBlock: the block is wrong, or the node does not have it (any more).
        """
        by_hash, by_number = ("eth_getBlockByHash", "0x" + hash.hex()), ("eth_getBlockByNumber", hex(number))
        for method, key in (by_hash, by_number):
            [body] = await self._bodies.fetch(method, [key])
            if isinstance(body.block, RawBlock):
                break
        block = self._decode(number, body)
        if block.hash != hash:
            raise refused(self.chain, number, "the node has another one in its place")
        return block

    async def number_at(self, time: datetime) -> int:
        """Return the number of the first block at or after `time`; past the head, the head's number and one."""
        low, high = 0, (await self.head()).number + 1
        while low < high:
            middle = (low + high) // 2
            header = await self._node.call(Call("eth_getBlockByNumber", (hex(middle), False)), RawHeader)
            # A node may not have the oldest blocks: what it lacks lies before what it has.
            if header is None or decode_head(self.chain, header).time < time:
                low = middle + 1
            else:
                high = middle
        return low

    async def token(self, address: bytes) -> tuple[str | None, int | None]:
        """Ask a token's contract for its symbol and its decimals; None is what it does not say, or not properly.

        Raises:
            NodeUnavailable: nobody answers; ask again later.
            MethodMissing: this node calls no contracts, which tells nothing of this one.
        """
        symbol, decimals = await self._node.batch(questions(address), str)
        for answer in (symbol, decimals):
            if isinstance(answer, MethodMissing):
                raise answer
        return (
            None if isinstance(symbol, NodeRefused) else read_symbol(symbol),
            None if isinstance(decimals, NodeRefused) else read_decimals(decimals),
        )

    async def peers(self) -> list[Address | None]:
        """Ask the node for its peers: their addresses, None for each of which it tells none.

        Raises:
            NodeUnavailable: nobody answers; ask again later.
            NodeRefused: the node does not tell. Public ones do not; geth does with `--http.api eth,admin`.
        """
        answer = await self._node.call(Call("admin_peers"), list[EvmPeer])
        return [peer.address for peer in answer or ()]

    async def close(self) -> None:
        """Close all connections. Calls under way raise `NodeUnavailable`."""
        await self._node.close()

    async def _greet(self, connection: Connection) -> None:
        served = await ask(connection, Call("eth_chainId"), str)
        try:
            number = int(served or "", 16)
        except ValueError:
            raise NodeRefused(f"{connection.where} gives a chain id that is none: {served!r}") from None
        if number != self.chain.chain_id:
            raise other_chain(connection.where, number, self.chain)

    def _tell(self, notice: Notice) -> None:
        self.notify(notice)  # whoever is told is set after the constructor has run

    def _decode(self, number: int, body: Body) -> Block:
        block, receipts = body
        if block is None:
            raise refused(self.chain, number, "the node does not have it (yet)")
        if isinstance(block, NodeRefused):
            raise refused(self.chain, number, str(block))
        if isinstance(receipts, NodeRefused):
            raise refused(self.chain, number, f"no receipts: {receipts}")
        return decode_block(self.chain, block, number, receipts)
