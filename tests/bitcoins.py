"""Recorded Bitcoin blocks, and a network of them for the node to serve."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncGenerator
from typing import Any

from tests.data import recorded
from txhub.model import Family

EARLY = "bitcoin/mainnet_0-438.jsonl.gz"
"""The first 439 blocks, without previous outputs and addresses."""


def early_blocks() -> list[bytes]:
    """The first 439 blocks as JSON text."""
    with gzip.open(recorded(EARLY)) as lines:
        return list(lines)


def block_text(height: int) -> bytes:
    """One of the later blocks (361582 or 739990), with previous outputs, as JSON text."""
    with gzip.open(recorded(f"bitcoin/{height}.json.gz")) as text:
        return text.read()


class RecordedBitcoin:
    """A network of blocks as they are written; `grow` adds hidden ones to it."""

    family: Family = "utxo"
    chain_id = 0

    def __init__(self, texts: list[bytes], hidden: int = 0) -> None:
        self._texts = {(block := json.loads(text))["height"]: (block["hash"], text) for text in texts}
        self._head = max(self._texts) - hidden

    def grow(self) -> None:
        """Let the next hidden block become the head."""
        self._head += 1

    def spoil(self, number: int, **changes: Any) -> None:
        """Change fields of a block."""
        block_hash, text = self._texts[number]
        self._texts[number] = block_hash, json.dumps(json.loads(text) | changes).encode()

    async def head_number(self) -> int:
        return self._head

    async def block_json(self, number: int) -> bytes | None:
        return self._texts[number][1] if number in self._texts and number <= self._head else None

    async def header_json(self, number: int) -> bytes | None:
        text = await self.block_json(number)
        return text and json.dumps({key: value for key, value in json.loads(text).items() if key != "tx"}).encode()

    async def receipts_json(self, number: int) -> bytes | None:
        return None

    async def block_hash(self, number: int) -> str | None:
        return self._texts[number][0] if number in self._texts and number <= self._head else None

    async def number_by_hash(self, hash: str) -> int | None:  # noqa: A002 (the protocol's parameter)
        return next((n for n, (own, _) in self._texts.items() if own == hash and n <= self._head), None)

    async def heads(self) -> AsyncGenerator[int, None]:
        await asyncio.Event().wait()
        yield 0
