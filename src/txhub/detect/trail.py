"""What rules have picked of a chain's rows, kept at hand: the lookback of what comes next."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import polars as pl
from polars import selectors as cs

from txhub.detect.facts import Facts
from txhub.detect.look import find, select
from txhub.detect.rows import Rows
from txhub.detect.rules import Definition
from txhub.store.alerts import Finding
from txhub.store.rules import Rule

_ORDER = ("time", "number", "index", "n")
_MOST_CHUNKS = 32
"""Each block that is new adds a chunk, which takes more than its few rows do, and more time with every look."""


@dataclass
class Looking:
    """A rule that is looked for, with the events that its conditions have picked."""

    rule: Rule
    definition: Definition
    events: list[pl.DataFrame] = field(default_factory=list)

    @property
    def kept(self) -> int:
        """The most events that one of its conditions keeps."""
        return max((events.height for events in self.events), default=0)


class Trail:
    """The events of rules up to `end`, enough of them for looks from `start` on.

    It is moved on by the rows of the span that follows, or of any span within it that has changed.
    """

    def __init__(self, looking: Sequence[Looking], start: datetime) -> None:
        self.looking = list(looking)
        self.start = start
        self.end = start - self.lookback

    @property
    def lookback(self) -> timedelta:
        """The longest of its rules."""
        return max((each.definition.lookback for each in self.looking), default=timedelta(0))

    @property
    def sources(self) -> list[str]:
        """The sources of the rows that it is moved on by."""
        return list(dict.fromkeys(source for each in self.looking for source in each.definition.sources))

    def replace(self, rows: Rows, facts: Facts, start: datetime, end: datetime) -> None:
        """Let the rows be those of [start, end), whatever was there."""
        for each in self.looking:
            fresh = select(each.definition, rows, facts)
            if not each.events:
                each.events = list(map(_alone, fresh))
            elif start >= self.end:
                each.events = [_followed(old, new) for old, new in zip(each.events, fresh, strict=True)]
            else:
                outside = (pl.col("time") < start) | (pl.col("time") >= end)
                pairs = zip(each.events, fresh, strict=True)
                each.events = [_alone(pl.concat([old.filter(outside), new]).sort(_ORDER)) for old, new in pairs]
        self.end = max(self.end, end)

    def find(self, looking: Looking, facts: Facts, start: datetime, end: datetime) -> list[Finding]:
        """What one of its rules finds in [start, end)."""
        near = (pl.col("time") >= start - looking.definition.lookback) & (pl.col("time") < end)
        return find(looking.definition, [events.filter(near) for events in looking.events], facts, start, end)

    def forget(self, before: datetime) -> None:
        """Let go what no look from `before` on needs."""
        if before > self.start:
            self.start = before
            for each in self.looking:
                since = before - each.definition.lookback
                each.events = [events.filter(pl.col("time") >= since) for events in each.events]

    def adopt(self, other: Trail) -> None:
        """Take over the rules of another trail that has come as far, with their events."""
        fresh = {each.rule.id for each in other.looking}
        self.looking = [each for each in self.looking if each.rule.id not in fresh] + other.looking
        self.start, self.end = max(self.start, other.start), max(self.end, other.end)

    def keep(self, rules: Iterable[Rule]) -> None:
        """Let go all rules but these, in these versions; their states may be others."""
        known = {(rule.id, rule.version): rule for rule in rules}
        self.looking = [each for each in self.looking if (each.rule.id, each.rule.version) in known]
        for each in self.looking:
            each.rule = known[each.rule.id, each.rule.version]


def _followed(old: pl.DataFrame, new: pl.DataFrame) -> pl.DataFrame:
    events = pl.concat([old, _alone(new)])
    return _alone(events) if events.n_chunks() > _MOST_CHUNKS else events


def _alone(events: pl.DataFrame) -> pl.DataFrame:
    """The same rows, with bytes and text in memory of their own, in one chunk.

    Rows that were picked of a frame share the memory of all its bytes, and would keep it as long as they are kept.
    Arrow's older layout has no way to share: what passes through it is copied, and nothing else.
    """
    whole = events.rechunk()
    shared = whole.select(cs.binary() | cs.string()).to_arrow(compat_level=pl.CompatLevel.oldest())
    own = pl.from_arrow(shared)
    assert isinstance(own, pl.DataFrame)  # noqa: S101 (what a table becomes)
    return whole.with_columns(own.get_columns())
