"""A node for any network: JSON-RPC over HTTP and WebSocket, as Ethereum's and Bitcoin's nodes speak it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Protocol

from txhub.model import Family


class Network(Protocol):
    """What a node serves. Blocks come as JSON text that is ready to be sent.

    Hashes are lower-case hex text, with `0x` on an EVM network and without on a Bitcoin-like one.
    """

    chain_id: int
    family: Family

    async def head_number(self) -> int:
        """Return the number of the newest block."""
        ...

    async def block_json(self, number: int) -> bytes | None:
        """Return a block with its whole transactions, or None past the head.

        EVM: the result of `eth_getBlockByNumber(number, true)`. Bitcoin: of `getblock(hash, 3)`.
        """
        ...

    async def header_json(self, number: int) -> bytes | None:
        """Return a block without transactions (Bitcoin: `getblockheader`), or None past the head."""
        ...

    async def receipts_json(self, number: int) -> bytes | None:
        """Return the result of `eth_getBlockReceipts`, or None where there are no receipts."""
        ...

    async def block_hash(self, number: int) -> str | None:
        """Return a block's hash, or None past the head."""
        ...

    async def number_by_hash(self, hash: str) -> int | None:  # noqa: A002 (the field's word)
        """Return the number of the block with this hash, or None if there is none (any more)."""
        ...

    def heads(self) -> AsyncGenerator[int, None]:
        """Yield the number of each block that becomes the head from now on; it ends when the network does."""
        ...
