"""Which transactions of a chain are stored: what its `keep` filter leaves out is counted, and nothing else of it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from datetime import datetime

from txhub.chain.source import Notify, Source
from txhub.errors import BadBlock
from txhub.model import Block, Chain, Head, Keep


def kept(block: Block, keep: Keep, decimals: int) -> Block:
    """The block with only what is kept: its transactions of the kinds wanted, from the least value on.

    What goes with a dropped transaction (token transfers, outputs) is dropped too. `tx_count` stays the chain's.
    """
    least = keep.least_value.scaleb(decimals)
    rows = [row for row in block.transactions if (keep.kinds is None or row.kind in keep.kinds) and row.value >= least]
    if len(rows) == len(block.transactions):
        return block
    indexes = {row.tx_index for row in rows}
    return replace(
        block,
        transactions=rows,
        dropped_count=block.dropped_count + len(block.transactions) - len(rows),
        token_transfers=[row for row in block.token_transfers if row.tx_index in indexes],
        utxo_io=[row for row in block.utxo_io if row.tx_index in indexes],
    )


def keeping(source: Source) -> Source:
    """The same source, its blocks filtered as its chain wants; itself where everything is kept."""
    return source if source.chain.keep is None else _Keeping(source, source.chain.keep)


class _Keeping:
    """A source whose blocks hold only what is kept."""

    def __init__(self, source: Source, keep: Keep) -> None:
        self.chain: Chain = source.chain
        self._source = source
        self._keep = keep

    @property
    def notify(self) -> Notify:
        """Who is told what happens to the nodes."""
        return self._source.notify

    @notify.setter
    def notify(self, notify: Notify) -> None:
        self._source.notify = notify

    async def check(self) -> None:
        await self._source.check()

    async def head(self) -> Head:
        return await self._source.head()

    def heads(self) -> AsyncGenerator[Head, None]:
        return self._source.heads()

    async def blocks(self, numbers: Sequence[int]) -> list[Block | BadBlock]:
        answer = await self._source.blocks(numbers)
        return [block if isinstance(block, BadBlock) else self._kept(block) for block in answer]

    async def block_by_hash(self, hash: bytes, number: int) -> Block:  # noqa: A002 (the field's word)
        return self._kept(await self._source.block_by_hash(hash, number))

    async def number_at(self, time: datetime) -> int:
        return await self._source.number_at(time)

    async def close(self) -> None:
        await self._source.close()

    def _kept(self, block: Block) -> Block:
        return kept(block, self._keep, self.chain.decimals)
