"""Who is told of an alert: messages to channels are planned here, in the transaction that reads what happened.

So what happened is planned exactly once. That messages arrive is the work of `delivery`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, time

from txhub.alert.channels import Channel
from txhub.alert.grouping import (
    Capped,
    Join,
    Limits,
    Open,
    Told,
    entity_of,
    news_of,
    next_time,
    place,
    reason_for_silence,
)
from txhub.contract import Alert, Change, Severity
from txhub.query.alerts import alert_of
from txhub.store.pool import Connection, Record
from txhub.store.sqlfiles import queries

_SQL, _SHOWN = queries("deliveries"), queries("alertpages")["shown"]


async def read_alerts(connection: Connection, ids: Sequence[int], now: datetime) -> dict[int, Alert]:
    """Alerts as they are now, by id; labels are those in force at a moment."""
    rows = await connection.fetch(_SHOWN, ",".join(map(str, ids)), now)
    return {row["id"]: alert_of(row) for row in rows}


async def dispatch(
    connection: Connection, alert: Alert, channels: Sequence[Channel], limits: Limits, now: datetime
) -> set[str]:
    """Plan what channels are to be told of an alert that was raised or changed; the channels with something to do.

    It may be called again with the same alert: what was told, or is about to be, is not planned twice.
    """
    messages: dict[str, list[Record]] = {}
    for row in await connection.fetch(_SQL["messages_of"], alert.id):
        messages.setdefault(row["channel"], []).append(row)
    by_name = {channel.name: channel for channel in channels}
    touched = set()
    for name in messages.keys() & by_name.keys():
        if await _follow_up(connection, alert, name, messages[name], now):
            touched.add(name)
    new = [channel for channel in channels if channel.name not in messages]
    if news_of(alert, None, None) is not Change.RAISED:
        return touched
    if (silence := reason_for_silence(alert, limits)) is not None:
        await connection.execute(_SQL["set_quiet"], alert.id, silence)
        return touched
    reasons: list[str | None] = ["no channel takes it"]
    for channel in new:
        if channel.takes(alert):
            reasons.append(await _tell(connection, alert, channel, limits, now))
            touched.add(channel.name)
    if not messages:
        await connection.execute(_SQL["set_quiet"], alert.id, None if None in reasons else reasons[-1])
    return touched


async def _follow_up(
    connection: Connection, alert: Alert, channel: str, messages: Sequence[Record], now: datetime
) -> bool:
    """Plan to tell a channel what has become of what it was told, unless a message that waits will."""
    if any(not row["frozen"] for row in messages):
        return False
    last = messages[-1]
    known = Change(last["change"]) if last["change"] else None
    severity = Severity(last["severity"]) if last["severity"] else None
    if known is None or news_of(alert, known, severity) is None:
        return False
    await _plan(connection, alert, channel, "follow_up", None, now)
    return True


async def _tell(connection: Connection, alert: Alert, channel: Channel, limits: Limits, now: datetime) -> str | None:
    """Plan to tell a channel of an alert; why that is not at once, or None."""
    if channel.digest:
        at = next_time(channel.digest, now)
        digest = await connection.fetchval(_SQL["open_digest"], channel.name)
        if digest is None:
            digest = await connection.fetchval(_SQL["plan"], channel.name, "digest", None, None, alert.severity, at)
        await _join(connection, alert, digest)
        return "it is told with the next digest"
    entity, midnight = entity_of(alert), datetime.combine(now.date(), time(), UTC)
    row = await connection.fetchrow(_SQL["last_of_group"], channel.name, alert.rule, entity, now - limits.window)
    last = row and Told(row["id"], row["planned_at"], Severity(row["severity"]), row["open"])
    today = await connection.fetchrow(_SQL["messages_since"], channel.name, alert.rule, midnight)
    match place(alert, last, today["messages"], today["caps"], limits, now):
        case Join(message, later):
            await _join(connection, alert, message)
            return f"it is told with others about {entity}" if later else None
        case Open(kind, at):
            await _plan(connection, alert, channel.name, kind, entity, at)
            return None if at <= now else f"it is told with others about {entity}"
        case Capped(tell):
            if tell:
                await connection.execute(_SQL["plan"], channel.name, "cap", alert.rule, None, alert.severity.value, now)
            return f"its rule had its {limits.daily_cap} messages of the day"


async def _plan(
    connection: Connection, alert: Alert, channel: str, kind: str, entity: str | None, at: datetime
) -> None:
    rule = None if kind == "follow_up" else alert.rule
    message = await connection.fetchval(_SQL["plan"], channel, kind, rule, entity, alert.severity.value, at)
    await connection.execute(_SQL["join"], message, alert.id)


async def _join(connection: Connection, alert: Alert, message: int) -> None:
    await connection.execute(_SQL["join"], message, alert.id)
    await connection.execute(_SQL["raise_severity"], message, alert.severity.value)
