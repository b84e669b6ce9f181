"""Alerts over HTTP: found by every filter, page by page, worked on by whoever may, and told live."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import httpx
import polars as pl
import pytest

from tests.blocks import BITCOIN, ETHEREUM
from tests.conftest import open_database
from txhub.api.access import Admission
from txhub.api.app import create_app
from txhub.client import ApiError, AsyncClient
from txhub.client.wire import Events
from txhub.config import Settings
from txhub.contract import AlertEvent, Severity
from txhub.store.alerts import Finding, Party, Raiser, reconcile
from txhub.store.edition import Edition
from txhub.store.keys import Role, create_key
from txhub.store.ledger import Ledger
from txhub.store.pool import open_pool
from txhub.store.server import Server

NOW = datetime(2026, 3, 2, tzinfo=UTC)
START, END = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 1, 1, tzinfo=UTC)
WHALES = Raiser(1, 1, "whales", "amount", Severity.HIGH)
FANS = Raiser(2, 3, "fans", "fan_in", Severity.LOW, test=True)
SPIKES = Raiser(3, 1, "spikes", "spike", Severity.MEDIUM)
ANNA, BORIS = b"\xaa" * 20, b"\xbb" * 20
MINER = b"bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"


def minute(number: int) -> datetime:
    return START + timedelta(minutes=number)


async def fill(url: str) -> None:
    async with open_pool(url, name="test") as pool:
        for chain in (ETHEREUM, BITCOIN):
            await Ledger(pool, chain).register()
        await pool.execute(
            "INSERT INTO txhub.labels (chain_id, address, name, category, source, list_version, valid_from, valid_to)"
            " VALUES (1, $1, 'Binance: Hot Wallet 1', 'exchange', 't', '2', '2026-01-01Z', NULL),"
            " (NULL, $1, 'Binance', 'exchange', 't', '2', '2026-01-01Z', NULL),"
            " (1, $1, 'Somebody', 'exchange', 't', '1', '2025-01-01Z', '2026-01-01Z'),"
            " (0, $1, 'Of another chain', 'exchange', 't', '2', '2026-01-01Z', NULL)",
            ANNA,
        )
        sent = Finding(
            subject="0x" + "05" * 32,
            started_at=minute(1),
            title="0xaa… sent 150.5 ETH",
            details={"amount": "150.5", "count": 3},
            block_number=7,
            hash=b"\x05" * 32,
            value=150_500_000_000_000_000_000,
            value_usd=Decimal("250000.25"),
            parties=(Party(BORIS, "receiver"), Party(ANNA, "sender")),
        )
        more = [Finding(f"0x{n:064x}", minute(n), f"50% more: {n} ETH_") for n in range(10, 15)]
        await reconcile(pool, WHALES, 1, START, END, [sent, *more])
        got = Finding("0x" + "bb" * 20, minute(2), "got much", parties=(Party(BORIS, "subject"),))
        await reconcile(pool, FANS, 1, START, END, [got])
        mined = Finding(MINER.decode(), minute(3), "moved", value=100_000_000, parties=(Party(MINER, "subject"),))
        await reconcile(pool, WHALES, 0, START, END, [mined])
        await reconcile(pool, SPIKES, 1, START, END, [Finding("ethereum", minute(2), "three times the usual rate")])
        await reconcile(pool, SPIKES, 1, START, END, [])


@pytest.fixture(scope="module", params=list(Edition), ids=str)
def filled(
    request: pytest.FixtureRequest, servers: Callable[[Edition], Server], migrated: Callable[[Edition], str]
) -> Iterator[str]:
    with open_database(servers(request.param), migrated(request.param)) as url:
        asyncio.run(fill(url))
        yield url


@asynccontextmanager
async def asking(url: str, admission: Admission = Admission.LOCAL) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(url, Settings(), admission=admission, clock=lambda: NOW)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with app.lifespan(), httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        yield client


async def test_alerts_are_found_by_every_filter_and_read_page_by_page(filled: str) -> None:
    async with asking(filled) as client:

        async def titles(**query: object) -> list[str]:
            answer = await client.get("/v1/alerts", params=query)  # type: ignore[arg-type]
            assert answer.status_code == 200, answer.text
            return [item["title"] for item in answer.json()["items"]]

        newest_first = [f"50% more: {n} ETH_" for n in (14, 13, 12, 11, 10)]
        newest_first += ["moved", "three times the usual rate", "got much", "0xaa… sent 150.5 ETH"]
        assert await titles() == newest_first
        query, read = {"limit": 2}, list[str]()
        while True:
            page = (await client.get("/v1/alerts", params=query)).json()
            read += [item["title"] for item in page["items"]]
            if page["next"] is None:
                break
            query = {"limit": 2, "cursor": page["next"]}
        assert read == newest_first
        sent, got, mined, spike = newest_first[-1], "got much", "moved", "three times the usual rate"
        assert await titles(state="retracted") == [spike]
        assert await titles(case="resolved") == []
        assert await titles(severity="low,medium") == [spike, got]
        assert await titles(rule="fans,spikes") == [spike, got]
        assert await titles(pattern="fan_in") == [got]
        assert await titles(chain="bitcoin") == [mined]
        assert await titles(address="0x" + "BB" * 20) == [got, sent]
        assert await titles(address=MINER.decode()) == [mined]
        assert await titles(address="0x" + "bb" * 20, test="false") == [sent]
        assert await titles(test="true") == [got]
        assert await titles(start=minute(2).isoformat(), end=minute(3).isoformat()) == [spike, got]
        assert await titles(start="-23h") == newest_first[:0]
        assert await titles(q="more 12") == ["50% more: 12 ETH_"]
        assert await titles(q="50% _") == newest_first[:5]  # no wildcards
        assert await titles(q="0x" + "05" * 32) == [sent]
        assert await titles(q="WHALES moved") == [mined]
        for wrong in ({"state": "gone"}, {"address": "0x12"}, {"chain": "none"}, {"cursor": "x"}, {"q": "\0"}):
            refused = await client.get("/v1/alerts", params=wrong)
            assert refused.status_code == 400, refused.text
            assert refused.json()["hint"]
        frames = {
            name: (await client.get("/v1/alerts", params={"format": name})).content
            for name in ("csv", "arrow", "parquet")
        }
        arrow = pl.read_ipc_stream(frames["arrow"])
        assert arrow["title"].to_list() == newest_first
        assert pl.read_parquet(io.BytesIO(frames["parquet"])).equals(arrow)
        assert pl.read_csv(frames["csv"], schema_overrides=arrow.schema).equals(arrow)


async def test_one_alert_has_its_parties_by_name_and_its_history(filled: str) -> None:
    async with asking(filled) as client:
        [listed] = (await client.get("/v1/alerts", params={"q": "150.5"})).json()["items"]
        answer = await client.get(f"/v1/alerts/{listed['id']}")
        story = answer.json()
        assert story["alert"] == listed
        assert listed["parties"] == [
            {"address": "0x" + "aa" * 20, "role": "sender", "labels": ["Binance", "Binance: Hot Wallet 1"]},
            {"address": "0x" + "bb" * 20, "role": "receiver", "labels": []},
        ]
        assert (listed["value"], listed["symbol"], listed["value_usd"]) == ("150.5", "ETH", "250000.25")
        assert (listed["hash"], listed["block_number"]) == ("0x" + "05" * 32, 7)
        assert listed["details"] == {"amount": "150.5", "count": 3}
        assert (listed["chain_state"], listed["case_state"], listed["severity"]) == ("pending", "open", "high")
        assert [(entry["actor"], entry["event"]) for entry in story["history"]] == [("detection", "raised")]
        [spike] = (await client.get("/v1/alerts", params={"state": "retracted"})).json()["items"]
        history = (await client.get(f"/v1/alerts/{spike['id']}")).json()["history"]
        assert [entry["event"] for entry in history] == ["raised", "retracted"]
        missing = await client.get("/v1/alerts/999999")
        assert (missing.status_code, missing.headers["content-type"]) == (404, "application/problem+json")


async def test_a_case_is_worked_on_by_name_and_nobody_overwrites_another(filled: str) -> None:
    async with open_pool(filled, name="test") as pool:
        keys = {role: await create_key(pool, f"{role} of the desk", role) for role in Role}
    async with asking(filled, Admission.KEYS) as client:
        analyst, viewer = ({"X-API-Key": keys[role]} for role in (Role.ANALYST, Role.VIEWER))
        [alert] = (await client.get("/v1/alerts", params={"q": "12 ETH"}, headers=viewer)).json()["items"]
        path = f"/v1/alerts/{alert['id']}"
        refused = await client.patch(path, json={"case_state": "resolved"}, headers=viewer)
        assert refused.status_code == 403
        tag = (await client.get(path, headers=viewer)).headers["etag"]
        change = {"case_state": "investigating", "assignee": "Zoe", "note": "asked the exchange"}
        done = await client.patch(path, json=change, headers={**analyst, "If-Match": tag})
        assert done.status_code == 200, done.text
        assert (done.json()["case_state"], done.json()["assignee"]) == ("investigating", "Zoe")
        assert done.json()["updated_at"] > alert["updated_at"]
        for late in (
            {"headers": {**analyst, "If-Match": tag}, "json": {"case_state": "open"}},
            {"headers": analyst, "json": {"case_state": "open", "updated_at": alert["updated_at"]}},
        ):
            outdated = await client.patch(path, **late)
            assert outdated.status_code == 412, outdated.text
            assert "changed at" in outdated.json()["detail"]
        seen = {"updated_at": done.json()["updated_at"]}
        assert (await client.patch(path, json={"assignee": "", **seen}, headers=analyst)).json()["assignee"] is None
        for wrong in ({}, {"case_state": "gone"}, {"note": "x" * 4001}, {"verdict": "guilty"}, {"assignee": "\0"}):
            assert (await client.patch(path, json=wrong, headers=analyst)).status_code == 400, wrong
        unreadable = await client.patch(path, json={"note": "x"}, headers={**analyst, "If-Match": "yesterday"})
        assert unreadable.status_code == 400
        assert (await client.patch("/v1/alerts/999999", json={"note": "x"}, headers=analyst)).status_code == 404
        history = (await client.get(path, headers=viewer)).json()["history"]
        assert [(each["actor"], each["event"], each["details"]) for each in history[1:]] == [
            ("analyst of the desk", "case", {"before": "open", "after": "investigating"}),
            ("analyst of the desk", "assigned", {"before": None, "after": "Zoe"}),
            ("analyst of the desk", "noted", {"text": "asked the exchange"}),
            ("analyst of the desk", "assigned", {"before": "Zoe", "after": None}),
        ]


async def test_the_client_has_all_of_it(filled: str) -> None:
    async with asking(filled) as api, AsyncClient("http://txhub") as client:
        client._http = api
        page = await client.alerts(q="more", limit=2)
        assert len(page.items) == 2
        rest = await client.alerts(q="more", limit=2, cursor=page.next)
        assert page.items[-1].started_at > rest.items[0].started_at
        assert (await client.alerts_frame(test=True))["title"].to_list() == ["got much"]
        story = await client.alert(rest.items[-1].id)
        assert story.alert == rest.items[-1]
        done = await client.change_alert(story.alert.id, note="looked", updated_at=story.alert.updated_at)
        assert (done.case_state, done.severity) == (story.alert.case_state, Severity.HIGH)
        with pytest.raises(ApiError, match="changed at") as refused:
            await client.change_alert(story.alert.id, assignee="Zoe", updated_at=story.alert.updated_at)
        assert refused.value.answer_status == 412


async def test_changes_at_the_same_time_are_all_kept_or_refused(filled: str) -> None:
    async with asking(filled) as client:
        [alert] = (await client.get("/v1/alerts", params={"q": "13 ETH"})).json()["items"]
        body = {"case_state": "acknowledged", "updated_at": alert["updated_at"]}
        answers = await asyncio.gather(*(client.patch(f"/v1/alerts/{alert['id']}", json=body) for _ in range(4)))
        assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412]


async def test_the_stream_tells_of_alerts_in_full(filled: str) -> None:
    async with asking(filled) as client:
        [alert] = (await client.get("/v1/alerts", params={"q": "14 ETH"})).json()["items"]
        await client.patch(f"/v1/alerts/{alert['id']}", json={"case_state": "false_alarm"})
    async with open_pool(filled, name="test") as pool:
        row = await pool.fetchrow("SELECT data FROM txhub.stream_events WHERE event = 'alert' ORDER BY id DESC LIMIT 1")
    events = Events()
    [told] = [found for line in ("event: alert", f"data: {row['data']}", "") if (found := events.feed(line))]
    assert isinstance(told.data, AlertEvent)
    assert (told.data.id, told.data.change, told.data.chain) == (alert["id"], "case", "ethereum")
    assert (told.data.case_state, told.data.severity, told.data.title) == ("false_alarm", "high", alert["title"])
    assert json.loads(row["data"]).keys() == set(AlertEvent.__dataclass_fields__)
