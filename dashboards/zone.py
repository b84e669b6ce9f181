"""Whose clocks a page shows: UTC, or those of the reader's own zone. The browser remembers which."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

ZONE = "zone"
"""The store of the zone's name, such as `Europe/Berlin`."""


def zone_of(name: str | None) -> tzinfo:
    """The zone of a name of the IANA database; UTC where there is none of that name here."""
    if not name or name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def zone_name(zone: tzinfo) -> str:
    """What a zone is called, also by the API."""
    return str(zone)


def short_name(zone: tzinfo, moment: datetime) -> str:
    """What its clocks are called at a moment: `UTC`, `CEST`, `+03`."""
    return moment.astimezone(zone).tzname() or str(zone)
