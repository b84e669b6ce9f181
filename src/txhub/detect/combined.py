"""Conditions that are met when others are: all of them, any of them, or all but some."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

import polars as pl

from txhub.detect.condition import Condition, Span
from txhub.detect.facts import Facts
from txhub.store.alerts import Finding


class Met(NamedTuple):
    """Where a tree of conditions is met: `subject`, `time` and the number of what can be told of it."""

    rows: pl.DataFrame
    tell: Callable[[Any, int], Finding]


class Single(NamedTuple):
    """A condition alone."""

    condition: Condition

    @property
    def lookback(self) -> timedelta:
        """Its own."""
        return self.condition.lookback

    @property
    def effect(self) -> timedelta:
        """Its own."""
        return self.condition.effect

    def leaves(self) -> Iterator[Condition]:
        """Itself."""
        yield self.condition

    def met(self, events: Iterator[pl.DataFrame], span: Span, facts: Facts) -> Met:
        """Where it is met, by its events."""
        hits = self.condition.hits(next(events), span, facts)
        return Met(
            hits.met.rename({"evidence": "tale"}),
            lambda subject, number: self.condition.finding(subject, hits.evidence(number), facts),
        )


class Combined(NamedTuple):
    """Met at an event by which all (or any) of the others, and none of `unless`, were met for the same subject.

    Members:
        every: whether all of them have to be, or one is enough.
        within: for how long one of them counts as met after it was.
    """

    every: bool
    members: Sequence[Tree]
    unless: Sequence[Tree]
    within: timedelta

    @property
    def lookback(self) -> timedelta:
        """The longest of theirs, and for how long they count."""
        return max(member.lookback for member in (*self.members, *self.unless)) + self.within

    @property
    def effect(self) -> timedelta:
        """The longest of theirs, and for how long they count."""
        return max(member.effect for member in (*self.members, *self.unless)) + self.within

    def leaves(self) -> Iterator[Condition]:
        """Those of all members, in order."""
        for member in (*self.members, *self.unless):
            yield from member.leaves()

    def met(self, events: Iterator[pl.DataFrame], span: Span, facts: Facts) -> Met:
        """Where it is met: at hits of its members."""
        # A member may have been met by a subject that does nothing now, so no event is left out.
        since = span.since - self.within
        parts = [member.met(events, Span(since, since, span.end), facts) for member in (*self.members, *self.unless)]
        wanted, refused = parts[: len(self.members)], parts[len(self.members) :]
        rows = pl.concat(
            part.rows.with_columns(member=pl.lit(number, pl.Int32)) for number, part in enumerate(wanted)
        ).sort("time", "subject", "member")
        for part in wanted if self.every else ():
            rows = rows.filter(_lately(rows, part.rows, self.within))
        for part in refused:
            rows = rows.filter(~_lately(rows, part.rows, self.within))
        rows = rows.with_row_index("row").with_columns(pl.col("row").cast(pl.Int64))
        tales = list(rows.select("member", "tale").iter_rows())

        def tell(subject: Any, row: int) -> Finding:
            member, tale = tales[row]
            finding: Finding = wanted[member].tell(subject, tale)
            return finding

        return Met(rows.select("subject", "time", tale="row"), tell)


Tree = Single | Combined


def _lately(rows: pl.DataFrame, others: pl.DataFrame, within: timedelta) -> pl.Series:
    """Whether the subject of each row has one among the others that is not older than that."""
    before = others.select("subject", "time", at="time").sort("time")
    found = rows.select("subject", "time").join_asof(
        before, on="time", by="subject", strategy="backward", tolerance=within, check_sortedness=False
    )
    return found["at"].is_not_null()
