"""Messages arrive: each channel has a courier of its own, and its queue is the table `txhub.deliveries`.

A message is tried until it is delivered, or given up a day later: then it is a dead letter, which can be replayed. It
is composed at its first try, from alerts as they are by then, and is the same ever after, with the same key. What a
killed worker had under way is tried again once its lease is over: it arrives at least once, and its key tells.
A channel that is down is tried more and more rarely, up to once a minute, and no other waits for it.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import msgspec
import structlog

from txhub.alert.channels import Channel, Outcome, Sender
from txhub.alert.dispatch import read_alerts
from txhub.alert.grouping import news_of
from txhub.alert.message import Links, compose, say
from txhub.contract import AlertMessage, Change, MessageItem, Severity
from txhub.store.faults import translated
from txhub.store.pool import Connection, Pool, Record
from txhub.store.sqlfiles import queries

LEASE = timedelta(minutes=1)
"""How long an attempt may be under way before it counts as lost: longer than any sender takes."""
GIVE_UP = timedelta(days=1)
"""How long after its time a message is tried."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 60.0
"""How long a channel pauses after its first failure in a row and, doubled each time, at most."""
LONGEST_WAIT = timedelta(minutes=10)
"""How long one message waits for its next try at most, but for what a receiver asks for."""
LONGEST_ASKED_S = 3600.0
"""What a receiver may ask for."""
LOOK_S = 1.0
"""How often a courier looks without being woken."""
_SQL = queries("deliveries")


class Parcel(NamedTuple):
    """A message that is under way."""

    id: int
    attempt: int
    planned_at: datetime
    message: AlertMessage
    html: str


class Courier:
    """Delivers the messages of one channel.

    Args:
        pool: of a migrated database.
        channel: the channel.
        sender: what sends there.
        dashboard: where people reach the dashboard, for links.
        daily_cap: how many messages a day a rule has, for what is said when they are used up.
        clock: what time it is.
    """

    def __init__(
        self,
        pool: Pool,
        channel: Channel,
        sender: Sender,
        *,
        dashboard: str | None = None,
        daily_cap: int = 0,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._pool = pool
        self._channel = channel
        self._sender = sender
        self._dashboard = dashboard
        self._daily_cap = daily_cap
        self._clock = clock
        self._woken = asyncio.Event()
        self._failures = 0
        self._log = structlog.get_logger("delivery").bind(channel=channel.name)

    def wake(self) -> None:
        """Look for messages now."""
        self._woken.set()

    async def run(self) -> None:
        """Deliver for ever.

        Raises:
            DatabaseUnavailable, DatabaseRefused, DiskFull: run it again to go on.
        """
        while True:
            self._woken.clear()
            outcome = await self.deliver_next()
            if outcome is None:
                await self._rest(LOOK_S)
            elif outcome.kind == "failed":
                await asyncio.sleep(self._pause(outcome))

    async def deliver_next(self) -> Outcome | None:
        """Try the next message that is due; None where none is.

        Raises:
            DatabaseUnavailable, DatabaseRefused, DiskFull: nothing is lost; call it again.
        """
        parcel = await self._take()
        if parcel is None:
            return None
        outcome = await self._sender.send(parcel.message, parcel.html)
        await self._record(parcel, outcome)
        return outcome

    async def _take(self) -> Parcel | None:
        """Claim the next message, compose it if that was not done, and say that an attempt begins."""
        while True:
            now = self._clock()
            with translated():
                async with self._pool.acquire() as connection, connection.transaction():
                    row = await connection.fetchrow(_SQL["claim"], self._channel.name, now)
                    if row is None:
                        return None
                    stored = row["message"] or await self._compose(connection, row, now)
                    if stored is None:
                        await connection.execute(_SQL["finish"], row["id"], "void", now)
                        continue
                    attempt = row["attempts"] + 1
                    await connection.execute(_SQL["begin_attempt"], row["id"], attempt, now)
                    await connection.execute(_SQL["lease"], row["id"], attempt, now + LEASE)
            content = json.loads(stored)
            message = msgspec.convert(content["message"], AlertMessage, strict=False)
            return Parcel(row["id"], attempt, row["planned_at"], message, content["html"])

    async def _compose(self, connection: Connection, row: Record, now: datetime) -> str | None:
        """Compose a message of what is to be told now, and keep it; None where nothing is left to say."""
        key, name, kind = str(row["key"]), self._channel.name, row["kind"]
        if kind == "cap":
            title = f"{row['rule']} has had its {self._daily_cap} messages of today"
            text = f"{title}. More alerts of this rule are kept, and nobody is told of them before midnight (UTC)."
            message, body = say(key, name, kind, title, text, Severity(row["severity"]))
        else:
            items = await self._items(connection, row["id"], now)
            if not items:
                return None
            message, body = compose(key, name, kind, items, row["entity"])
        stored = msgspec.json.encode({"message": message, "html": body}).decode()
        await connection.execute(_SQL["freeze"], row["id"], stored, message.severity.value)
        return stored

    async def _items(self, connection: Connection, message: int, now: datetime) -> list[MessageItem]:
        rows = await connection.fetch(_SQL["items"], message)
        alerts = await read_alerts(connection, [row["alert_id"] for row in rows], now)
        explorers = {row["name"]: row["explorer"] for row in await connection.fetch(_SQL["explorers"])}
        links = Links(self._dashboard, explorers)
        items = []
        for row in rows:
            alert = alerts[row["alert_id"]]
            known = Change(row["change"]) if row["change"] else None
            change = news_of(alert, known, Severity(row["severity"]) if row["severity"] else None)
            if change is None:
                await connection.execute(_SQL["leave_out"], message, alert.id)
                continue
            await connection.execute(_SQL["say"], message, alert.id, change.value, alert.severity.value)
            items.append(links.item(change, alert))
        return items

    async def _record(self, parcel: Parcel, outcome: Outcome) -> None:
        now = self._clock()
        given_up = outcome.kind == "refused" or now - parcel.planned_at > GIVE_UP
        with translated():
            async with self._pool.acquire() as connection, connection.transaction():
                ended = (now, outcome.kind, outcome.status, outcome.reason)
                await connection.execute(_SQL["end_attempt"], parcel.id, parcel.attempt, *ended)
                if outcome.kind == "delivered":
                    await connection.execute(_SQL["finish"], parcel.id, "delivered", now)
                    await self._note(connection, parcel, "told")
                    if self._failures:
                        await connection.execute(_SQL["hurry"], self._channel.name, now)
                elif given_up:
                    await connection.execute(_SQL["finish"], parcel.id, "dead", now)
                    await self._note(connection, parcel, "not_told", reason=outcome.reason)
                else:
                    await connection.execute(_SQL["try_again"], parcel.id, now + self._wait(parcel, outcome))
        if outcome.kind == "delivered":
            self._failures = 0
            self._log.info("delivered", delivery=parcel.id, attempt=parcel.attempt)
            return
        self._failures += 1
        level = self._log.error if given_up else self._log.warning
        level("given_up" if given_up else "not_delivered", delivery=parcel.id, attempt=parcel.attempt, **_said(outcome))

    async def _note(self, connection: Connection, parcel: Parcel, event: str, **details: object) -> None:
        """Write down in the history of each alert that its channel was told, or was not."""
        noted = {"channel": self._channel.name, "delivery": parcel.id, **details}
        await connection.execute(_SQL["note_alerts"], parcel.id, event, json.dumps(noted))

    def _wait(self, parcel: Parcel, outcome: Outcome) -> timedelta:
        """How long a message waits for its next try: random between half and all, so that tries spread."""
        if outcome.after_s is not None:
            return timedelta(seconds=min(outcome.after_s, LONGEST_ASKED_S))
        doubled = timedelta(seconds=FIRST_PAUSE_S * 2 ** min(parcel.attempt - 1, 20))
        return min(doubled, LONGEST_WAIT) * random.uniform(0.5, 1.0)  # noqa: S311 (jitter)

    def _pause(self, outcome: Outcome) -> float:
        if outcome.after_s is not None:
            return min(outcome.after_s, LONGEST_ASKED_S)
        doubled: float = FIRST_PAUSE_S * 2 ** min(self._failures - 1, 20)
        return min(doubled, LONGEST_PAUSE_S) * random.uniform(0.5, 1.0)  # noqa: S311 (jitter)

    async def _rest(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            return


def _said(outcome: Outcome) -> dict[str, object]:
    return {"status": outcome.status, "reason": outcome.reason}


class Delivery(NamedTuple):
    """A message as operators see it; `title` from its first try on, `reason` of its last failure."""

    id: int
    channel: str
    kind: str
    planned_at: datetime
    state: str
    attempts: int
    title: str | None
    reason: str | None


async def read_deliveries(pool: Pool, channel: str | None, state: str | None, limit: int) -> list[Delivery]:
    """The newest messages, to a channel or in a state where these are given."""
    with translated():
        return [Delivery(*row) for row in await pool.fetch(_SQL["list"], channel, state, limit)]


async def replay(pool: Pool, channel: str | None, ids: list[int] | None, now: datetime) -> list[int]:
    """Let dead letters be tried again, as they are to be said now: those of a channel, with some ids, or all.

    Raises:
        DatabaseUnavailable, DatabaseRefused, DiskFull: see `faults`; nothing was changed.
    """
    with translated():
        return [row["id"] for row in await pool.fetch(_SQL["replay"], channel, ids, now)]
