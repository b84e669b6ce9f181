"""Token contracts are asked once, the busiest first, and what they do not say stays unknown."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from tests.blocks import ETHEREUM, START, make_blocks
from txhub.chain.jsonrpc import MethodMissing
from txhub.errors import NodeUnavailable
from txhub.ingest import tokens
from txhub.ingest.tokens import keep_looking, look_up_tokens
from txhub.store.ledger import Ledger
from txhub.store.pool import open_pool

BLOCKS = make_blocks(range(60))
LONG_AGO = START - timedelta(days=1)
TRANSFERS = Counter(transfer.token_address for block in BLOCKS for transfer in block.token_transfers)


class Contracts:
    """Answers for token contracts; token 3 says nothing of itself, and the node is lost after some answers."""

    chain = ETHEREUM

    def __init__(self, lost_after: int = 1000) -> None:
        self.asked: list[bytes] = []
        self._left = lost_after

    async def token(self, address: bytes) -> tuple[str | None, int | None]:
        self._left -= 1
        if self._left < 0:
            raise NodeUnavailable
        self.asked.append(address)
        return (None, None) if address[-1] == 3 else (f"T{address[-1]}", address[-1])


async def test_the_busiest_are_asked_first_and_nobody_twice(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "BATCH", 2)
    async with open_pool(database, name="test") as pool:
        ledger = Ledger(pool, ETHEREUM)
        await ledger.register()
        await ledger.commit(BLOCKS)
        contracts = Contracts()
        while await look_up_tokens(contracts, pool, LONG_AGO):
            pass
        ranked = sorted(TRANSFERS, key=lambda address: (-TRANSFERS[address], address))
        assert contracts.asked == ranked
        known = await pool.fetch("SELECT address, symbol, decimals FROM txhub.tokens WHERE chain_id = 1")
        assert {tuple(row) for row in known} == {
            (address, None, None) if address[-1] == 3 else (address, f"T{address[-1]}", address[-1])
            for address in TRANSFERS
        }
        named = await pool.fetch("SELECT DISTINCT token_symbol, token_decimals FROM txhub.token_1h")
        assert ("T1", 1) in {tuple(row) for row in named}


async def test_tokens_moved_before_are_left_for_another_time(database: str) -> None:
    async with open_pool(database, name="test") as pool:
        ledger = Ledger(pool, ETHEREUM)
        await ledger.register()
        await ledger.commit(BLOCKS)
        assert await look_up_tokens(Contracts(), pool, START + timedelta(days=1)) == 0


async def test_a_lost_node_loses_nothing(database: str) -> None:
    async with open_pool(database, name="test") as pool:
        ledger = Ledger(pool, ETHEREUM)
        await ledger.register()
        await ledger.commit(BLOCKS)
        with pytest.raises(NodeUnavailable):
            await look_up_tokens(Contracts(lost_after=2), pool, LONG_AGO)
        assert await look_up_tokens(Contracts(), pool, LONG_AGO) == len(TRANSFERS)


async def test_a_node_that_calls_no_contracts_is_told_of_once(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    looked = asyncio.Queue[bytes]()

    class Mute:
        chain = ETHEREUM

        async def token(self, address: bytes) -> tuple[str | None, int | None]:
            looked.put_nowait(address)
            raise MethodMissing("eth_call is not available")

    monkeypatch.setattr(tokens, "INTERVAL_S", 0.01)
    async with open_pool(database, name="test") as pool:
        ledger = Ledger(pool, ETHEREUM)
        await ledger.register()
        await ledger.commit(BLOCKS)
        monkeypatch.setattr(tokens, "RECENT", timedelta(days=20000))
        with capture_logs() as logs:
            looking = asyncio.create_task(keep_looking(Mute(), pool))
            for _ in range(3):
                await looked.get()
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)
    assert [line["event"] for line in logs] == ["tokens stay unnamed"]
