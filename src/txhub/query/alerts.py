"""Alerts: what rules found, the newest first, and one with its whole story."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, TypedDict, Unpack

import msgspec
import polars as pl
from sqlalchemy import ColumnElement, Text, and_, cast, func, literal_column, or_, select, tuple_

from txhub.contract import (
    Alert,
    AlertEntry,
    AlertParty,
    AlertStory,
    CaseState,
    ChainInfo,
    ChainState,
    Kind,
    Page,
    Pattern,
    Severity,
    Transaction,
)
from txhub.errors import NotFound, UsageError
from txhub.query import address as addresses
from txhub.query import cursor as cursors
from txhub.query import readable
from txhub.query.chains import read_chains
from txhub.query.choice import chains_of, one_of, some_of
from txhub.query.hash import hash_in
from txhub.query.timerange import open_range
from txhub.store import schema
from txhub.store.read import Reader
from txhub.store.sqlfiles import queries

_A = schema.alerts.c
_P = schema.alert_parties.c
_SQL = queries("alertpages")
_BLANK: ColumnElement[str] = literal_column("' '")
_parties = msgspec.json.Decoder(list[AlertParty])


class _Truth(StrEnum):
    TRUE = "true"
    FALSE = "false"


class AlertFilters(TypedDict, total=False):
    """What people write; several values of one name are alternatives."""

    state: Iterable[str]
    """What the chain makes of it."""
    case: Iterable[str]
    """What people do about it."""
    severity: Iterable[str]
    rule: Iterable[str]
    """Names of rules, as they were when they raised it."""
    pattern: Iterable[str]
    chain: Iterable[str]
    address: Iterable[str]
    """Addresses that it is about, in whatever role."""
    test: str | None
    """`true`: only those of rules that are being tried; `false`: only the others."""
    q: str | None
    """Words, each of which is in its title, subject, rule, hash or assignee."""


@dataclass(frozen=True, slots=True)
class AlertsAnswer:
    """A page: a column for each field of the contract, `details` and `parties` as JSON text; the next page's cursor."""

    rows: pl.DataFrame
    next: str | None

    def as_contract(self) -> Page[Alert]:
        """The same in the contract's shape."""
        return Page([alert_of(row) for row in self.rows.iter_rows(named=True)], self.next)


async def read_alerts(
    reader: Reader,
    *,
    start: str | None = None,
    end: str | None = None,
    cursor: str | None = None,
    limit: int = 100,
    now: datetime,
    **filters: Unpack[AlertFilters],
) -> AlertsAnswer:
    """The alerts that meet every filter and began within a range.

    Args:
        reader: where to ask.
        start: the first moment, see `timerange`; None: from the first one on.
        end: the moment after the last; None: no end.
        cursor: `next` of the page before.
        limit: alerts on a page.
        now: what relative times count from; labels are those in force then.
        filters: see `AlertFilters`.

    Raises:
        UsageError: a parameter cannot be understood.
    """
    asked = open_range(start, end, now)
    conditions = _conditions(await read_chains(reader, counted=False), filters)
    conditions += [_A.started_at >= asked.start, _A.started_at < asked.end]
    if cursor is not None:
        place = cursors.dated_place(cursor)
        # The first condition follows from the second; it is what indexes understand.
        conditions += [_A.started_at <= place[0], tuple_(_A.started_at, _A.id) < tuple_(*place)]
    order = (_A.started_at.desc(), _A.id.desc())
    page = await reader.frame(select(_A.id, _A.started_at).where(*conditions).order_by(*order).limit(limit + 1))
    chosen, following = cursors.cut_dated(page, "started_at", limit)
    rows = await reader.frame(_SQL["shown"], ",".join(map(str, chosen["id"])), now)
    return AlertsAnswer(rows, following)


async def read_alert(reader: Reader, alert_id: int, now: datetime) -> AlertStory:
    """One alert with its history, and the transactions by which it was found.

    Raises:
        NotFound: there is no such alert.
    """
    rows = await reader.frame(_SQL["shown"], str(alert_id), now)
    if rows.is_empty():
        raise NotFound(f"there is no alert {alert_id}", hint="`txhub alerts list` or /v1/alerts has all")
    history = await reader.frame(_SQL["history"], alert_id)
    alert = alert_of(rows.row(0, named=True))
    return AlertStory(
        alert,
        [
            AlertEntry(**{**row, "details": msgspec.json.decode(row["details"])})
            for row in history.iter_rows(named=True)
        ],
        await _transactions(reader, alert),
    )


async def _transactions(reader: Reader, alert: Alert) -> list[Transaction]:
    """The transaction of an alert, and those that its details show as samples, each with its hash and time."""
    found = {alert.hash: alert.started_at} if alert.hash else {}
    for sample in alert.details.get("samples", []):
        if isinstance(sample, dict) and {"hash", "time"} <= sample.keys():
            found[sample["hash"]] = datetime.fromisoformat(sample["time"])
    hashes = [raw for text in found if (raw := hash_in(text)) is not None]
    if alert.chain is None or not hashes:
        return []
    [chain] = chains_of(await read_chains(reader, counted=False), [alert.chain])
    t = schema.transactions.c
    page = select(schema.transactions).where(
        t.chain_id == chain.chain_id,
        t.block_time.between(min(found.values()), max(found.values())),
        t.hash.in_(hashes),
    )
    rows = await reader.frame(readable.transactions(page.subquery("page"), len(hashes)))
    return [Transaction(**{**row, "kind": Kind(row["kind"])}) for row in rows.drop("chain_id").iter_rows(named=True)]


def alert_of(row: Mapping[str, Any]) -> Alert:
    """The alert of a row that `shown` of `sql/queries/alertpages.sql` answers."""
    return Alert(
        **{
            **row,
            "severity": Severity(row["severity"]),
            "chain_state": ChainState(row["chain_state"]),
            "case_state": CaseState(row["case_state"]),
            "details": msgspec.json.decode(row["details"]),
            "parties": _parties.decode(row["parties"]),
        }
    )


def _conditions(known: list[ChainInfo], filters: AlertFilters) -> list[ColumnElement[bool]]:
    names = list(filters.get("chain", ()))
    chains = chains_of(known, names)
    wanted: list[tuple[ColumnElement[Any], list[Any]]] = [
        (_A.chain_state, some_of("state", filters.get("state", ()), ChainState)),
        (_A.case_state, some_of("case", filters.get("case", ()), CaseState)),
        (cast(_A.severity, Text), some_of("severity", filters.get("severity", ()), Severity)),
        (_A.pattern, some_of("pattern", filters.get("pattern", ()), Pattern)),
        (_A.rule, [_clean("rule", name) for name in filters.get("rule", ())]),
        (_A.chain_id, [chain.chain_id for chain in chains] if names else []),
    ]
    conditions = [column.in_(values) for column, values in wanted if values]
    if parties := addresses.stored("address", filters.get("address", ()), chains):
        of_chains = [_P.chain_id.in_([chain.chain_id for chain in chains])]
        conditions.append(_A.id.in_(select(_P.alert_id).where(*of_chains, _P.address.in_(parties))))
    if test := filters.get("test"):
        conditions.append(_A.test.is_(one_of("test", test, _Truth) is _Truth.TRUE))
    words = _clean("q", filters.get("q") or "")
    return conditions + [_mentions(word) for word in words.lower().split()]


def _clean(parameter: str, text: str) -> str:
    if "\0" in text:
        raise UsageError(f"{parameter} has a null character", hint="send text")
    return text


def _mentions(word: str) -> ColumnElement[bool]:
    text = func.concat_ws(_BLANK, _A.title, _A.subject, _A.rule, _A.pattern, _A.assignee)
    found = func.strpos(func.lower(text), word) > literal_column("0")
    digits = word.removeprefix("0x")
    if len(digits) == 64 and not set(digits) - set("0123456789abcdef"):
        return or_(found, and_(_A.hash.is_not(None), _A.hash == bytes.fromhex(digits)))
    return found
