"""One look at a span of a chain: the alerts to be that start in it.

Nothing but the rule, the facts and committed rows of the span and of its lookback decides, so that looking live,
again, or in other batches finds the same; `tests/unit/test_detect_equality.py` holds that.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import polars as pl

from txhub.detect.combined import Met
from txhub.detect.condition import Span
from txhub.detect.facts import Facts
from txhub.detect.rows import Rows
from txhub.detect.rules import Definition
from txhub.store.alerts import Finding


def select(definition: Definition, rows: Rows, facts: Facts) -> list[pl.DataFrame]:
    """The events of each condition of a rule."""
    return [
        leaf.events(rows, facts)
        if leaf.scope.on(facts.chain.name)
        else leaf.events({name: frame.clear() for name, frame in rows.items()}, facts)
        for leaf in definition.leaves
    ]


def find(
    definition: Definition, events: Sequence[pl.DataFrame], facts: Facts, start: datetime, end: datetime
) -> list[Finding]:
    """What a rule finds in [start, end), by the events of that span and of the rule's lookback before it."""
    cooldown = definition.cooldown if definition.repeats else timedelta(0)
    span = Span(start - cooldown, start, end)
    met = definition.tree.met(iter(events), span, facts)
    return list(_episodes(met, cooldown, span))


def look(definition: Definition, rows: Rows, facts: Facts, start: datetime, end: datetime) -> list[Finding]:
    """What a rule finds in [start, end), by the rows of that span and of the rule's lookback before it."""
    near = (pl.col("time") >= start - definition.lookback) & (pl.col("time") < end)
    events = [frame.filter(near) for frame in select(definition, rows, facts)]
    return find(definition, events, facts, start, end)


def _episodes(met: Met, cooldown: timedelta, span: Span) -> Iterator[Finding]:
    """An alert for each event at which the condition is met while it was not within the cooldown before."""
    first = (
        met.rows.filter((pl.col("time") < span.end) & ((pl.col("time") > span.since) | (pl.col("time") >= span.start)))
        .unique(["subject", "time"], keep="last", maintain_order=True)
        .sort("subject", "time")
        .with_columns(before=pl.col("time").shift().over("subject"))
        .filter(
            pl.col("time") >= span.start,
            pl.col("before").is_null() | (pl.col("time") - pl.col("before") >= cooldown),
        )
    )
    for subject, tale in first.select("subject", "tale").iter_rows():
        yield met.tell(subject, tale)
