"""`txhub bench store`: what rows weigh, and how long questions take as they become more, beside DuckDB over Parquet."""

from __future__ import annotations

import os
import platform
import random
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, NamedTuple, cast

import httpx
import typer
from rich.table import Table

from txhub.cli import wiring
from txhub.cli.bench_duckdb import DuckDB, open_duckdb
from txhub.cli.bench_questions import QUESTIONS, Asked, Question, Told, choose, require_equal
from txhub.cli.bench_rows import ROWS_A_DAY, fill, parquet_file, plain_database, read_held, register
from txhub.cli.bench_weight import weigh, weigh_beside
from txhub.cli.console import err, out
from txhub.cli.logs import configure_logs
from txhub.config import Settings
from txhub.store.pool import open_pool
from txhub.store.read import Reader
from txhub.store.sqlfiles import queries

_SQL = queries("bench")
_DAY = timedelta(days=1)
_WARM_UP = 2
"""So many answers of a question come before the first that counts: they open connections and fill caches."""
_LEAST = 3
"""So many answers there are, however long they take; where there are no more, all of them count."""
_PAGE = 100


class _Latency(NamedTuple):
    """Milliseconds of the answers that count."""

    p50: float
    p95: float

    def __str__(self) -> str:
        return f"{self.p50:,.1f} / {self.p95:,.1f}"


class _Compared(NamedTuple):
    """How long a question took here, and in DuckDB where that was asked."""

    ours: _Latency
    theirs: _Latency | None


def store(
    rows: Annotated[
        list[int] | None, typer.Option("--rows", metavar="N", min=1, help="Rows to measure at; may be given again.")
    ] = None,
    times: Annotated[int, typer.Option(min=_LEAST, help="How often each question is asked, in other ranges.")] = 40,
    patience: Annotated[
        float, typer.Option(metavar="SECONDS", help="A question that takes so long in all is not asked again.")
    ] = 20.0,
    plain: Annotated[bool, typer.Option("--plain", help="On PostgreSQL without TimescaleDB.")] = False,
    keep: Annotated[
        Path | None,
        typer.Option("--keep", metavar="DIR", help="Keep the database there; go on with what it holds."),
    ] = None,
) -> None:
    """Bytes a row, and the latency of the API's questions, at growing numbers of transactions.

    Rows are made by the day in the shape of Ethereum's traffic, with random hashes and new addresses; days are whole,
    so there may be somewhat more rows than asked for. Where DuckDB is installed it is asked the same over the same
    rows in Parquet, and both have to answer alike.
    """
    err.print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    with tempfile.TemporaryDirectory(prefix="txhub-bench-") as temporary:
        home = keep or Path(temporary)
        home.mkdir(exist_ok=True)
        home.chmod(0o711)  # else root's server, another user's process, would keep its data elsewhere
        settings = wiring.settings_of(home=home, log_level="error")
        configure_logs(settings)
        with plain_database(settings) if plain else wiring.database(settings) as url:
            wiring.run(_measure(url, settings, sorted(rows or [20_000_000]), times, patience))


async def _measure(url: str, settings: Settings, sizes: Sequence[int], times: int, patience: float) -> None:
    await register(url, settings)
    files = settings.home / "parquet"
    measured: list[dict[str, _Compared]] = []
    counts: list[int] = []
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    first = today - -(-sizes[-1] // ROWS_A_DAY) * _DAY  # so that `bench api` and `bench memory` may go on with it
    for size in sizes:
        days = await fill(url, size, first, files)
        async with open_pool(url, name="bench") as pool:
            held = await read_held(pool)
            whole = int(await pool.fetchval(_SQL["size"]))
            if not counts:
                await weigh(pool, parquet_file(files, 0))
            if size == sizes[-1]:
                await weigh_beside(pool)
        first = held.start or first
        counts.append(held.rows)
        out.print(f"{held.rows:,} transactions: {whole / held.rows:.1f} bytes each with ledger, rollups and lists")
        with open_duckdb([parquet_file(files, day) for day in reversed(range(days))]) as duckdb:
            if duckdb is None:
                err.print("no DuckDB here: what it would take is left out")
            measured.append(await _ask_all(url, settings, (first, first + days * _DAY), duckdb, times, patience))
    _print_latencies(counts, measured)


async def _ask_all(
    url: str, settings: Settings, span: tuple[datetime, datetime], duckdb: DuckDB | None, times: int, patience: float
) -> dict[str, _Compared]:
    chance = random.Random(1)  # noqa: S311 (nothing secret: the same questions in every run)
    found = {}
    async with _api(url, settings, span[1]) as api, Reader(url) as reader:
        for question in QUESTIONS:
            asked = [await choose(question, chance, reader, *span) for _ in range(times + _WARM_UP)]
            told, ours = [], []
            for each in asked:
                answer, milliseconds = await _ask(question, each, api, reader)
                told.append(answer)
                ours.append(milliseconds)
                if _enough(ours, patience):
                    break
            theirs: list[float] = []
            if duckdb is not None and question.statement is not None:
                for each, answer in zip(asked, told, strict=False):
                    said, milliseconds = duckdb.ask(question, each)
                    require_equal(question, each, answer, said)
                    theirs.append(milliseconds)
                    if _enough(theirs, patience):
                        break
            found[question.name] = _Compared(_latency(ours), _latency(theirs) if theirs else None)
    return found


async def _ask(question: Question, asked: Asked, api: httpx.AsyncClient, reader: Reader) -> tuple[Told, float]:
    """What the API says, or the database to a statement, and the milliseconds that took.

    A page that searched for too long is gone on from until it is full, and all of that is counted.
    """
    began = time.perf_counter()
    if not question.path:
        frame = await reader.frame(_SQL["hash"], asked.hash, asked.start, asked.end)
        return question.told(frame.rows()), (time.perf_counter() - began) * 1000
    path = question.path.format(hash=asked.hash.hex() if asked.hash else "")
    answer = (await api.get(path, params=asked.parameters)).raise_for_status().json()
    while answer.get("next") and len(answer["items"]) < _PAGE:
        cursor = {"cursor": answer["next"], "limit": _PAGE - len(answer["items"])}
        page = (await api.get(path, params=asked.parameters | cursor)).raise_for_status().json()
        answer = {"items": [*answer["items"], *page["items"]], "next": page["next"]}
    milliseconds = (time.perf_counter() - began) * 1000
    return question.told(answer), milliseconds


def _enough(taken: Sequence[float], patience: float) -> bool:
    return len(taken) >= _LEAST and sum(taken) > patience * 1000


def _latency(taken: Sequence[float]) -> _Latency:
    warm = taken[_WARM_UP:]
    taken = warm if len(warm) >= _LEAST else taken
    return _Latency(statistics.median(taken), statistics.quantiles(taken, n=20, method="inclusive")[-1])


@asynccontextmanager
async def _api(url: str, settings: Settings, end: datetime) -> AsyncIterator[httpx.AsyncClient]:
    from txhub.api.app import create_app

    app = create_app(url, settings, clock=lambda: end)
    async with (
        app.lifespan(),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app=cast("Any", app)), base_url="http://127.0.0.1", timeout=120
        ) as client,
    ):
        yield client


def _print_latencies(counts: Sequence[int], measured: Sequence[Mapping[str, _Compared]]) -> None:
    """A row for each question; every size has txhub's column and DuckDB's."""
    sizes = [f"{count / 1e6:,.1f} M" for count in counts]
    table = Table("p50 / p95, ms", title="The API beside DuckDB on the same rows in Parquet (zstd)")
    for size in sizes:
        table.add_column(size)
        table.add_column(f"DuckDB {size}")
    grows = len(counts) > 1
    if grows:
        table.add_column("growth")
        table.add_column("DuckDB's")
    for question in QUESTIONS:
        found = [each[question.name] for each in measured]
        cells = [str(latency or "") for each in found for latency in (each.ours, each.theirs)]
        if grows:
            cells += [_growth([each.ours for each in found]), _growth([each.theirs for each in found])]
        table.add_row(question.name, *cells)
    out.print(table)


def _growth(found: Sequence[_Latency | None]) -> str:
    """How many times as long the median takes at the largest size as at the smallest."""
    first, last = found[0], found[-1]
    return "" if first is None or last is None else f"{last.p50 / first.p50:.2f}"
