"""Lists of watched addresses."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(slots=True)
class WatchlistVersion:
    """A version of a watchlist, and what became of it here."""

    source: str
    list_version: str
    valid_from: datetime
    valid_to: datetime | None
    """When the next version took its place; null: it is in force."""
    addresses: int
    entered: int
    """Addresses that no list watched before it."""
    ended: int
    """Addresses that were watched until it."""
    screening_id: int | None
    """The search of history for those that entered; what it found are the exposures with this id."""
    searched_from: datetime | None
    """Blocks from this time on were searched for them; null: the search has not begun."""
    searched: bool
    """Whether all of history was."""
    newly_exposed: int
    """Past transactions that the search found."""
