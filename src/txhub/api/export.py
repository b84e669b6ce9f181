"""A result of any length, as a file that is written while it is read: a page at a time, and no more in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator

import polars as pl
import pyarrow as pa
import structlog
from pyarrow import parquet

from txhub.api.formats import CSV_TIME, Format
from txhub.errors import TxhubError, Unavailable

AT_ONCE = 4
"""Exports that are under way at a time."""
_GROUP_ROWS = 50_000
"""Rows of a row group of Parquet: what is held in memory of one."""
_log = structlog.get_logger("export")


class ExportsBusy(Unavailable):
    """Other exports take all the room that there is for them."""

    code = "exports-busy"


class Exports:
    """At most `AT_ONCE` exports at a time, so that they never take all sessions of the database."""

    def __init__(self) -> None:
        self._free = asyncio.Semaphore(AT_ONCE)

    def require_room(self) -> None:
        """Refuse one more, if there is no room for it.

        Raises:
            ExportsBusy: the others have to end first.
        """
        if self._free.locked():
            raise ExportsBusy(hint="try again when one of them has ended")

    async def written(
        self, first: pl.DataFrame, pages: AsyncIterator[pl.DataFrame], chosen: Format
    ) -> AsyncGenerator[bytes, None]:
        """The parts of a file with the rows of all pages.

        The answer has begun when a later page fails, so all that is left is to break it off: its reader notices, since
        the end of the answer, and of an Arrow stream or a Parquet file, does not come.
        """
        async with self._free:
            writer = _Writer(first, chosen)
            try:
                yield await asyncio.to_thread(writer.write, first)
                async for page in pages:
                    yield await asyncio.to_thread(writer.write, page)
                yield await asyncio.to_thread(writer.close)
            except TxhubError as error:
                _log.error("an export breaks off", error=str(error))
                raise


class _Sink:
    """A file that is taken away as it is written."""

    closed = False

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._parts.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing is kept back."""

    def close(self) -> None:
        """Whoever made it takes what is left."""

    def take(self) -> bytes:
        taken = b"".join(self._parts)
        self._parts.clear()
        return taken


class _Writer:
    """Writes frames of one schema as one file."""

    def __init__(self, like: pl.DataFrame, chosen: Format) -> None:
        self._sink = _Sink()
        self._chosen = chosen
        self._begun = False
        self._waiting: list[pa.Table] = []
        schema = _table(like).schema
        if chosen is Format.ARROW:
            self._stream = pa.ipc.new_stream(self._sink, schema)
        elif chosen is Format.PARQUET:
            self._file = parquet.ParquetWriter(self._sink, schema, compression="zstd")

    def write(self, frame: pl.DataFrame) -> bytes:
        """What the file gains by these rows; of Parquet, by whole row groups."""
        if self._chosen is Format.CSV:
            text = frame.write_csv(datetime_format=CSV_TIME, include_header=not self._begun)
            self._begun = True
            return text.encode()
        if self._chosen is Format.ARROW:
            self._stream.write_table(_table(frame))
        else:
            self._waiting.append(_table(frame))
            for group in self._groups(_GROUP_ROWS):
                self._file.write_table(group)
        return self._sink.take()

    def close(self) -> bytes:
        """The end of the file."""
        if self._chosen is Format.ARROW:
            self._stream.close()
        elif self._chosen is Format.PARQUET:
            for group in self._groups(1):
                self._file.write_table(group)
            self._file.close()
        return self._sink.take()

    def _groups(self, rows: int) -> Iterator[pa.Table]:
        if sum(each.num_rows for each in self._waiting) >= rows:
            yield pa.concat_tables(self._waiting).combine_chunks()
            self._waiting.clear()


def _table(frame: pl.DataFrame) -> pa.Table:
    return frame.to_arrow(compat_level=pl.CompatLevel.oldest())
