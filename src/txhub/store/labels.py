"""Labels: who is known to stand behind an address, by versions of lists that others keep.

A list is known by its source. Each import is a new version of it: it is in force from its time on, and what was in
force until then ends there, in the same transaction. Nothing is ever deleted, so that it can be told what was known
when a transaction was seen. A list may instead be kept by hand: its entries begin and end one by one.

A watchlist is a list like any other whose addresses are watched: every change of one leaves a row in
`txhub.screenings`, and history is searched for what is new to it (`detect/screening.py`).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import NamedTuple

import msgspec

from txhub import contract
from txhub.address import WRITTEN, stored_address
from txhub.errors import NotFound, UsageError
from txhub.store.faults import translated
from txhub.store.pool import Connection, Pool
from txhub.store.records import read_rows
from txhub.store.sqlfiles import queries

_SQL = queries("labels")
_COUNTRY = re.compile(r"[A-Za-z]{2}")
_DIGEST_CHARS = 16
BY_HAND = "by hand"
"""The version of lists whose entries people add and end one by one."""
OWN = "own"
"""The list that single entries go to, if not another one is named."""


class Entry(msgspec.Struct, forbid_unknown_fields=True):
    """A record of a list as it is handed in."""

    address: str
    name: str
    category: str
    country: str | None = None
    chain: str | None = None


class Label(NamedTuple):
    """A row of `txhub.labels`, in the order of its columns, but for what the database fills in."""

    chain_id: int | None
    address: bytes
    name: str
    category: str
    country: str | None
    source: str
    list_version: str
    valid_from: datetime
    watched: bool


class Taken(NamedTuple):
    """What the labels of one version of a list have in common, in the order of the table's last columns."""

    source: str
    version: str
    as_of: datetime
    watched: bool


class Scope(NamedTuple):
    """A chain that labels may be of."""

    chain_id: int
    family: str


class Change(NamedTuple):
    """What a change does to what is watched.

    `entered` addresses were not watched until now, `ended` ones are not any more, and that takes `taken_away`
    exposures away.
    """

    entered: int
    ended: int
    taken_away: int


class Imported(NamedTuple):
    """A new version of a list: its labels, those of older versions that ended with it, and what a watchlist changed."""

    version: str
    labels: int
    ended: int
    change: Change | None = None


class ListVersion(NamedTuple):
    """A version of a list, and when it was in force; until further notice where `valid_to` is None."""

    source: str
    version: str
    valid_from: datetime
    valid_to: datetime | None
    labels: int


async def import_list(
    pool: Pool,
    path: Path,
    *,
    source: str,
    version: str | None = None,
    chain: str | None = None,
    as_of: datetime,
    watched: bool = False,
) -> Imported:
    """Make a file the version of a source's list that is in force from `as_of` on.

    Args:
        pool: of a migrated database.
        path: CSV or JSON, see `records`; a million labels take little memory.
        source: who keeps the list.
        version: what its keeper calls this version; by default it is called after the file's content.
        chain: the chain of records that name none; by default those are of every chain.
        as_of: from when on, later than all that is known of this list.
        watched: whether it is a watchlist; all versions of a list are, or none.

    Raises:
        UsageError: the version is there already, `as_of` is too early, or the file is wrong; nothing was changed.
        DatabaseUnavailable, DatabaseRefused, DiskFull: see `faults`; nothing was changed.
    """
    version = version or version_of([path])
    taken = Taken(source, version, as_of, watched)
    return await _import(pool, taken, chain, lambda row_of: read_rows(path, Entry, row_of), path.name)


async def import_entries(pool: Pool, entries: Sequence[Entry], taken: Taken, name: str) -> Imported:
    """The same of entries that were read already; `name` is what errors call their file."""

    def rows(row_of: Callable[[Entry], Label]) -> Iterator[Label]:
        try:
            yield from map(row_of, entries)
        except ValueError as fault:
            raise UsageError(f"{name} is refused: {fault}") from None

    return await _import(pool, taken, None, rows, name)


async def _import(
    pool: Pool,
    taken: Taken,
    chain: str | None,
    rows: Callable[[Callable[[Entry], Label]], Iterable[Label]],
    name: str,
) -> Imported:
    with translated():
        async with pool.acquire() as connection, connection.transaction():
            await _require_next(connection, taken)
            scopes = await _scopes(connection)
            if chain is not None:
                _scope(chain, scopes)
            ended = _count(await connection.execute(_SQL["supersede"], taken.source, taken.as_of))
            records = rows(partial(_label, scopes=scopes, chain=chain, taken=taken))
            labels = _count(
                await connection.copy_records_to_table(
                    "labels", schema_name="txhub", columns=Label._fields, records=records
                )
            )
            if not labels:
                raise UsageError(f"{name} has no labels; nothing was changed")
            change = await _screen_change(connection, taken) if taken.watched else None
    return Imported(taken.version, labels, ended, change)


async def add_entry(pool: Pool, entry: Entry, *, source: str, watched: bool, now: datetime) -> contract.Label:
    """Add an entry to a list that is kept by hand, from now on. One that is there already stays as it is.

    Raises:
        UsageError: something in it cannot be, or the list comes from files.
        DatabaseUnavailable, DatabaseRefused, DiskFull: see `faults`; nothing was changed.
    """
    try:
        taken = Taken(_text("source", source), BY_HAND, now, watched)
        with translated():
            async with pool.acquire() as connection, connection.transaction():
                await connection.execute(_SQL["take_turn"])
                await _require_kept_as(connection, taken, by_hand=True)
                label = _label(entry, scopes=await _scopes(connection), chain=None, taken=taken)
                place = (label.source, label.address, label.chain_id, watched)
                key = await connection.fetchval(_SQL["in_force"], *place)
                if key is None:
                    key = await connection.fetchval(_SQL["add"], *label)
                    if watched:
                        await _screen_change(connection, taken)
                return contract.Label(*await connection.fetchrow(_SQL["entry"], key))
    except ValueError as fault:
        raise UsageError(str(fault), hint="send an address as its chain writes it, and a name in plain text") from None


async def end_entry(pool: Pool, key: int, *, watched: bool, now: datetime) -> Change | None:
    """End an entry of a list that is kept by hand, now; what that changes, where it was watched.

    Raises:
        NotFound: no entry in force has this id.
        UsageError: its list comes from files.
        DatabaseUnavailable, DatabaseRefused, DiskFull: see `faults`; nothing was changed.
    """
    with translated():
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute(_SQL["take_turn"])
            row = await connection.fetchrow(_SQL["find"], key)
            if row is None or row["valid_to"] is not None or row["watched"] is not watched:
                raise NotFound(f"no entry {key} is in force", hint="ask for the list to see those that are")
            if row["list_version"] != BY_HAND:
                raise UsageError(
                    f"entry {key} is of {row['source']}, which comes from files",
                    hint="it ends when a newer version of the list is imported that does not have it",
                )
            ended_at = await connection.fetchval(_SQL["end"], key, now)
            taken = Taken(row["source"], BY_HAND, ended_at, watched)
            return await _screen_change(connection, taken) if watched else None


async def read_lists(pool: Pool, source: str | None = None) -> list[ListVersion]:
    """All versions of all lists, or of one source's, the oldest of each first."""
    with translated():
        return [ListVersion(*row) for row in await pool.fetch(_SQL["lists"], source)]


def version_of(paths: Iterable[Path]) -> str:
    """What a version is called whose keeper gave it no name: after the content of its files.

    Raises:
        UsageError: one cannot be read.
    """
    digest = hashlib.sha256()
    for path in paths:
        try:
            with path.open("rb") as content:
                hashlib.file_digest(content, lambda: digest)
        except OSError as fault:
            raise UsageError(f"{path} cannot be read: {fault.strerror}") from None
    return "sha256:" + digest.hexdigest()[:_DIGEST_CHARS]


async def _require_next(connection: Connection, taken: Taken) -> None:
    """Take the turn, and refuse what cannot be the next version of its list."""
    await connection.execute(_SQL["take_turn"])
    if await connection.fetchval(_SQL["has_version"], taken.source, taken.version):
        raise UsageError(
            f"version {taken.version} of {taken.source} is there already; nothing was changed",
            hint="a list that did change needs another version, or none",
        )
    await _require_kept_as(connection, taken, by_hand=False)
    last = await connection.fetchval(_SQL["last_change"], taken.source)
    if last is not None and taken.as_of <= last:
        raise UsageError(
            f"{taken.source} last changed at {last.isoformat()}, which is not before {taken.as_of.isoformat()}",
            hint="versions follow one another in time: import the older one first",
        )


async def _require_kept_as(connection: Connection, taken: Taken, *, by_hand: bool) -> None:
    """Refuse to mix, in one list, what is kept by hand and files, or what is watched and what is not."""
    kept = await connection.fetchrow(_SQL["keeping"], taken.source)
    if kept["by_hand"] not in (None, by_hand):
        ways = ("is kept by hand", "comes from files")
        raise UsageError(f"{taken.source} {ways[by_hand]}", hint="give these another source")
    if kept["watched"] not in (None, taken.watched):
        is_one, command = ("a watchlist", "watchlist") if kept["watched"] else ("no watchlist", "labels")
        raise UsageError(f"{taken.source} is {is_one}", hint=f"use `txhub {command}`, or give another source")


async def _scopes(connection: Connection) -> dict[str, Scope]:
    chains = await connection.fetch(_SQL["chains"])
    return {row["name"]: Scope(row["chain_id"], row["family"]) for row in chains}


def _scope(chain: str, scopes: Mapping[str, Scope]) -> Scope:
    if chain not in scopes:
        raise UsageError(_unknown(chain, scopes), hint="follow it first: labels belong to chains that are known")
    return scopes[chain]


async def _screen_change(connection: Connection, taken: Taken) -> Change:
    return Change(*await connection.fetchrow(_SQL["screen_change"], taken.source, taken.version, taken.as_of))


def _label(entry: Entry, *, scopes: Mapping[str, Scope], chain: str | None, taken: Taken) -> Label:
    """Turn a record into a row.

    Raises:
        ValueError: something in it cannot be; says what.
    """
    named = entry.chain or chain
    if named is not None and named not in scopes:
        raise ValueError(_unknown(named, scopes))
    scope = None if named is None else scopes[named]
    families = set(WRITTEN) if scope is None else {scope.family}
    address = stored_address(entry.address.strip(), families)
    if address is None:
        written = " or ".join(WRITTEN[family] for family in sorted(families))
        raise ValueError(f"address {entry.address[:100]!r} is not {written}")
    country = entry.country or None
    if country is not None and not _COUNTRY.fullmatch(country):
        raise ValueError(f"country {country[:40]!r} is not two letters of ISO 3166")
    return Label(
        None if scope is None else scope.chain_id,
        address,
        _text("name", entry.name),
        _text("category", entry.category).lower(),
        country and country.upper(),
        *taken,
    )


def _unknown(chain: str, scopes: Mapping[str, Scope]) -> str:
    return f"chain {chain[:40]!r} is not in the database; these are: {', '.join(scopes) or 'none yet'}"


def _text(field: str, text: str) -> str:
    stripped = text.strip()
    if not stripped or not stripped.isprintable():
        raise ValueError(f"{field} {text[:40]!r} is empty or has characters that cannot be printed")
    return stripped


def _count(status: str) -> int:
    """How many rows a statement wrote, by what the server says of it: `UPDATE 12`."""
    return int(status.rpartition(" ")[2])
