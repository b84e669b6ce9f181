"""Rows and facts made by hand, for what detection finds in them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from tests.blocks import ETHEREUM, START
from txhub.detect.facts import Facts
from txhub.detect.look import look
from txhub.detect.rows import OUTCOMES, TRANSFERS, Rows, watched_of
from txhub.detect.rules import define
from txhub.store.alerts import Finding

ETH = 10**18
Sent = tuple[float, str, str, float]
"""Minutes after the start, sender, receiver, whole coins."""
WATCHED = "xyg"
"""Who is on a watchlist, all the time."""


def address(name: str) -> bytes:
    """The address of somebody; the same for the same name."""
    return name.encode().ljust(20, b"\0")


def name(written: str) -> str:
    """Whose address it is that people write."""
    return bytes.fromhex(written[2:]).rstrip(b"\0").decode()


def at(minutes: float) -> datetime:
    """A moment, counted from the start."""
    return START + timedelta(minutes=minutes)


def transfers(sent: Iterable[Sent], token: bytes | None = None) -> pl.DataFrame:
    """The transfers as rows; those of the same moment are in one block, and what is the same has the same hash."""
    told, index, last = [], 0, -1.0
    for minutes, sender, receiver, coins in sorted(sent):
        index, last = index + 1 if minutes == last else 0, minutes
        tx_hash = hashlib.sha256(f"{minutes} {sender} {receiver} {coins}".encode()).digest()
        place = (at(minutes), round(minutes * 60), index, -1, tx_hash, "transfer", token)
        told.append((*place, address(sender), address(receiver), round(coins * 10**9) * 10**9))
    return pl.DataFrame(told, schema=dict(TRANSFERS), orient="row")


def rows(sent: Iterable[Sent] = (), outcomes: Sequence[tuple[float, int, int]] = ()) -> Rows:
    """All sources; `outcomes` are minutes, calls and failures of blocks."""
    told = [(at(minutes), n, 0, 0, calls, failed) for n, (minutes, calls, failed) in enumerate(outcomes)]
    moved = {"transfers": transfers(sent), "token_transfers": pl.DataFrame(schema=dict(TRANSFERS))}
    return {
        **moved,
        "watched": watched_of(moved, {address(somebody): "list" for somebody in WATCHED}),
        "outcomes": pl.DataFrame(told, schema=dict(OUTCOMES), orient="row"),
    }


def labelled(*labels: tuple[str, str, str]) -> Facts:
    """What is known where somebody's address has a name and a category."""
    told = [(address(somebody), name, category) for somebody, name, category in labels]
    columns = {"address": pl.Binary, "name": pl.String, "category": pl.String}
    return Facts(ETHEREUM, pl.DataFrame(told, schema=columns, orient="row"))


def found(
    rule: dict[str, Any],
    sent: Iterable[Sent] = (),
    *,
    facts: Facts | None = None,
    outcomes: Sequence[tuple[float, int, int]] = (),
) -> list[Finding]:
    """All that a rule finds, in order of time."""
    everything = rows(sent, outcomes)
    findings = look(define(rule), everything, facts or Facts(ETHEREUM), START - timedelta(days=1), at(60 * 24 * 30))
    return sorted(findings, key=lambda each: (each.started_at, each.subject))


def who(findings: Iterable[Finding]) -> list[tuple[str, float]]:
    """Whom alerts are about, and at which minute each starts."""
    return [(name(each.subject), (each.started_at - START) / timedelta(minutes=1)) for each in findings]
