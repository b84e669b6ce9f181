"""Looking at one chain: at once at what was just committed, and again at what came late.

What is new is looked at by the live trail. What is older than that reaches is looked at by a pass: it goes over the
past piece by piece, and where it comes to the present its trail becomes the live one.

Both go on at the same time, so that what is new never waits for a piece of the past: `look` and `step` are called by
different tasks. Each has a trail of its own. What changes where a pass has been is noted for it, and read again at the
end of its piece; only to become live a pass takes the live edge's turn, for the few blocks that came meanwhile.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from txhub.contract.alerts import RuleState
from txhub.detect.facts import Facts
from txhub.detect.knowledge import pin_quantiles, read_facts
from txhub.detect.rows import reach, read_rows
from txhub.detect.rules import Definition, shares
from txhub.detect.trail import Looking, Trail
from txhub.model import Chain
from txhub.store.alerts import Raiser, reconcile
from txhub.store.events import record_event
from txhub.store.faults import translated
from txhub.store.horizon import read_horizon
from txhub.store.pool import Pool
from txhub.store.read import Reader
from txhub.store.rules import Rule
from txhub.store.sqlfiles import queries

MOST_EVENTS = 3_000_000
"""Events that one condition may keep in memory, about 500 MB; a rule that needs more is not looked for any more."""
_FACTS_HOLD_S = 30.0
"""Seconds after which labels and prices are read again."""
_PIECE, _READ = 80_000, 20_000
"""About so many transactions are looked at in one piece of a pass, and so many read at once: what is read takes ten
times the memory of what rules pick of it."""
_SHORT = timedelta(minutes=1)
"""A span that is read at once, whatever is in it."""
_SLACK = timedelta(minutes=10)
"""How far back the live trail takes changes, beside the blocks that a reorg may replace."""
_SQL = queries("detection")


class Stretch(NamedTuple):
    """A span of a chain's time, [start, end)."""

    start: datetime
    end: datetime


@dataclass
class _Pass:
    """A walk over the past: it is at `at`, and goes to `until`, or to the present where that is None.

    It was to begin `since` a moment before which raw rows may be gone. Rows up to `read` are in its trail or on their
    way; spans before it that have `changed` meanwhile are to be read again.
    """

    trail: Trail
    since: datetime
    at: datetime
    until: datetime | None
    read: datetime
    facts: Facts | None = None
    changed: list[Stretch] = field(default_factory=list)


class Lookout:
    """Lets the alerts of a chain be what rules find in its rows.

    Args:
        pool: where alerts are written.
        reader: where rows are read.
        chain: the chain.
        past: how much of the past a new rule, or a new version of one, looks at.
    """

    def __init__(self, pool: Pool, reader: Reader, chain: Chain, past: timedelta) -> None:
        self.chain = chain
        self._pool = pool
        self._reader = reader
        self._past = past
        self._rules: dict[tuple[int, int], Looking] = {}
        self._live: Trail | None = None
        self._turn = asyncio.Lock()
        self._facts: tuple[Facts, float, datetime] | None = None
        self._new: list[Looking] = []
        self._unlooked: list[Looking] = []
        self._late: list[Stretch] = []
        self._pass: _Pass | None = None
        self._is_empty = False

    @property
    def is_busy(self) -> bool:
        """Whether a pass is under way, or a new rule waits for one."""
        return self._pass is not None or (bool(self._new or self._unlooked) and not self._is_empty)

    @property
    def is_live(self) -> bool:
        """Whether what is committed now is looked at at once."""
        return self._live is not None

    @property
    def has_late(self) -> bool:
        """Whether a span waits for a pass."""
        return bool(self._late)

    def set_rules(self, rules: Iterable[tuple[Rule, Definition]]) -> None:
        """Look for these rules, and no others; those that are new to it begin with a pass."""
        here = {(rule.id, rule.version): Looking(rule, of) for rule, of in rules if of.on(self.chain.name)}
        for trail in (self._live, self._pass.trail if self._pass else None):
            if trail is not None:
                trail.keep(each.rule for each in here.values())
        waiting = {(each.rule.id, each.rule.version) for each in self._new}
        unlooked = {(each.rule.id, each.rule.version) for each in self._unlooked}
        self._new = [each for key, each in here.items() if key in waiting or key not in self._rules]
        self._unlooked = [each for key, each in here.items() if key in unlooked]
        self._rules = here

    async def look(self, stretch: Stretch) -> None:
        """Look at a span that was just committed; what the live trail cannot tell of it is left to a pass.

        Raises:
            DatabaseUnavailable, DatabaseRefused, SchemaMismatch, DiskFull: see `faults`; look again.
        """
        self._is_empty = False
        walk = self._pass
        if walk is not None and stretch.start < walk.read:
            walk.changed.append(stretch)
        async with self._turn:
            live = self._live
            if live is None or stretch.start < live.start:
                comes_by = walk is not None and walk.until is None and walk.at <= stretch.start
                if self._rules and not (comes_by and live is None):
                    self._late.append(stretch)
                return
            facts = await self._known(stretch)
            is_new = stretch.start >= live.end
            # What some rows say follows from those before them.
            await self._replace(live, facts, stretch if is_new else stretch._replace(end=max(stretch.end, live.end)))
            await self._say(live, facts, stretch, is_new=is_new)
            live.forget(live.end - self._reach)

    async def step(self) -> bool:
        """Take a pass one piece further, or begin one; whether there was one.

        Raises:
            DatabaseUnavailable, DatabaseRefused, SchemaMismatch, DiskFull: see `faults`; take the step again.
        """
        last = await self._last()
        self._is_empty = last is None
        if last is None:
            return False
        with translated():
            horizon = await read_horizon(self._pool)
        walk = self._pass = self._pass or self._begin(last, horizon)
        if walk is None:
            return False
        facts = walk.facts
        if facts is None:
            facts = walk.facts = await self._read_facts(walk.at - walk.trail.lookback, last)
            if walk.since < walk.at:
                gone = {"since": walk.since.isoformat(), "until": walk.at.isoformat()}
                await record_event(self._pool, "warning", "worker", "below_horizon", self.chain.chain_id, **gone)
        goal = last if walk.until is None else min(walk.until, last)
        await self._walk(walk, facts, await self._some(walk.trail.end, goal, _PIECE))
        if walk.until is None and walk.trail.end >= goal:
            async with self._turn:
                await self._walk(walk, facts, await self._last() or goal)
                self._make_live(walk.trail)
                self._pass = None
        elif walk.trail.end >= goal:
            self._pass = None
        return True

    def _begin(self, last: datetime, horizon: datetime | None) -> _Pass | None:
        """A pass of new rules, which first become live and then look at their past, or of all over what came late."""
        is_new = bool(self._new or self._unlooked)
        if self._new:
            looking, start, latest = self._new, last, last
            new_to_all = [each for each in looking if each.rule.looked_version != each.rule.version]
            self._unlooked += [Looking(each.rule, each.definition) for each in new_to_all]
            self._new = []
        elif self._unlooked:
            looking, start, latest = self._unlooked, last - self._past, last
            self._unlooked = []
        elif self._late and self._rules:
            looking = [Looking(each.rule, each.definition) for each in self._rules.values()]
            start, latest = min(each.start for each in self._late), max(each.end for each in self._late)
            self._late = []
        else:
            return None
        lookback = max(each.definition.lookback for each in looking)
        effect = max(each.definition.effect for each in looking)
        until = None
        if not is_new and self._live is not None and latest + effect < self._live.start - lookback:
            until = latest + effect  # what is found later does not depend on it
        first = start if horizon is None else max(start, horizon + lookback)
        trail = Trail(looking, first)
        return _Pass(trail, start, first, until, trail.end)

    async def _walk(self, walk: _Pass, facts: Facts, end: datetime) -> None:
        """Take in the rows up to a moment, and say what is found."""
        trail, piece = walk.trail, Stretch(walk.trail.end, end)
        if piece.start < piece.end:
            walk.read = piece.end
            await self._replace(trail, facts, piece)
        await self._take_changes(walk, facts)
        if trail.end > walk.at:
            await self._say(trail, facts, Stretch(walk.at, trail.end), is_new=False)
            walk.at = trail.end
            await self._take_changes(walk, facts)
            trail.forget(walk.at - self._reach)

    async def _take_changes(self, walk: _Pass, facts: Facts) -> None:
        """Read again what has changed where a pass has been; what it has let go of already is left to another one."""
        trail = walk.trail
        while walk.changed:
            start, end = walk.changed[0]
            if start >= trail.start:
                await self._replace(trail, facts, Stretch(start, trail.end))
                if start < walk.at:
                    await self._say(trail, facts, Stretch(start, walk.at), is_new=False)
            else:
                kept = Stretch(max(start, trail.start - trail.lookback), min(end, trail.end))
                if kept.start < kept.end:
                    await self._replace(trail, facts, kept)
                self._late.append(Stretch(start, end))
            del walk.changed[0]

    def _make_live(self, trail: Trail) -> None:
        if self._live is None:
            self._live = trail
        else:
            self._live.adopt(trail)
        self._facts = None

    async def _replace(self, trail: Trail, facts: Facts, stretch: Stretch) -> None:
        """Read a span's rows into a trail, some after the others."""
        start = stretch.start
        while start < stretch.end:
            some = Stretch(start, await self._some(start, stretch.end, _READ))
            rows = await read_rows(self._reader, self.chain, trail.sources, *some)
            await asyncio.to_thread(trail.replace, rows, facts, *some)
            start = some.end
        for each in trail.looking if trail.height > MOST_EVENTS else ():
            if (events := trail.count(each)) > MOST_EVENTS:
                trail.drop(each)
                told = {"rule": each.rule.name, "events": events}
                await record_event(self._pool, "warning", "worker", "rule_too_wide", self.chain.chain_id, **told)

    async def _some(self, start: datetime, end: datetime, transactions: int) -> datetime:
        """The end of the first so many transactions of a span."""
        return end if end - start <= _SHORT else await reach(self._reader, self.chain, start, end, transactions)

    async def _say(self, trail: Trail, facts: Facts, stretch: Stretch, *, is_new: bool) -> None:
        """Let the alerts be what is found in a span, and in the time after it that depends on it."""
        for each in trail.looking:
            end = max(stretch.end, min(stretch.end + each.definition.effect, trail.end))
            found = await asyncio.to_thread(trail.find, each, facts, stretch.start, end)
            if found or not is_new:
                raiser = _raiser(each.rule, each.definition)
                await reconcile(self._pool, raiser, self.chain.chain_id, stretch.start, end, found)

    async def _known(self, stretch: Stretch) -> Facts:
        """Facts that are not older than they may be."""
        if self._facts is not None:
            facts, read_at, until = self._facts
            if time.monotonic() - read_at < _FACTS_HOLD_S and stretch.end.date() <= until.date():
                return facts
        facts = await self._read_facts(stretch.start - self._reach, stretch.end)
        self._facts = facts, time.monotonic(), stretch.end
        return facts

    async def _read_facts(self, start: datetime, end: datetime) -> Facts:
        wanted = shares(each.definition for each in self._rules.values())
        facts = await read_facts(self._reader, self.chain, start, end, wanted)
        await pin_quantiles(self._pool, facts)
        return facts

    @property
    def _reach(self) -> timedelta:
        return timedelta(seconds=self.chain.block_time_s * self.chain.finality_depth) + _SLACK

    async def _last(self) -> datetime | None:
        """The moment after the newest committed block; None where there is none."""
        with translated():
            newest: datetime | None = await self._pool.fetchval(_SQL["newest"], self.chain.chain_id)
        return None if newest is None else newest + timedelta(microseconds=1)


def _raiser(rule: Rule, definition: Definition) -> Raiser:
    return Raiser(rule.id, rule.version, rule.name, definition.pattern, rule.severity, rule.state is RuleState.TEST)
