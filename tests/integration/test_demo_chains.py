"""The simulated chains served by the node, as txhub's own source and as web3.py see them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from web3 import AsyncHTTPProvider, AsyncWeb3

from txhub.chain.demo.network import DEMO_CHAINS, DemoNetwork
from txhub.chain.demo.node import serve
from txhub.chain.evm import EvmSource
from txhub.model import Block, Chain

NOW = datetime(2026, 11, 23, 18, tzinfo=UTC)
EVM = [chain for chain in DEMO_CHAINS if chain.family == "evm"]


@pytest.fixture
async def url() -> AsyncIterator[str]:
    """The base URL of a node that serves all three chains, its clock stopped."""
    networks = {chain.name: DemoNetwork(chain, clock=NOW.timestamp) for chain in DEMO_CHAINS}
    async with serve(networks) as base:
        yield base


@pytest.mark.parametrize("chain", EVM, ids=lambda chain: chain.name)
@pytest.mark.parametrize("scheme", ["http", "ws"])
async def test_the_source_reads_what_was_drawn(url: str, chain: Chain, scheme: str) -> None:
    network = DemoNetwork(chain, clock=NOW.timestamp)
    source = EvmSource(replace(chain, endpoints=(f"{url.replace('http', scheme, 1)}/{chain.name}",)))
    try:
        await source.check()
        head = await source.head()
        numbers = range(head.number - 9, head.number + 1)
        blocks = [block for block in await source.blocks(numbers) if isinstance(block, Block)]
        assert [block.tx_count for block in blocks] == [network.count(number) for number in numbers]
        assert blocks[-1].hash == head.hash
        assert await source.block_by_hash(head.hash, head.number) == blocks[-1]
        assert await source.number_at(blocks[3].time) == blocks[3].number
    finally:
        await source.close()


@pytest.mark.parametrize("chain", EVM, ids=lambda chain: chain.name)
async def test_tokens_say_their_symbol_and_decimals(url: str, chain: Chain) -> None:
    population = DemoNetwork(chain, clock=NOW.timestamp).labels()
    named = {label.name: bytes.fromhex(label.address[2:]) for label in population if label.category == "token"}
    source = EvmSource(replace(chain, endpoints=(f"{url}/{chain.name}",)))
    try:
        assert await source.token(named["Demo Dollar"]) == ("DUSD", chain.decimals)
        assert await source.token(named["Wrapped Demo Coin"]) == ("WDEMO", chain.decimals)
        assert await source.token(b"\x11" * 20) == (None, None)
    finally:
        await source.close()


@pytest.mark.parametrize("chain", EVM, ids=lambda chain: chain.name)
async def test_web3_formats_blocks_and_receipts(url: str, chain: Chain) -> None:
    web3 = AsyncWeb3(AsyncHTTPProvider(f"{url}/{chain.name}"))
    network = DemoNetwork(chain, clock=NOW.timestamp)
    types = set()
    try:
        assert await web3.eth.chain_id == chain.chain_id
        head = await web3.eth.block_number
        for number in range(head - 40, head + 1):
            block = await web3.eth.get_block(number, full_transactions=True)
            receipts = await web3.eth.get_block_receipts(number)
            assert block["timestamp"] == network.time(number)
            assert len(block["transactions"]) == len(receipts) == network.count(number)
            for transaction, receipt in zip(block["transactions"], receipts, strict=True):
                assert transaction["hash"] == receipt["transactionHash"]
                assert transaction["chainId"] == chain.chain_id
                assert transaction["gasPrice"] >= block["baseFeePerGas"]
                assert transaction["gas"] >= receipt["gasUsed"] >= 21_000
                types.add(transaction["type"])
    finally:
        await web3.provider.disconnect()
    assert {0, 2} <= types
