"""A network of made blocks for the node to serve: any length, each block a pure function of its number."""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections import Counter
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from typing import Any

import msgspec

from txhub.model import Family

START = int(datetime(2026, 3, 1, 23, 50, tzinfo=UTC).timestamp())
"""Close enough to midnight that a hundred blocks of 12 seconds cross an hour and a day."""
_TRANSFER = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
_TOKEN = "0x" + "70" * 20


class MadeNetwork:
    """Serves the blocks 0 to `head` of a chain; `grow` adds to them.

    Networks of the same name have the same blocks, whatever their head and chain id. A block of `big` has an input
    of more than a mebibyte, as the largest of real ones have.

    `asked` counts how often each body was asked for. A number in `late` has its header, but for so many more questions
    neither its body nor its receipts.
    """

    def __init__(
        self,
        chain_id: int,
        *,
        family: Family = "evm",
        name: str = "made",
        block_time_s: float = 12.0,
        transactions: int = 4,
        head: int = 0,
        big: frozenset[int] = frozenset(),
    ) -> None:
        self.chain_id = chain_id
        self.family = family
        self.asked: Counter[int] = Counter()
        self.late: dict[int, int] = {}
        self._name = name
        self._block_time_s = block_time_s
        self._transactions = transactions
        self._big = big
        self._numbers: dict[str, int] = {}
        self._head = -1
        self._grown = asyncio.Condition()
        self._advance(head + 1)

    async def grow(self, blocks: int = 1) -> None:
        """Let so many more blocks be there, and be announced."""
        async with self._grown:
            self._advance(blocks)
            self._grown.notify_all()

    async def head_number(self) -> int:
        return self._head

    async def heads(self) -> AsyncGenerator[int, None]:
        seen = self._head
        while True:
            async with self._grown:
                while seen == self._head:
                    await self._grown.wait()
            while seen < self._head:
                seen += 1
                yield seen

    async def block_json(self, number: int) -> bytes | None:
        self.asked[number] += 1
        if self.late.get(number, 0) > 0:
            self.late[number] -= 1
            return None
        return msgspec.json.encode(self._block(number)) if self._is_there(number) else None

    async def header_json(self, number: int) -> bytes | None:
        if not self._is_there(number):
            return None
        block = self._block(number)
        return msgspec.json.encode({key: block[key] for key in block if key not in ("transactions", "tx")})

    async def receipts_json(self, number: int) -> bytes | None:
        if self.late.get(number, 0) > 0 or not self._is_there(number):
            return b"null"
        return None if self.family == "utxo" else msgspec.json.encode(self._receipts(number))

    async def block_hash(self, number: int) -> str | None:
        return self._hash(number) if self._is_there(number) else None

    async def number_by_hash(self, hash: str) -> int | None:  # noqa: A002 (the protocol's parameter)
        return self._numbers.get(hash)

    def _advance(self, blocks: int) -> None:
        for number in range(self._head + 1, self._head + blocks + 1):
            self._numbers[self._hash(number)] = number
        self._head += blocks

    def _is_there(self, number: int) -> bool:
        return 0 <= number <= self._head

    def _hash(self, number: int, transaction: str = "") -> str:
        digits = hashlib.sha256(f"{self._name} {number} {transaction}".encode()).hexdigest()
        return digits if self.family == "utxo" else f"0x{digits}"

    def _time(self, number: int) -> int:
        return START + int(number * self._block_time_s)

    def _block(self, number: int) -> dict[str, Any]:
        return self._utxo_block(number) if self.family == "utxo" else self._evm_block(number)

    def _evm_block(self, number: int) -> dict[str, Any]:
        chance = random.Random(f"{self._name} {number}")
        block_hash = self._hash(number)
        transactions = []
        for index in range(self._transactions):
            asks_token = chance.random() < 0.5
            text = "a9059cbb" if asks_token else ""
            if number in self._big and index == 0:
                text = "ff" * 600_000
            transactions.append(
                {
                    "hash": self._hash(number, str(index)),
                    "blockHash": block_hash,
                    "blockNumber": hex(number),
                    "transactionIndex": hex(index),
                    "nonce": hex(number),
                    "from": f"0x{chance.randrange(50):040x}",
                    "to": _TOKEN if asks_token else f"0x{chance.randrange(50):040x}",
                    "value": hex(chance.choice([0, chance.randrange(10**18), chance.randrange(10**24)])),
                    "gasPrice": hex(10**9 + chance.randrange(10**9)),
                    "type": "0x2",
                    "input": f"0x{text}",
                }
            )
        return {
            "number": hex(number),
            "hash": block_hash,
            "parentHash": self._hash(number - 1),
            "timestamp": hex(self._time(number)),
            "gasUsed": hex(21_000 * self._transactions),
            "gasLimit": hex(30_000_000),
            "baseFeePerGas": "0x7",
            "size": hex(500),
            "extraData": "0x",
            "logsBloom": f"0x{'00' * 256}",  # by this web3.py knows a head from other announcements
            "transactions": transactions,
        }

    def _receipts(self, number: int) -> list[dict[str, Any]]:
        chance = random.Random(f"receipts of {self._name} {number}")
        receipts = []
        for transaction in self._evm_block(number)["transactions"]:
            asks_token = transaction["to"] == _TOKEN
            log = {
                "address": _TOKEN,
                "topics": [_TRANSFER, *(f"0x{chance.randrange(50):064x}" for _ in range(2))],
                "data": f"0x{chance.randrange(10**30):064x}",
                "logIndex": transaction["transactionIndex"],
            }
            receipts.append(
                {
                    "transactionHash": transaction["hash"],
                    "blockHash": transaction["blockHash"],
                    "status": "0x1" if asks_token or chance.random() < 0.9 else "0x0",
                    "gasUsed": "0x5208",
                    "effectiveGasPrice": transaction["gasPrice"],
                    "logs": [log] if asks_token else [],
                }
            )
        return receipts

    def _utxo_block(self, number: int) -> dict[str, Any]:
        chance = random.Random(f"{self._name} {number}")
        coinbase = {
            "txid": self._hash(number, "coinbase"),
            "vsize": 120,
            "vin": [{"coinbase": "51"}],
            "vout": [_output(chance, 312_500_000)],
        }
        payments = [
            {
                "txid": self._hash(number, str(index)),
                "vsize": 200,
                "vin": [{"prevout": _output(chance, 900_000)}],
                "vout": [_output(chance, chance.randrange(1, 600_000)), _output(chance, 200_000)],
            }
            for index in range(self._transactions)
        ]
        return {
            "hash": self._hash(number),
            "height": number,
            "time": self._time(number),
            "mediantime": self._time(max(number - 5, 0)),
            **({"previousblockhash": self._hash(number - 1)} if number else {}),
            "size": 1_000,
            "tx": [coinbase, *payments],
        }


def _output(chance: random.Random, satoshi: int) -> dict[str, Any]:
    address = f"bcrt1q{chance.randrange(50)}"
    return {"value": satoshi / 10**8, "scriptPubKey": {"hex": address.encode().hex(), "address": address}}
