"""Fetching the bodies of EVM blocks with their receipts, by the best way that the node has."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from enum import StrEnum
from typing import Any, NamedTuple

from txhub.chain.decode import RawBlock
from txhub.chain.jsonrpc import Call, MethodMissing, Node
from txhub.chain.receipts import TRANSFER, TRANSFER_BATCH, TRANSFER_SINGLE, RawFoundLog, RawReceipt, of_logs
from txhub.chain.source import Notice, Notify
from txhub.chain.transport import Connection
from txhub.errors import NodeRefused, first_failure

_RECEIPTS_A_REQUEST = 100
"""Receipts that are asked for one by one come so many in a request: their size does not depend on blocks."""
_NO_HASH = "0x" + "00" * 32


class By(StrEnum):
    """How a node gives receipts, the best way first."""

    BLOCK = "block"
    """All of a block at once (`eth_getBlockReceipts`)."""
    TRANSACTION = "transaction"
    """One by one (`eth_getTransactionReceipt`)."""
    LOGS = "logs"
    """Only the logs of token transfers (`eth_getLogs`): success, used gas and fee are not known."""
    NOTHING = "nothing"


_PROBES = {
    By.BLOCK: Call("eth_getBlockReceipts", ("latest",)),
    By.TRANSACTION: Call("eth_getTransactionReceipt", (_NO_HASH,)),
    By.LOGS: Call("eth_getLogs", ({"blockHash": _NO_HASH},)),
}
"""A question for each way that only a node without it answers by saying so."""


class Body(NamedTuple):
    """What a node answers to the question for one block; a `NodeRefused` stands where it answers with an error."""

    block: RawBlock | NodeRefused | None
    receipts: list[RawReceipt] | NodeRefused | None
    """Empty where the node does not have them (yet), None where it has no receipts at all."""


class Bodies:
    """The bodies of one chain's blocks. Which receipts a node has is found out once on each connection."""

    def __init__(self, node: Node, notify: Notify) -> None:
        self._node = node
        self._notify = notify
        self._asking = asyncio.Lock()
        self._asked: Connection | None = None
        self._by = By.NOTHING
        self._told: Notice | None = None

    async def fetch(self, method: str, keys: Sequence[str]) -> list[Body]:
        """Ask for whole blocks by `eth_getBlockByNumber` or `…ByHash`; the answer is in the order of `keys`.

        Receipts by block are asked for at the same time, the others once the bodies tell what to ask for.

        Raises:
            NodeUnavailable, NodeRefused: as of `Node.batch`.
        """
        by = await self._way()
        bodies = [Call(method, (key, True)) for key in keys]
        if by is By.BLOCK:
            calls = [Call("eth_getBlockReceipts", (key,)) for key in keys]
            try:
                async with asyncio.TaskGroup() as tasks:
                    asked_bodies = tasks.create_task(self._node.batch(bodies, RawBlock))
                    asked_receipts = tasks.create_task(self._node.batch(calls, list[RawReceipt]))
            except ExceptionGroup as failures:
                raise first_failure(failures) from None
            pairs = zip(asked_bodies.result(), asked_receipts.result(), strict=True)
            return [Body(block, [] if receipts is None else receipts) for block, receipts in pairs]
        blocks = await self._node.batch(bodies, RawBlock)
        if by is By.TRANSACTION:
            return await self._by_transaction(blocks)
        if by is By.LOGS:
            return await self._by_logs(blocks)
        return [Body(block, None) for block in blocks]

    async def _by_transaction(self, blocks: Sequence[RawBlock | NodeRefused | None]) -> list[Body]:
        calls = [
            Call("eth_getTransactionReceipt", (transaction.hash,))
            for block in blocks
            if isinstance(block, RawBlock)
            for transaction in block.transactions
        ]
        answers: list[RawReceipt | NodeRefused | None] = []
        for start in range(0, len(calls), _RECEIPTS_A_REQUEST):
            answers += await self._node.batch(calls[start : start + _RECEIPTS_A_REQUEST], RawReceipt)
        bodies, start = [], 0
        for block in blocks:
            count = len(block.transactions) if isinstance(block, RawBlock) else 0
            bodies.append(Body(block, _whole(answers[start : start + count])))
            start += count
        return bodies

    async def _by_logs(self, blocks: Sequence[RawBlock | NodeRefused | None]) -> list[Body]:
        # By the block's hash: a node that does not know it says so, while for a number it would say "no logs".
        calls = [
            Call("eth_getLogs", ({"blockHash": block.hash, "topics": [[TRANSFER, TRANSFER_SINGLE, TRANSFER_BATCH]]},))
            for block in blocks
            if isinstance(block, RawBlock)
        ]
        answers = iter(await self._node.batch(calls, list[RawFoundLog]) if calls else ())
        return [
            Body(block, _receipts(block, next(answers)) if isinstance(block, RawBlock) else None) for block in blocks
        ]

    async def _way(self) -> By:
        connection = await self._node.connected()
        if connection is not self._asked:
            async with self._asking:
                if connection is not self._asked:
                    self._by = await self._find_out()
                    self._asked = connection
                    notice = Notice("info", "receipts_by", {"endpoint": connection.where, "by": self._by.value})
                    if notice != self._told:  # not again after each loss of a connection
                        self._notify(notice)
                        self._told = notice
        return self._by

    async def _find_out(self) -> By:
        for by, probe in _PROBES.items():
            [answer] = await self._node.batch([probe], Any)
            if not isinstance(answer, MethodMissing):
                return by
        return By.NOTHING


def _whole(answers: Sequence[RawReceipt | NodeRefused | None]) -> list[RawReceipt] | NodeRefused:
    """Return a block's receipts if all are there; else the first error, or nothing."""
    receipts = []
    for answer in answers:
        if isinstance(answer, NodeRefused):
            return answer
        if answer is None:
            return []
        receipts.append(answer)
    return receipts


def _receipts(block: RawBlock, found: list[RawFoundLog] | NodeRefused | None) -> list[RawReceipt] | NodeRefused:
    if found is None:
        return []
    if isinstance(found, NodeRefused):
        return found
    try:
        return of_logs(block.hash, [transaction.hash for transaction in block.transactions], found)
    except ValueError as fault:
        return NodeRefused(str(fault))
