"""Labels: who is known to stand behind an address, by versions of lists that others keep.

A list is known by its source. Each import is a new version of it: it is in force from its time on, and what was in
force until then ends there, in the same transaction. Nothing is ever deleted, so that it can be told what was known
when a transaction was seen.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import NamedTuple

import msgspec

from txhub.address import WRITTEN, stored_address
from txhub.errors import UsageError
from txhub.store.faults import translated
from txhub.store.pool import Pool
from txhub.store.records import read_rows
from txhub.store.sqlfiles import queries

_SQL = queries("labels")
_COUNTRY = re.compile(r"[A-Za-z]{2}")
_DIGEST_CHARS = 16


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


class Scope(NamedTuple):
    """A chain that labels may be of."""

    chain_id: int
    family: str


class Imported(NamedTuple):
    """A new version of a list: its labels, and those of older versions that ended with it."""

    version: str
    labels: int
    ended: int


class ListVersion(NamedTuple):
    """A version of a list, and when it was in force; until further notice where `valid_to` is None."""

    source: str
    version: str
    valid_from: datetime
    valid_to: datetime | None
    labels: int


async def import_list(
    pool: Pool, path: Path, *, source: str, version: str | None = None, chain: str | None = None, as_of: datetime
) -> Imported:
    """Make a file the version of a source's list that is in force from `as_of` on.

    Args:
        pool: of a migrated database.
        path: CSV or JSON, see `records`; a million labels take little memory.
        source: who keeps the list.
        version: what its keeper calls this version; by default it is called after the file's content.
        chain: the chain of records that name none; by default those are of every chain.
        as_of: from when on, later than all that is known of this list.

    Raises:
        UsageError: the version is there already, `as_of` is too early, or the file is wrong; nothing was changed.
        DatabaseUnavailable, DatabaseRefused, DiskFull: see `faults`; nothing was changed.
    """
    version = version or _version_of(path)
    with translated():
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute(_SQL["take_turn"])
            if await connection.fetchval(_SQL["has_version"], source, version):
                raise UsageError(
                    f"version {version} of {source} is there already; nothing was changed",
                    hint="a list that did change needs another version, or none",
                )
            last = await connection.fetchval(_SQL["last_change"], source)
            if last is not None and as_of <= last:
                raise UsageError(
                    f"{source} last changed at {last.isoformat()}, which is not before {as_of.isoformat()}",
                    hint="versions follow one another in time: import the older one first",
                )
            chains = await connection.fetch(_SQL["chains"])
            scopes = {row["name"]: Scope(row["chain_id"], row["family"]) for row in chains}
            if chain is not None and chain not in scopes:
                raise UsageError(
                    _unknown(chain, scopes), hint="follow it first: labels belong to chains that are known"
                )
            ended = _count(await connection.execute(_SQL["supersede"], source, as_of))
            row_of = partial(_label, scopes=scopes, chain=chain, source=source, version=version, as_of=as_of)
            labels = _count(
                await connection.copy_records_to_table(
                    "labels", schema_name="txhub", columns=Label._fields, records=read_rows(path, Entry, row_of)
                )
            )
            if not labels:
                raise UsageError(f"{path.name} has no labels; nothing was changed")
    return Imported(version, labels, ended)


async def read_lists(pool: Pool, source: str | None = None) -> list[ListVersion]:
    """All versions of all lists, or of one source's, the oldest of each first."""
    with translated():
        return [ListVersion(*row) for row in await pool.fetch(_SQL["lists"], source)]


def _version_of(path: Path) -> str:
    try:
        with path.open("rb") as content:
            return "sha256:" + hashlib.file_digest(content, "sha256").hexdigest()[:_DIGEST_CHARS]
    except OSError as fault:
        raise UsageError(f"{path} cannot be read: {fault.strerror}") from None


def _label(
    entry: Entry, *, scopes: Mapping[str, Scope], chain: str | None, source: str, version: str, as_of: datetime
) -> Label:
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
        source,
        version,
        as_of,
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
