"""Reads what only the archive has: lazily, so that no more of a file is read than a question needs."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import NamedTuple

import polars as pl

from txhub.errors import ArchiveUnavailable
from txhub.store.place import Place
from txhub.store.read import Reader
from txhub.store.sqlfiles import queries

_SQL = queries("coldread")


class File(NamedTuple):
    """A file of the archive; the amounts in a `wide` one are text."""

    path: str
    wide: bool


class DroppedFile(NamedTuple):
    """A file with the rows of a chain's day that the database has no more."""

    start: datetime
    chain_id: int
    decimals: int
    path: str
    wide: bool
    rows: int


class ColdRows(NamedTuple):
    """What is wanted of a file: the rows that meet a condition."""

    file: DroppedFile
    condition: pl.Expr


def scan_files(place: Place, files: Iterable[File]) -> pl.LazyFrame | None:
    """The rows of files of one table, with its columns; None where there are no files.

    Where a file is wide, amounts are text in all of them. Files from elsewhere are fetched first.
    """
    sorted_files = sorted(files, key=lambda file: file.wide)
    if not sorted_files:
        return None
    wide = sorted_files[-1].wide
    parts = [
        pl.scan_parquet(place.local(paths), hive_partitioning=False)
        for some in (False, True)
        if (paths := [file.path for file in sorted_files if file.wide is some])
    ]
    if wide:
        parts = [part.with_columns(pl.selectors.decimal().cast(pl.String)) for part in parts]
    return pl.concat(parts)


async def dropped_files(reader: Reader, table: str, start: datetime, end: datetime) -> list[DroppedFile]:
    """The files of a table from `start` up to `end` whose raw rows are gone, the newest day first.

    A day that was restored moments ago is among them: a question that was asked of the database before may have found
    nothing of it.

    Raises:
        DatabaseUnavailable, DatabaseRefused: the manifest cannot be read.
    """
    known = await reader.frame(_SQL["dropped_files"], table, start, end)
    return [DroppedFile(**row) for row in known.iter_rows(named=True)]


class ColdReader:
    """Searches files of the archive, in threads of its own: two searches at a time, the others wait."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="txhub-cold")

    async def newest(self, wanted: Iterable[ColdRows], order: tuple[str, ...], limit: int) -> pl.DataFrame:
        """At most `limit` rows of the files, the last in `order` first: as the files hold them, but amounts are text.

        Raises:
            ArchiveUnavailable: a file cannot be read.
        """
        work = asyncio.get_running_loop().run_in_executor(self._threads, self._newest, list(wanted), order, limit)
        return await work

    async def close(self) -> None:
        """Wait for the searches that are under way."""
        await asyncio.to_thread(self._threads.shutdown, cancel_futures=True)

    def _newest(self, wanted: list[ColdRows], order: tuple[str, ...], limit: int) -> pl.DataFrame:
        with tempfile.TemporaryDirectory(prefix="txhub-cold-") as folder:
            paths = self._place.local([each.file.path for each in wanted], folder)
            parts = [
                pl.scan_parquet(path, hive_partitioning=False)
                .filter(each.condition)
                .top_k(limit, by=order)
                .with_columns(pl.selectors.decimal().cast(pl.String))
                for path, each in zip(paths, wanted, strict=True)
            ]
            try:
                return pl.concat(parts).top_k(limit, by=order).sort(order, descending=True).collect()
            except (OSError, pl.exceptions.PolarsError) as fault:
                reason = str(fault).strip().splitlines()[0]
                raise ArchiveUnavailable(
                    f"a file of the archive cannot be read: {reason}",
                    hint=f"is {self._place.shown} there? `txhub archive verify` looks at every file",
                ) from fault
