"""What rules found becomes alerts, each once, in both editions."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from txhub.contract.alerts import Severity
from txhub.store.alerts import Finding, Party, Raiser, Reconciled, reconcile
from txhub.store.pool import Pool, open_pool

START = datetime(2026, 3, 1, tzinfo=UTC)
END = START + timedelta(hours=1)
WHALES = Raiser(7, 1, "whales", "amount", Severity.HIGH)
ANNA = Finding(
    "0xaa", START, "0xaa sent 100 ETH", {"amount": "100"}, 5, b"\x01" * 32, 10**20, None, (Party(b"\xaa", "sender"),)
)
BORIS = Finding("0xbb", START + timedelta(minutes=1), "0xbb sent 200 ETH")


@pytest.fixture
async def pool(database: str) -> AsyncIterator[Pool]:
    async with open_pool(database, name="test") as pool:
        await pool.execute(
            "INSERT INTO txhub.chains"
            " (chain_id, name, family, symbol, decimals, block_time_s, finality_depth, large_value)"
            " VALUES (1, 'ethereum', 'evm', 'ETH', 18, 12, 64, 100)"
        )
        yield pool


async def look(pool: Pool, *findings: Finding, raiser: Raiser = WHALES, end: datetime = END) -> Reconciled:
    return await reconcile(pool, raiser, 1, START, end, findings)


async def story(pool: Pool) -> list[tuple[str, str, list[str]]]:
    rows = await pool.fetch(
        "SELECT subject, chain_state, array_agg(event ORDER BY e.id) AS events"
        " FROM txhub.alerts a JOIN txhub.alert_events e ON e.alert_id = a.id GROUP BY a.id ORDER BY a.id"
    )
    return [tuple(row) for row in rows]


async def test_what_is_found_again_stays_one_alert_and_what_is_not_is_retracted(pool: Pool) -> None:
    first = await look(pool, BORIS, ANNA)
    assert await look(pool, ANNA, BORIS) == ([], [], [])
    assert await look(pool, ANNA) == ([], [], [first.raised[1]])
    assert await look(pool, ANNA) == ([], [], [])
    assert await look(pool, ANNA, BORIS) == ([], [first.raised[1]], [])
    corrected = replace(ANNA, value=10**20 + 1, parties=(Party(b"\xab", "sender"),))
    assert await look(pool, corrected, BORIS) == ([], [first.raised[0]], [])
    assert await story(pool) == [
        ("0xaa", "pending", ["raised", "changed"]),
        ("0xbb", "pending", ["raised", "retracted", "revived"]),
    ]
    assert await pool.fetchval("SELECT value FROM txhub.alerts WHERE subject = '0xaa'") == 10**20 + 1
    assert await pool.fetch("SELECT address, role FROM txhub.alert_parties") == [(b"\xab", "sender")]
    told = await pool.fetch("SELECT chain_id, data FROM txhub.stream_events WHERE event = 'alert' ORDER BY id")
    assert [(row["chain_id"], json.loads(row["data"])["change"]) for row in told] == [
        (1, "raised"),
        (1, "raised"),
        (1, "retracted"),
        (1, "changed"),
        (1, "changed"),
    ]


async def test_only_the_span_the_chain_and_the_version_that_were_looked_at_are_touched(pool: Pool) -> None:
    await look(pool, ANNA, BORIS)
    assert await look(pool, ANNA, end=BORIS.started_at) == ([], [], [])
    assert await look(pool, raiser=WHALES._replace(version=2)) == ([], [], [])
    assert await look(pool, raiser=WHALES._replace(rule_id=8)) == ([], [], [])
    assert await reconcile(pool, WHALES, None, START, END, []) == ([], [], [])
    assert [state for _, state, _ in await story(pool)] == ["pending", "pending"]


async def test_lookers_at_the_same_time_raise_each_once(pool: Pool) -> None:
    found = await asyncio.gather(*(look(pool, ANNA, BORIS) for _ in range(4)))
    assert sorted(len(each.raised) for each in found) == [0, 0, 0, 2]


async def test_history_only_grows(pool: Pool) -> None:
    await look(pool, ANNA)
    for change in ("DELETE FROM txhub.alert_events", "UPDATE txhub.alert_events SET actor = 'nobody'"):
        with pytest.raises(asyncpg.RaiseError, match="only grows"):
            await pool.execute(change)


async def test_thousands_are_raised_changed_and_retracted_in_order(pool: Pool) -> None:
    many = [
        replace(ANNA, subject=f"0x{number:04x}", parties=(Party(number.to_bytes(2, "big"), "sender"),))
        for number in reversed(range(2500))
    ]
    done = await look(pool, *many)
    assert done.raised == sorted(done.raised)
    rows = await pool.fetch(
        "SELECT a.id, a.subject, p.address, e.event FROM txhub.alerts a JOIN txhub.alert_parties p ON p.alert_id = a.id"
        " JOIN txhub.alert_events e ON e.alert_id = a.id ORDER BY a.id"
    )
    assert [tuple(row) for row in rows] == [
        (key, f"0x{number:04x}", number.to_bytes(2, "big"), "raised") for number, key in enumerate(done.raised)
    ]
    changed = await look(pool, *(replace(each, title="corrected") for each in many[:1250]))
    assert (changed.raised, len(changed.changed), len(changed.retracted)) == ([], 1250, 1250)
    assert sorted(changed.retracted) == done.raised[:1250]
    told = await pool.fetch(
        "SELECT data ->> 'change' AS change, count(*) AS count FROM txhub.stream_events GROUP BY 1 ORDER BY 1"
    )
    assert [tuple(row) for row in told] == [("changed", 1250), ("raised", 2500), ("retracted", 1250)]
