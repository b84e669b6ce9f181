"""The rows that benchmarks ask for: whole days of one chain, in the shape of Ethereum's traffic."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pyarrow.parquet as pq

from txhub.archive.export import DICTIONARIES
from txhub.archive.partition import ROW_GROUP, schema_of
from txhub.chain.demo.columns import BLOCKS_A_DAY, Columns, make_day
from txhub.chain.registry import resolve
from txhub.cli.console import err
from txhub.config import Settings
from txhub.errors import UsageError
from txhub.rollup.settle import settle
from txhub.store.account import Account
from txhub.store.bulk import commit_columns
from txhub.store.cluster import Cluster
from txhub.store.installation import suitable
from txhub.store.ledger import Ledger
from txhub.store.migrate import migrate
from txhub.store.pool import Pool, open_pool
from txhub.store.server import open_server
from txhub.store.sqlfiles import queries

CHAIN = "ethereum"
ROWS_A_DAY = 1_380_000
"""About."""
_SQL = queries("bench")
_DAY = timedelta(days=1)


class Held(NamedTuple):
    """What there is of the chain: transactions, whole days, and when the first of them starts."""

    chain_id: int
    rows: int
    days: int
    start: datetime | None


@contextmanager
def plain_database(settings: Settings) -> Iterator[str]:
    """A database of the PostgreSQL that comes with txhub, which has no TimescaleDB."""
    installation = next((each for each in suitable(Account.current()) if not each.timescale), None)
    if installation is None:
        raise UsageError("there is no PostgreSQL without TimescaleDB here", hint="leave --plain out")
    with open_server(settings, stop_if_last=True, cluster=Cluster(settings.home, installation)) as server:
        migrate(server.url)
        yield server.url


async def register(url: str, settings: Settings) -> None:
    """Let the database know the chain; nobody asks a node for it."""
    async with open_pool(url, name="bench") as pool:
        await Ledger(pool, resolve(CHAIN, settings, ["ws://127.0.0.1:1"])).register()


async def read_held(pool: Pool) -> Held:
    """What an earlier run left, by the ledger."""
    return Held(*await pool.fetchrow(_SQL["held"], CHAIN))


async def fill(url: str, size: int, start: datetime, files: Path | None = None) -> int:
    """Write days from `start` on until there are so many rows, and bring the rollups up to date.

    What an earlier run left counts, and is gone on from. While a day is committed the next one is made.

    Args:
        files: a folder that gets the same rows as Parquet, as the archive writes it: a file for each day.

    Returns:
        How many days there are then.
    """
    async with open_pool(url, name="bench") as pool:
        held = await read_held(pool)
        start = held.start or start
        rows, days, seconds = held.rows, held.days, 0.0

        def make(day: int) -> asyncio.Future[Columns]:
            return asyncio.ensure_future(
                asyncio.to_thread(make_day, held.chain_id, start + day * _DAY, day * BLOCKS_A_DAY)
            )

        if files is not None:
            for day in range(days):
                if not (file := parquet_file(files, day)).exists():
                    write_parquet(file, await make(day))
        coming = make(days) if rows < size else None
        while coming is not None:
            made = await coming
            rows, days = rows + made.transactions.height, days + 1
            coming = make(days) if rows < size else None
            began = time.perf_counter()
            await asyncio.to_thread(commit_columns, url, held.chain_id, *made)
            seconds += time.perf_counter() - began
            if files is not None:
                await asyncio.to_thread(write_parquet, parquet_file(files, days - 1), made)
            err.print(f"{rows:,} rows, {days} days, {seconds:,.0f} s in COPY")
        began = time.perf_counter()
        now = min(start + (days + 1) * _DAY, datetime.now(UTC))
        await settle(pool, start + held.days * _DAY, start + days * _DAY, now)
        await pool.execute(_SQL["analyze"])
        err.print(f"rollups of {days - held.days} days in {time.perf_counter() - began:,.0f} s")
    return days


def parquet_file(folder: Path, day: int) -> Path:
    """Where a day's transactions are, by its number."""
    return folder / f"{day:04}.parquet"


def write_parquet(file: Path, made: Columns) -> None:
    """Write a day's transactions as the archive does."""
    file.parent.mkdir(exist_ok=True)
    schema = schema_of("transactions", wide=False)
    pq.write_table(
        made.transactions.to_arrow().select(schema.names).cast(schema),
        file,
        compression="zstd",
        row_group_size=ROW_GROUP,
        use_dictionary=[name for name in schema.names if name in DICTIONARIES],
    )
