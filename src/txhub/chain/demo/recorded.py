"""A network of recorded blocks, as real as they were, and as long as a measurement needs it to be."""

from __future__ import annotations

import asyncio
import gzip
import re
import zlib
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import msgspec

from txhub.errors import UsageError
from txhub.model import Family

_TAG_DIGITS = 8
"""So many hex digits of every hash are replaced to tell one repetition of the recording from another."""
_SLOT = re.compile(rb'"(hash|blockHash|parentHash|number|blockNumber|timestamp|blockTimestamp)":"(0x[0-9a-f]+)"')


class Recorded:
    """Serves an EVM chain's consecutive blocks from a `.jsonl.gz` file, one block a line.

    Args:
        path: the recording.
        chain_id: the chain it was taken from.
        repeat: how often the recording is served, one after the other: numbers, links and times go on, and
            blocks and transactions have other hashes each time. Everything else repeats.
        hidden: so many of the last blocks are not there yet, until `reveal`.

    Raises:
        UsageError: the file is not a recording of consecutive blocks.
    """

    family: Family = "evm"

    def __init__(self, path: Path, *, chain_id: int = 1, repeat: int = 1, hidden: int = 0) -> None:
        self.chain_id = chain_id
        trees = _read(path)
        self._templates = [_Template(tree) for tree in trees]
        self._headers = [
            _Template({key: value for key, value in tree.items() if key != "transactions"}) for tree in trees
        ]
        self._position = {template.hash[2 + _TAG_DIGITS :]: at for at, template in enumerate(self._templates)}
        times = [int(tree["timestamp"], 16) for tree in trees]
        pause = (times[-1] - times[0]) // max(len(times) - 1, 1) or 1
        self._times = times
        self._period = times[-1] - times[0] + pause
        self._first = int(trees[0]["number"], 16)
        self._last = self._first + len(trees) * repeat - 1
        self._head = self._last - hidden
        self._announced = asyncio.Condition()

    @property
    def first_number(self) -> int:
        """The number of the oldest block."""
        return self._first

    async def reveal(self, blocks: int = 1) -> None:
        """Let so many of the hidden blocks become the head, one after the other."""
        async with self._announced:
            self._head = min(self._head + blocks, self._last)
            self._announced.notify_all()

    async def heads(self) -> AsyncGenerator[int, None]:
        """Yield the number of each block that is revealed from now on; a recording never ends."""
        seen = self._head
        while True:
            async with self._announced:
                while seen == self._head:
                    await self._announced.wait()
            while seen < self._head:
                seen += 1
                yield seen

    async def head_number(self) -> int:
        """Return the number of the newest block."""
        return self._head

    async def block_json(self, number: int) -> bytes | None:
        """Return a block with its whole transactions."""
        return self._render(self._templates, number)

    async def header_json(self, number: int) -> bytes | None:
        """Return a block without its transactions."""
        return self._render(self._headers, number)

    async def receipts_json(self, number: int) -> bytes | None:
        """Return None: receipts are not part of a recording."""
        return None

    async def block_hash(self, number: int) -> str | None:
        """Return a block's hash."""
        if not self._first <= number <= self._head:
            return None
        return self._hash(*divmod(number - self._first, len(self._templates))).decode()

    async def number_by_hash(self, hash: str) -> int | None:  # noqa: A002 (the protocol's parameter)
        """Return the number of the block with this hash."""
        text = hash.encode()
        at = self._position.get(text[2 + _TAG_DIGITS :])
        if at is None:
            return None
        lap = 0 if text == self._templates[at].hash else int(text[2 : 2 + _TAG_DIGITS], 16)
        number = self._first + lap * len(self._templates) + at
        return number if await self.block_hash(number) == hash else None

    def _hash(self, lap: int, at: int) -> bytes:
        recorded = self._templates[at].hash
        return recorded if lap == 0 else b"0x%0*x" % (_TAG_DIGITS, lap) + recorded[2 + _TAG_DIGITS :]

    def _render(self, templates: list[_Template], number: int) -> bytes | None:
        if not self._first <= number <= self._head:
            return None
        lap, at = divmod(number - self._first, len(templates))
        if lap == 0:
            return templates[at].recorded
        return templates[at].text % {
            b"tag": b"%0*x" % (_TAG_DIGITS, lap),
            b"parent": self._hash(lap, at - 1) if at else self._hash(lap - 1, len(templates) - 1),
            b"number": b"%#x" % number,
            b"time": b"%#x" % (self._times[at] + lap * self._period),
        }


class _Template:
    """A recorded block's JSON, and the same with slots for what differs each time it is served."""

    def __init__(self, tree: dict[str, Any]) -> None:
        self.hash: bytes = tree["hash"].encode()
        self.recorded: bytes = msgspec.json.encode(tree)
        self.text = _SLOT.sub(_slot, self.recorded.replace(b"%", b"%%"))


def _slot(match: re.Match[bytes]) -> bytes:
    key, value = match.groups()
    if key in {b"hash", b"blockHash"}:
        slot = b"0x%(tag)b" + value[2 + _TAG_DIGITS :]
    elif key == b"parentHash":
        slot = b"%(parent)b"
    else:
        slot = b"%(time)b" if key.lower().endswith(b"timestamp") else b"%(number)b"
    return b'"%b":"%b"' % (key, slot)


def _read(path: Path) -> list[dict[str, Any]]:
    try:
        with gzip.open(path) as lines:
            trees = [msgspec.json.decode(line) for line in lines]
        numbers = [int(tree["number"], 16) for tree in trees]
    except (OSError, EOFError, zlib.error, msgspec.DecodeError, KeyError, TypeError, ValueError) as fault:
        raise UsageError(f"{path} is not a recording of blocks: {fault}") from None
    if not numbers or numbers != list(range(numbers[0], numbers[0] + len(numbers))):
        raise UsageError(f"{path} is not a recording of consecutive blocks")
    return trees
