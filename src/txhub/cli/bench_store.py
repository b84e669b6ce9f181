"""`txhub bench store`: what rows weigh, and how long the API's questions take as they become more."""

from __future__ import annotations

import os
import platform
import random
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, NamedTuple, cast

import httpx
import typer
from rich.table import Table

from txhub.archive.export import export
from txhub.archive.manifest import read_entries
from txhub.cli import wiring
from txhub.cli.bench_rows import CHAIN, fill, plain_database, read_held, register
from txhub.cli.console import err, out
from txhub.config import Settings
from txhub.errors import ArchiveMismatch
from txhub.rollup.states import read_hypertables
from txhub.store.place import Place
from txhub.store.pool import open_pool
from txhub.store.read import Reader
from txhub.store.sqlfiles import queries

START = datetime(2026, 1, 1, tzinfo=UTC)
_SQL = queries("bench")
_DAY = timedelta(days=1)
Parameters = Mapping[str, Any]


class _Question(NamedTuple):
    """A request of the API, or a statement that an analyst sends, with other parameters each time."""

    name: str
    path: str
    parameters: Parameters
    days: float | None = None
    """How long its range is; it ends at some moment of the data. None: it names no range."""
    about: str | None = None
    """What it asks for besides: the address or the hash of some transaction, within the given range or anywhere."""


_QUESTIONS = (
    _Question("rate, a day of minutes", "/v1/series/tx_rate", {"bucket": "1m"}, 1),
    _Question("rate by kind, 14 days", "/v1/series/tx_rate", {"by": "kind"}, 14),
    _Question("average value, 14 days of hours", "/v1/series/avg_value", {"bucket": "1h", "chain": CHAIN}, 14),
    _Question("volume, 14 days", "/v1/series/volume", {"bucket": "1d", "chain": CHAIN}, 14),
    _Question("fees, a day of minutes", "/v1/series/fees", {"bucket": "1m", "chain": CHAIN}, 1),
    _Question("failed rate, 14 days of hours", "/v1/series/failed_rate", {"bucket": "1h"}, 14),
    _Question("active addresses, 7 days of hours", "/v1/series/active_addresses", {"bucket": "1h"}, 7),
    _Question("value quantiles, 7 days of hours", "/v1/series/value_quantiles", {"bucket": "1h", "chain": CHAIN}, 7),
    _Question("peaks, 14 days", "/v1/peaks", {}, 14),
    _Question("peaks of 15 minutes, 7 days", "/v1/peaks", {"window": "15m", "limit": 20}, 7),
    _Question("top senders, 10 days", "/v1/top/senders", {"limit": 20}, 10),
    _Question("top receivers by value, 10 days", "/v1/top/receivers", {"rank": "value", "chain": CHAIN}, 10),
    _Question("top flows, 10 days", "/v1/flows", {"limit": 20}, 10),
    _Question("coverage, a day", "/v1/coverage", {}, 1),
    _Question("newest 100 transactions", "/v1/transactions", {}),
    _Question("newest 100 before a moment", "/v1/transactions", {}, 14),
    _Question("newest 100 over 50 ETH", "/v1/transactions", {"min_value": "50"}),
    _Question("an address in a day", "/v1/transactions", {}, 1, "address"),
    _Question("a hash in a day", "", {}, 1, "hash"),
    _Question("an address at any time", "/v1/transactions", {}, None, "address"),
    _Question("a hash at any time", "", {}, None, "hash"),
)


class _Latency(NamedTuple):
    """Milliseconds."""

    p50: float
    p95: float


def store(
    rows: Annotated[
        list[int] | None, typer.Option("--rows", metavar="N", min=1, help="Rows to measure at; may be given again.")
    ] = None,
    times: Annotated[int, typer.Option(min=5, help="How often each question is asked, in other ranges.")] = 40,
    plain: Annotated[bool, typer.Option("--plain", help="On PostgreSQL without TimescaleDB.")] = False,
    keep: Annotated[
        Path | None,
        typer.Option("--keep", metavar="DIR", help="Keep the database there; go on with what it holds."),
    ] = None,
) -> None:
    """Bytes a row, and the latency of the API's questions, at growing numbers of transactions.

    Rows are made by the day in the shape of Ethereum's traffic, with random hashes and new addresses; days are whole,
    so there may be somewhat more rows than asked for.
    """
    err.print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    with tempfile.TemporaryDirectory(prefix="txhub-bench-") as temporary:
        home = keep or Path(temporary)
        home.mkdir(exist_ok=True)
        home.chmod(0o711)  # else root's server, another user's process, would keep its data elsewhere
        settings = wiring.settings_of(home=home)
        with plain_database(settings) if plain else wiring.database(settings) as url:
            wiring.run(_measure(url, settings, sorted(rows or [20_000_000]), times))


async def _measure(url: str, settings: Settings, sizes: Sequence[int], times: int) -> None:
    await register(url, settings)
    measured: list[dict[str, _Latency]] = []
    counts: list[int] = []
    for size in sizes:
        days = await fill(url, size, START)
        end = START + days * _DAY
        counts.append(await _weigh(url, settings, end))
        measured.append(await _ask_all(url, settings, end, times))
        _print_latencies(counts, measured)


async def _weigh(url: str, settings: Settings, end: datetime) -> int:
    """Print what the rows weigh; how many there are."""
    async with open_pool(url, name="bench") as pool:
        rows = (await read_held(pool)).rows
        whole = int(await pool.fetchval(_SQL["size"]))
        table = Table("of a transaction", "bytes", title=f"{rows:,} transactions")
        [transactions] = [each for each in await read_hypertables(pool) if each.name == "transactions"]
        table.add_row("transactions with indexes", f"{transactions.bytes / rows:.1f}")
        table.add_row("everything else: ledger, rollups, lists", f"{(whole - transactions.bytes) / rows:.1f}")
        last = (end - _DAY).date()
        size, archived = await _archived(url, settings, last)
        table.add_row(f"Parquet (zstd) of {last}", f"{size / archived:.1f}")
    out.print(table)
    return rows


async def _archived(url: str, settings: Settings, day: date) -> tuple[int, int]:
    """Bytes and rows of a day's transactions as the archive has them."""
    place = Place(str(settings.home / "archive"))
    async with open_pool(url, name="bench") as pool:
        outcomes = [each async for each in export(pool, url, place, first=day, last=day, now=START + 1000 * _DAY)]
        for entry in await read_entries(pool, day, day):
            if entry.table == "transactions":
                return entry.size, entry.rows
    raise ArchiveMismatch(f"{day} was not exported: {[outcome.reason for outcome in outcomes]}")


async def _ask_all(url: str, settings: Settings, end: datetime, times: int) -> dict[str, _Latency]:
    chance = random.Random(1)  # noqa: S311 (nothing secret: the same questions in every run)
    found = {}
    async with _api(url, settings, end) as api, Reader(url) as reader:
        for question in _QUESTIONS:
            taken = []
            for number in range(times + 2):
                parameters = await _parameters(question, chance, reader, end)
                began = time.perf_counter()
                if question.path:
                    (await api.get(question.path, params=parameters)).raise_for_status()
                else:
                    await reader.frame(_SQL["hash"], *parameters.values())
                if number >= 2:  # the first ones open connections and fill caches
                    taken.append((time.perf_counter() - began) * 1000)
            found[question.name] = _Latency(statistics.median(taken), statistics.quantiles(taken, n=20)[-1])
    return found


async def _parameters(question: _Question, chance: random.Random, reader: Reader, end: datetime) -> dict[str, Any]:
    asked = dict(question.parameters)
    since, until = START, end
    if question.days is not None:
        span = min(timedelta(days=question.days), end - START)
        since = START + timedelta(seconds=chance.randrange(int((end - START - span).total_seconds()) + 1))
        until = since + span
        asked |= {"start": since.isoformat(), "end": until.isoformat()}
    if question.about is not None:
        moment = since + timedelta(seconds=chance.randrange(int((until - since).total_seconds()) - 60))
        row = (await reader.frame(_SQL["some"], moment)).sample(1, seed=chance.randrange(2**31)).row(0, named=True)
        if question.about == "hash":
            return {"hash": row["hash"], "start": since, "end": until}
        asked["address"] = "0x" + row["from_address"].hex()
    return asked


@asynccontextmanager
async def _api(url: str, settings: Settings, end: datetime) -> AsyncIterator[httpx.AsyncClient]:
    from txhub.api.app import create_app

    app = create_app(url, settings, clock=lambda: end)
    async with (
        app.lifespan(),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app=cast("Any", app)), base_url="http://127.0.0.1", timeout=60
        ) as client,
    ):
        yield client


def _print_latencies(counts: Sequence[int], measured: Sequence[Mapping[str, _Latency]]) -> None:
    table = Table("p50 / p95, ms", *(f"{count / 1e6:,.1f} M" for count in counts))
    if len(counts) > 1:
        table.add_column("ratio of p50")
    for question in _QUESTIONS:
        found = [each[question.name] for each in measured]
        ratio = [f"{found[-1].p50 / found[0].p50:.2f}"] if len(found) > 1 else []
        table.add_row(question.name, *(f"{each.p50:,.1f} / {each.p95:,.1f}" for each in found), *ratio)
    out.print(table)
