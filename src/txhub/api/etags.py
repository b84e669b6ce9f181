"""Edits of what somebody has seen: an `ETag` says when it last changed, and `If-Match` refuses those of what is old."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from litestar.openapi.spec import Example
from litestar.params import HeaderParameter

from txhub.errors import UsageError

IfMatch = Annotated[
    str | None,
    HeaderParameter(
        name="If-Match",
        description="The `ETag` of what was seen; where it has changed since, 412.",
        examples=[Example(value='"2026-03-01T22:31:07.250000+00:00"')],
        schema_extra={"pattern": r"^(\*|\"[0-9-]{10}T[0-9:]{8}(\.[0-9]{1,6})?\+00:00\")$"},
    ),
]


def etag(changed_at: datetime) -> dict[str, str]:
    """The header that tells when something last changed."""
    return {"ETag": f'"{changed_at.isoformat()}"'}


def seen_at(if_match: str | None) -> datetime | None:
    """When that which was seen had last changed; None: whatever it is now, it is meant.

    Raises:
        UsageError: it is no `ETag` of ours.
    """
    if if_match is None or if_match.strip() == "*":
        return None
    try:
        return datetime.fromisoformat(if_match.strip().strip('"'))
    except ValueError:
        raise UsageError(f"If-Match is {if_match[:80]!r}", hint="send the ETag of what you read, unchanged") from None
