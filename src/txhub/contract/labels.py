"""Who is known to stand behind an address."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(slots=True)
class Label:
    """Who stands behind an address, as a version of a list says."""

    id: int
    chain: str | None
    """The chain that it is of; null: every chain."""
    address: str
    name: str
    category: str
    """A word such as `exchange`, `bridge`, `mixer` or `sanctioned`."""
    country: str | None
    """ISO 3166, two letters."""
    source: str
    """Who keeps the list."""
    list_version: str
    """Its version; `by hand` where people add and end entries one by one."""
    valid_from: datetime
    valid_to: datetime | None
    """When it ended, as the next version of the list took its place or somebody took it off; null: it is in force."""
