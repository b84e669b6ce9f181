"""What rules have picked of a chain's rows, kept at hand: the lookback of what comes next."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from txhub.detect.facts import Facts
from txhub.detect.look import find
from txhub.detect.picked import Picked
from txhub.detect.rows import Rows
from txhub.detect.rules import Definition
from txhub.store.alerts import Finding
from txhub.store.rules import Rule


@dataclass(eq=False)
class Looking:
    """A rule that is looked for."""

    rule: Rule
    definition: Definition


class _Together:
    """Rules that have come the same way, and what they have picked on it."""

    def __init__(self, looking: Sequence[Looking]) -> None:
        self.looking = list(looking)
        self._names = {
            each: [f"{place}.{n}" for n in range(len(each.definition.leaves))] for place, each in enumerate(looking)
        }
        self.picked = Picked(
            {
                name: leaf
                for each, names in self._names.items()
                for name, leaf in zip(names, each.definition.leaves, strict=True)
            }
        )

    def find(self, looking: Looking, facts: Facts, start: datetime, end: datetime) -> list[Finding]:
        since = start - looking.definition.lookback
        return find(
            looking.definition,
            [self.picked.of(name, since, end) for name in self._names[looking]],
            facts,
            start,
            end,
        )

    def count(self, looking: Looking) -> int:
        return max(map(self.picked.count, self._names[looking]))

    def forget(self, before: datetime) -> None:
        self.picked.forget(
            {name: before - each.definition.lookback for each in self.looking for name in self._names[each]}
        )

    def keep(self, wanted: Callable[[Looking], bool]) -> None:
        gone = [each for each in self.looking if not wanted(each)]
        self.picked.drop(name for each in gone for name in self._names.pop(each))
        self.looking = list(self._names)


class Trail:
    """The events of rules up to `end`, enough of them for looks from `start` on.

    It is moved on by the rows of the span that follows, or of any span within it that has changed.
    """

    def __init__(self, looking: Sequence[Looking], start: datetime) -> None:
        self._groups = [_Together(looking)]
        self.start = start
        self.end = start - self.lookback

    @property
    def looking(self) -> list[Looking]:
        """Its rules."""
        return [each for group in self._groups for each in group.looking]

    @property
    def lookback(self) -> timedelta:
        """The longest of its rules."""
        return max((each.definition.lookback for each in self.looking), default=timedelta(0))

    @property
    def sources(self) -> list[str]:
        """The sources of the rows that it is moved on by."""
        return list(dict.fromkeys(source for group in self._groups for source in group.picked.sources))

    def replace(self, rows: Rows, facts: Facts, start: datetime, end: datetime) -> None:
        """Let the rows be those of [start, end), whatever was there."""
        for group in self._groups:
            if start >= self.end:
                group.picked.add(rows, facts)
            else:
                group.picked.replace(rows, facts, start, end)
        self.end = max(self.end, end)

    def find(self, looking: Looking, facts: Facts, start: datetime, end: datetime) -> list[Finding]:
        """What one of its rules finds in [start, end)."""
        return self._of(looking).find(looking, facts, start, end)

    @property
    def height(self) -> int:
        """How many rows it keeps."""
        return sum(group.picked.height for group in self._groups)

    def count(self, looking: Looking) -> int:
        """The most events that are kept for a condition of one of its rules."""
        return self._of(looking).count(looking)

    def forget(self, before: datetime) -> None:
        """Let go what no look from `before` on needs."""
        if before > self.start:
            self.start = before
            for group in self._groups:
                group.forget(before)

    def adopt(self, other: Trail) -> None:
        """Take over the rules of another trail that has come as far, with their events."""
        fresh = {each.rule.id for each in other.looking}
        self._keep(lambda each: each.rule.id not in fresh)
        self._groups += other._groups
        self.start, self.end = max(self.start, other.start), max(self.end, other.end)

    def drop(self, looking: Looking) -> None:
        """Let go one of its rules."""
        self._keep(lambda each: each is not looking)

    def keep(self, rules: Iterable[Rule]) -> None:
        """Let go all rules but these, in these versions; their states may be others."""
        known = {(rule.id, rule.version): rule for rule in rules}
        self._keep(lambda each: (each.rule.id, each.rule.version) in known)
        for each in self.looking:
            each.rule = known[each.rule.id, each.rule.version]

    def _of(self, looking: Looking) -> _Together:
        return next(group for group in self._groups if looking in group.looking)

    def _keep(self, wanted: Callable[[Looking], bool]) -> None:
        for group in self._groups:
            group.keep(wanted)
        self._groups = [group for group in self._groups if group.looking]
