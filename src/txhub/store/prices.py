"""What assets were worth in US dollars: coins by their symbol, tokens by `chain/0xaddress`."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import NamedTuple

import msgspec

from txhub.errors import UsageError
from txhub.store.faults import translated
from txhub.store.pool import Pool
from txhub.store.records import read_rows
from txhub.store.sqlfiles import queries

_SQL = queries("prices")
_SYMBOL = re.compile(r"[A-Za-z0-9][A-Za-z0-9.$_-]{0,31}")
_TOKEN = re.compile(r"[A-Za-z0-9._-]+/0[xX][0-9a-fA-F]{40}")
_FIRST_YEAR = 2009
_LEAST, _MOST = Decimal("1e-30"), Decimal("1e15")
"""US dollars for a coin: outside of these a number is a mistake."""


class Entry(msgspec.Struct, forbid_unknown_fields=True):
    """A record of prices as it is handed in."""

    asset: str
    time: str
    usd: Decimal
    source: str | None = None


class Price(NamedTuple):
    """A row of `txhub.prices`, in the order of its columns: US dollars for a whole coin."""

    asset: str
    time: datetime
    usd: Decimal
    source: str


async def import_prices(pool: Pool, path: Path) -> int:
    """Store the prices of a file, see `records`; returns how many.

    A price of the same asset and moment is replaced, so a file may be imported again. Records without a source have
    the file's name.

    Raises:
        UsageError: the file is wrong; nothing was stored.
        DatabaseUnavailable, DatabaseRefused, DiskFull: see `faults`; nothing was stored.
    """
    prices = await asyncio.to_thread(lambda: list(read_rows(path, Entry, partial(_price, source=path.name))))
    if not prices:
        raise UsageError(f"{path.name} has no prices")
    await put_prices(pool, prices)
    return len(prices)


async def put_prices(pool: Pool, prices: Sequence[Price]) -> None:
    """Store prices, all or none; one of the same asset and moment is replaced."""
    with translated():
        await pool.executemany(_SQL["put"], prices)


async def newest_time(pool: Pool, asset: str, source: str) -> datetime | None:
    """The moment of the newest price of an asset by a source."""
    with translated():
        newest: datetime | None = await pool.fetchval(_SQL["newest_time"], asset, source)
    return newest


def _price(entry: Entry, *, source: str) -> Price:
    """Turn a record into a row.

    Raises:
        ValueError: something in it cannot be; says what.
    """
    asset = entry.asset.strip()
    if _TOKEN.fullmatch(asset):
        chain, _, address = asset.partition("/")
        asset = f"{chain}/{address.lower()}"
    elif not _SYMBOL.fullmatch(asset):
        raise ValueError(f"asset {asset[:60]!r} is neither a coin's symbol nor chain/0x… of a token")
    if not (entry.usd.is_finite() and _LEAST <= entry.usd <= _MOST):
        raise ValueError(f"usd {entry.usd} cannot be a price")
    return Price(asset, _moment(entry.time), entry.usd, (entry.source or "").strip() or source)


def _moment(text: str) -> datetime:
    try:
        time = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError(f"time {text[:40]!r} is not ISO 8601, such as 2023-09-08T07:27:00Z") from None
    if time.year < _FIRST_YEAR:
        raise ValueError(f"time {text[:40]!r} is before there were coins")
    return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
