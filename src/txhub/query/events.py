"""What the outbox keeps: for clients of the stream that come back after a while."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Text, cast, func, select

from txhub.store import schema
from txhub.store.outbox import OutboxEvent
from txhub.store.read import Reader

_E = schema.stream_events.c


class Kept(NamedTuple):
    """The ids of the oldest and the newest event that are kept; None, None where there is none."""

    oldest: int | None
    newest: int | None

    def reaches(self, cursor: int) -> bool:
        """Whether nothing is lost between an event seen, and what is kept."""
        if self.oldest is None or self.newest is None:
            return cursor == 0
        return self.oldest - 1 <= cursor <= self.newest


async def read_kept(reader: Reader) -> Kept:
    """Which events are kept."""
    return Kept(*(await reader.frame(select(func.min(_E.id).label("oldest"), func.max(_E.id).label("newest")))).row(0))


async def read_events(reader: Reader, after: int, limit: int) -> list[OutboxEvent]:
    """The events after an id, in order, at most `limit`."""
    statement = (
        select(_E.id, _E.event, _E.chain_id, cast(_E.data, Text).label("data"))
        .where(_E.id > after)
        .order_by(_E.id)
        .limit(limit)
    )
    return [OutboxEvent(*row) for row in (await reader.frame(statement)).iter_rows()]
