"""What crosses from PostgreSQL into frames, and what happens when the database goes away."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import psycopg
import pyarrow as pa
import pytest
from adbc_driver_postgresql import dbapi
from sqlalchemy import Numeric, Text, cast, func, literal, make_url, select

from txhub.errors import DatabaseRefused, DatabaseUnavailable, SchemaMismatch, TooLong
from txhub.store import schema
from txhub.store.read import Reader

MOMENT = datetime(2023, 9, 8, 7, 27, 0, 123456, tzinfo=UTC)


async def test_values_arrive_exact_and_typed(database: str) -> None:
    great = "123456789012345678901234567890123456789012345678.000000000000000001"
    async with Reader(database) as reader:
        frame = await reader.frame(
            """
            SELECT $1::text::numeric AS great, 1.50::numeric AS small, NULL::numeric AS none,
                   'transfer'::txhub.tx_kind AS kind, $2::timestamptz AS time, $3::bytea AS hash,
                   $4::text AS nothing, true AS yes, 7::bigint AS number
            """,
            *(great, MOMENT, b"\x00\xff", None),
        )
        assert frame.row(0, named=True) == {
            "great": great,
            "small": "1.50",
            "none": None,
            "kind": "transfer",
            "time": MOMENT,
            "hash": b"\x00\xff",
            "nothing": None,
            "yes": True,
            "number": 7,
        }
        assert frame.schema["time"] == pl.Datetime("us", "UTC")
        assert frame.schema["great"] == pl.String


async def test_parameters_are_bound_and_never_read_as_sql(database: str) -> None:
    nasty = "'; DROP TABLE txhub.chains; -- $1 :x %s"
    async with Reader(database) as reader:
        statement = select(
            literal(nasty, Text).label("text"),
            cast(cast("0.1", Text), Numeric).label("amount"),
            literal(None).label("nothing"),
        ).where(literal(MOMENT) < func.now(), cast("transfer", schema.TX_KIND).in_([cast("transfer", schema.TX_KIND)]))
        assert (await reader.frame(statement)).row(0) == (nasty, "0.1", None)
        assert (await reader.frame(select(func.count().label("n")).select_from(schema.chains))).row(0) == (0,)


async def test_a_session_reads_only_in_utc_and_not_for_ever(database: str) -> None:
    async with Reader(database, patience=timedelta(milliseconds=200)) as reader:
        frame = await reader.frame(
            "SELECT current_setting('TimeZone') AS zone, current_setting('transaction_read_only') AS ro"
        )
        assert frame.row(0) == ("UTC", "on")
        with pytest.raises(TooLong):
            await reader.frame("SELECT pg_sleep(60)")
        assert (await reader.frame("SELECT 1 AS one")).row(0) == (1,)


async def test_broken_connections_are_replaced_unnoticed(database: str) -> None:
    async with Reader(database, size=1) as reader:
        (before,) = (await reader.frame("SELECT pg_backend_pid() AS pid")).row(0)
        with psycopg.connect(database, autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s)", (before,))
        (after,) = (await reader.frame("SELECT pg_backend_pid() AS pid")).row(0)
    assert after != before


async def test_a_connection_that_breaks_at_the_end_of_an_answer(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seen when a server crashed: the driver leaves it to Arrow to say so, as an OSError of no kind."""
    fetch, broken = dbapi.Cursor.fetch_arrow_table, ["[libpq] Failed to execute query 'COMMIT'"]

    def breaking(cursor: dbapi.Cursor) -> pa.Table:
        table = fetch(cursor)
        if broken:
            raise OSError(broken.pop())
        return table

    async with Reader(database, size=1) as reader:
        assert (await reader.frame("SELECT 1 AS one")).row(0) == (1,)
        monkeypatch.setattr(dbapi.Cursor, "fetch_arrow_table", breaking)
        assert (await reader.frame("SELECT 2 AS two")).row(0) == (2,)
    assert not broken


async def test_an_empty_database_says_what_it_lacks(empty_database: str) -> None:
    async with Reader(empty_database) as reader:
        with pytest.raises(SchemaMismatch) as refused:
            await reader.frame(select(schema.chains))
    assert "txhub db migrate" in (refused.value.hint or "")


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"port": 1}, DatabaseUnavailable, "does not answer"),
        ({"password": "wrong"}, DatabaseRefused, "password"),
        ({"database": "nowhere"}, DatabaseRefused, "no such database"),
    ],
)
async def test_no_way_in_is_told_apart(
    database: str, change: dict[str, object], error: type[Exception], words: str
) -> None:
    url = make_url(database).set(**change).render_as_string(hide_password=False)
    async with Reader(url) as reader:
        with pytest.raises(error, match=words):
            await reader.frame("SELECT 1 AS one")
