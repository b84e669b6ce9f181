"""A demo chain's blocks as they are after decoding, made on the spot: no node, no waiting."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime

import msgspec

from txhub.chain.bitcoin_decode import RawBlock as RawBitcoinBlock
from txhub.chain.bitcoin_decode import decode_block as decode_bitcoin_block
from txhub.chain.decode import RawBlock, decode_block
from txhub.chain.demo.network import DemoNetwork
from txhub.chain.receipts import RawReceipt
from txhub.errors import BadBlock
from txhub.model import Block, Chain


async def decoded_blocks(network: DemoNetwork, chain: Chain, start: datetime, end: datetime) -> AsyncIterator[Block]:
    """The blocks with times in [start, end), with receipts where the chain has them, in order.

    Raises:
        BadBlock: the network's clock has not come so far.
    """
    number = max(0, int((start.timestamp() - network.time(0)) / chain.block_time_s) - 2)
    while network.time(number) < start.timestamp():
        number += 1
    while network.time(number) < end.timestamp():
        text = await network.block_json(number)
        if text is None:
            raise BadBlock(f"{chain.name} has no block {number} yet")
        if chain.family == "utxo":
            yield decode_bitcoin_block(chain, msgspec.json.decode(text, type=RawBitcoinBlock), number)
        else:
            said = msgspec.json.decode(await network.receipts_json(number) or b"[]", type=list[RawReceipt])
            yield decode_block(chain, msgspec.json.decode(text, type=RawBlock), number, said)
        number += 1
