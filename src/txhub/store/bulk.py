"""Commits whole days by the column, for benchmarks: what `Ledger.commit` does, without its questions.

Nobody asks here whether blocks link or are there already, so nothing but made data may come this way.
"""

from __future__ import annotations

from contextlib import closing
from datetime import datetime

import polars as pl
from adbc_driver_postgresql import dbapi

from txhub.store.read import libpq_address
from txhub.store.sqlfiles import queries

_SQL = queries("bench")


def commit_columns(url: str, chain_id: int, blocks: pl.DataFrame, transactions: pl.DataFrame) -> None:
    """Write blocks and transactions in one database transaction, straight into the columnstore where there is one.

    Args:
        url: a migrated database that knows the chain.
        chain_id: the chain of all of them.
        blocks: rows of `txhub.blocks`, which it does not hold yet; in order of number.
        transactions: rows of `txhub.transactions`.
    """
    span: tuple[datetime, datetime] = (blocks["time"][0], blocks["time"][-1])
    with closing(dbapi.connect(libpq_address(url, "bench"))) as connection, connection.cursor() as cursor:
        cursor.execute(_SQL["before"], span)
        cursor.adbc_ingest("blocks", blocks.to_arrow(), mode="append", db_schema_name="txhub")
        cursor.adbc_ingest("transactions", transactions.to_arrow(), mode="append", db_schema_name="txhub")
        cursor.execute(_SQL["after"], (chain_id, *span))
        cursor.execute(_SQL["event"], (chain_id, *span))
        connection.commit()
