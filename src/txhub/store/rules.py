"""Rules in the database: read, set and deleted. What a definition means is known to `txhub.detect` alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from txhub.contract.alerts import RuleState, Severity
from txhub.errors import NotFound, Outdated, UsageError
from txhub.store.faults import translated
from txhub.store.pool import Connection, Pool, Record
from txhub.store.sqlfiles import queries

DEFAULT, FILE, API = "default", "file", "api"
"""Where a rule comes from: with txhub, from txhub.toml, from people."""
_SQL = queries("rules")


class Rule(NamedTuple):
    """A row of `txhub.rules`; `looked_version` is the version by which the past was looked at."""

    id: int
    name: str
    version: int
    definition: dict[str, Any]
    severity: Severity
    state: RuleState
    origin: str
    changed_at: datetime
    changed_by: str
    looked_version: int | None


class Wanted(NamedTuple):
    """A rule as it is to be; its definition with all defaults, as JSON."""

    definition: Mapping[str, Any]
    severity: Severity
    state: RuleState


async def read_rules(pool: Pool) -> list[Rule]:
    """All rules, by name."""
    with translated():
        return [_rule(row) for row in await pool.fetch(_SQL["list"])]


async def read_rule(pool: Pool, name: str) -> Rule:
    """One rule.

    Raises:
        NotFound: there is none of this name.
    """
    with translated():
        row = await pool.fetchrow(_SQL["one"], name)
    if row is None:
        raise NotFound(f"there is no rule {name[:60]!r}", hint="`txhub rules list` lists all")
    return _rule(row)


async def set_rule(
    pool: Pool, name: str, wanted: Wanted, *, by: str, new: bool | None = None, seen_at: datetime | None = None
) -> Rule:
    """Make or change a rule. Another definition makes another version; severity and state do not.

    Args:
        pool: of a migrated database.
        name: small letters, digits, - and _.
        wanted: what it is to be.
        by: who changes it.
        new: whether it must not be there yet, or has to be; None: either.
        seen_at: its `changed_at` as whoever changes it saw it; None: whatever happened since does not matter.

    Raises:
        UsageError: the name cannot be one, is taken, or the rule is kept in txhub.toml.
        NotFound: there is no rule of this name to change.
        Outdated: it changed after `seen_at`; nothing was changed.
    """
    with translated():
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute(_SQL["take_turn"])
            row = await connection.fetchrow(_SQL["one"], name)
            if row is None and new is False:
                raise NotFound(f"there is no rule {name[:60]!r}", hint="`txhub rules list` lists all")
            if row is not None:
                if new:
                    raise UsageError(f"there is a rule {name!r} already", hint="change it, or choose another name")
                _require_ours(_rule(row))
                if seen_at is not None and row["changed_at"] != seen_at:
                    raise Outdated(
                        f"{row['changed_by']} changed {name} at {row['changed_at'].isoformat()}",
                        hint="read it again, then decide",
                    )
            origin = API
            if row is not None and row["origin"] == DEFAULT and json.loads(row["definition"]) == wanted.definition:
                origin = DEFAULT
            await _put(connection, name, wanted, origin, by, there=row is not None)
            return _rule(await connection.fetchrow(_SQL["one"], name))


async def delete_rule(pool: Pool, name: str) -> None:
    """End a rule. Its versions and its alerts stay.

    Raises:
        NotFound: there is none of this name.
        UsageError: it comes with txhub, or is kept in txhub.toml.
    """
    with translated():
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute(_SQL["take_turn"])
            row = await connection.fetchrow(_SQL["one"], name)
            if row is None:
                raise NotFound(f"there is no rule {name[:60]!r}", hint="`txhub rules list` lists all")
            rule = _rule(row)
            _require_ours(rule)
            if rule.origin == DEFAULT:
                raise UsageError(f"{name} comes with txhub", hint=f"turn it off: `txhub rules set {name} --state off`")
            await connection.execute(_SQL["delete"], name)


async def sync_rules(pool: Pool, defaults: Mapping[str, Wanted], file: Mapping[str, Wanted]) -> None:
    """Let the rules that come with txhub and those of txhub.toml be there as they are written.

    One of the file takes the place of any other of its name, and goes with its lines. What people changed of a
    default, or its state, stays.
    """
    with translated():
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute(_SQL["take_turn"])
            there = {row["name"]: _rule(row) for row in await connection.fetch(_SQL["list"])}
            for name, rule in there.items():
                if rule.origin == FILE and name not in file:
                    await connection.execute(_SQL["delete"], name)
            there = {name: rule for name, rule in there.items() if rule.origin != FILE or name in file}
            for name, wanted in file.items():
                await _follow(connection, name, there.get(name), wanted, FILE)
            for name, wanted in defaults.items():
                known = there.get(name)
                if name not in file and (known is None or known.origin == DEFAULT):
                    kept = wanted if known is None else wanted._replace(state=known.state)
                    await _follow(connection, name, known, kept, DEFAULT)


async def mark_looked(pool: Pool, rule: Rule) -> None:
    """Note that the past was looked at by a rule as it is."""
    with translated():
        await pool.execute(_SQL["looked"], rule.id, rule.version)


async def _follow(connection: Connection, name: str, known: Rule | None, wanted: Wanted, origin: str) -> None:
    if known is None or (known.definition, known.severity, known.state, known.origin) != (*wanted, origin):
        await _put(connection, name, wanted, origin, origin, there=known is not None)


async def _put(connection: Connection, name: str, wanted: Wanted, origin: str, by: str, *, there: bool) -> None:
    definition, severity, state = wanted
    values = (name, json.dumps(definition, sort_keys=True), severity.value, state.value, origin, by)
    await connection.execute(_SQL["update" if there else "insert"], *values)
    await connection.execute(_SQL["keep_version"], name)


def _require_ours(rule: Rule) -> None:
    if rule.origin == FILE:
        raise UsageError(f"{rule.name} is kept in txhub.toml", hint="change it there, and restart the worker")


def _rule(row: Record) -> Rule:
    values = dict(row)
    return Rule(
        **values
        | {
            "definition": json.loads(values["definition"]),
            "severity": Severity(values["severity"]),
            "state": RuleState(values["state"]),
        }
    )
