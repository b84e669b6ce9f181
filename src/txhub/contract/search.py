"""What one box finds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class HitKind(StrEnum):
    """What is found."""

    TRANSACTION = "transaction"
    BLOCK = "block"
    ADDRESS = "address"
    LABEL = "label"
    TOKEN = "token"  # noqa: S105 (no password)


@dataclass(slots=True)
class Hit:
    """Something that is found."""

    kind: HitKind
    chain: str | None
    """Null for a label of every chain."""
    title: str
    """Its hash, number, address, name or symbol."""
    detail: str | None
    """What tells it from others, in a few words."""
    time: datetime | None
    """Of a transaction or block; of an address when it was last seen, if that was on the newest day."""
    link: str
    """The path of this API that tells more."""


@dataclass(slots=True)
class Hits:
    """What was found, the surest first."""

    items: list[Hit]
    searched_since: datetime | None
    """Of a hash that may be older: transactions were searched back to here only; null: wherever one could be."""
