"""Where the peers of the followed nodes are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(slots=True)
class Observer:
    """How many of the nodes' peers are in a country."""

    country: str
    """ISO 3166, two letters."""
    peer_count: int
    peer_share: float
    """Of all peers, 0 to 1."""


@dataclass(slots=True)
class Observers:
    """The peers that the nodes of the chains had when they were last asked, by country."""

    items: list[Observer]
    peer_count: int
    unknown_count: int
    """Peers of which the GeoIP file does not know a country, or that come by Tor and the like."""
    unknown_share: float | None
    """Of all peers, 0 to 1; null where no node told of any."""
    seen_at: datetime | None
    """When that was; the oldest of the chains. Null where no node told of any."""
