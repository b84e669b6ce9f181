"""From a block to a message and to its follow-up, in both editions, whatever the chain takes back meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.blocks import ETHEREUM, START, make_blocks, make_branch
from tests.receiver import SECRET, Receiver, receiving
from txhub.alert.channels import Channel
from txhub.alert.delivery import Courier
from txhub.alert.grouping import Limits
from txhub.alert.lifecycle import catch_up
from txhub.alert.webhook import Webhook
from txhub.config import ChannelSettings
from txhub.contract import Severity
from txhub.eventlog import FINDING_NAMES
from txhub.ops.findings import Finding as Trouble
from txhub.ops.watch import keep
from txhub.query.alerts import read_alert
from txhub.store.alerts import Finding, Party, Raiser, reconcile
from txhub.store.cases import change_case
from txhub.store.ledger import Ledger
from txhub.store.pool import Pool, open_pool
from txhub.store.read import Reader

CHAIN = replace(ETHEREUM, finality_depth=10)
WHALES = Raiser(1, 1, "whales", "amount", Severity.HIGH)
FANS = Raiser(2, 1, "fans", "fan_in", Severity.MEDIUM)
NEVER = timedelta(days=9999)
SPAN = (START - timedelta(days=1), START + timedelta(days=1))


@dataclass
class Desk:
    """A chain, its alerts, and a channel with a clock that the test sets."""

    pool: Pool
    ledger: Ledger
    receiver: Receiver
    now: datetime
    limits: Limits
    channels: list[Channel]

    async def find(self, *findings: Finding, raiser: Raiser = WHALES) -> None:
        await reconcile(self.pool, raiser, CHAIN.chain_id, *SPAN, findings)

    async def look(self) -> None:
        """What the worker does: follow the outbox, and deliver what is due."""
        while await catch_up(self.pool, self.channels, self.limits, self.now):
            pass
        for channel in self.channels:
            settings = channel.settings
            assert settings.webhook is not None
            sender = Webhook(settings.webhook.get_secret_value(), SECRET, allow_private=True)
            courier = Courier(self.pool, channel, sender, daily_cap=self.limits.daily_cap, clock=lambda: self.now)
            while await courier.deliver_next():
                pass
            await sender.close()

    async def states(self) -> dict[str, str]:
        return dict(await self.pool.fetch("SELECT title, chain_state FROM txhub.alerts ORDER BY id"))

    async def quiet(self) -> dict[str, str | None]:
        return dict(await self.pool.fetch("SELECT title, quiet FROM txhub.alerts ORDER BY id"))

    async def history(self, title: str) -> list[str]:
        return [
            row["event"]
            for row in await self.pool.fetch(
                "SELECT event FROM txhub.alert_events WHERE alert_id = (SELECT id FROM txhub.alerts WHERE title = $1)"
                " ORDER BY id",
                title,
            )
        ]

    def said(self) -> list[list[tuple[str, str]]]:
        """What every message so far said, and forget it."""
        said = [got.changes for got in self.receiver.got]
        self.receiver.got.clear()
        return said


def channel(receiver: Receiver, name: str = "desk", **settings: object) -> Channel:
    asked = {"webhook": receiver.url, "secret": SECRET, "allow_private": True, **settings}
    return Channel(name, ChannelSettings.model_validate(asked))


def found(title: str, block: int, *, sender: bytes = b"\xaa" * 20, after: float = 0) -> Finding:
    """A finding in a block of the chain."""
    at = START + timedelta(seconds=12 * block + after)
    return Finding(title, at, title, {}, block, b"\x05" * 32, 10**20, None, (Party(sender, "sender"),))


@pytest.fixture
async def desk(database: str) -> AsyncIterator[Desk]:
    async with open_pool(database, name="test") as pool, receiving() as receiver:
        ledger = Ledger(pool, CHAIN)
        await ledger.register()
        await ledger.commit(make_blocks(range(20), transactions=1))
        limits = Limits(timedelta(minutes=10), 50, NEVER)
        yield Desk(pool, ledger, receiver, datetime.now(UTC), limits, [channel(receiver)])


async def test_an_alert_is_confirmed_and_finalised_as_blocks_come(desk: Desk) -> None:
    await desk.find(found("old", 9), found("known", 17), found("new", 19), Finding("hour", START, "no block"))
    await desk.look()
    assert await desk.states() == {
        "no block": "finalised",
        "old": "finalised",
        "known": "confirmed",
        "new": "pending",
    }
    assert await desk.history("old") == ["raised", "finalised", "told"]
    await desk.ledger.commit(make_blocks(range(20, 22), transactions=1))
    await desk.look()
    assert (await desk.states())["new"] == "confirmed"
    await desk.ledger.commit(make_blocks(range(22, 28), transactions=1), bulk=True)
    await desk.look()
    assert await desk.states() == {
        "no block": "finalised",
        "old": "finalised",
        "known": "finalised",
        "new": "confirmed",
    }
    assert await desk.history("known") == ["raised", "confirmed", "told", "finalised"]
    events = await desk.pool.fetch(
        "SELECT data ->> 'title' AS title, data ->> 'change' AS change FROM txhub.stream_events"
        " WHERE event = 'alert' AND data ->> 'title' = 'known' ORDER BY id"
    )
    assert [row["change"] for row in events] == ["raised", "confirmed", "finalised"]
    assert await catch_up(desk.pool, desk.channels, desk.limits, desk.now) == 0


async def test_whoever_was_told_is_told_what_becomes_of_it(desk: Desk) -> None:
    await desk.find(found("whale", 19))
    await desk.look()
    assert desk.said() == [[("raised", "whale")]]
    await desk.ledger.replace(17, make_branch(range(18, 22), "winner", fork=17, transactions=1))
    await desk.find()
    await desk.look()
    assert desk.said() == [[("retracted", "whale")]]
    assert await desk.states() == {"whale": "retracted"}
    await desk.find(found("whale", 19))
    await desk.look()
    assert desk.said() == [[("revived", "whale")]]
    await desk.find(found("whale", 19), raiser=WHALES._replace(severity=Severity.CRITICAL))
    await desk.look()
    assert desk.said() == [[("severity", "whale")]]
    await desk.find(replace(found("whale", 19), value=5), raiser=WHALES._replace(severity=Severity.CRITICAL))
    await change_case(desk.pool, 1, "Zoe", text="a note")
    await desk.look()
    assert desk.said() == []
    told = ["told"] * 4
    assert [event for event in await desk.history("whale") if event == "told"] == told
    titles = await desk.pool.fetch("SELECT message -> 'message' ->> 'title' AS title FROM txhub.deliveries ORDER BY id")
    assert [row["title"] for row in titles] == [
        "[HIGH] whale",
        "[HIGH] Retracted: whale",
        "[HIGH] Found again: whale",
        "[CRITICAL] Matters otherwise now: whale",
    ]


async def test_what_was_taken_back_before_anybody_was_told_is_not_told(desk: Desk) -> None:
    await desk.find(found("whale", 19))
    while await catch_up(desk.pool, desk.channels, desk.limits, desk.now):
        pass
    await desk.find()
    await desk.look()
    assert desk.said() == []
    assert await desk.pool.fetchval("SELECT array_agg(state) FROM txhub.deliveries") == ["void"]
    await desk.find(found("whale", 19))
    await desk.look()
    assert desk.said() == [[("raised", "whale")]]


async def test_alerts_about_an_entity_are_one_message_and_then_one_a_window(desk: Desk) -> None:
    hot, cold, other = b"\xa1" * 20, b"\xa2" * 20, b"\xb0" * 20
    await desk.pool.executemany(
        "INSERT INTO txhub.labels (chain_id, address, name, category, source, list_version, valid_from)"
        " VALUES (1, $1, $2, 'exchange', 't', '1', '2020-01-01Z')",
        [(hot, "Binance: Hot Wallet"), (cold, "Binance: Cold Wallet")],
    )
    findings = [found("hot", 10, sender=hot), found("cold", 11, sender=cold), found("other", 12, sender=other)]
    await desk.find(*findings)
    await desk.look()
    assert sorted(map(sorted, desk.said())) == [[("raised", "cold"), ("raised", "hot")], [("raised", "other")]]
    desk.now += timedelta(minutes=4)
    findings += [found("hot again", 13, sender=hot), found("cold again", 14, sender=cold)]
    await desk.find(*findings)
    await desk.look()
    assert desk.said() == []
    assert (await desk.quiet())["hot again"] == "it is told with others about Binance"
    assert (await desk.quiet())["hot"] is None
    desk.now += timedelta(minutes=6)
    await desk.look()
    [together] = desk.said()
    assert sorted(together) == [("raised", "cold again"), ("raised", "hot again")]
    desk.now += timedelta(minutes=10)
    await desk.find(*findings, found("hot at last", 15, sender=hot))
    await desk.look()
    assert desk.said() == [[("raised", "hot at last")]]


async def test_a_rule_has_so_many_messages_a_day_which_is_said_once(desk: Desk) -> None:
    desk.limits = replace(desk.limits, daily_cap=3)
    findings = [found(f"whale {n}", 10, sender=bytes([n]) * 20) for n in range(6)]
    await desk.find(*findings)
    await desk.look()
    kinds = [got.message["kind"] for got in desk.receiver.got]
    assert sorted(kinds) == ["alert", "alert", "alert", "cap"]
    [cap] = [got.message for got in desk.receiver.got if got.message["kind"] == "cap"]
    assert cap["title"] == "whales has had its 3 messages of today"
    reasons = list((await desk.quiet()).values())
    assert reasons.count("its rule had its 3 messages of the day") == 3
    desk.said()
    await desk.find(found("fan", 10), raiser=FANS)
    await desk.find(*findings[:1])
    await desk.look()
    assert sorted(desk.said()) == sorted(
        [[("raised", "fan")], *([("retracted", f"whale {n}")] for n in range(1, 6) if reasons[n] is None)]
    )


async def test_a_digest_is_everything_at_its_time(desk: Desk) -> None:
    desk.now = datetime(2026, 3, 2, 12, tzinfo=UTC)
    desk.channels = [channel(desk.receiver, "mail", digest="07:00, 19:00", least_severity="high")]
    gone, stays = found("gone", 10), found("stays", 11)
    await desk.find(gone, stays)
    await desk.find(found("small", 11), raiser=FANS)
    await desk.look()
    await desk.find(stays)
    await desk.look()
    assert desk.said() == []
    assert await desk.quiet() == {
        "gone": "it is told with the next digest",
        "stays": "it is told with the next digest",
        "small": "no channel takes it",
    }
    desk.now = datetime(2026, 3, 2, 19, tzinfo=UTC)
    await desk.look()
    assert desk.said() == [[("raised", "stays")]]
    assert await desk.history("gone") == ["raised", "confirmed", "retracted"]


async def test_nobody_is_told_of_history_of_tried_rules_and_where_no_channel_takes_it(desk: Desk) -> None:
    desk.limits = replace(desk.limits, max_age=timedelta(hours=1))
    await desk.find(found("long ago", 10))
    await desk.find(found("tried", 10), raiser=FANS._replace(test=True))
    await desk.look()
    desk.limits = replace(desk.limits, max_age=NEVER)
    other_chain = channel(desk.receiver, "a", chains="base")
    other_rule = channel(desk.receiver, "b", rules="fans", patterns="fan_in,spike")
    desk.channels = [other_chain, other_rule]
    await desk.find(found("of no interest", 11), raiser=WHALES._replace(rule_id=9))
    await desk.look()
    assert await desk.quiet() == {
        "long ago": "it was history when it was found",
        "tried": "its rule is being tried",
        "of no interest": "no channel takes it",
    }
    assert desk.said() == []
    desk.channels = []
    await desk.find(found("alone", 12), raiser=WHALES._replace(rule_id=10))
    await desk.look()
    assert (await desk.quiet())["alone"] == "no channel takes it"


async def test_an_alert_is_read_with_the_transactions_by_which_it_was_found(desk: Desk, database: str) -> None:
    blocks = make_blocks(range(17, 20), transactions=1)
    rows = [block.transactions[0] for block in blocks]
    samples = [{"hash": f"0x{row.hash.hex()}", "time": row.block_time.isoformat()} for row in rows[:2]]
    samples.append({"hash": "0x" + "09" * 32, "time": START.isoformat()})  # it is not there any more
    fan = replace(found("fan", 19), hash=rows[2].hash, details={"samples": samples})
    await desk.find(fan, found("of no transaction", 19))
    async with Reader(database, size=1) as reader:
        story = await read_alert(reader, 1, desk.now)
        assert [each.hash for each in story.transactions] == [f"0x{row.hash.hex()}" for row in reversed(rows)]
        assert (await read_alert(reader, 2, desk.now)).transactions == []


async def test_what_is_wrong_with_txhub_itself_is_told_when_it_begins_and_when_it_is_over(desk: Desk) -> None:
    down = Trouble("stream_down", "the newest block is 200 s old", CHAIN.name)
    await keep(desk.pool, [down], FINDING_NAMES, desk.now)
    await desk.look()
    title = "stream down, ethereum: the newest block is 200 s old"
    assert desk.said() == [[("raised", title)]]
    await keep(desk.pool, [], FINDING_NAMES, desk.now + timedelta(minutes=1))
    await desk.look()
    assert desk.said() == [[("ended", title)]]
    assert await desk.history(title) == ["raised", "told", "ended", "told"]
    titles = await desk.pool.fetch("SELECT message -> 'message' ->> 'title' AS title FROM txhub.deliveries ORDER BY id")
    assert [row["title"] for row in titles] == [f"[CRITICAL] {title}", f"[CRITICAL] Over: {title}"]


async def test_two_workers_plan_each_message_once(desk: Desk) -> None:

    await desk.find(*(found(f"whale {n}", 19, sender=bytes([n]) * 20) for n in range(3)))
    looks = (catch_up(desk.pool, desk.channels, desk.limits, desk.now) for _ in range(4))
    assert sorted(await asyncio.gather(*looks))[:3] == [0, 0, 0]
    await asyncio.gather(desk.look(), desk.look())
    assert sorted(desk.said()) == [[("raised", f"whale {n}")] for n in range(3)]
