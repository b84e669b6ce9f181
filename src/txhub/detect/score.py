"""How well rules find what is known to be planted in a demo chain."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import NamedTuple

from txhub.chain.demo.truth import Pattern as Truth
from txhub.chain.demo.truth import Planted
from txhub.contract.alerts import Pattern
from txhub.store.alerts import Finding

_BY: Mapping[Truth, tuple[Pattern, Callable[[Planted], set[str]]]] = {
    Truth.WHALE: (Pattern.AMOUNT, lambda thing: {thing.transfers[0].sender, thing.transfers[0].receiver}),
    Truth.STRUCTURING: (Pattern.STRUCTURING, lambda thing: {thing.transfers[0].sender}),
    Truth.FAN_IN: (Pattern.FAN_IN, lambda thing: {thing.transfers[0].receiver}),
    Truth.FAN_OUT: (Pattern.FAN_OUT, lambda thing: {thing.transfers[0].sender}),
    Truth.ROUND_TRIP: (Pattern.ROUND_TRIP, lambda thing: {thing.transfers[0].sender}),
    Truth.RAPID_IN_OUT: (Pattern.RAPID_IN_OUT, lambda thing: {thing.transfers[0].receiver}),
    Truth.PEEL_CHAIN: (Pattern.PEEL_CHAIN, lambda thing: {thing.transfers[0].sender}),
    Truth.DUSTING: (Pattern.DUSTING, lambda thing: {thing.transfers[0].sender}),
    Truth.LISTED: (Pattern.WATCHLIST, lambda thing: {thing.transfers[0].sender, thing.transfers[0].receiver}),
    Truth.MIXER: (Pattern.WATCHLIST, lambda thing: {thing.transfers[0].sender, thing.transfers[0].receiver}),
    Truth.FAILED_BURST: (Pattern.FAILED_BURST, lambda thing: {thing.chain}),
}
"""Which pattern is to find what is planted, and whom the alert is about."""
_AFTER_S = timedelta(minutes=5).total_seconds()
"""How long after it ended an alert may still start: a window has to fill."""


class Found(NamedTuple):
    """A finding, and by what pattern."""

    pattern: Pattern
    finding: Finding


class Score(NamedTuple):
    """Of a planted pattern: how many there are, how many were found, how many alerts there are, and how many of those
    are right.
    """

    planted: int
    found: int
    alerts: int
    right: int

    @property
    def recall(self) -> float:
        """The share of what is planted that was found."""
        return self.found / self.planted if self.planted else 1.0

    @property
    def precision(self) -> float:
        """The share of the alerts that are right."""
        return self.right / self.alerts if self.alerts else 1.0

    def __add__(self, other: Score) -> Score:  # type: ignore[override]
        return Score(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))


def score(planted: Iterable[Planted], found: Sequence[Found]) -> dict[Truth, Score]:
    """The score of each pattern that is planted.

    What is planted is found by an alert of its pattern, about its subject, while it goes on. An alert is right where
    its subject takes part in anything that is planted and goes on then: what comes back also comes and goes.
    """
    things = list(planted)
    wrong = {id(each) for each in unexplained(things, found)}
    alerts: dict[Pattern, dict[str, list[Finding]]] = defaultdict(lambda: defaultdict(list))
    for pattern, finding in found:
        for who in _involved(finding):
            alerts[pattern][who].append(finding)
    scores = {}
    for truth, (pattern, subject) in _BY.items():
        of_kind = [thing for thing in things if thing.pattern is truth]
        hits = 0
        for thing in of_kind:
            about = subject(thing)
            near = alerts[pattern][min(about)]
            hits += any(about <= _involved(finding) and _goes_on(thing, finding) for finding in near)
        of_pattern = [each for each in found if each.pattern is pattern]
        right = sum(id(each) not in wrong for each in of_pattern)
        scores[truth] = Score(len(of_kind), hits, len(of_pattern), right)
    return scores


def unexplained(planted: Iterable[Planted], found: Iterable[Found]) -> list[Found]:
    """The alerts that nothing planted explains."""
    parts: dict[str, list[Planted]] = defaultdict(list)
    for thing in planted:
        here = {who for each in thing.transfers for who in (each.sender, each.receiver)}
        for who in here or {thing.chain}:
            parts[who].append(thing)
    return [
        each
        for each in found
        if not any(_goes_on(thing, each.finding) for who in _involved(each.finding) for thing in parts[who])
    ]


def _involved(finding: Finding) -> set[str]:
    """Whom an alert is about: its subject, or the parties of the transaction that is its subject."""
    samples = finding.details.get("samples", [])
    if any(sample["hash"] == finding.subject for sample in samples):
        return {sample[side] for sample in samples for side in ("from", "to")}
    return {finding.subject}


def _goes_on(thing: Planted, finding: Finding) -> bool:
    return bool(thing.start <= finding.started_at.timestamp() < thing.end + _AFTER_S)
