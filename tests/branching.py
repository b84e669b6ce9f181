"""An EVM chain that can fork: extended, reorganised and rolled back by a test, and served by the real node's server."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from tests.blocks import START
from txhub.chain.decode import RawBlock, RawHeader, decode_block, decode_head, refused
from txhub.chain.source import Notify
from txhub.errors import BadBlock
from txhub.model import Block, Chain, Family, Head


@dataclass(frozen=True)
class Made:
    """A block of some branch, as JSON."""

    number: int
    hash: str
    parent: str
    header: bytes
    body: bytes


class Branching:
    """The chain as it is now; every block ever made can still be asked for by its hash while it is canonical.

    Args:
        chain_id: what `eth_chainId` answers.
        blocks: how long the chain is at first.
        first: the number of its first block.
        spacing_s: seconds between the times of two blocks.
        transactions: how many each block holds.
    """

    family: Family = "evm"

    def __init__(
        self,
        *,
        chain_id: int = 1,
        blocks: int = 1,
        first: int = 100,
        spacing_s: int = 12,
        transactions: int = 3,
        start: float = START.timestamp(),
    ) -> None:
        self.chain_id = chain_id
        self._spacing_s = spacing_s
        self._transactions = transactions
        self._start = int(start)
        self._first = first
        self._branch = 0
        self._made = 0
        self.blocks: dict[int, Made] = {}
        self.withheld: set[int] = set()
        """Numbers of blocks that are announced, and whose bodies are not there."""
        self.stalled = False
        """Whether bodies are asked for in vain, without an answer."""
        self._news: list[int] = []
        self._told = asyncio.Condition()
        for _ in range(blocks):
            self._append()

    @property
    def tip(self) -> int:
        """The number of the newest block."""
        return max(self.blocks)

    async def extend(self, blocks: int = 1) -> None:
        """Add blocks to the chain, each announced."""
        for _ in range(blocks):
            await self._announce(self._append())

    async def reorg(self, depth: int, blocks: int) -> None:
        """Replace the newest `depth` blocks by `blocks` others; only the last of them is announced."""
        self._drop(depth)
        self._branch += 1
        for _ in range(blocks):
            self._append()
        await self._announce(self.tip)

    async def rollback(self, depth: int) -> None:
        """Take the newest blocks back and announce nothing, as nodes do."""
        self._drop(depth)
        self._branch += 1

    async def head_number(self) -> int:
        return self.tip

    async def block_json(self, number: int) -> bytes | None:
        if self.stalled:
            await asyncio.Event().wait()
        return self.blocks[number].body if number in self.blocks and number not in self.withheld else None

    async def header_json(self, number: int) -> bytes | None:
        return self.blocks[number].header if number in self.blocks else None

    async def receipts_json(self, number: int) -> bytes | None:
        return None

    async def block_hash(self, number: int) -> str | None:
        return self.blocks[number].hash if number in self.blocks else None

    async def number_by_hash(self, hash: str) -> int | None:  # noqa: A002 (the protocol's parameter)
        return next((block.number for block in self.blocks.values() if block.hash == hash), None)

    def heads(self) -> AsyncGenerator[int, None]:
        return self._heads(len(self._news))

    async def _heads(self, told: int) -> AsyncGenerator[int, None]:
        while True:
            async with self._told:
                while told == len(self._news):
                    await self._told.wait()
            while told < len(self._news):
                told += 1
                yield self._news[told - 1]

    def _drop(self, depth: int) -> None:
        for number in range(self.tip - depth + 1, self.tip + 1):
            del self.blocks[number]

    def _append(self) -> int:
        number = max(self.blocks, default=self._first - 1) + 1
        self._made += 1
        # Time goes on: a block of a later branch is younger than what it replaces.
        time = self._start + self._made * self._spacing_s
        parent = self.blocks[number - 1].hash if number - 1 in self.blocks else "0x" + "00" * 32
        self.blocks[number] = make(self.chain_id, number, self._branch, parent, time, self._transactions)
        return number

    async def _announce(self, number: int) -> None:
        async with self._told:
            self._news.append(number)
            self._told.notify_all()


class Direct:
    """A source that reads the network without a socket between them."""

    def __init__(self, chain: Chain, network: Branching) -> None:
        self.chain = chain
        self.notify: Notify = lambda notice: None
        self._network = network

    async def check(self) -> None:
        await asyncio.sleep(0)

    async def head(self) -> Head:
        return self._head(self._network.tip)

    async def heads(self) -> AsyncGenerator[Head, None]:
        announced = self._network.heads()
        yield self._head(self._network.tip)
        async for number in announced:
            if number in self._network.blocks:
                yield self._head(number)

    async def blocks(self, numbers: Sequence[int]) -> list[Block | BadBlock]:
        await asyncio.sleep(0)
        return [self._block(number) for number in numbers]

    async def block_by_hash(self, hash: bytes, number: int) -> Block:  # noqa: A002 (the field's word)
        block = self._block(number)
        if isinstance(block, BadBlock):
            raise block
        if block.hash != hash:
            raise refused(self.chain, number, "the node has another one in its place")
        return block

    async def number_at(self, time: datetime) -> int:
        return min(self._network.blocks)

    async def close(self) -> None:
        """Nothing is open."""

    def _block(self, number: int) -> Block | BadBlock:
        made = self._network.blocks.get(number)
        if made is None or number in self._network.withheld:
            return refused(self.chain, number, "the node does not have it (yet)")
        return decode_block(self.chain, msgspec.json.decode(made.body, type=RawBlock), number)

    def _head(self, number: int) -> Head:
        return decode_head(self.chain, msgspec.json.decode(self._network.blocks[number].header, type=RawHeader))


def make(chain_id: int, number: int, branch: int, parent: str, time: int, transactions: int) -> Made:
    """A block with its JSON; the same for the same arguments."""
    chance = random.Random(f"{chain_id} {number} {branch} {parent}")
    block_hash = f"0x{chance.randbytes(32).hex()}"
    header = {
        "number": hex(number),
        "hash": block_hash,
        "parentHash": parent,
        "timestamp": hex(time),
        "gasUsed": hex(21_000 * transactions),
        "gasLimit": "0x1c9c380",
        "baseFeePerGas": "0x7",
        "size": "0x400",
        # What web3.py wants of a header beside.
        "miner": "0x" + "00" * 20,
        "difficulty": "0x0",
        "extraData": "0x",
        "logsBloom": "0x" + "00" * 256,
        "mixHash": "0x" + "00" * 32,
        "nonce": "0x0000000000000000",
        "receiptsRoot": "0x" + "00" * 32,
        "sha3Uncles": "0x" + "00" * 32,
        "stateRoot": "0x" + "00" * 32,
        "transactionsRoot": "0x" + "00" * 32,
    }
    rows = [
        {
            "hash": f"0x{chance.randbytes(32).hex()}",
            "blockHash": block_hash,
            "blockNumber": hex(number),
            "transactionIndex": hex(index),
            "nonce": hex(number),
            "from": f"0x{chance.randbytes(20).hex()}",
            "to": f"0x{chance.randbytes(20).hex()}",
            "value": hex(chance.randrange(10**20)),
            "input": "0x",
            "gasPrice": "0x3b9aca00",
            "type": "0x0",
        }
        for index in range(transactions)
    ]
    encoded = json.dumps(header).encode()
    return Made(number, block_hash, parent, encoded, json.dumps(header | {"transactions": rows}).encode())
