"""Less noise: who is told of an alert at once, who later with others, and who not at all.

Decisions only, from facts that `dispatch` reads: what time it is, and what a channel was told already.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import NamedTuple

from txhub.contract import Alert, ChainState, Change, Severity

_RANK = {severity: rank for rank, severity in enumerate(Severity)}
ENDED_AT = "ended_at"
"""Of an alert's details: when what txhub said of itself was over."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is told.

    `window`: how long alerts of one rule about one entity are collected after a message about it. `daily_cap`: the
    messages a day (UTC) that a channel gets about one rule. `max_age`: how old may be what is told.
    """

    window: timedelta
    daily_cap: int
    max_age: timedelta


class Told(NamedTuple):
    """The newest message to a channel about an entity's alerts of a rule; `open`: others may still join it."""

    id: int
    planned_at: datetime
    severity: Severity
    open: bool


class Join(NamedTuple):
    """It goes into a message that is planned already; `later`: one that is not sent at once."""

    id: int
    later: bool


class Open(NamedTuple):
    """It goes into a message of its own, which others may join until it is sent."""

    kind: str
    at: datetime


class Capped(NamedTuple):
    """Nobody is told of it: the rule's messages of the day are used up. `tell`: that has to be said yet."""

    tell: bool


Place = Join | Open | Capped


def entity_of(alert: Alert) -> str:
    """Who an alert is about: what its first party's label says before a colon, or its address, or the subject.

    `Binance: Hot Wallet 7` and `Binance: Deposit` are both Binance.
    """
    if not alert.parties:
        return alert.subject
    first = alert.parties[0]
    return min(first.labels, default=first.address).partition(":")[0].strip() or first.address


def matters(severity: Severity, least: Severity) -> bool:
    """Whether a severity is at least another one."""
    return _RANK[severity] >= _RANK[least]


def greatest(severities: Iterable[Severity]) -> Severity:
    """The one that matters most; low where there is none."""
    return max(severities, key=_RANK.__getitem__, default=Severity.LOW)


def reason_for_silence(alert: Alert, limits: Limits) -> str | None:
    """Why nobody is told of an alert, whatever the channels; None: they decide."""
    if alert.test:
        return "its rule is being tried"
    if alert.created_at - alert.started_at > limits.max_age:
        return "it was history when it was found"
    return None


def place(alert: Alert, last: Told | None, messages: int, caps: int, limits: Limits, now: datetime) -> Place:
    """Where an alert goes that a channel takes and gets at once.

    The first about an entity goes at once. Those that follow within the window are collected for its end, but for one
    that matters more than what was told.

    Args:
        alert: it.
        last: the newest message to the channel about this rule and entity, within the window or planned.
        messages: how many the channel got today about this rule.
        caps: how often it was told today that these are all.
        limits: how much is told.
        now: what time it is.
    """
    if last is not None and last.open:
        return Join(last.id, later=last.planned_at > now)
    if messages >= limits.daily_cap:
        return Capped(tell=not caps)
    if last is None or last.planned_at + limits.window <= now or not matters(last.severity, alert.severity):
        return Open("alert", now)
    return Open("more", last.planned_at + limits.window)


def next_time(times: Sequence[time], now: datetime) -> datetime:
    """The first of these times of day (UTC) after a moment."""
    days = (now.date(), now.date() + timedelta(days=1))
    return min(moment for day in days for at in times if (moment := datetime.combine(day, at, now.tzinfo)) > now)


def news_of(alert: Alert, known: Change | None, known_severity: Severity | None) -> Change | None:
    """What a channel has to be told of an alert; None: nothing.

    Args:
        alert: it, as it is now.
        known: what the channel was told last, or None where it was told nothing.
        known_severity: the severity that it was told.
    """
    over = _over(alert)
    if known is None:
        return None if over else Change.RAISED
    if over is not None:
        return None if known is over else over
    if known in (Change.RETRACTED, Change.ENDED):
        return Change.REVIVED
    return None if known_severity is alert.severity else Change.SEVERITY


def _over(alert: Alert) -> Change | None:
    if alert.chain_state is ChainState.RETRACTED:
        return Change.RETRACTED
    return Change.ENDED if ENDED_AT in alert.details else None
