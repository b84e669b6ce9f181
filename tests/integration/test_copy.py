"""A copy of a database has everything its original has, whichever the editions, and is taken up where it was left."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import psycopg
import pytest

from tests.blocks import BASE, BITCOIN, ETHEREUM, make_block, make_blocks, make_branch
from tests.commands import environment, run
from tests.conftest import open_database
from txhub.errors import BehindHorizon
from txhub.store import copy as copying
from txhub.store.copy import CopyDiffers, copy_database
from txhub.store.edition import Edition
from txhub.store.ledger import Ledger
from txhub.store.migrate import migrate
from txhub.store.pool import Pool, open_pool
from txhub.store.server import Server

VIEWS = (
    *("chains", "transactions", "token_transfers", "utxo_io", "address_moves"),
    *("tx_1m", "tx_1h", "tx_1d", "chain_1m", "peaks_1h", "value_hist_1h", "token_1h"),
    *("findings", "screenings", "exposures", "rules", "rule_versions", "alerts", "alert_parties", "alert_events"),
    *("deliveries", "delivery_alerts", "delivery_attempts"),
    *("reorgs", "orphans", "orphan_transactions", "orphan_token_transfers", "event_log", "prices", "blocks"),
)


OF_A_SERVER = {
    *("alembic_version", "installation", "horizon", "archive_manifest", "event_log_archive"),
    *("stream_events", "cursors", "streams", "services", "jobs", "observers"),
}
"""What says how a server is, where its files are and how far its processes are."""
COMPUTED = {"value_quantiles"}
ALERTING = """
    INSERT INTO txhub.findings (name, level, since, says) VALUES ('stream_down', 'error', now(), 'it is');
    INSERT INTO txhub.screenings (source, list_version, entered, ended) VALUES ('ofac', '1', ARRAY['\\x01'::bytea], 0);
    INSERT INTO txhub.exposures (chain_id, block_number, block_time, tx_index, hash, address, direction, parties,
                                 amount, failed)
    VALUES (1, 1, now(), 0, '\\x02', '\\x01', 'in', '{}', 5, false);
    INSERT INTO txhub.rules (name, definition, severity, state, origin, changed_by)
    VALUES ('whales', '{}', 'high', 'on', 'api', 'Zoe');
    INSERT INTO txhub.rule_versions SELECT id, 1, name, '{}', 'high', now(), 'Zoe' FROM txhub.rules;
    INSERT INTO txhub.alerts (rule_id, rule_version, rule, pattern, chain_id, subject, started_at, severity, title,
                              details, test, chain_state)
    SELECT id, 1, name, 'amount', 1, '0x', now(), 'high', 'a whale', '{"amount": "5"}', false, 'pending'
    FROM txhub.rules;
    INSERT INTO txhub.alert_parties SELECT id, 1, '\\x01', 'sender' FROM txhub.alerts;
    INSERT INTO txhub.alert_events (alert_id, actor, event) SELECT id, 'detection', 'raised' FROM txhub.alerts;
    INSERT INTO txhub.deliveries (channel, kind, severity, planned_at, due_at)
    VALUES ('a', 'alert', 'high', now(), now());
    INSERT INTO txhub.delivery_alerts SELECT d.id, a.id, 'raised', 'high' FROM txhub.deliveries d, txhub.alerts a;
    INSERT INTO txhub.delivery_attempts SELECT id, 1, now(), now(), 'delivered', 200 FROM txhub.deliveries;
    INSERT INTO txhub.models (chain_id, subject, version, digest, trained_from, trained_to, rows, seed, quantiles,
                              parameters, splits)
    VALUES (1, 'address', 1, 'd', now(), now(), 5, 1, '{}', '{}', '\\x05');
    INSERT INTO txhub.anomalies SELECT id, now(), '\\x01', 0.75, '[]' FROM txhub.models
"""


def test_every_table_is_copied_or_is_of_its_server(database: str) -> None:
    with psycopg.connect(database) as connection:
        rows = connection.execute(
            "SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'txhub'::regnamespace AND c.relkind IN ('r', 'p')"
            " AND NOT c.relispartition"
        ).fetchall()
    assert {name for (name,) in rows} == copying.COPIED | OF_A_SERVER | COMPUTED


async def fill(pool: Pool) -> None:
    for chain, blocks in (
        (ETHEREUM, make_blocks(range(600))),
        (BASE, [make_block(number, chain=BASE, transactions=3) for number in range(900)]),
        (BITCOIN, [make_block(number, chain=BITCOIN) for number in range(20)]),
    ):
        ledger = Ledger(pool, chain)
        await ledger.register()
        await ledger.commit(blocks, bulk=True)
    ethereum = Ledger(pool, ETHEREUM)
    await ethereum.replace(595, make_branch(range(596, 603), "winner", fork=595))
    await ethereum.record("warning", "ingest", "block_refused", reason="a test")
    for statement in ALERTING.split(";"):
        await pool.execute(statement)
    await pool.execute("INSERT INTO txhub.prices VALUES ('ETH', $1, 1634.5, 'test')", datetime(2026, 3, 1, tzinfo=UTC))


def contents(url: str) -> dict[str, list[str]]:
    with psycopg.connect(url, options="-c timezone=UTC") as connection:
        return {
            view: sorted(map(repr, connection.execute(f"SELECT * FROM txhub.{view}").fetchall()))  # type: ignore[arg-type]
            for view in VIEWS
        }


@pytest.fixture
def target(edition: Edition, servers: Callable[[Edition], Server]) -> Iterator[str]:
    """A migrated, empty database of the other edition where there is one."""
    other = Edition.PLAIN if edition is Edition.TIMESCALE else Edition.TIMESCALE
    with open_database(servers(other)) as url:
        migrate(url)
        yield url


async def test_a_copy_has_everything_and_a_second_one_adds_nothing(database: str, target: str) -> None:
    told: list[tuple[int, int]] = []
    async with open_pool(database, name="test") as source, open_pool(target, name="test") as copy:
        await fill(source)
        first = await copy_database(source, copy, lambda done, of: told.append((done, of)))
        assert first.blocks == 602 + 1 + 900 + 20
        assert first.transactions == sum(len(rows) for rows in (contents(database)["transactions"],))
        assert told[-1][0] == told[-1][1] == first.transactions
        assert contents(target) == contents(database)
        again = await copy_database(source, copy)
        assert again == (0, 0, 0)
        assert contents(target) == contents(database)
        # Ingest goes on in the copy.
        ledger = Ledger(copy, ETHEREUM)
        await ledger.commit(make_branch(range(603, 605), "winner", fork=595))
        await ledger.replace(603, make_branch(range(604, 606), "other", fork=603)[:0])
        assert await copy.fetchval("SELECT max(id) FROM txhub.reorgs") == 2


async def test_a_day_that_arrives_otherwise_is_not_kept(
    database: str, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_pool(database, name="test") as source, open_pool(target, name="test") as copy:
        await fill(source)
        lossy = dict(copying._SQL)
        lossy["read_transactions"] += " AND tx_index <> 2"
        monkeypatch.setattr(copying, "_SQL", lossy)
        with pytest.raises(CopyDiffers):
            await copy_database(source, copy)
        assert await copy.fetchval("SELECT count(*) FROM txhub.blocks") == 0
        monkeypatch.undo()
        await copy_database(source, copy)
        assert contents(target) == contents(database)


@pytest.mark.parametrize("gone_from", ["source", "target"])
async def test_a_database_without_all_its_raw_rows_is_not_copied(database: str, target: str, gone_from: str) -> None:
    """The copy would compute its rollups from the rows that are left, and lose what the original still knows."""
    async with open_pool(database, name="test") as source, open_pool(target, name="test") as copy:
        await fill(source)
        short = {"source": source, "target": copy}[gone_from]
        await short.execute("UPDATE txhub.horizon SET time = '2026-03-02 00:00+00'")
        with pytest.raises(BehindHorizon, match="before 2026-03-02"):
            await copy_database(source, copy)
        assert await copy.fetchval("SELECT count(*) FROM txhub.blocks") == 0
        await short.execute("UPDATE txhub.horizon SET time = NULL")
        await copy_database(source, copy)
        assert contents(target) == contents(database)


async def test_the_command_copies_and_says_what(database: str, target: str) -> None:
    async with open_pool(database, name="test") as pool:
        await fill(pool)
    done = run("db", "copy", "--to", target, env=environment(database))
    assert done.returncode == 0, done.stderr
    assert "1,523 blocks" in done.stdout
    assert contents(target) == contents(database)
    itself = run("db", "copy", "--to", database, env=environment(database))
    assert itself.returncode == 2
    assert "Traceback" not in itself.stderr
