"""Exposure to watchlists over a range of time: counted, and listed transaction by transaction.

No clock is in it but what was asked, so the same data, lists and question give the same report.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import polars as pl

from txhub.contract import (
    Exposure,
    ExposureCount,
    ExposureDay,
    ExposureReport,
    ReportedChain,
    ReportedList,
)
from txhub.errors import UsageError
from txhub.query.chains import read_chains
from txhub.query.choice import chains_of
from txhub.query.exposure_method import LIMITS, METHOD
from txhub.query.timerange import TimeRange, parse_range
from txhub.query.watchlist import read_versions
from txhub.store.read import Reader
from txhub.store.sqlfiles import queries

MOST_EXPOSURES = 250_000
"""More exposures than one report counts."""
_SQL = queries("exposure")
_TRANSACTION = ("chain", "block_number", "hash")


@dataclass(frozen=True, slots=True)
class ExposureAnswer:
    """A report: `rows` has a row for each exposure that is listed, with a column for each field of the contract."""

    report: ExposureReport
    rows: pl.DataFrame

    def as_contract(self) -> ExposureReport:
        """The report in the contract's shape."""
        return self.report


async def read_exposure(
    reader: Reader,
    *,
    start: str = "-30d",
    end: str | None = None,
    chain: Iterable[str] = (),
    source: Iterable[str] = (),
    screening: str | None = None,
    limit: int = 1000,
    now: datetime,
) -> ExposureAnswer:
    """The exposure of a range.

    Args:
        reader: where to ask.
        start: the first moment, see `timerange`.
        end: the moment after the last; None: now.
        chain: names of chains; none: all.
        source: names of watchlists; none: all.
        screening: the id of a search of history: only what it found.
        limit: how many exposures are listed; all are counted.
        now: what relative times count from.

    Raises:
        UsageError: a parameter cannot be understood, or the range has more exposures than a report counts.
    """
    asked = parse_range(start, end, now)
    search = _search(screening)
    names = list(dict.fromkeys(chain))
    chosen = chains_of(await read_chains(reader, counted=False), names)
    ids = ",".join(str(each.chain_id) for each in chosen) if names else ""
    versions = [each for each in (await read_versions(reader)).as_contract().items if each.valid_to is None]
    lists = list(dict.fromkeys(source))
    _require_known(lists, [each.source for each in versions])
    found = await reader.frame(_SQL["exposures"], ids, *asked, "\n".join(lists), search, MOST_EXPOSURES + 1)
    if found.height > MOST_EXPOSURES:
        raise UsageError(
            f"there are more than {MOST_EXPOSURES:,} exposures between start and end",
            hint="send a shorter range, or fewer chains or lists",
        )
    blocks = await reader.frame(_SQL["blocks"], *asked, ids)
    reported = [
        ReportedList(each.source, each.list_version, each.valid_from, each.addresses, each.searched or not each.entered)
        for each in versions
        if each.source in lists or not lists
    ]
    chains = [ReportedChain(**row) for row in blocks.iter_rows(named=True)]
    return await asyncio.to_thread(_report, asked, chains, reported, found, limit)


def _search(text: str | None) -> int:
    """The id of a search of history; 0: any."""
    if text is None:
        return 0
    if not (text.isascii() and text.isdecimal() and len(text) < len(str(2**31 - 1))):
        raise UsageError(
            f"screening is {text[:40]!r}, which is no search's id", hint="see screening_id of /v1/watchlist/versions"
        )
    return int(text)


def _require_known(lists: Iterable[str], known: list[str]) -> None:
    for name in lists:
        if name not in known:
            hint = f"send one or more of {', '.join(sorted(known))}" if known else "no watchlist was imported yet"
            raise UsageError(f"source is {name[:80]!r}, which is no watchlist in force", hint=hint)


def _report(
    asked: TimeRange, chains: list[ReportedChain], lists: list[ReportedList], found: pl.DataFrame, limit: int
) -> ExposureAnswer:
    rows = found.with_columns(path=_path())
    standing = rows.filter(pl.col("retracted_at").is_null())
    listed = rows.head(limit)
    return ExposureAnswer(
        ExposureReport(
            *asked,
            chains,
            lists,
            _count("total", standing),
            _counts("source", standing),
            _counts("category", standing),
            _counts("chain", standing),
            _days(standing),
            _count("retracted", rows.filter(pl.col("retracted_at").is_not_null())),
            [Exposure(**{**row, "path": row["path"].split(" > ")}) for row in listed.iter_rows(named=True)],
            rows.height - listed.height,
            list(METHOD),
            list(LIMITS),
        ),
        listed.with_columns(pl.col("parties").list.join(" ")),
    )


def _path() -> pl.Expr:
    """Addresses as value went, with ` > ` between."""
    parties = pl.col("parties")
    party = (
        pl.when(parties.list.len() == 1)
        .then(parties.list.first())
        .when(parties.list.len() == 0)
        .then(pl.lit("others"))
        .otherwise(pl.format("{} addresses", parties.list.len()))
    )
    to_watched = pl.concat_str(party, "via", "address", separator=" > ", ignore_nulls=True)
    from_watched = pl.concat_str("address", "via", party, separator=" > ", ignore_nulls=True)
    return pl.when(pl.col("direction") == "in").then(to_watched).otherwise(from_watched)


def _counts(key: str, rows: pl.DataFrame) -> list[ExposureCount]:
    counted = [_count(str(name), group) for (name,), group in rows.group_by(key, maintain_order=True)]
    return sorted(counted, key=lambda each: (-each.transactions, each.key))


def _count(key: str, rows: pl.DataFrame) -> ExposureCount:
    direct = rows.filter(pl.col("hops") == 0).select(_TRANSACTION).unique()
    every = rows.select(_TRANSACTION).unique()
    then = rows.filter(pl.col("listed_then").is_not_null()).select(_TRANSACTION).unique()
    worth, unpriced = _worth(rows)
    return ExposureCount(
        key,
        every.height,
        direct.height,
        every.height - direct.height,
        then.height,
        rows.select("chain", "address").unique().height,
        worth,
        unpriced,
    )


def _worth(rows: pl.DataFrame) -> tuple[str, int]:
    """US dollars, each transaction's asset once; and how many transactions moved something whose worth is not known.

    What several watched addresses sent, or got, in one transaction adds up; what one of them sent to another is the
    same value seen twice.
    """
    moved = rows.filter(~pl.col("failed") & (pl.col("amount_base") != "0"))
    unpriced = moved.filter(pl.col("value_usd").is_null()).select(_TRANSACTION).unique().height
    cents = (pl.col("value_usd").str.to_decimal(scale=2) * 100).cast(pl.Int64)
    once = (
        moved.filter(pl.col("value_usd").is_not_null())
        .with_columns(cents=cents)
        .group_by(*_TRANSACTION, "token_address", "hops", "direction", "via", "address")
        .agg(pl.col("cents").max())
        # several watched addresses that one intermediate links to are one move of its
        .with_columns(mover=pl.coalesce("via", "address"))
        .group_by(*_TRANSACTION, "token_address", "hops", "direction", "mover")
        .agg(pl.col("cents").max())
        .group_by(*_TRANSACTION, "token_address", "hops", "direction")
        .agg(pl.col("cents").sum())
        .group_by(*_TRANSACTION, "token_address")
        .agg(pl.col("cents").max())
    )
    return format(Decimal(int(once["cents"].sum())).scaleb(-2), ".2f"), unpriced


def _days(rows: pl.DataFrame) -> list[ExposureDay]:
    days = (
        rows.group_by(pl.col("block_time").dt.date().alias("day"), *_TRANSACTION)
        .agg(pl.col("hops").min())
        .group_by("day")
        .agg(direct=(pl.col("hops") == 0).sum(), indirect=(pl.col("hops") == 1).sum())
        .sort("day")
    )
    return [ExposureDay(**row) for row in days.iter_rows(named=True)]
