"""From a node's JSON to rows."""

from __future__ import annotations

import msgspec
from pytest_benchmark.fixture import BenchmarkFixture

from tests.blocks import ETHEREUM
from txhub.chain.decode import RawBlock, decode_block
from txhub.model import Block

_DECODER = msgspec.json.Decoder(RawBlock)


def test_decode(benchmark: BenchmarkFixture, lines: list[bytes]) -> None:
    def decode() -> list[Block]:
        raw = map(_DECODER.decode, lines)
        return [decode_block(ETHEREUM, each, int(each.number, 16)) for each in raw]

    decoded = benchmark(decode)
    transactions = sum(len(block.transactions) for block in decoded)
    assert transactions == sum(len(msgspec.json.decode(line)["transactions"]) for line in lines)
    benchmark.extra_info |= {"what": "decode: a node's JSON to rows", "item": "transaction", "items": transactions}
