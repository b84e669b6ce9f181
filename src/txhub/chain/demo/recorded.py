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
_SLOT = re.compile(
    rb'"(hash|blockHash|transactionHash|parentHash|number|blockNumber|timestamp|blockTimestamp)":"(0x[0-9a-f]+)"'
)


Tree = dict[str, Any]


class Recorded:
    """Serves an EVM chain's consecutive blocks from a `.jsonl.gz` file, one block a line.

    Args:
        path: the recording.
        chain_id: the chain it was taken from.
        repeat: how often the recording is served, one after the other: numbers, links and times go on, and
            blocks and transactions have other hashes each time. Everything else repeats.
        hidden: so many of the last blocks are not there yet, until `reveal`.
        receipts: a folder with the receipts of some of the blocks, each `NUMBER.receipts.json.gz`. Then only these
            blocks are served, as a chain of their own: the first keeps its number, the others follow it one by one,
            and each names the one before as its parent.

    Raises:
        UsageError: the file is not a recording of consecutive blocks, or the folder has no receipts of theirs.
    """

    family: Family = "evm"

    def __init__(
        self, path: Path, *, chain_id: int = 1, repeat: int = 1, hidden: int = 0, receipts: Path | None = None
    ) -> None:
        self.chain_id = chain_id
        trees = _read(path)
        self._receipts: list[_Template] | None = None
        if receipts is not None:
            pairs = _linked(_with_receipts(trees, receipts))
            trees = [tree for tree, _ in pairs]
            self._receipts = [_Template(said) for _, said in pairs]
        self._hashes: list[bytes] = [tree["hash"].encode() for tree in trees]
        self._templates = [_Template(tree) for tree in trees]
        self._headers = [
            _Template({key: value for key, value in tree.items() if key != "transactions"}) for tree in trees
        ]
        self._position = {block_hash[2 + _TAG_DIGITS :]: at for at, block_hash in enumerate(self._hashes)}
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
        """Return a block's receipts, or None where the recording has none."""
        return None if self._receipts is None else self._render(self._receipts, number)

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
        lap = 0 if text == self._hashes[at] else int(text[2 : 2 + _TAG_DIGITS], 16)
        number = self._first + lap * len(self._templates) + at
        return number if await self.block_hash(number) == hash else None

    def _hash(self, lap: int, at: int) -> bytes:
        recorded = self._hashes[at]
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
    """A recorded answer's JSON, and the same with slots for what differs each time it is served."""

    def __init__(self, tree: Tree | list[Tree]) -> None:
        self.recorded: bytes = msgspec.json.encode(tree)
        self.text = _SLOT.sub(_slot, self.recorded.replace(b"%", b"%%"))


def _slot(match: re.Match[bytes]) -> bytes:
    key, value = match.groups()
    if key in {b"hash", b"blockHash", b"transactionHash"}:
        slot = b"0x%(tag)b" + value[2 + _TAG_DIGITS :]
    elif key == b"parentHash":
        slot = b"%(parent)b"
    else:
        slot = b"%(time)b" if key.lower().endswith(b"timestamp") else b"%(number)b"
    return b'"%b":"%b"' % (key, slot)


def _read(path: Path) -> list[Tree]:
    try:
        with gzip.open(path) as lines:
            trees = [msgspec.json.decode(line) for line in lines]
        numbers = [int(tree["number"], 16) for tree in trees]
    except (OSError, EOFError, zlib.error, msgspec.DecodeError, KeyError, TypeError, ValueError) as fault:
        raise UsageError(f"{path} is not a recording of blocks: {fault}") from None
    if not numbers or numbers != list(range(numbers[0], numbers[0] + len(numbers))):
        raise UsageError(f"{path} is not a recording of consecutive blocks")
    return trees


def _with_receipts(trees: list[Tree], folder: Path) -> list[tuple[Tree, list[Tree]]]:
    """Return the blocks of which there are receipts, with them."""
    pairs = []
    for tree in trees:
        path = folder / f"{int(tree['number'], 16)}.receipts.json.gz"
        if path.is_file():
            try:
                pairs.append((tree, msgspec.json.decode(gzip.decompress(path.read_bytes()), type=list[Tree])))
            except (OSError, EOFError, zlib.error, msgspec.DecodeError) as fault:
                raise UsageError(f"{path} is not a recording of receipts: {fault}") from None
    if not pairs:
        raise UsageError(f"{folder} has no receipts of these blocks", hint="name them NUMBER.receipts.json.gz")
    return pairs


def _linked(pairs: list[tuple[Tree, list[Tree]]]) -> list[tuple[Tree, list[Tree]]]:
    """Make blocks that do not follow one another a chain; receipts and logs name their block's number as well."""
    first = int(pairs[0][0]["number"], 16)
    parent: str = pairs[0][0]["parentHash"]
    for at, (tree, receipts) in enumerate(pairs):
        tree |= {"number": hex(first + at), "parentHash": parent}
        parent = tree["hash"]
        for part in (*tree["transactions"], *receipts, *(log for receipt in receipts for log in receipt["logs"])):
            part["blockNumber"] = hex(first + at)
    return pairs
