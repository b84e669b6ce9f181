"""Keys of the API: made, listed and revoked. What is stored of one is its digest; the key itself is shown once."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from txhub.errors import NotFound, UsageError
from txhub.store.faults import translated
from txhub.store.pool import Pool
from txhub.store.sqlfiles import queries

if TYPE_CHECKING:  # it needs Polars, which the ingester does without: its logs know a key when they see one
    from txhub.store.read import Reader

PREFIX = "txhub_"
"""What every key begins with, so that scanners of leaked secrets know one when they see it."""
REQUESTS_PER_MINUTE = 600
_RANDOM_BYTES = 32
_SQL = queries("keys")


class Role(StrEnum):
    """What a key allows, each role all of those before it."""

    VIEWER = "viewer"
    """Reads."""
    ANALYST = "analyst"
    """Also asks in SQL, and keeps labels, lists, rules and cases."""
    ADMIN = "admin"
    """May do everything."""

    def covers(self, needed: Role) -> bool:
        """Whether this role allows what the other one does."""
        roles = list(Role)
        return roles.index(self) >= roles.index(needed)


class Key(NamedTuple):
    """A key as operators see it."""

    id: int
    name: str
    role: Role
    requests_per_minute: int
    created_at: datetime
    revoked_at: datetime | None


class Grant(NamedTuple):
    """A key that is in force, as whoever checks requests knows it."""

    id: int
    name: str
    role: Role
    requests_per_minute: int
    digest: bytes


def digest_of(key: str) -> bytes:
    """SHA-256 of a key. A key is 256 random bits, so that nothing is gained by making guesses slow."""
    return hashlib.sha256(key.encode()).digest()


async def create_key(pool: Pool, name: str, role: Role, requests_per_minute: int = REQUESTS_PER_MINUTE) -> str:
    """Make a key for somebody, and return it: nobody can ever read it again.

    Raises:
        UsageError: somebody of this name has one, or the name has no letters or too many.
    """
    if not 1 <= len(name) <= 100:
        raise UsageError(f"a name of {len(name)} characters", hint="name whose key it is, in 1 to 100 characters")
    key = PREFIX + secrets.token_urlsafe(_RANDOM_BYTES)
    with translated():
        if await pool.fetchval(_SQL["create"], name, role.value, requests_per_minute, digest_of(key)) is None:
            raise UsageError(
                f"{name!r} has a key already", hint=f"choose another name, or run `txhub keys revoke {name}` first"
            )
    return key


async def read_keys(pool: Pool) -> list[Key]:
    """Every key that there ever was, in order of making."""
    with translated():
        rows = await pool.fetch(_SQL["list"])
    return [Key(**{**row, "role": Role(row["role"])}) for row in rows]


async def revoke_key(pool: Pool, name: str) -> None:
    """End a key. Servers notice within seconds.

    Raises:
        NotFound: nobody of this name has one.
    """
    with translated():
        if await pool.fetchval(_SQL["revoke"], name) is None:
            raise NotFound(f"{name!r} has no key that is in force", hint="`txhub keys list` lists all")


async def read_grants(reader: Reader) -> list[Grant]:
    """The keys that are in force."""
    rows = await reader.frame(_SQL["in_force"])
    return [Grant(**{**row, "role": Role(row["role"])}) for row in rows.iter_rows(named=True)]
