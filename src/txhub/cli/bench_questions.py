"""The questions that `txhub bench store` asks: of the API, and of DuckDB over the same rows in Parquet."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from txhub.cli.bench_rows import CHAIN
from txhub.errors import BadBlock
from txhub.query.active import ERROR
from txhub.query.quantiles import BIN_ERROR
from txhub.store.read import Reader
from txhub.store.sqlfiles import queries

_SQL = queries("bench")
_ROUNDING = 1e-9
"""Sums of coins are exact in the database, and floats where they are told."""
_EDGE = 0.01
"""Who is only just among the busiest may be another one, since hours keep no more than their own."""


class Told(NamedTuple):
    """What an answer says, so that two of them can be compared: how many things, and their sum."""

    things: int
    total: float
    missing: float = 0.0
    """So much may be missing from the sum, as the answer itself says."""


class Question(NamedTuple):
    """A request of the API, or a statement that an analyst sends, with other parameters each time."""

    name: str
    path: str
    """The API's, with the place of the hash it asks for if it does; empty: a statement of SQL."""
    parameters: Mapping[str, Any]
    statement: str | None
    """The same for DuckDB, by its name in `sql/queries/duckdb.sql`; None: Parquet does not know it."""
    told: Callable[[Any], Told]
    days: float | None = None
    """How long its range is, whole hours; it ends at some hour of the data. None: it names no range."""
    about: str | None = None
    """What it asks for besides: the address or the hash of some transaction, within the given range or anywhere."""
    error: float = _ROUNDING
    """By how much of it a sum may be off: estimates say so."""


class Asked(NamedTuple):
    """A question with its parameters: the API's, and what a statement needs of these."""

    parameters: dict[str, Any]
    start: datetime
    end: datetime
    address: bytes | None = None
    hash: bytes | None = None


def _points(answer: Any) -> Told:
    """Points that are not 0: an hour without any is 0 to the API, and no row to a statement."""
    values = [value for line in answer["series"] for _, value, *_ in line["points"] if value]
    return Told(len(values), sum(values))


def _counted(answer: Any) -> Told:
    items = answer["items"]
    return Told(len(items), sum(item["tx_count"] for item in items), sum(item.get("count_bound", 0) for item in items))


def _valued(answer: Any) -> Told:
    items = answer["items"]
    missing = sum(float(item.get("value_bound", 0)) for item in items)
    return Told(len(items), sum(float(item["value"]) for item in items), missing)


def _placed(answer: Any) -> Told:
    """Rows of block number and index."""
    return Told(len(answer), sum(number + index for number, index in answer))


def _named(answer: Any) -> Told:
    """A transaction with all that is known of it."""
    return _placed([(answer["transaction"]["block_number"], answer["transaction"]["tx_index"])])


def _nothing(_: Any) -> Told:
    return Told(0, 0.0)


_ON = {"chain": CHAIN}
QUESTIONS = (
    Question("rate, a day of minutes", "/v1/series/tx_rate", {"bucket": "1m"}, "rate_by_minute", _points, 1),
    Question(
        "rate by kind, 14 days", "/v1/series/tx_rate", {"by": "kind", "bucket": "15m"}, "rate_by_kind", _points, 14
    ),
    Question(
        "average value, 14 days of hours",
        "/v1/series/avg_value",
        {**_ON, "bucket": "1h"},
        "average_value",
        _points,
        14,
    ),
    Question("volume, 14 days", "/v1/series/volume", {**_ON, "bucket": "1d"}, "volume", _points, 14),
    Question("fees, a day of minutes", "/v1/series/fees", {**_ON, "bucket": "1m"}, "fees", _points, 1),
    Question("failed rate, 14 days of hours", "/v1/series/failed_rate", {"bucket": "1h"}, "failed_rate", _points, 14),
    Question(
        "active addresses, 7 days of hours",
        "/v1/series/active_addresses",
        {"bucket": "1h"},
        "active_addresses",
        _points,
        7,
        error=ERROR,
    ),
    Question(
        "value quantiles, 7 days of hours",
        "/v1/series/value_quantiles",
        {**_ON, "bucket": "1h"},
        "value_quantiles",
        _points,
        7,
        error=BIN_ERROR,
    ),
    Question("peaks, 14 days", "/v1/peaks", {}, "peaks", _counted, 14),
    Question("peaks of 15 minutes, 7 days", "/v1/peaks", {"window": "15m", "limit": 20}, None, _counted, 7),
    Question("top senders, 10 days", "/v1/top/senders", {"limit": 20}, "top_senders", _counted, 10, error=_EDGE),
    Question(
        "top receivers by value, 10 days",
        "/v1/top/receivers",
        {**_ON, "rank": "value", "limit": 20},
        "top_receivers",
        _valued,
        10,
        error=_EDGE,
    ),
    Question("top flows, 10 days", "/v1/flows", {"limit": 20}, "top_flows", _counted, 10, error=_EDGE),
    Question("coverage, a day", "/v1/coverage", {}, None, _nothing, 1),
    Question("newest 100 transactions", "/v1/transactions", {}, "newest", _valued),
    Question("newest 100 before a moment", "/v1/transactions", {}, "newest_before", _valued, 14),
    Question("newest 100 over 50 ETH", "/v1/transactions", {"min_value": "50"}, "newest_large", _valued),
    Question("an address in a day", "/v1/transactions", {}, "address_in_range", _valued, 1, "address"),
    Question("a hash in a day", "", {}, "hash_in_range", _placed, 1, "hash"),
    Question("an address at any time", "/v1/transactions", {}, "address", _valued, None, "address"),
    Question("a hash at any time", f"/v1/transactions/{CHAIN}/{{hash}}", {}, "hash", _named, None, "hash"),
)


async def choose(question: Question, chance: random.Random, reader: Reader, first: datetime, end: datetime) -> Asked:
    """Parameters for a question about data from `first` to `end`: some range, some address or hash that is there."""
    parameters = dict(question.parameters)
    since, until = first, end
    if question.days is not None:
        # Days begin at midnight, where they are what is told; else hours are.
        step = timedelta(days=1) if parameters.get("bucket") == "1d" else timedelta(hours=1)
        span = min(timedelta(days=question.days), end - first)
        since = first + chance.randrange((end - first - span) // step + 1) * step
        until = since + span
        parameters |= {"start": since.isoformat(), "end": until.isoformat()}
    if question.about is None:
        return Asked(parameters, since, until)
    moment = since + timedelta(seconds=chance.randrange(int((until - since).total_seconds()) - 60))
    row = (await reader.frame(_SQL["some"], moment)).sample(1, seed=chance.randrange(2**31)).row(0, named=True)
    if question.about == "hash":
        return Asked(parameters, since, until, hash=row["hash"])
    address: bytes = row["from_address"]
    return Asked(parameters | {"address": "0x" + address.hex()}, since, until, address=address)


def require_equal(question: Question, asked: Asked, ours: Told, theirs: Told) -> None:
    """Hold that two answers say the same, as closely as the question promises.

    Raises:
        BadBlock: they do not.
    """
    slack = max(abs(theirs.total), 1.0) * question.error + ours.missing
    if ours.things == theirs.things and abs(ours.total - theirs.total) <= slack:
        return
    raise BadBlock(f"{question.name}, {asked.start} to {asked.end}: txhub has {ours}, DuckDB {theirs}")
