"""Where detection and alerting meet: what rules found becomes alerts, each once.

Detection says what a rule finds in a span of a chain's time, as often as it looks; `reconcile` makes the database
say the same. What is found again stays one alert, what is not found any more is retracted, and nothing is deleted.
So it does not matter in which batches detection came along, how often, or what a reorg changed meanwhile.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from txhub.contract.alerts import Severity
from txhub.store.faults import translated
from txhub.store.pool import Connection, Pool, Record
from txhub.store.sqlfiles import queries

OPERATIONS = "operations"
"""Who the history of alerts about txhub itself says it was."""
_BATCH = 1000
"""So many are raised by one statement."""
_SQL, _OUTBOX = queries("alerts"), queries("ledger")


class Raiser(NamedTuple):
    """The version of a rule that alerts are raised by; `test` ones are kept, and nobody is told."""

    rule_id: int
    version: int
    name: str
    pattern: str
    severity: Severity
    test: bool = False


class Party(NamedTuple):
    """An address that an alert is about, raw; `role` is subject, sender, receiver, listed or intermediate."""

    address: bytes
    role: str


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule found: an alert to be. It follows from the rule and the chain alone, so that a rerun finds the same.

    Args:
        subject: what it is about, as people write it: an address, a transaction's hash, a token, a chain's name.
        started_at: block time at which the rule was met first in this episode; with the subject its key.
        title: one line for people.
        details: what it was found by, for people and programs; JSON, amounts as decimal text.
        block_number: the block in which the rule was met.
        hash: the transaction by which it was met.
        value: what was moved in all, base units of the chain's coin.
        value_usd: the same in US dollars.
        parties: the addresses that it is about.
    """

    subject: str
    started_at: datetime
    title: str
    details: Mapping[str, Any] = field(default_factory=dict)
    block_number: int | None = None
    hash: bytes | None = None
    value: int | None = None
    value_usd: Decimal | None = None
    parties: tuple[Party, ...] = ()


class Reconciled(NamedTuple):
    """What a call of `reconcile` did: ids of alerts by what became of them."""

    raised: list[int]
    changed: list[int]
    retracted: list[int]


async def reconcile(
    pool: Pool,
    raiser: Raiser,
    chain_id: int | None,
    start: datetime,
    end: datetime,
    findings: Iterable[Finding],
    *,
    actor: str = "detection",
    reason: str = "the chain does not show it any more",
) -> Reconciled:
    """Let the alerts of a rule on a chain that started within [start, end) be the findings, and no others.

    Args:
        pool: of a migrated database.
        raiser: the rule's version.
        chain_id: the chain; None for what is of none.
        start: the first moment that was looked at.
        end: the moment after the last.
        findings: all that the rule finds there, in any order, no key twice.
        actor: who the history says it was.
        reason: why alerts that are not among the findings are retracted.

    Raises:
        DatabaseUnavailable, DatabaseRefused, DiskFull: see `faults`; nothing was changed, so try again.
    """
    found = {(finding.subject, finding.started_at): finding for finding in findings}
    gone: list[int] = []
    others: list[tuple[int, Finding]] = []
    notes: list[tuple[int, str, dict[str, Any]]] = []
    with translated():
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute(_SQL["take_turn"], raiser.rule_id, chain_id)
            key = (raiser.rule_id, raiser.version, chain_id)
            for row in await connection.fetch(_SQL["standing"], *key, start, end):
                finding = found.pop((row["subject"], row["started_at"]), None)
                was_retracted = row["chain_state"] == "retracted"
                if finding is None:
                    if not was_retracted:
                        gone.append(row["id"])
                        notes.append((row["id"], "retracted", {"reason": reason}))
                elif was_retracted or _differs(row, raiser, finding):
                    others.append((row["id"], finding))
                    notes.append((row["id"], "revived" if was_retracted else "changed", {"before": row["title"]}))
            await _retract(connection, gone)
            await _change(connection, raiser, others)
            new = await _raise(connection, raiser, chain_id, found.values())
            await _set_parties(connection, chain_id, [*others, *new])
            raised = [alert_id for alert_id, _ in new]
            await _note_all(connection, actor, [*notes, *((alert_id, "raised", {}) for alert_id in raised)])
            done = Reconciled(raised, [alert_id for alert_id, _ in others], gone)
            await tell(connection, [(alert_id, change) for change, ids in done._asdict().items() for alert_id in ids])
    return done


async def _retract(connection: Connection, ids: Sequence[int]) -> None:
    if ids:
        await connection.execute(_SQL["retract"], ids)


async def _change(connection: Connection, raiser: Raiser, changes: Sequence[tuple[int, Finding]]) -> None:
    if changes:
        rows = [(alert_id, raiser.severity.value, *_shown(finding)) for alert_id, finding in changes]
        await connection.executemany(_SQL["change"], rows)
        await connection.execute(_SQL["clear_parties"], [alert_id for alert_id, _ in changes])


async def _raise(
    connection: Connection, raiser: Raiser, chain_id: int | None, findings: Iterable[Finding]
) -> list[tuple[int, Finding]]:
    """Raise what is new, a batch at a time, so that the loop goes on meanwhile; each with its id, in order."""
    ordered = sorted(findings, key=lambda each: (each.started_at, each.subject))
    ids: dict[tuple[str, datetime], int] = {}
    for first in range(0, len(ordered), _BATCH):
        batch = ordered[first : first + _BATCH]
        rows = await connection.fetch(
            _SQL["raise"],
            raiser.rule_id,
            raiser.version,
            raiser.name,
            raiser.pattern,
            chain_id,
            raiser.severity.value,
            raiser.test,
            *zip(*((each.subject, each.started_at, *_shown(each)) for each in batch), strict=True),
        )
        ids |= {(row["subject"], row["started_at"]): row["id"] for row in rows}
    return [(ids[each.subject, each.started_at], each) for each in ordered]


async def raise_own(
    connection: Connection,
    name: str,
    chain_id: int | None,
    subject: str,
    started_at: datetime,
    severity: Severity,
    title: str,
    details: Mapping[str, Any],
) -> int:
    """Raise an alert about txhub itself, in the transaction that is open; its id, for `tell`.

    Args:
        connection: with a transaction.
        name: of what is wrong; it stands where other alerts have their rule.
        chain_id: the chain that it is about, or None.
        subject: what it is about, different for what may be wrong at once; with `started_at` its key.
        started_at: when it began.
        severity: how much it matters.
        title: one line for people.
        details: the facts, as JSON has them.
    """
    facts = json.dumps(details, sort_keys=True, default=str)
    alert_id: int = await connection.fetchval(
        _SQL["raise_own"], name, chain_id, subject, started_at, severity.value, title, facts
    )
    await note(connection, alert_id, OPERATIONS, "raised")
    return alert_id


async def end_own(
    connection: Connection, chain_id: int | None, subject: str, started_at: datetime, ended_at: datetime
) -> int | None:
    """Say of an alert about txhub itself that it is over; its id, for `tell`, or None where none was raised."""
    alert_id: int | None = await connection.fetchval(_SQL["end_own"], chain_id, subject, started_at, ended_at)
    if alert_id is not None:
        await note(connection, alert_id, OPERATIONS, "ended")
    return alert_id


def _shown(finding: Finding) -> tuple[str, str, int | None, bytes | None, Decimal | None, Decimal | None]:
    value = None if finding.value is None else Decimal(finding.value)
    details = json.dumps(finding.details, sort_keys=True)
    return finding.title, details, finding.block_number, finding.hash, value, finding.value_usd


def _differs(row: Record, raiser: Raiser, finding: Finding) -> bool:
    """Whether an alert says something else than what is found now; a price that became known is no news."""
    title, details, block_number, tx_hash, value, _ = _shown(finding)
    there = (row["severity"], row["title"], json.loads(row["details"]), row["block_number"], row["hash"], row["value"])
    return there != (raiser.severity.value, title, json.loads(details), block_number, tx_hash, value)


async def _set_parties(connection: Connection, chain_id: int | None, alerts: Iterable[tuple[int, Finding]]) -> None:
    parties = [(alert_id, *party) for alert_id, finding in alerts for party in finding.parties]
    if parties and chain_id is not None:
        await connection.execute(_SQL["add_parties"], chain_id, *zip(*parties, strict=True))


async def _note_all(connection: Connection, actor: str, notes: Iterable[tuple[int, str, Mapping[str, Any]]]) -> None:
    lines = [(alert_id, event, json.dumps(details)) for alert_id, event, details in notes]
    if lines:
        await connection.execute(_SQL["note_all"], actor, *zip(*lines, strict=True))


async def note(
    connection: Connection, alert_id: int, actor: str, event: str, details: Mapping[str, Any] | None = None
) -> None:
    """Add a line to an alert's history."""
    await connection.execute(_SQL["note"], alert_id, actor, event, json.dumps(details or {}))


async def tell(connection: Connection, news: Sequence[tuple[int, str]]) -> None:
    """Append an event `alert` to the outbox for each id and what became of it; the last of a transaction.

    The outbox's lock is held until the commit.
    """
    if news:
        await connection.execute(_OUTBOX["take_turn"])
        await connection.execute(_SQL["tell"], *map(list, zip(*news, strict=True)))
