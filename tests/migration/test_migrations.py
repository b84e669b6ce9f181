"""From an empty database to this release's schema, in both editions, and never astray."""

from __future__ import annotations

import asyncio

import psycopg
import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, make_url

from tests.blocks import ETHEREUM, make_block
from txhub.errors import DatabaseRefused, DatabaseUnavailable, SchemaMismatch
from txhub.model import Transaction
from txhub.resources import resource
from txhub.store import edition as editions
from txhub.store import migrate as migrating
from txhub.store.edition import Edition
from txhub.store.ledger import Committed, Ledger
from txhub.store.migrate import migrate, require_current, state
from txhub.store.pool import DEAD_PEERS, open_pool

REVISIONS = [script.revision for script in ScriptDirectory(str(resource("alembic"))).walk_revisions()][::-1]
HEAD = REVISIONS[-1]


def test_an_empty_database_becomes_the_edition_that_its_server_can_carry(empty_database: str, edition: Edition) -> None:
    assert state(empty_database) == (None, None, HEAD)
    reached, reason = migrate(empty_database)
    assert reached == (edition, HEAD, HEAD)
    assert reached.current
    assert "TimescaleDB" in reason
    assert require_current(empty_database) is edition


def test_migrating_again_changes_nothing(database: str, edition: Edition) -> None:
    with psycopg.connect(database) as connection:
        before = connection.execute("SELECT * FROM txhub.installation").fetchall()
    reached, reason = migrate(database)
    assert reached.edition is edition
    assert "first migrated" in reason
    with psycopg.connect(database) as connection:
        assert connection.execute("SELECT * FROM txhub.installation").fetchall() == before


async def test_migrations_at_the_same_time_take_turns(empty_database: str, edition: Edition) -> None:
    results = await asyncio.gather(*(asyncio.to_thread(migrate, empty_database) for _ in range(3)))
    assert {result.edition for result, _ in results} == {edition}


def test_a_database_that_is_not_migrated_is_refused(empty_database: str) -> None:
    with pytest.raises(SchemaMismatch, match="no txhub schema") as caught:
        require_current(empty_database)
    assert caught.value.hint == "run `txhub db migrate`"


def test_a_later_release_s_database_is_refused_and_left_alone(database: str) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("UPDATE txhub.alembic_version SET version_num = '9999'")
    with pytest.raises(SchemaMismatch, match="9999"):
        require_current(database)
    with pytest.raises(SchemaMismatch, match="9999"):
        migrate(database)


def test_an_edition_stays_whatever_the_server_offers_later(
    database: str, edition: Edition, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Edition.PLAIN if edition is Edition.TIMESCALE else Edition.TIMESCALE
    monkeypatch.setattr(editions, "choose", lambda connection: (other, "a changed server"))
    assert migrate(database)[0].edition is edition


def test_an_old_timescaledb_is_passed_over(
    empty_database: str, edition: Edition, monkeypatch: pytest.MonkeyPatch
) -> None:
    if edition is Edition.PLAIN:
        pytest.skip("the plain server offers no TimescaleDB")
    monkeypatch.setattr(editions, "TIMESCALE_FLOOR", (99, 0))
    reached, reason = migrate(empty_database)
    assert reached.edition is Edition.PLAIN
    assert "txhub needs 99.0 or later" in reason


def test_an_old_postgresql_is_refused(empty_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(editions, "POSTGRES_FLOOR", 99)
    with pytest.raises(SchemaMismatch, match="txhub needs 99 or later"):
        migrate(empty_database)


def test_a_wrong_password_and_an_absent_server_are_told_apart(empty_database: str) -> None:
    user, _, rest = empty_database.rpartition("@")
    with pytest.raises(DatabaseRefused, match="password") as refused:
        state(f"{user.rpartition(':')[0]}:wrong@{rest}")
    assert not refused.value.retry
    with pytest.raises(DatabaseRefused, match="no such database"):
        state(f"{user}@{rest.rpartition('/')[0]}/nowhere")
    with pytest.raises(DatabaseUnavailable) as away:
        state("postgresql://txhub:secret@127.0.0.1:1/txhub")
    assert away.value.retry
    assert "secret" not in str(away.value)


def test_a_server_that_is_gone_without_a_word_is_noticed(database: str) -> None:
    with migrating._connection(database) as connection:
        driver = connection.connection.dbapi_connection
        assert isinstance(driver, psycopg.Connection)
        assert driver.info.get_parameters().items() >= {name: str(value) for name, value in DEAD_PEERS.items()}.items()


def test_every_view_and_table_says_what_it_is(database: str) -> None:
    undocumented = """
        SELECT c.relname FROM pg_class c
        WHERE c.relnamespace = 'txhub'::regnamespace AND c.relkind IN ('r', 'v', 'p')
          AND obj_description(c.oid) IS NULL AND c.relname <> 'alembic_version'
    """
    with psycopg.connect(database) as connection:
        assert connection.execute(undocumented).fetchall() == []


def upgrade(url: str, edition: Edition, revision: str) -> None:
    """Bring a database to one revision, as the release did whose newest it was."""
    config = Config()
    config.set_main_option("script_location", str(resource("alembic")))
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"))
    with engine.connect() as connection:
        editions.choose(connection)
        config.attributes.update(connection=connection, edition=edition)
        command.upgrade(config, revision)
        connection.commit()
    engine.dispose()


@pytest.mark.parametrize("released", REVISIONS[:-1])
def test_a_released_schema_comes_to_this_one_with_its_data(
    empty_database: str, edition: Edition, released: str
) -> None:
    upgrade(empty_database, edition, released)
    block = make_block(7)
    with psycopg.connect(empty_database) as connection:
        connection.execute(
            "INSERT INTO txhub.chains (chain_id, name, family, symbol, decimals, block_time_s, finality_depth,"
            " large_value) VALUES (1, 'ethereum', 'evm', 'ETH', 18, 12, 64, 100)"
        )
        connection.execute(
            "INSERT INTO txhub.blocks (chain_id, number, hash, parent_hash, time, tx_count)"
            " VALUES (%s, %s, %s, %s, %s, %s)",
            (block.chain_id, block.number, block.hash, block.parent_hash, block.time, block.tx_count),
        )
        connection.execute("SELECT txhub_rollup.make_room(%s, %s)", (block.time, block.time))
        with connection.cursor().copy(f"COPY txhub.transactions ({', '.join(Transaction._fields)}) FROM STDIN") as copy:
            for row in block.transactions:
                copy.write_row(row)
        rows = connection.execute("SELECT * FROM txhub.transactions_view ORDER BY tx_index").fetchall()
    assert migrate(empty_database)[0] == (edition, REVISIONS[-1], REVISIONS[-1])

    async def go_on() -> Committed:
        async with open_pool(empty_database, name="test") as pool:
            return await Ledger(pool, ETHEREUM).commit([block, make_block(8)])

    assert asyncio.run(go_on()) == Committed(1, 20)
    with psycopg.connect(empty_database) as connection:
        question = "SELECT * FROM txhub.transactions_view WHERE block_number = 7 ORDER BY tx_index"
        assert connection.execute(question).fetchall() == rows
        assert len(rows) == 20
