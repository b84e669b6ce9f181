"""Backtests: what a rule would have found in the past, by the same functions, without a trace."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta

from txhub.contract.alerts import RuleState, Severity
from txhub.contract.jobs import Backtest, BacktestDay, BacktestSample, BacktestSubject
from txhub.detect.facts import Facts
from txhub.detect.knowledge import read_chains, read_facts
from txhub.detect.patterns.odd import Anomaly
from txhub.detect.patterns.traffic import TrafficCondition
from txhub.detect.rows import reach, read_rows
from txhub.detect.rules import Definition, shares
from txhub.detect.traffic import Traffic
from txhub.detect.trail import Looking, Trail
from txhub.errors import UsageError
from txhub.store.alerts import Finding
from txhub.store.read import Reader
from txhub.store.rules import API, Rule
from txhub.store.sqlfiles import queries

SHOWN = 20
_AT_ONCE = 40_000
"""About so many transactions are read and looked at together."""
_SQL, _HORIZON = queries("detection"), queries("horizon")
Progress = Callable[[float], Awaitable[None]]


async def backtest(
    reader: Reader, definition: Definition, start: datetime, end: datetime, progress: Progress
) -> Backtest:
    """What a rule would have found in [start, end) on the chains in its scope.

    Args:
        reader: where rows are read; nothing is written.
        definition: the rule.
        start: the first moment.
        end: the moment after the last.
        progress: told from time to time how much is done, from 0 to 1.

    Raises:
        UsageError: it is of models, which would be tried on what they have learned from.
        DatabaseUnavailable, DatabaseRefused, SchemaMismatch, TooLong: see `Reader.frame`.
    """
    first = definition.leaves[0]
    if isinstance(first, Anomaly):
        raise UsageError(
            "a rule of pattern anomaly cannot be tried on the past: the newest model may have learned from it",
            hint=f"`txhub anomaly score --chain NAME --by {first.by} --start -7d` shows what that model finds there",
        )
    answer = Backtest(definition.document(), start, end, 0, 0, 0.0)
    if isinstance(first, TrafficCondition):
        found = await _of_traffic(reader, definition, first, answer, progress)
    else:
        found = await _of_rows(reader, definition, answer, progress)
    _sum_up(answer, found)
    return answer


async def _of_traffic(
    reader: Reader, definition: Definition, condition: TrafficCondition, answer: Backtest, progress: Progress
) -> list[tuple[Facts, Finding]]:
    """The spikes or drops that began in the range, by the ledger, which keeps all of the past; `rows` are blocks."""
    found: list[tuple[Facts, Finding]] = []
    chains = [chain for chain in (await read_chains(reader)).values() if definition.on(chain.name)]
    for number, chain in enumerate(chains):
        traffic = await Traffic.read(reader, chain, answer.start)
        known = traffic.minutes
        first, last = max(answer.start, known.start), min(answer.end, known.end)
        if known.start > answer.start:
            answer.limits.append(f"{chain.name}: what is usual is known from {known.start:%Y-%m-%d %H:%M} on")
        if first < last:
            look = await asyncio.to_thread(traffic.look, condition.swing, first, last)
            found += [(Facts(chain), each) for each in look.findings if first <= each.started_at < last]
            answer.rows += (await reader.frame(_SQL["blocks"], chain.chain_id, first, last)).item()
        await progress((number + 1) / len(chains))
    return found


async def _of_rows(
    reader: Reader, definition: Definition, answer: Backtest, progress: Progress
) -> list[tuple[Facts, Finding]]:
    """What committed rows show, piece by piece."""
    start, end = answer.start, answer.end
    found: list[tuple[Facts, Finding]] = []
    horizon = (await reader.frame(_HORIZON["read"]))["time"].to_list()
    chains = [chain for chain in (await read_chains(reader)).values() if definition.on(chain.name)]
    for number, chain in enumerate(chains):
        held = (await reader.frame(_SQL["held"], chain.chain_id)).row(0)
        first, last = max(start, held[0] or end), min(end, (held[1] or start) + timedelta(microseconds=1))
        if horizon and horizon[0] is not None and first - definition.lookback < horizon[0]:
            first = horizon[0] + definition.lookback
            answer.limits.append(f"{chain.name}: looked at from {first:%Y-%m-%d %H:%M} on, since raw rows were dropped")
        elif held[0] is None or held[0] > start:
            stored = "nothing is stored" if held[0] is None else f"it is stored from {held[0]:%Y-%m-%d %H:%M} on"
            answer.limits.append(f"{chain.name}: {stored}")
        if first >= last:
            continue
        facts = await read_facts(reader, chain, first - definition.lookback, last, shares([definition]))
        trail = Trail([Looking(_NO_RULE, definition)], first)
        while trail.end < last:
            piece, until = trail.end, await reach(reader, chain, trail.end, last, _AT_ONCE)
            rows = await read_rows(reader, chain, trail.sources, piece, until)
            await asyncio.to_thread(trail.replace, rows, facts, piece, until)
            if until > first:
                since = max(piece, first)
                new = await asyncio.to_thread(trail.find, trail.looking[0], facts, since, until)
                found += [(facts, each) for each in new]
                trail.forget(until)
            answer.rows += sum(frame.height for frame in rows.values())
            began = first - definition.lookback
            await progress((number + (until - began) / (last - began)) / len(chains))
    return found


def _sum_up(answer: Backtest, found: Sequence[tuple[Facts, Finding]]) -> None:
    answer.alerts = len(found)
    answer.alerts_a_day = round(len(found) / ((answer.end - answer.start) / timedelta(days=1)), 3)
    days = Counter((facts.chain.name, f"{each.started_at:%Y-%m-%d}") for facts, each in found)
    answer.days = [BacktestDay(*key, count) for key, count in sorted(days.items())]
    subjects = Counter((facts.chain.name, each.subject) for facts, each in found)
    names = {(facts.chain.name, each.subject): facts for facts, each in found}
    answer.subjects = [
        BacktestSubject(chain, subject, names[chain, subject].name_of(subject), count)
        for (chain, subject), count in sorted(subjects.items(), key=lambda item: (-item[1], item[0]))[:SHOWN]
    ]
    newest = sorted(found, key=lambda item: (item[1].started_at, item[1].subject), reverse=True)[:SHOWN]
    answer.samples = [
        BacktestSample(
            facts.chain.name,
            each.subject,
            each.started_at,
            each.title,
            each.block_number,
            None if each.hash is None else facts.written_hash(each.hash),
            dict(each.details),
        )
        for facts, each in newest
    ]


_NO_RULE = Rule(
    0, "backtest", 1, {}, Severity.LOW, RuleState.TEST, API, datetime(1970, 1, 1, tzinfo=UTC), "backtest", None
)
