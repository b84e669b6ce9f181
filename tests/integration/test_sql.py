"""Analysts' statements: answered exactly, within limits, and refused where they do more than read."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import polars as pl
import psycopg
import pytest
from sqlalchemy import make_url

from tests.asking import asking
from tests.commands import environment, run, running
from tests.conftest import QUICK, installation_of_each, open_database, open_home
from tests.sample import BLOCKS, ROWS
from txhub.client import ApiError, AsyncClient
from txhub.config import Settings
from txhub.errors import AnalystMissing, LaneBusy, StatementFailed, StatementRefused, TooLong
from txhub.ports import free_port, wait_for_port
from txhub.store.analyst import ANALYST, LANE
from txhub.store.cluster import Cluster
from txhub.store.edition import Edition
from txhub.store.lane import Lane
from txhub.store.migrate import migrate
from txhub.store.server import Server, open_server

SECOND = timedelta(seconds=1)
ENDLESS = "SELECT count(*) FROM generate_series(1, 100000000000)"

WRITES = [
    "INSERT INTO txhub.labels (address) VALUES ('x')",
    "INSERT INTO txhub.labels (address) VALUES ('x') RETURNING id",
    "UPDATE txhub.chains SET name = 'x'",
    "DELETE FROM txhub.chains RETURNING name",
    "TRUNCATE txhub.chains",
    "WITH gone AS (DELETE FROM txhub.chains RETURNING name) SELECT * FROM gone",
    "EXPLAIN ANALYZE DELETE FROM txhub.chains",
    "EXPLAIN (ANALYZE) INSERT INTO txhub.labels (address) VALUES ('x')",
    "CREATE TABLE public.mine (a int)",
    "CREATE TEMP TABLE mine (a int)",
    "CREATE TABLE public.mine AS SELECT 1",
    "SELECT 1 AS a INTO mine",
    "CREATE FUNCTION public.mine() RETURNS int RETURN 1",
    "DROP VIEW txhub.tx_1m",
    "REFRESH MATERIALIZED VIEW txhub.tx_1m",
    "SELECT nextval('txhub.labels_id_seq')",
]
LOCKS = [
    "LOCK TABLE txhub.chains",
    "SELECT * FROM txhub.chains FOR UPDATE",
    "SELECT * FROM txhub.chains FOR SHARE",
    "SELECT pg_advisory_lock(1)",
    "SELECT pg_try_advisory_lock_shared(1)",
    "SELECT pg_advisory_xact_lock(1, 2)",
]
FILES = [
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT pg_read_binary_file('/etc/passwd')",
    "SELECT * FROM pg_ls_dir('.')",
    "SELECT lo_import('/etc/passwd')",
    "SELECT lo_export(1, '/tmp/mine')",
    "COPY txhub.chains TO '/tmp/mine'",
    "COPY txhub.chains TO PROGRAM 'cat'",
    "COPY txhub.chains FROM '/etc/passwd'",
    "COPY txhub.chains TO STDOUT",
]
EFFECTS = [
    "SELECT pg_sleep(1)",
    "SELECT count(pg_sleep_for('1 second')::text)",
    "SELECT lo_create(0)",
    "SELECT lo_from_bytea(0, 'x')",
    "SELECT pg_notify('txhub', 'x')",
    "SELECT pg_logical_emit_message(false, 'x', 'x')",
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity",
    "SELECT pg_reload_conf()",
    "SELECT txhub_rollup.make_room(now(), now())",
]
STATEMENTS_OF_OTHER_SORTS = [
    "DO $$ BEGIN PERFORM 1; END $$",
    "SET statement_timeout = 0",
    "SET ROLE txhub",
    "RESET ROLE",
    "SET SESSION AUTHORIZATION DEFAULT",
    "BEGIN",
    "COMMIT",
    "LISTEN txhub",
    "NOTIFY txhub",
    "VACUUM",
    "ANALYZE",
    "GRANT ALL ON txhub.chains TO PUBLIC",
    "ALTER ROLE txhub_analyst SUPERUSER",
    "ALTER FUNCTION txhub.answer SECURITY INVOKER",
    "DECLARE mine CURSOR FOR SELECT 1",
    "PREPARE mine AS SELECT 1",
]
SECRETS = [
    "SELECT * FROM txhub.event_log",
    "SELECT * FROM txhub.cursors",
    "SELECT * FROM txhub_rollup.tx_1m",
    "SELECT rolpassword FROM pg_authid",
    "SELECT query_to_xml('SELECT * FROM txhub.event_log', true, true, '')",
    "SELECT set_config('role', 'txhub', true), query_to_xml('SELECT * FROM txhub.event_log', true, true, '')",
    "SELECT set_config('session_authorization', 'txhub', true)",
    "UPDATE pg_settings SET setting = 'txhub' WHERE name = 'role'",
    "SHOW data_directory",
]
REFUSED = [*WRITES, *LOCKS, *FILES, *EFFECTS, *STATEMENTS_OF_OTHER_SORTS, *SECRETS]
NOT_UNDERSTOOD = [
    "SELECT 1; SELECT 2",
    "SELECT 1; DROP TABLE txhub.chains",
    "SELECT 1) TO PROGRAM 'cat'; --",
    "SELEKT",
    "SELECT nothing FROM txhub.chains",
    "SELECT * FROM txhub.nowhere",
    "SELECT 1 / 0",
    "SELECT $1",
    "SELECT 'x\0'",
    "SELECT '0000-00-00'::date",
    "SELECT 'infinity'::timestamptz",
    "SELECT repeat('x', 100000000)",
    "",
    " \n",
]


async def ask(api: httpx.AsyncClient, statement: str, format_: str = "json", **limits: Any) -> httpx.Response:
    return await api.post("/v1/sql", params={"format": format_}, json={"sql": statement, **limits})


@pytest.mark.parametrize("statement", REFUSED)
async def test_what_does_more_than_read_is_refused(api: httpx.AsyncClient, sample: str, statement: str) -> None:
    response = await ask(api, statement)
    assert response.status_code == 403, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert problem["type"] == "urn:txhub:error:statement-refused"
    assert problem["detail"]
    assert problem["hint"]
    with psycopg.connect(sample) as connection:
        untouched = "SELECT (SELECT count(*) FROM txhub.chains), (SELECT count(*) FROM txhub.labels)"
        assert connection.execute(untouched).fetchall() == [(len(BLOCKS), 0)]
        assert connection.execute("SELECT to_regclass('public.mine')").fetchall() == [(None,)]


@pytest.mark.parametrize("statement", NOT_UNDERSTOOD)
async def test_what_the_database_cannot_answer_is_a_problem_that_says_why(
    api: httpx.AsyncClient, statement: str
) -> None:
    response = await ask(api, statement)
    assert response.status_code == 400, response.text
    problem = response.json()
    assert problem["detail"]
    assert problem["hint"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"sql": 1},
        {"sql": "SELECT 1", "max_rows": 0},
        {"sql": "SELECT 1", "max_rows": 100_001},
        {"sql": "SELECT 1", "max_rows": "all"},
        {"sql": "SELECT 1", "timeout": 0},
        {"sql": "SELECT 1", "timeout": 61},
        {"sql": "SELECT 1", "limit": 5},
        ["SELECT 1"],
    ],
)
async def test_a_bad_request_is_a_problem(api: httpx.AsyncClient, body: object) -> None:
    response = await api.post("/v1/sql", json=body)
    assert response.status_code == 400, response.text
    assert response.headers["content-type"] == "application/problem+json"


async def test_one_reads_in_every_way_that_there_is(api: httpx.AsyncClient) -> None:
    for statement in (
        "TABLE chains",
        "VALUES (1), (2)",
        "WITH a AS (SELECT 1) SELECT * FROM a",
        "EXPLAIN SELECT * FROM txhub.chains",
        "EXPLAIN ANALYZE SELECT * FROM txhub.chains",
        "SHOW timezone",
        "SELECT 1 -- and a comment",
        "SELECT 1;",
        "/* ; DROP TABLE txhub.chains */ SELECT ';'",
    ):
        response = await ask(api, statement)
        assert response.status_code == 200, response.text
        assert response.json()["rows"]


GREAT = "115792089237316195423570985008687907853269984665640564039457584007913129639935.000000000000000001"
VALUES = f"""
    SELECT {GREAT}::numeric AS great, 1.50 AS small, 9223372036854775807 AS whole, 0.1::float8 AS float, true AS yes,
           NULL AS nothing, '\\x00ff'::bytea AS raw, TIMESTAMPTZ '2023-09-08 09:27:11.5+02' AS time,
           DATE '2023-09-08' AS day, 'transfer'::txhub.tx_kind AS kind, ARRAY[1, 2] AS several, 'é",' AS text,
           1 AS whole, INTERVAL '90 minutes' AS span
"""
ANSWER = {
    "great": GREAT,
    "small": "1.50",
    "whole": 9223372036854775807,
    "float": 0.1,
    "yes": True,
    "nothing": None,
    "raw": "0x00ff",
    "time": datetime(2023, 9, 8, 7, 27, 11, 500_000, UTC),
    "day": datetime(2023, 9, 8, tzinfo=UTC).date(),
    "kind": "transfer",
    "several": "[1,2]",
    "text": 'é",',
    "whole_2": 1,
    "span": "01:30:00",
}


async def test_values_are_exact_in_every_format(api: httpx.AsyncClient) -> None:
    arrow = pl.read_ipc_stream((await ask(api, VALUES, "arrow")).content)
    assert arrow.row(0, named=True) == ANSWER
    assert arrow.schema["time"] == pl.Datetime("us", "UTC")
    parquet = pl.read_parquet(io.BytesIO((await ask(api, VALUES, "parquet")).content))
    assert parquet.equals(arrow)
    csv = pl.read_csv((await ask(api, VALUES, "csv")).content, schema_overrides=arrow.schema)
    assert csv.equals(arrow)
    answer = (await ask(api, VALUES)).json()
    assert [column["name"] for column in answer["columns"]] == list(ANSWER)
    assert [column["type"] for column in answer["columns"]][:3] == ["numeric", "numeric", "int8"]
    shown = {**ANSWER, "time": "2023-09-08T07:27:11.500000Z", "day": "2023-09-08"}
    assert answer["rows"] == [list(shown.values())]


async def test_an_answer_that_was_cut_says_so(api: httpx.AsyncClient) -> None:
    statement = "SELECT hash FROM txhub.transactions_view"
    for limit, cut in ((ROWS.height - 1, True), (ROWS.height, False), (ROWS.height + 1, False)):
        answer = await ask(api, statement, max_rows=limit)
        assert len(answer.json()["rows"]) == min(limit, ROWS.height)
        assert answer.json()["truncated"] is cut
        assert answer.headers["txhub-truncated"] == str(cut).lower()
        csv = await ask(api, statement, "csv", max_rows=limit)
        assert csv.headers["txhub-truncated"] == str(cut).lower()


async def test_no_rows_still_have_columns(api: httpx.AsyncClient) -> None:
    frame = pl.read_ipc_stream((await ask(api, "SELECT 1 AS a, now() AS b WHERE false", "arrow")).content)
    assert frame.schema == {"a": pl.Int64, "b": pl.Datetime("us", "UTC")}


async def test_a_statement_that_takes_too_long_is_stopped(sample: str) -> None:
    lane = Lane(sample, size=1)
    with pytest.raises(TooLong):
        await lane.answer(ENDLESS, max_rows=1, patience=SECOND / 10)
    assert (await lane.answer("SELECT 1 AS one", max_rows=1, patience=SECOND)).frame.rows() == [(1,)]


async def test_a_statement_whose_reader_leaves_is_stopped_too(sample: str) -> None:
    asking = asyncio.create_task(Lane(sample).answer(ENDLESS, max_rows=1, patience=60 * SECOND))
    with psycopg.connect(sample, autocommit=True) as connection:
        working = (
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'txhub sql' AND state = 'active'"
            " AND datname = current_database()"
        )

        async def until(number: int) -> None:
            while connection.execute(working).fetchall() != [(number,)]:  # noqa: ASYNC110 (the database tells nobody)
                await asyncio.sleep(0.01)

        await until(1)
        asking.cancel()
        await asyncio.wait({asking})
        await until(0)


async def test_nothing_that_a_statement_leaves_behind_meets_the_next(sample: str) -> None:
    lane = Lane(sample, size=1)
    await lane.answer(
        "SELECT set_config('search_path', 'nowhere', false), set_config('TimeZone', 'Asia/Tokyo', false)",
        max_rows=1,
        patience=SECOND,
    )
    found = await lane.answer("SELECT count(*) FROM chains", max_rows=1, patience=SECOND)
    assert found.frame.rows() == [(len(BLOCKS),)]
    assert (await lane.answer("SHOW TimeZone", max_rows=1, patience=SECOND)).frame.rows() == [("UTC",)]


async def test_a_full_lane_sends_away_and_keeps_nobody_else_waiting(
    sample: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lane = Lane(sample, size=1, wait=timedelta(0))
    monkeypatch.setattr("txhub.api.app.Lane", lambda _: lane)
    async with asking(sample) as api:
        async with lane._place():
            busy = await ask(api, "SELECT 1")
            assert busy.status_code == 503
            assert busy.json()["type"] == f"urn:txhub:error:{LaneBusy.code}"
            assert int(busy.headers["retry-after"]) > 0
            assert (await api.get("/v1/chains")).status_code == 200
        assert (await ask(api, "SELECT 1")).status_code == 200


def as_analyst(server: Server, url: str) -> psycopg.Connection[Any]:
    assert server.analyst_url is not None
    name = make_url(url).database
    return psycopg.connect(make_url(server.analyst_url).set(database=name).render_as_string(hide_password=False))


def test_who_logs_in_as_an_analyst_only_reads(server: Server, database: str) -> None:
    with as_analyst(server, database) as connection:
        connection.autocommit = True
        assert connection.execute("SELECT count(*) FROM txhub.transactions_view").fetchall() == [(0,)]
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            connection.execute("CREATE TABLE public.mine (a int)")
        connection.execute("SET default_transaction_read_only = off")
        for statement in (
            "CREATE TABLE public.mine (a int)",
            "CREATE TABLE txhub.mine (a int)",
            "CREATE SCHEMA mine",
            "INSERT INTO txhub.labels (address) VALUES ('x')",
            "ALTER FUNCTION txhub.answer SECURITY INVOKER",
            "DROP FUNCTION txhub.answer",
            "SELECT * FROM txhub.answer('SELECT 1', 1, 1)",
            f"SET ROLE {LANE}",
            "SET ROLE txhub",
            "COPY txhub.chains TO '/tmp/mine'",
            "SELECT pg_sleep(1)",
            "SELECT pg_advisory_lock(1)",
            "SELECT lo_create(0)",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)


def test_the_private_database_has_no_room_for_an_analyst_s_own_tables(server: Server) -> None:
    with psycopg.connect(server.analyst_url or "") as connection:
        connection.execute("SET transaction_read_only = off")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("CREATE TEMP TABLE mine (a int)")


def test_psql_opens_as_the_analyst_on_a_given_server(database: str) -> None:
    question = "SELECT current_user, current_setting('default_transaction_read_only')"
    done = run("db", "psql", "--analyst", "--", "-Atc", question, env=environment(database))
    assert done.stdout == f"{ANALYST}|on\n", done.stderr


@pytest.fixture
def given(edition: Edition, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server as others run them: nobody has made roles for analysts there, and our user is an ordinary one."""
    monkeypatch.setattr(Cluster, "_provide_analyst", lambda *_: None)
    monkeypatch.setattr(Cluster, "_provide_services", lambda *_: None)
    with open_home() as home:
        cluster = Cluster(home, installation_of_each()[edition], extra=QUICK)
        with open_server(Settings(home=home, database_url=None), stop_if_last=True, cluster=cluster) as server:
            yield server


async def test_a_private_cluster_of_an_earlier_release_gets_its_analysts(
    edition: Edition, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_home() as home:
        cluster = Cluster(home, installation_of_each()[edition], extra=QUICK)
        settings = Settings(home=home, database_url=None)
        with monkeypatch.context() as earlier:
            earlier.setattr(Cluster, "_provide_analyst", lambda *_: None)
            earlier.setattr(Cluster, "_provide_services", lambda *_: None)
            with open_server(settings, cluster=cluster) as server:
                migrate(server.url)
                (home / f"{ANALYST}.secret").unlink()
        with open_server(settings, stop_if_last=True, cluster=cluster) as server:
            migrate(server.url)
            with psycopg.connect(server.analyst_url or "") as analyst:
                assert analyst.execute("SELECT count(*) FROM txhub.transactions").fetchall() == [(0,)]
            with pytest.raises(StatementRefused):
                await Lane(server.url).answer("SELECT pg_sleep(1)", max_rows=1, patience=SECOND)


async def test_where_no_role_may_be_made_it_says_what_to_run(given: Server) -> None:
    migrate(given.url)
    with pytest.raises(AnalystMissing) as missing:
        await Lane(given.url).answer("SELECT 1", max_rows=1, patience=SECOND)
    to_run = (missing.value.hint or "").split("`")[1]
    with psycopg.connect(given.admin_url or "", autocommit=True) as superuser:
        superuser.execute(f"{to_run} {make_url(given.url).username}")
    migrate(given.url)
    await only_reads(given.url)


async def test_a_user_who_may_make_roles_makes_them_once_for_all_databases(given: Server) -> None:
    with ExitStack() as databases, psycopg.connect(given.admin_url or "", autocommit=True) as superuser:
        superuser.execute("ALTER ROLE txhub CREATEROLE")
        urls = [databases.enter_context(open_database(given)) for _ in range(4)]
        migrations = (asyncio.to_thread(run, "db", "migrate", env=environment(url)) for url in urls)
        assert {done.returncode for done in await asyncio.gather(*migrations)} == {0}
        for url in urls:
            await only_reads(url)


async def test_the_statements_of_a_superuser_s_database_are_no_superuser_s(given: Server) -> None:
    migrate(given.admin_url or "")
    await only_reads(given.admin_url or "")
    for statement in FILES:
        with pytest.raises(StatementRefused):
            await Lane(given.admin_url or "").answer(statement, max_rows=1, patience=SECOND)


async def only_reads(url: str) -> None:
    lane = Lane(url)
    found = await lane.answer("SELECT count(*) FROM transactions_view", max_rows=1, patience=SECOND)
    assert found.frame.rows() == [(0,)]
    for statement in (*WRITES, *SECRETS):
        with pytest.raises(StatementRefused):
            await lane.answer(statement, max_rows=1, patience=SECOND)
    for statement in ("SELECT pg_sleep(60)", "SELECT count(pg_sleep(1)::text) FROM generate_series(1, 60)"):
        with pytest.raises(TooLong):
            await lane.answer(statement, max_rows=1, patience=SECOND / 10)


async def test_the_client_asks_in_sql(sample: str) -> None:
    port = free_port()
    with running("serve", "--port", str(port), env=environment(sample)) as server:
        await asyncio.to_thread(wait_for_port, port, server)
        async with AsyncClient(f"http://127.0.0.1:{port}") as client:
            found = await client.sql("SELECT name, large_value FROM txhub.chains ORDER BY name", max_rows=2)
            assert found.frame.rows() == [("base", "100"), ("bitcoin", "25")]
            assert found.truncated
            with pytest.raises(ApiError) as refused:
                await client.sql("DELETE FROM txhub.chains")
            assert refused.value.answer_status == 403


def test_the_command_writes_every_format(sample: str) -> None:
    env = environment(sample)
    statement = "SELECT name, decimals FROM txhub.chains ORDER BY name"
    rows = [("base", 18), ("bitcoin", 8), ("ethereum", 18)]
    assert pl.read_csv(run("sql", statement, "--format", "csv", env=env).stdout.encode()).rows() == rows
    table = run("sql", statement, env=env)
    assert [tuple(line.split()) for line in table.stdout.splitlines()[1:]] == [(a, str(b)) for a, b in rows]
    cut = run("sql", statement, "--max-rows", "2", "--format", "json", env=env)
    assert '"truncated":true' in cut.stdout
    assert "first 2 rows" in cut.stderr
    refused = run("sql", "DELETE FROM txhub.chains", env=env)
    assert refused.returncode == StatementRefused.exit_code
    assert "error:" in refused.stderr
    assert run("sql", "SELEKT", env=env).returncode == StatementFailed.exit_code


def test_every_column_and_function_says_what_it_is(database: str) -> None:
    columns = """
        SELECT c.relname, a.attname
        FROM pg_class c
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        WHERE c.relnamespace = 'txhub'::regnamespace AND c.relkind IN ('r', 'p', 'v')
          AND col_description(c.oid, a.attnum) IS NULL
    """
    functions = """
        SELECT proname FROM pg_proc
        WHERE pronamespace = 'txhub'::regnamespace AND obj_description(oid, 'pg_proc') IS NULL
    """
    with psycopg.connect(database) as connection:
        assert connection.execute(columns).fetchall() == []
        assert connection.execute(functions).fetchall() == []
