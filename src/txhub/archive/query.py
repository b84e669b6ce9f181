"""SQL over the archive itself, whether or not the database still has the rows."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl
import pyarrow as pa

from txhub.archive.manifest import Entry
from txhub.archive.partition import TABLES, Table, schema_of
from txhub.errors import NotFound, UsageError
from txhub.store.coldread import File, scan_files
from txhub.store.place import Place

_ADDRESSES = ("from_address", "to_address", "token_address", "address")


def query(place: Place, entries: Sequence[Entry], sql: str) -> pl.DataFrame:
    """The answer of Polars to one statement over the tables of the archive, each with `chain` and `day` beside.

    Hashes and addresses are text as people write them, amounts are base units.

    Raises:
        NotFound: none of these entries has rows.
        UsageError: Polars does not understand the statement; says why.
        ArchiveUnavailable: files that are elsewhere cannot be fetched.
    """
    tables: dict[str, pl.LazyFrame] = {}
    for table in TABLES:
        own = [entry for entry in entries if entry.table == table and entry.path]
        rows = scan_files(place, [File(entry.path, entry.wide) for entry in own if entry.path])
        if rows is not None:
            tables[table] = _readable(rows, table, own)
    if not tables:
        raise NotFound("the archive has no rows of these days", hint="`txhub archive list` shows what it has")
    try:
        return pl.SQLContext(tables, eager=True).execute(sql)
    except pl.exceptions.PolarsError as fault:
        reason = str(fault).strip().splitlines()[0]
        raise UsageError(f"the statement cannot be answered: {reason}", hint=f"tables: {', '.join(tables)}") from None


def _readable(rows: pl.LazyFrame, table: Table, entries: Sequence[Entry]) -> pl.LazyFrame:
    names = {entry.chain_id: entry.chain for entry in entries}
    evm = pl.col("chain_id").is_in([entry.chain_id for entry in entries if entry.family == "evm"])
    stored = [field.name for field in schema_of(table, wide=False) if field.type == pa.binary()]
    text = []
    for name in stored:
        digits = pl.col(name).bin.encode("hex")
        plain = pl.col(name).cast(pl.String) if name in _ADDRESSES else digits
        text.append(pl.when(evm).then(pl.lit("0x") + digits).otherwise(plain).alias(name))
    return rows.with_columns(
        *text,
        chain=pl.col("chain_id").replace_strict(names, return_dtype=pl.String),
        day=pl.col("time" if table == "blocks" else "block_time").dt.date(),
    )
