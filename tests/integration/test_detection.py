"""Detection behind ingest, in both editions: whatever comes in which order, alerts are what one look finds."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from tests.blocks import ETHEREUM, START, make_blocks, make_branch
from txhub.chain.contract import created_address
from txhub.contract.alerts import RuleState, Severity
from txhub.detect.defaults import wanted
from txhub.detect.knowledge import read_facts
from txhub.detect.look import look
from txhub.detect.rows import reach, read_rows, rows_of
from txhub.detect.rules import define
from txhub.detect.runner import Runner
from txhub.store.ledger import Ledger
from txhub.store.pool import Pool, open_pool
from txhub.store.read import Reader
from txhub.store.rules import delete_rule, read_rule, read_rules, set_rule

END = START + timedelta(days=1)
RULES = {
    "large": {"pattern": "amount", "amount": "900000"},
    "in": {
        "pattern": "fan_in",
        "scope": {},
        "count": 5,
        "window": "8m",
        "least": "400000",
        "sudden": 0.0,
        "cooldown": "20m",
    },
    "out": {
        "pattern": "fan_out",
        "scope": {},
        "count": 5,
        "window": "8m",
        "least": "400000",
        "sudden": 0.0,
        "cooldown": "20m",
    },
    "tokens": {"pattern": "amount", "scope": {"tokens": ["*"]}, "amount": {"token": "1"}},
}


class Stage:
    """A database with Ethereum's ledger and rules, and detection that is run by hand."""

    def __init__(self, pool: Pool, reader: Reader, url: str) -> None:
        self.pool, self.reader, self.url = pool, reader, url
        self.ledger = Ledger(pool, ETHEREUM)

    def runner(self) -> Runner:
        return Runner(self.pool, self.reader, self.url)

    async def alerts(self) -> list[tuple[object, ...]]:
        rows = await self.pool.fetch(
            "SELECT rule, subject, started_at, title, block_number, hash FROM txhub.alerts"
            " WHERE chain_state <> 'retracted' ORDER BY 1, 3, 2"
        )
        return [tuple(row) for row in rows]

    async def expected(self) -> list[tuple[object, ...]]:
        facts = await read_facts(self.reader, ETHEREUM, START, END)
        rows = await read_rows(self.reader, ETHEREUM, ["transfers", "token_transfers"], START - timedelta(days=1), END)
        return sorted(
            (
                (name, each.subject, each.started_at, each.title, each.block_number, each.hash)
                for name, rule in RULES.items()
                for each in look(define(rule), rows, facts, START - timedelta(days=1), END)
            ),
            key=lambda row: (row[0], row[2], row[1]),
        )


@pytest.fixture
async def stage(database: str) -> AsyncIterator[Stage]:
    async with open_pool(database, name="test") as pool, Reader(database) as reader:
        await Ledger(pool, ETHEREUM).register()
        for name, rule in RULES.items():
            await set_rule(pool, name, wanted(rule), by="test")
        yield Stage(pool, reader, database)


@pytest.mark.parametrize("at_once", [100_000, 20])
async def test_alerts_follow_what_is_committed_late_and_replaced(
    stage: Stage, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("txhub.detect.lookout._READ", at_once)
    blocks = make_blocks(range(300))
    runner = stage.runner()
    await stage.ledger.commit(blocks[100:150])
    await runner.catch_up()
    assert await stage.alerts() == await stage.expected()
    assert {row[0] for row in await stage.alerts()} >= {"large", "in"}

    for number in (150, 151, 152):  # live
        await stage.ledger.commit([blocks[number]])
        await runner.catch_up()
    await stage.ledger.commit(blocks[:60], bulk=True)  # older history
    await stage.ledger.commit(blocks[153:200])  # and new blocks beside it
    await runner.catch_up()
    await stage.ledger.commit(blocks[60:100])  # a gap is filled
    await stage.runner().catch_up()  # by a new process
    before = await stage.alerts()
    assert before == await stage.expected()

    await stage.ledger.replace(189, make_branch(range(190, 205), "other", fork=189))
    await runner.catch_up()
    assert await stage.alerts() == await stage.expected() != before
    assert await stage.pool.fetchval("SELECT count(*) FROM txhub.alerts WHERE chain_state = 'retracted'") > 0
    told = await stage.pool.fetchval("SELECT count(*) FROM txhub.alert_events")
    await stage.runner().catch_up()
    assert await stage.pool.fetchval("SELECT count(*) FROM txhub.alert_events") == told


async def test_rows_are_the_same_with_and_without_a_database(stage: Stage) -> None:
    blocks = make_blocks(range(20))
    await stage.ledger.commit(blocks)
    without = rows_of(blocks)
    stored = await read_rows(stage.reader, ETHEREUM, list(without), START, END)
    for name, frame in without.items():
        assert frame.height
        order = ["number", "index", "n"]
        assert stored[name].sort(order).equals(frame.sort(order)), name


async def test_calls_of_new_contracts_and_wakings_are_told_by_the_rows_before(stage: Stage) -> None:
    blocks = make_blocks(range(12), transactions=4)
    maker, sleeper = b"\x0a" * 20, b"\x0b" * 20
    contract = created_address(maker, 300)
    made = {"kind": "contract_creation", "from_address": maker, "to_address": None, "nonce": 300, "success": True}
    blocks[2].transactions[0] = blocks[2].transactions[0]._replace(**made)
    for number in (1, 5, 9):
        blocks[number].transactions[1] = blocks[number].transactions[1]._replace(to_address=contract)
    large = {"value": Decimal(60 * 10**18), "success": True, "from_address": sleeper}
    blocks[3].transactions[2] = blocks[3].transactions[2]._replace(to_address=sleeper)
    blocks[8].transactions[2] = blocks[8].transactions[2]._replace(to_address=maker, **large)
    await stage.ledger.commit(blocks)
    rows = await read_rows(stage.reader, ETHEREUM, ["new_contract_calls", "wakings"], START, END)
    calls = rows["new_contract_calls"].select("number", "receiver", "created").rows()
    assert calls == [(number, contract, blocks[2].time) for number in (5, 9)]
    wakings = rows["wakings"].filter(sender=sleeper).select("number", "amount", "seen").rows()
    assert wakings == [(8, 60 * 10**18, blocks[3].time)]
    never = rows["wakings"].filter(pl.col("seen").is_null())
    assert never.height > 0


async def test_what_is_read_at_once_goes_by_the_transactions_of_the_blocks(stage: Stage) -> None:
    blocks = make_blocks(range(20))
    await stage.ledger.commit(blocks)
    held = list(itertools.accumulate(len(block.transactions) for block in blocks))
    for count, last in ((1, 0), (held[4], 4), (held[4] + 1, 5), (held[-1], 19)):
        moment = blocks[last].time + timedelta(microseconds=1)
        assert await reach(stage.reader, ETHEREUM, START, END, count) == moment
    assert await reach(stage.reader, ETHEREUM, START, END, held[-1] + 1) == END
    later = blocks[3].time
    assert await reach(stage.reader, ETHEREUM, later, END, len(blocks[3].transactions) + 1) > later + timedelta(
        seconds=1
    )


async def test_a_rule_that_picks_too_much_is_told_of_and_left_out_and_the_others_go_on(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocks = make_blocks(range(100))
    transfers = rows_of(blocks)["transfers"].height
    monkeypatch.setattr("txhub.detect.lookout.MOST_EVENTS", transfers - 1)
    everything = {"pattern": "fan_in", "scope": {}, "count": 1000, "window": "1d", "least": "0", "sudden": 0.0}
    await set_rule(stage.pool, "everything", wanted(everything), by="test")
    await stage.ledger.commit(blocks)
    await stage.runner().catch_up()
    told = await stage.pool.fetch(
        "SELECT details::jsonb ->> 'rule', (details::jsonb ->> 'events')::int FROM txhub.event_log"
        " WHERE event = 'rule_too_wide'"
    )
    assert {tuple(row) for row in told} == {("everything", transfers)}
    assert await stage.alerts() == await stage.expected()
    assert await stage.alerts()


async def test_a_rule_that_changes_looks_at_the_past_once(stage: Stage) -> None:
    await stage.ledger.commit(make_blocks(range(40)))
    runner = stage.runner()
    await runner.catch_up()
    counted = "SELECT count(*) FROM txhub.alerts WHERE rule = 'large' AND rule_version = $1"
    first = await stage.pool.fetchval(counted, 1)
    changed = await set_rule(stage.pool, "large", wanted({"pattern": "amount", "amount": "1"}), by="anna")
    assert (changed.version, changed.looked_version) == (2, 1)
    await runner.catch_up()
    assert await stage.pool.fetchval(counted, 2) > first > 0
    assert (await read_rule(stage.pool, "large")).looked_version == 2
    assert await stage.pool.fetchval("SELECT count(*) FROM txhub.rule_versions WHERE name = 'large'") == 2

    same = await set_rule(stage.pool, "large", wanted({"pattern": "amount", "amount": "1", "state": "off"}), by="anna")
    assert (same.version, same.state, same.changed_by) == (2, RuleState.OFF, "anna")
    await delete_rule(stage.pool, "large")
    assert "large" not in {rule.name for rule in await read_rules(stage.pool)}
    assert same.severity is Severity.MEDIUM


async def test_a_live_block_is_looked_at_within_a_second(stage: Stage) -> None:
    running = asyncio.create_task(stage.runner().run())
    try:
        await asyncio.sleep(0.5)
        for number, block in enumerate(make_blocks(range(30))):
            await stage.ledger.commit([block])
            if number == 0:
                await asyncio.sleep(1)  # the first one makes the trail
        for _ in range(100):
            if await stage.alerts() == await stage.expected():
                break
            await asyncio.sleep(0.1)
        assert await stage.alerts() == await stage.expected()
    finally:
        running.cancel()
        await asyncio.wait([running])
    slowest = await stage.pool.fetchval(
        "SELECT max(a.created_at - b.committed_at) FROM txhub.alerts a"
        " JOIN txhub.blocks b ON b.number = a.block_number AND b.chain_id = a.chain_id WHERE b.number > 0"
    )
    assert timedelta(0) < slowest < timedelta(seconds=5)


class Pausing(Reader):
    """Reads like another one, but lets the rows of spans before a moment wait until they may be read."""

    def __init__(self, url: str, before: datetime) -> None:
        super().__init__(url, size=2)
        self.before, self.waits, self.may = before, asyncio.Event(), asyncio.Event()

    async def frame(self, statement: Any, *parameters: object) -> pl.DataFrame:
        match parameters:  # of chain, start and end
            case (_, datetime() as start, datetime()) if start < self.before:
                self.waits.set()
                await self.may.wait()
        return await super().frame(statement, *parameters)


async def test_the_live_edge_is_served_while_a_pass_reads_the_past_and_both_come_to_the_same(stage: Stage) -> None:
    blocks = make_blocks(range(280))
    edge = blocks[200].time
    await stage.ledger.commit(blocks[200:220])
    await stage.runner().catch_up()

    async def told() -> bool:
        return await stage.alerts() == await stage.expected()

    async def told_since(moment: datetime) -> bool:
        """Whether there are the alerts of some time that do not depend on what was before it."""
        alerts, expected = (
            [each for each in all_of if each[0] == "large" and each[2] >= moment]
            for all_of in (await stage.alerts(), await stage.expected())
        )
        return bool(alerts) and alerts == expected

    async with Pausing(stage.url, edge - timedelta(days=9)) as reader:
        running = asyncio.create_task(Runner(stage.pool, reader, stage.url).run())
        try:
            await stage.ledger.commit(blocks[220:240])
            await until(lambda: told_since(blocks[220].time))  # it has become live
            reader.before = edge
            await stage.ledger.commit(blocks[:60], bulk=True)
            await asyncio.wait_for(reader.waits.wait(), 30)  # a pass has begun, and does not come on
            for block in blocks[240:270]:
                await stage.ledger.commit([block])
            await until(lambda: told_since(blocks[240].time))
            await stage.ledger.replace(251, make_branch(range(252, 276), "other", fork=251))
            await until(lambda: told_since(blocks[240].time))
            assert not reader.may.is_set()
            assert not await told()
            reader.may.set()
            await until(told)
        finally:
            running.cancel()
            await asyncio.wait([running])
    assert await stage.pool.fetchval("SELECT count(*) FROM txhub.alerts WHERE chain_state = 'retracted'") > 0


async def until(true: Callable[[], Awaitable[bool]]) -> None:
    for _ in range(300):
        if await true():
            return
        await asyncio.sleep(0.1)
    raise AssertionError("it did not become true within half a minute")
