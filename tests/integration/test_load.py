"""Answers that are shared and kept for a moment, in a real server: live, and the same as any others."""

from __future__ import annotations

from tests.asking import asking, served
from tests.blocks import ETHEREUM, make_block
from txhub.cli.bench_load import put, report
from txhub.client import AsyncClient
from txhub.store.ledger import Ledger
from txhub.store.pool import open_pool


async def test_what_was_announced_is_in_every_answer(database: str) -> None:
    """A client that asks as soon as the stream tells it of a block sees that block, however often it has just asked."""
    async with (
        open_pool(database, name="test") as pool,
        served(database, keep_s=60.0) as address,
        AsyncClient(address) as client,
    ):
        ledger = Ledger(pool, ETHEREUM)
        await ledger.register()
        await ledger.commit([make_block(0)])
        number = 0
        async for event in client.stream(last_id=0):
            if event.event == "health":
                continue
            page = await client.transactions(limit=1)
            assert page.items[0].block_number == number == event.id - 1
            assert [chain.last_block for chain in await client.chains()] == [number]
            assert await client.transactions(limit=1) == page
            own = await client.transactions(limit=1, chain="ethereum")
            assert own.items == page.items
            if number == 20:
                break
            number += 1
            await ledger.commit([make_block(number)])


async def test_load_of_many_dashboards_is_answered_without_an_error(sample: str) -> None:
    async with served(sample, keep_s=1.0) as address:
        found = await put(address, connections=8, seconds=1.0)
    assert found.errors == {}
    assert found.requests > 8
    assert {"chains", "rate, 24h", "large transactions, 24h"} & found.taken.keys()
    assert report(found).row_count == len(found.taken) + 1


async def test_shared_answers_differ_by_what_is_accepted(sample: str) -> None:
    async with asking(sample) as client:
        client.headers["accept-encoding"] = "identity"
        as_json = await client.get("/v1/chains", headers={"accept": "application/json"})
        as_csv = await client.get("/v1/chains", headers={"accept": "text/csv"})
        same = await client.get("/v1/chains", headers={"if-none-match": as_json.headers["etag"]})
    assert as_json.headers["content-type"] == "application/json"
    assert as_csv.headers["content-type"].startswith("text/csv")
    assert same.status_code == 304
