"""What operators and analysts are told: the story of reorgs, and the event log."""

from __future__ import annotations

import io
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from tests.asking import asking
from tests.blocks import BASE, ETHEREUM, make_blocks, make_branch
from txhub.client import AsyncClient
from txhub.contract import ReorgEvent
from txhub.model import Block
from txhub.store.ledger import Ledger
from txhub.store.pool import Pool, open_pool

LOSERS = make_blocks(range(10, 13), transactions=4)


def winners() -> list[Block]:
    """Another branch after block 9, whose block 11 has all but one transaction of the one that lost."""
    ten, eleven, twelve, thirteen = make_branch(range(10, 14), "b", fork=9, transactions=2)
    again = [row._replace(block_time=eleven.time) for row in LOSERS[1].transactions[1:]]
    return [ten, replace(eleven, transactions=again), twelve, thirteen]


@pytest.fixture
async def pool(database: str) -> AsyncIterator[Pool]:
    async with open_pool(database, name="test") as pool:
        for chain in (ETHEREUM, BASE):
            await Ledger(pool, chain).register()
        yield pool


async def test_a_reorg_tells_what_was_replaced_and_what_never_came_back(database: str, pool: Pool) -> None:
    ledger = Ledger(pool, ETHEREUM)
    await ledger.commit([*make_blocks(range(10), transactions=4), *LOSERS])
    await ledger.replace(9, winners())
    async with asking(database) as api:
        [reorg] = (await api.get("/v1/reorgs", params={"chain": "ethereum"})).json()["items"]
        story = (await api.get(f"/v1/reorgs/{reorg['id']}")).json()
        assert (await api.get("/v1/reorgs", params={"chain": "base"})).json() == {"items": [], "next": None}
        assert (await api.get("/v1/reorgs", params={"end": "-1m"})).json()["items"] == []
    detected = datetime.fromisoformat(reorg.pop("detected_at"))
    assert timedelta(0) <= datetime.now(UTC) - detected < timedelta(minutes=5)
    new = winners()
    assert reorg == {
        "id": story["reorg"]["id"],
        "chain": "ethereum",
        "ancestor": 9,
        "depth": 3,
        "from_number": 12,
        "from_hash": f"0x{LOSERS[-1].hash.hex()}",
        "from_tx_count": 12,
        "to_number": 13,
        "to_hash": f"0x{new[-1].hash.hex()}",
        "to_tx_count": 9,
        "gone_count": 9,
    }
    assert [block["number"] for block in story["blocks"]] == [10, 11, 12]
    assert [block["hash"] for block in story["blocks"]] == [f"0x{block.hash.hex()}" for block in LOSERS]
    assert [block["now_hash"] for block in story["blocks"]] == [f"0x{block.hash.hex()}" for block in new[:3]]
    back = {row.hash for row in new[1].transactions}
    gone = [row for block in LOSERS for row in block.transactions if row.hash not in back]
    assert [each["hash"] for each in story["gone"]] == [f"0x{row.hash.hex()}" for row in gone]
    assert [int(float(each["value"]) * 10**6) for each in story["gone"]] == [int(row.value / 10**12) for row in gone]


async def test_the_stream_tells_of_a_reorg_in_its_own_type(database: str, pool: Pool) -> None:
    ledger = Ledger(pool, ETHEREUM)
    await ledger.commit([*make_blocks(range(10), transactions=4), *LOSERS])
    new = winners()
    await ledger.replace(9, new)
    row = await pool.fetchrow("SELECT id, data FROM txhub.stream_events WHERE event = 'reorg'")
    assert row is not None
    async with asking(database) as api, AsyncClient("http://txhub") as client:
        client._http = api
        story = await client.reorg((await client.reorgs()).items[0].id)
    assert story.reorg.depth == 3
    told = json.loads(row["data"])
    event = ReorgEvent(**{**told, **{name: datetime.fromisoformat(told[name]) for name in ("start", "end")}})
    assert (event.ancestor, event.to_number, event.start, event.end) == (9, 13, LOSERS[0].time, new[-1].time)


async def test_pages_of_events_are_whole_whatever_is_written_meanwhile(database: str, pool: Pool) -> None:
    ethereum, base = Ledger(pool, ETHEREUM), Ledger(pool, BASE)
    for number in range(12):
        await ethereum.record("info", "ingest", "endpoint_changed", number=number)
        await base.record("warning" if number % 2 else "error", "worker", "block_refused", number=number)
    seen: list[tuple[str, int]] = []
    async with asking(database) as api:
        path: str | None = "/v1/events?limit=5"
        while path:
            response = await api.get(path)
            seen += [(item["chain"], item["details"]["number"]) for item in response.json()["items"]]
            path = response.links["next"]["url"] if "next" in response.links else None
            await base.record("info", "worker", "later", number=-1)
        expected = [(chain, number) for number in reversed(range(12)) for chain in ("base", "ethereum")]
        assert seen == expected
        question = {"chain": "base", "level": "warning", "component": "worker,ingest", "event": "block_refused"}
        found = (await api.get("/v1/events", params=question)).json()["items"]
        assert [item["details"]["number"] for item in found] == [11, 9, 7, 5, 3, 1]
        assert (await api.get("/v1/events", params={**question, "component": "archive"})).json()["items"] == []
        for name, text in ((name, text) for name in ("component", "event") for text in ("\x00", "' OR ''='", "Worker")):
            response = await api.get("/v1/events", params={name: text})
            assert (response.status_code, response.json()["detail"][: len(name)]) == (400, name)
        answers = {
            name: (await api.get("/v1/events", params={"format": name})).content for name in ("csv", "arrow", "parquet")
        }
    arrow = pl.read_ipc_stream(answers["arrow"])
    assert arrow.equals(pl.read_parquet(io.BytesIO(answers["parquet"])))
    assert arrow["details"].to_list() == pl.read_csv(answers["csv"])["details"].to_list()
