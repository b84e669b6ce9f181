"""Where faults are played: a network, its node, what goes wrong between, and the ingester that follows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import count
from typing import Any

import psycopg
import pytest

from tests.blocks import ETHEREUM
from tests.faults.faulty_node import FaultyNode, serve_faulty
from tests.faults.made_network import MadeNetwork
from txhub.chain.demo.node import serve
from txhub.chain.demo.proxy import Proxy, open_proxy
from txhub.chain.evm import EvmSource
from txhub.cli import ingest
from txhub.cli.ingest import follow_all
from txhub.config import Settings
from txhub.ingest import follow, supervisor
from txhub.model import Chain

TOTAL = 100
"""Blocks of the network when all is over."""
SILENT_S, TIMEOUT_S = 0.4, 1.0
"""When the watchdog asks why, and how long an answer may take: short, so that a case takes seconds."""
SETTINGS = Settings(history=timedelta(days=36_500), request_blocks=5, parallel_requests=3)
_PATIENCE_S = 60

Contents = dict[str, list[tuple[Any, ...]]]

_chain_ids = count(1_000)
_QUESTIONS = {
    "ledger": """
        SELECT count(*), min(number), max(number), sum(tx_count), sum(gas_used),
               md5(string_agg(b::text, ' ' ORDER BY number))
        FROM (
            SELECT number, hash, parent_hash, time, tx_count, dropped_count, gas_used, gas_limit, base_fee, size
            FROM txhub.blocks WHERE chain_id = %(chain)s
        ) AS b
    """,
    "transactions": """
        SELECT count(*), count(DISTINCT hash), sum(value), sum(fee), sum(gas_used),
               md5(string_agg(t::text, ' ' ORDER BY block_number, tx_index))
        FROM (
            SELECT block_number, block_time, tx_index, hash, from_address, to_address, value, fee, gas_used, gas_price,
                   tx_type, kind, method_id, input_size, nonce, success
            FROM txhub.transactions WHERE chain_id = %(chain)s
        ) AS t
    """,
    "token_transfers": """
        SELECT count(*), sum(amount), md5(string_agg(t::text, ' ' ORDER BY block_number, tx_index, log_index))
        FROM (
            SELECT block_number, block_time, tx_index, log_index, token_address, standard, from_address, to_address,
                   token_id, amount
            FROM txhub.token_transfers WHERE chain_id = %(chain)s
        ) AS t
    """,
    **{
        view: f"""
            SELECT bucket, {kind} tx_count, status_known_count, failed_count, value_sum, value_max, fee_sum, gas_used
            FROM txhub.{view} WHERE chain_id = %(chain)s ORDER BY bucket, {kind} tx_count
        """
        for view, kind in (("tx_1m", "kind,"), ("tx_1h", "kind,"), ("tx_1d", "kind,"), ("chain_1m", ""))
    },
    "told": """
        SELECT sum((data ->> 'tx_count')::int) FROM txhub.stream_events
        WHERE chain_id = %(chain)s AND event IN ('block', 'backfill')
    """,
    "orphans": "SELECT count(*) FROM txhub.orphans WHERE chain_id = %(chain)s",
}


def contents(database: str, chain_id: int) -> Contents:
    """All that the database holds of a chain, but for its id: ledger, rows, rollups, and what the stream was told."""
    with psycopg.connect(database, options="-c timezone=UTC") as connection:
        return {name: connection.execute(text, {"chain": chain_id}).fetchall() for name, text in _QUESTIONS.items()}


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let whatever waits in an ingester wait shortly."""
    monkeypatch.setattr(ingest, "open_source", lambda chain: EvmSource(chain, silent_s=SILENT_S, timeout_s=TIMEOUT_S))
    monkeypatch.setattr(supervisor, "FIRST_DELAY", 0.05)
    monkeypatch.setattr(supervisor, "LONGEST_DELAY", 0.4)
    monkeypatch.setattr(follow, "REPAIR_INTERVAL", 0.5)


@dataclass
class Stage:
    """An ingester that follows a network, with a proxy and a faulty node in its way."""

    database: str
    chain: Chain
    network: MadeNetwork
    node: FaultyNode
    proxy: Proxy
    ingester: asyncio.Task[None]

    async def grow(self, blocks: int, pause_s: float = 0.01) -> None:
        """Let the network have so many more blocks, one after the other."""
        for _ in range(blocks):
            await self.network.grow()
            await asyncio.sleep(pause_s)

    async def committed(self, blocks: int) -> None:
        """Wait until the ledger holds so many blocks; an ingester that has ended raises its error."""
        await self.until(lambda found: found >= blocks, "SELECT count(*) FROM txhub.blocks WHERE chain_id = %s")

    async def caught_up(self) -> None:
        """Wait until the ledger holds all that the network has."""
        await self.committed(await self.network.head_number() + 1)

    async def until(self, condition: Callable[[Any], bool], question: str) -> None:
        """Wait until the answer to a question about the chain fulfils a condition."""
        answer = None
        with suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE_S):
                async with await psycopg.AsyncConnection.connect(self.database, autocommit=True) as connection:
                    while not condition(answer := await self._answer(connection, question)):
                        if self.ingester.done():
                            self.ingester.result()
                        await asyncio.sleep(0.02)
                return
        pytest.fail(f"{' '.join(question.split())}: {answer} after {_PATIENCE_S} s")

    async def _answer(self, connection: psycopg.AsyncConnection, question: str) -> Any:
        row = await (await connection.execute(question, (self.chain.chain_id,))).fetchone()
        return row and row[0]


@asynccontextmanager
async def open_stage(
    database: str,
    *,
    ingester_database: str | None = None,
    second_node: MadeNetwork | None = None,
    head: int = 9,
    settings: Settings = SETTINGS,
    **network: Any,
) -> AsyncIterator[Stage]:
    """A stage of a chain of its own. Its ingester may reach the database by another URL, and know a second node."""
    chain_id = next(_chain_ids)
    made = MadeNetwork(chain_id, head=head, **network)
    nodes = {"node": made}
    if second_node is not None:
        second_node.chain_id = chain_id
        nodes["second"] = second_node
    async with (
        serve(nodes) as url,
        serve_faulty(f"{url}/node") as node,
        open_proxy(int(node.url.rstrip("/").rpartition(":")[2])) as proxy,
    ):
        endpoints = [f"ws://127.0.0.1:{proxy.port}/", *([f"ws{url[4:]}/second"] if second_node else [])]
        chain = replace(ETHEREUM, chain_id=chain_id, name=f"chain {chain_id}", endpoints=tuple(endpoints))
        ingester = asyncio.create_task(follow_all(ingester_database or database, settings, [chain]))
        try:
            yield Stage(database, chain, made, node, proxy, ingester)
        finally:
            ingester.cancel()
            await asyncio.wait([ingester])


async def play(database: str, fault: Callable[[Stage], Any] | None = None, **stage_options: Any) -> Contents:
    """What an ingester makes of the network's blocks while a fault is played, until it has all of them."""
    async with open_stage(database, **stage_options) as stage:
        await stage.caught_up()
        await stage.grow(10)
        await stage.caught_up()
        if fault is not None:
            await fault(stage)
        await stage.grow(TOTAL - 1 - await stage.network.head_number())
        await stage.caught_up()
        return contents(database, stage.chain.chain_id)
