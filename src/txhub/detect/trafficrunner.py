"""Looking at the traffic of chains as it runs behind ingest, minute by minute.

It follows the outbox as `txhub.detect.runner` does, with a cursor of its own. A block that opens a new minute has the
ones before it judged, at once; what came late or changed has everything judged anew from there on.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timedelta

from txhub.contract.alerts import RuleState
from txhub.detect.knowledge import read_chains
from txhub.detect.minutes import DAY, MINUTE
from txhub.detect.patterns.traffic import TrafficCondition
from txhub.detect.rules import Definition, define
from txhub.detect.runner import PAST, touched
from txhub.detect.traffic import LOOKBACK, Traffic
from txhub.model import Chain
from txhub.store.alerts import Raiser, reconcile
from txhub.store.faults import translated
from txhub.store.outbox import OutboxEvent, OutboxReader
from txhub.store.pool import Pool
from txhub.store.read import Reader
from txhub.store.rules import Rule, read_rules
from txhub.store.sqlfiles import queries

READER = "traffic"
"""The name of the cursor."""
_RULES_HOLD_S = 2.0
"""Seconds after which rules and chains are read again."""
_PATIENCE_S, _IDLE_S = 2.0, 1.0
"""What came late waits so long for more of it; without news, rules are looked at so often."""
_BATCH = 1000
_KEPT = LOOKBACK + 14 * DAY
"""So much of a chain is in memory at the most before its beginning is forgotten."""
_SQL, _OUTBOX = queries("detection"), queries("outbox")
Rules = dict[tuple[int, int], tuple[Rule, TrafficCondition]]


def condition_of(definition: Definition) -> TrafficCondition | None:
    """What a rule looks for in traffic; None where it looks for something else."""
    first = definition.leaves[0]
    return first if isinstance(first, TrafficCondition) else None


class _Post:
    """One chain: its traffic, and from when on it has to be looked at."""

    def __init__(self, pool: Pool, reader: Reader, chain: Chain, past: timedelta) -> None:
        self.chain = chain
        self._pool = pool
        self._reader = reader
        self._past = past
        self._traffic: Traffic | None = None
        self._looked: set[tuple[int, int]] = set()
        self._since: datetime | None = None
        self._newest: datetime | None = None
        self._late_at = float("-inf")

    def note(self, start: datetime, *, late: bool) -> None:
        """Something became of blocks from a moment on."""
        self._since = start if self._since is None else min(self._since, start)
        self._newest = start if self._newest is None else max(self._newest, start)
        if late:
            self._late_at = time.monotonic()

    @property
    def has_late(self) -> bool:
        """Whether something that was judged already has to be judged anew."""
        return self._since is not None and (self._traffic is None or self._since < self._traffic.minutes.end)

    def is_due(self, rules: Rules, *, patient: bool) -> bool:
        """Whether it is time to look: a minute may have become complete, or a rule is new."""
        if patient and time.monotonic() < self._late_at + _PATIENCE_S:
            return False
        is_new = any(key not in self._looked for key in self._mine(rules))
        return is_new or self.has_late or self._opens_a_minute

    async def look(self, rules: Rules) -> None:
        """Let the alerts of every rule be what its traffic shows."""
        mine = self._mine(rules)
        since = await self._take_in(self._since) if mine else None
        if since is not None and self._traffic is not None:
            for key, (rule, condition) in mine.items():
                start = since if key in self._looked else min(since, self._traffic.minutes.end - self._past)
                await self._judge(self._traffic, rule, condition, start)
            self._looked |= set(mine)
        self._since = self._newest = None

    async def _judge(self, traffic: Traffic, rule: Rule, condition: TrafficCondition, start: datetime) -> None:
        minutes = traffic.minutes
        start = max(start, minutes.start)
        if start < minutes.end:
            look = await asyncio.to_thread(traffic.look, condition.swing, start, minutes.end)
            raiser = Raiser(
                rule.id, rule.version, rule.name, condition.pattern, rule.severity, rule.state is RuleState.TEST
            )
            await reconcile(self._pool, raiser, self.chain.chain_id, *look)

    async def _take_in(self, since: datetime | None) -> datetime | None:
        """Read what changed; from when on there is something to judge, None where there is nothing at all."""
        known = self._traffic
        if known is not None and known.minutes.end - known.minutes.start < _KEPT:
            judged = known.minutes.end
            since = judged if since is None else min(since, judged)
            if known.covers(since):
                await known.update(self._reader, since)
                return since
        newest: datetime | None = await self._pool.fetchval(_SQL["newest"], self.chain.chain_id)
        if newest is None:
            return None
        start = newest - self._past if since is None else min(since, newest - self._past)
        self._traffic = await Traffic.read(self._reader, self.chain, start)
        return start

    @property
    def _opens_a_minute(self) -> bool:
        if self._newest is None or self._traffic is None:
            return False
        return self._newest >= self._traffic.minutes.end + MINUTE

    def _mine(self, rules: Rules) -> Rules:
        name = self.chain.name
        return {
            key: each for key, each in rules.items() if each[1].scope.chains is None or name in each[1].scope.chains
        }


class TrafficRunner:
    """Looks at the traffic of all chains, by all rules on it that are on or on test.

    Args:
        pool: of a migrated database.
        reader: where the ledger is read.
        url: the database, for the outbox.
        past: how much of the past a new rule, or a new start, looks at.
    """

    def __init__(self, pool: Pool, reader: Reader, url: str, past: timedelta = PAST) -> None:
        self._pool = pool
        self._reader = reader
        self._outbox = OutboxReader(url)
        self._past = past
        self._posts: dict[int, _Post] = {}
        self._rules: Rules = {}
        self._rules_read_at = float("-inf")
        self._seen = self._noted = 0

    async def run(self) -> None:
        """Look for ever.

        Raises:
            DatabaseUnavailable, DatabaseRefused, SchemaMismatch, DiskFull: see `faults`; run it again.
        """
        await self._resume()
        told: asyncio.Queue[tuple[int, list[OutboxEvent]]] = asyncio.Queue(maxsize=4)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._listen(told))
            tasks.create_task(self._work(told))

    async def catch_up(self) -> None:
        """Look at all that is committed by now.

        Raises:
            DatabaseUnavailable, DatabaseRefused, SchemaMismatch, DiskFull: see `faults`; call it again.
        """
        await self._resume()
        await self._read_rules()
        with translated():
            while rows := await self._pool.fetch(_OUTBOX["after"], self._seen, _BATCH):
                await self._note([OutboxEvent(*row) for row in rows])
                self._seen = rows[-1]["id"]
        await self._look(patient=False)

    async def _listen(self, told: asyncio.Queue[tuple[int, list[OutboxEvent]]]) -> None:
        async for news in self._outbox.follow(self._seen):
            await told.put(news)

    async def _work(self, told: asyncio.Queue[tuple[int, list[OutboxEvent]]]) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(_IDLE_S):
                    self._seen, events = await told.get()
                    await self._note(events)
            if time.monotonic() - self._rules_read_at > _RULES_HOLD_S:
                await self._read_rules()
            await self._look(patient=True)

    async def _note(self, events: Iterable[OutboxEvent]) -> None:
        for each in filter(None, map(touched, events)):
            if each.chain_id not in self._posts:
                await self._read_rules()
            self._posts[each.chain_id].note(each.stretch.start, late=each.late)

    async def _look(self, *, patient: bool) -> None:
        waits = False
        for post in self._posts.values():
            if post.is_due(self._rules, patient=patient):
                with translated():
                    await post.look(self._rules)
            waits = waits or post.has_late
        if self._seen > self._noted and not waits:
            with translated():
                await self._pool.execute(_OUTBOX["move_cursor"], READER, self._seen)
            self._noted = self._seen

    async def _resume(self) -> None:
        with translated():
            self._seen = await self._pool.fetchval(_SQL["cursor"], READER)
        if self._seen != self._noted:  # others looked at what these do not know
            self._posts.clear()
            self._noted = self._seen

    async def _read_rules(self) -> None:
        known = [(rule, condition_of(define(rule.definition))) for rule in await read_rules(self._pool)]
        self._rules = {
            (rule.id, rule.version): (rule, condition)
            for rule, condition in known
            if condition is not None and rule.state is not RuleState.OFF
        }
        for chain_id, chain in (await read_chains(self._reader)).items():
            if chain_id not in self._posts:
                self._posts[chain_id] = _Post(self._pool, self._reader, chain, self._past)
        self._rules_read_at = time.monotonic()
