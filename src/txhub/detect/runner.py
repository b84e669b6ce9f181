"""Detection as it runs behind ingest: it follows the outbox and lets every chain's lookout look.

Nothing is kept between runs but a cursor, and that only moves on when all of what it passed has been looked at: what
was under way when this process died is looked at again, and finds the same.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec

from txhub.contract.alerts import RuleState
from txhub.detect.knowledge import read_chains
from txhub.detect.lookout import Lookout, Stretch
from txhub.detect.rules import Definition, define
from txhub.store.faults import translated
from txhub.store.outbox import OutboxEvent, OutboxReader
from txhub.store.pool import Pool
from txhub.store.read import Reader
from txhub.store.rules import Rule, mark_looked, read_rules
from txhub.store.sqlfiles import queries

READER = "detection"
"""The name of the cursor."""
PAST = timedelta(days=7)
"""How much of the past a new rule looks at."""
_RULES_HOLD_S = 2.0
"""Seconds after which rules and chains are read again."""
_QUIET_S, _PATIENCE_S = 2.0, 30.0
"""What came late is looked at when nothing more of it came for so long, or the first of it has waited so long."""
BLOCKS = ("block", "backfill", "reorg")
"""The events that tell of blocks."""
_LATE = ("backfill", "watchlist")
_IDLE_S = 0.5
_BATCH = 1000
_JOIN = timedelta(minutes=10)
"""Spans closer than this are looked at as one."""
_SQL, _OUTBOX = queries("detection"), queries("outbox")


class _Told(msgspec.Struct):
    """What events say of the time of their blocks: one moment, or a first and a last."""

    time: datetime | None = None
    start: datetime | None = None
    end: datetime | None = None


class Touched(NamedTuple):
    """A span of a chain that an event tells of."""

    chain_id: int
    stretch: Stretch
    late: bool


def touched(event: OutboxEvent, of: Collection[str] = BLOCKS) -> Touched | None:
    """What has to be looked at by reason of an event, if it is `of` these; None: nothing."""
    if event.event not in of or event.chain_id is None:
        return None
    told = msgspec.json.decode(event.data, type=_Told)
    first, last = told.start or told.time, told.end or told.time
    if first is None or last is None:
        return None
    return Touched(event.chain_id, Stretch(first, last + timedelta(microseconds=1)), event.event in _LATE)


def joined(stretches: Iterable[Stretch]) -> list[Stretch]:
    """Spans, in order, those that are close to each other made one."""
    result: list[Stretch] = []
    for each in sorted(stretches):
        if result and each.start <= result[-1].end + _JOIN:
            result[-1] = Stretch(result[-1].start, max(result[-1].end, each.end))
        else:
            result.append(each)
    return result


class Runner:
    """Looks at everything that is committed, by all rules that are on or on test.

    Args:
        pool: of a migrated database.
        reader: where rows are read, several at a time, so that what is new does not wait for what is old.
        url: the database, for the outbox.
        past: how much of the past a new rule looks at.
    """

    def __init__(self, pool: Pool, reader: Reader, url: str, past: timedelta = PAST) -> None:
        self._pool = pool
        self._reader = reader
        self._outbox = OutboxReader(url)
        self._past = past
        self._lookouts: dict[int, Lookout] = {}
        self._stepped: dict[int, float] = {}
        self._rules: list[tuple[Rule, Definition]] = []
        self._noted = 0
        self._rules_read_at = float("-inf")
        self._seen = 0
        self._late_since = self._late_at = float("-inf")

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
            tasks.create_task(self._look_back())

    async def catch_up(self) -> None:
        """Look at all that is committed by now.

        Raises:
            DatabaseUnavailable, DatabaseRefused, SchemaMismatch, DiskFull: see `faults`; call it again.
        """
        await self._resume()
        await self._read_rules()
        while True:
            with translated():
                rows = await self._pool.fetch(_OUTBOX["after"], self._seen, _BATCH)
            if not rows and not await self._step(patient=False):
                break
            await self._look_at([OutboxEvent(*row) for row in rows])
            self._seen = rows[-1]["id"] if rows else self._seen
        await self._settle()

    async def _listen(self, told: asyncio.Queue[tuple[int, list[OutboxEvent]]]) -> None:
        async for news in self._outbox.follow(self._seen):
            await told.put(news)

    async def _work(self, told: asyncio.Queue[tuple[int, list[OutboxEvent]]]) -> None:
        while True:
            events = await self._news(told)
            if time.monotonic() - self._rules_read_at > _RULES_HOLD_S:
                await self._read_rules()
            await self._look_at(events)
            await self._settle()

    async def _look_back(self) -> None:
        """Take passes further, beside what is new: nothing of that waits for a piece of the past."""
        while True:
            if not await self._step(patient=True):
                await asyncio.sleep(_IDLE_S)

    async def _news(self, told: asyncio.Queue[tuple[int, list[OutboxEvent]]]) -> list[OutboxEvent]:
        """All events that came, after waiting a little for the first."""
        events: list[OutboxEvent] = []
        try:
            async with asyncio.timeout(_IDLE_S):
                self._seen, events = await told.get()
        except TimeoutError:
            return events
        while not told.empty():
            self._seen, more = told.get_nowait()
            events += more
        return events

    async def _look_at(self, events: Iterable[OutboxEvent]) -> None:
        """Look at once at what is new, and note what came late."""
        by_chain: dict[int, list[Stretch]] = defaultdict(list)
        for each in filter(None, (touched(event, (*BLOCKS, "watchlist")) for event in events)):
            if each.chain_id not in self._lookouts:
                await self._read_rules()
            if each.late:
                self._late_at = time.monotonic()
            by_chain[each.chain_id].append(each.stretch)
        for chain_id, stretches in by_chain.items():
            for stretch in joined(stretches):
                await self._lookouts[chain_id].look(stretch)
        if self._late_since == float("-inf") and any(each.has_late for each in self._lookouts.values()):
            self._late_since = time.monotonic()

    async def _step(self, *, patient: bool) -> bool:
        """Take one pass a piece further; whether there was one. Patience lets more of what comes late come first."""
        now = time.monotonic()
        waits = patient and now < min(self._late_at + _QUIET_S, self._late_since + _PATIENCE_S)
        for chain_id, lookout in sorted(self._lookouts.items(), key=self._turn):
            if (lookout.is_busy or (lookout.has_late and not waits)) and await lookout.step():
                self._stepped[chain_id] = now
                if not any(each.has_late for each in self._lookouts.values()):
                    self._late_since = float("-inf")
                return True
        return False

    def _turn(self, of: tuple[int, Lookout]) -> tuple[bool, float]:
        """Chains take turns with their passes, those that see nothing yet before the others."""
        chain_id, lookout = of
        return lookout.is_live, self._stepped.get(chain_id, float("-inf"))

    async def _settle(self) -> None:
        """Note how far all has been looked at."""
        if any(each.is_busy or each.has_late for each in self._lookouts.values()):
            return
        for rule in [rule for rule, _ in self._rules if rule.looked_version != rule.version]:
            await mark_looked(self._pool, rule)
            self._rules_read_at = float("-inf")
        if self._seen > self._noted:
            with translated():
                await self._pool.execute(_OUTBOX["move_cursor"], READER, self._seen)
            self._noted = self._seen

    async def _resume(self) -> None:
        with translated():
            self._seen = await self._pool.fetchval(_SQL["cursor"], READER)
            await self._pool.execute(_OUTBOX["move_cursor"], READER, self._seen)
        if self._seen != self._noted:  # others looked at what these do not know
            self._lookouts.clear()
            self._noted = self._seen

    async def _read_rules(self) -> None:
        rules = [rule for rule in await read_rules(self._pool) if rule.state is not RuleState.OFF]
        known = [(rule, define(rule.definition)) for rule in rules]
        self._rules = [each for each in known if each[1].sources]  # others are looked for by `trafficrunner`
        for chain_id, chain in (await read_chains(self._reader)).items():
            if chain_id not in self._lookouts:
                self._lookouts[chain_id] = Lookout(self._pool, self._reader, chain, self._past)
            self._lookouts[chain_id].set_rules(self._rules)
        self._rules_read_at = time.monotonic()
