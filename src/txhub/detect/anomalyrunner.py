"""Letting models look at each hour of a chain when it is over, as rules of pattern `anomaly` say."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from txhub.contract.alerts import RuleState
from txhub.detect.anomalies import oddest, read_features, read_model
from txhub.detect.facts import Facts
from txhub.detect.features import Subject
from txhub.detect.knowledge import read_chains
from txhub.detect.minutes import DAY, midnight
from txhub.detect.patterns.odd import Anomaly
from txhub.detect.rules import define
from txhub.errors import NotFound
from txhub.model import Chain
from txhub.store.alerts import Finding, Party, Raiser, reconcile
from txhub.store.models import Odd, keep_found
from txhub.store.pool import Pool
from txhub.store.read import Reader
from txhub.store.rules import Rule, read_rules
from txhub.store.sqlfiles import queries

_EVERY_S = 60.0
_HOUR = timedelta(hours=1)
_KEPT = 100
"""So many of each hour are kept, so that rules may want as many a day."""
_SQL = queries("models")


class _Hour(NamedTuple):
    """An hour as a model judged it: what it was like then, and what was oddest in it."""

    seen: tuple[object, ...]
    found: list[Odd]


class AnomalyRunner:
    """Looks at yesterday's and today's hours; those that it has seen are looked at again only where they changed."""

    def __init__(self, pool: Pool, reader: Reader) -> None:
        self._pool = pool
        self._reader = reader
        self._hours: dict[tuple[int, Subject, datetime], _Hour] = {}

    async def run(self) -> None:
        """Look for ever.

        Raises:
            DatabaseUnavailable, DatabaseRefused, SchemaMismatch, DiskFull: see `faults`; run it again.
        """
        while True:
            await self.catch_up()
            await asyncio.sleep(_EVERY_S)

    async def catch_up(self) -> None:
        """Look at all hours that are over."""
        rules = [rule for rule in await read_rules(self._pool) if rule.state is not RuleState.OFF]
        wanted = [
            (rule, each) for rule in rules for each in define(rule.definition).leaves if isinstance(each, Anomaly)
        ]
        if not wanted:
            return
        for chain in (await read_chains(self._reader)).values():
            for rule, condition in wanted:
                if condition.scope.chains is None or chain.name in condition.scope.chains:
                    await self._look(chain, rule, condition)

    async def _look(self, chain: Chain, rule: Rule, condition: Anomaly) -> None:
        last = (await self._reader.frame(_SQL["last_time"], chain.chain_id))["time"][0]
        try:
            stored, forest = await read_model(self._pool, chain, condition.by)
        except NotFound:
            return
        if last is None:
            return
        since = midnight(last) - DAY
        hours = await self._reader.frame(_SQL["hours"], chain.chain_id, since)
        for hour, *state in hours.iter_rows():
            key, seen = (chain.chain_id, condition.by, hour), (stored.id, *state)
            if key not in self._hours or self._hours[key].seen != seen:
                rows = await read_features(self._reader, chain, condition.by, hour, hour + _HOUR)
                found = await asyncio.to_thread(oddest, forest, rows, _KEPT)
                await keep_found(self._pool, stored.id, hour, hour + _HOUR, found[: condition.top])
                self._hours[key] = _Hour(seen, found)
        self._hours = {key: each for key, each in self._hours.items() if key[0] != chain.chain_id or key[2] >= since}
        facts = Facts(chain)
        raiser = Raiser(
            rule.id, rule.version, rule.name, condition.pattern, rule.severity, rule.state is RuleState.TEST
        )
        for day in (since, since + DAY):
            keys = [(chain.chain_id, condition.by, hour) for hour in hours["hour"] if midnight(hour) == day]
            chosen = _first((self._hours[key].found for key in keys), condition)
            findings = [_finding(facts, condition, stored.version, each) for each in chosen]
            await reconcile(self._pool, raiser, chain.chain_id, day, day + DAY, findings)


def _first(hours: Iterable[list[Odd]], condition: Anomaly) -> list[Odd]:
    """The first few of a day, so that later hours take nothing back; each of a subject once a day."""
    chosen: dict[bytes, Odd] = {}
    for each in (each for hour in hours for each in hour if each.score >= condition.score):
        if len(chosen) < condition.top:
            chosen.setdefault(each.subject, each)
    return list(chosen.values())


def _finding(facts: Facts, condition: Anomaly, version: int, odd: Odd) -> Finding:
    is_address = condition.by is Subject.ADDRESS
    subject = facts.written(odd.subject) if is_address else facts.written_hash(odd.subject)
    why = str(odd.reasons[0]["words"]).partition(";")[0] if odd.reasons else "by all of its figures together"
    end = odd.started_at + _HOUR if is_address else odd.started_at
    return Finding(
        subject,
        odd.started_at,
        f"{subject} is unlike the rest of {facts.chain.name}: {why}",
        {
            "score": odd.score,
            "by": condition.by.value,
            "model": version,
            "until": end.isoformat(),
            "reasons": [dict(reason) for reason in odd.reasons],
        },
        hash=None if is_address else odd.subject,
        parties=(Party(odd.subject, "subject"),) if is_address else (),
    )
