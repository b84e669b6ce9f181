"""What the worker finds wrong: each finding provoked in a database, written down once at its beginning and its end."""

from __future__ import annotations

import asyncio
import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from sqlalchemy import make_url

from tests.blocks import ETHEREUM, make_block
from tests.conftest import address
from txhub.archive.eventlog import export_events, path_of
from txhub.ops import facts
from txhub.ops.audit import Extent, audit_hour
from txhub.ops.facts import Disk
from txhub.ops.findings import Finding
from txhub.ops.metrics import read_standing
from txhub.ops.presence import Presence
from txhub.ops.watch import AUDITED, Watch, keep
from txhub.rollup.hours import close_hours
from txhub.rollup.policies import apply_policies
from txhub.rollup.refresh import catch_up
from txhub.store.events import record_event
from txhub.store.ledger import Ledger
from txhub.store.place import Place
from txhub.store.pool import Pool, open_pool
from txhub.store.read import Reader
from txhub.store.server import Server
from txhub.store.sqlfiles import queries

NOW = datetime.now(UTC)
AGO = timedelta(hours=30)
"""How long ago the blocks begin: late enough to be in every rollup."""
SECOND = timedelta(seconds=1)


async def told(pool: Pool, name: str) -> list[tuple[str, str | None]]:
    """What the event log has of a finding: `began` and `ended`, with its chain, in order."""
    rows = await pool.fetch(
        "SELECT e.details ->> 'state', c.name FROM txhub.event_log e LEFT JOIN txhub.chains c USING (chain_id) "
        "WHERE event = $1 ORDER BY e.id",
        name,
    )
    return [tuple(row) for row in rows]


async def test_a_finding_is_told_once_when_it_begins_and_once_when_it_ends(database: str) -> None:
    disk, stream = Finding("disk_filling", "full"), Finding("stream_down", "late", "ethereum", {"last_block": 2})
    looked_for = {"disk_filling", "stream_down"}
    async with open_pool(database, name="test") as pool:
        await Ledger(pool, ETHEREUM).register()
        for seconds in range(3):
            await keep(pool, [disk, stream], looked_for, NOW + seconds * SECOND)
        await keep(pool, [], AUDITED, NOW + 3 * SECOND)  # who did not look for them does not end them
        rows = await pool.fetch("SELECT name, chain_id, level, since, says, details, ended_at FROM txhub.findings")
        assert {(row["name"], row["chain_id"], row["level"], row["since"], row["ended_at"]) for row in rows} == {
            ("disk_filling", None, "error", NOW, None),
            ("stream_down", 1, "error", NOW, None),
        }
        await keep(pool, [stream], looked_for, NOW + 4 * SECOND)
        await keep(pool, [disk, stream], looked_for, NOW + 5 * SECOND)
        assert await told(pool, "disk_filling") == [("began", None), ("ended", None), ("began", None)]
        assert await told(pool, "stream_down") == [("began", "ethereum")]
        details = json.loads(await pool.fetchval("SELECT details FROM txhub.event_log WHERE event = 'stream_down'"))
        assert details["last_block"] == 2
        assert details["hint"]
        # Each beginning is an alert, which ends with it; delivery follows the outbox.
        alerts = await pool.fetch(
            "SELECT rule, subject, pattern, severity::text, started_at, details ? 'ended_at' AS over, chain_state "
            "FROM txhub.alerts ORDER BY id"
        )
        assert [(a["subject"], a["started_at"], a["over"]) for a in alerts] == [
            ("disk filling", NOW, True),
            ("stream down, ethereum", NOW, False),
            ("disk filling", NOW + 5 * SECOND, False),
        ]
        assert {(a["pattern"], a["severity"], a["chain_state"]) for a in alerts} == {
            ("operations", "critical", "finalised")
        }
        told_of = await pool.fetch("SELECT data ->> 'change' AS change FROM txhub.stream_events WHERE event = 'alert'")
        assert [row["change"] for row in told_of] == ["raised", "raised", "ended", "raised"]


async def prepared(pool: Pool, *, missing: range = range(0), keep_from: int = 0) -> Ledger:
    """A followed chain whose blocks began a while ago, in every rollup; only what is asked for is wrong with it."""
    ledger = Ledger(pool, ETHEREUM)
    await ledger.register()
    start = (NOW - AGO).replace(minute=0, second=0, microsecond=0)
    blocks = [make_block(n, transactions=3, start=start) for n in range(keep_from, 400) if n not in missing]
    await ledger.commit(blocks, bulk=True)
    await ledger.follow_from(0)
    while await catch_up(pool, NOW):
        pass
    await close_hours(pool, NOW)
    return ledger


async def look_deeper(pool: Pool, reader: Reader) -> None:
    for seed in range(3):
        await Watch(pool, reader, {}).look_deeper(NOW, random.Random(seed))


async def test_the_audit_agrees_until_rows_are_changed(database: str) -> None:
    async with open_pool(database, name="test") as pool, Reader(database) as reader:
        await prepared(pool)
        await look_deeper(pool, reader)
        assert await pool.fetchval("SELECT count(*) FROM txhub.findings") == 0
        # One row goes, as by somebody's hand, and no commit tells of it; the newest blocks are always looked at.
        await pool.execute("DELETE FROM txhub.transactions WHERE block_number = 399 AND tx_index = 1")
        await look_deeper(pool, reader)
        says = await pool.fetchval("SELECT says FROM txhub.findings WHERE name = 'block_disagrees'")
        assert says == "block 399 has 2 of 3 transactions"
        assert await told(pool, "block_disagrees") == [("began", "ethereum")]


async def test_a_block_whose_gas_is_not_its_header_s(database: str) -> None:
    async with open_pool(database, name="test") as pool, Reader(database) as reader:
        ledger = await prepared(pool)
        assert await ledger.tip()
        await pool.execute("UPDATE txhub.transactions SET gas_used = 21000 WHERE block_number = 398")
        await pool.execute("UPDATE txhub.blocks SET gas_used = 62999 WHERE number = 398")
        await look_deeper(pool, reader)
        says = await pool.fetchval("SELECT says FROM txhub.findings WHERE name = 'block_disagrees'")
        assert says == "the transactions of block 398 used 63,000 gas, its header says 62,999"
        # What a filter left out is counted on the block, and its gas is not known.
        await pool.execute("UPDATE txhub.blocks SET dropped_count = 1, tx_count = tx_count + 1 WHERE number = 398")
        await look_deeper(pool, reader)
        assert await told(pool, "block_disagrees") == [("began", "ethereum"), ("ended", "ethereum")]


async def test_a_rollup_that_disagrees_with_its_rows(database: str, edition: str) -> None:
    """Rows change behind the rollups' back; what has not been read from the outbox is behind, not wrong."""
    async with open_pool(database, name="test") as pool:
        ledger = await prepared(pool)
        row = await pool.fetchrow("SELECT block_time, block_number FROM txhub.transactions ORDER BY block_time LIMIT 1")
        hour = row["block_time"].replace(minute=0, second=0, microsecond=0)
        extent = Extent(1, "ethereum", 0, 399, row["block_time"], NOW)
        async with pool.acquire() as connection:
            assert await audit_hour(connection, extent, hour) == []
        if edition == "plain":
            await pool.execute("UPDATE txhub_rollup.tx_1m SET value_sum = value_sum + 1 WHERE bucket = $1", hour)
        else:  # an aggregate cannot be written to: its rows change, and it is not refreshed
            await pool.execute("UPDATE txhub.transactions SET value = value + 1 WHERE block_number = 0")
        async with pool.acquire() as connection:
            [finding] = await audit_hour(connection, extent, hour)
        assert finding.name == "rollup_disagrees"
        assert "tx_1m in" in finding.says
        await ledger.commit([make_block(400, transactions=0, start=hour)])
        async with pool.acquire() as connection:
            assert await audit_hour(connection, extent, hour) == []


async def test_gaps_reorgs_and_what_is_left_undone(database: str) -> None:
    async with open_pool(database, name="test") as pool, Reader(database, 1) as reader:
        await prepared(pool, missing=range(10, 20))
        assert await facts.read_missing(pool) == [("ethereum", 1, 10, 10, 19)]
        assert await facts.read_reorgs(pool) == []
        await pool.execute(
            "INSERT INTO txhub.reorgs (chain_id, detected_at, ancestor, depth, from_number, from_hash, from_tx_count, "
            "to_number, to_hash, to_tx_count) SELECT 1, now() - age, 300, depth, 1, '', 0, 1, '', 0 "
            "FROM (VALUES (INTERVAL '1 minute', 7), (INTERVAL '2 minutes', 1), (INTERVAL '3 days', 2), "
            "(INTERVAL '40 days', 30)) AS r (age, depth)"
        )
        assert await facts.read_reorgs(pool) == [("ethereum", 7, 300, 2)]
        assert await facts.read_stale_hours(pool, NOW) == 0
        await pool.execute("UPDATE txhub_rollup.closed_hours SET stale = true")
        assert await facts.read_stale_hours(pool, NOW) == 2
        assert await facts.read_backlogs(pool) == [("rollup", None)]
        await pool.execute("UPDATE txhub.cursors SET event_id = 0")
        [backlog] = await facts.read_backlogs(pool)
        assert backlog.oldest is not None
        await pool.execute(
            "INSERT INTO txhub.archive_manifest (chain_id, table_name, day, rows, value_sum, fee_sum, wide, bytes, "
            "ledger, exported_at) VALUES (1, 'blocks', '2026-03-01', 1, 1, 0, false, 9, '', now() - INTERVAL '4 hours')"
        )
        assert await facts.read_unverified(pool) == (1, datetime(2026, 3, 1, tzinfo=UTC))
        await pool.execute(
            "INSERT INTO txhub.deliveries (channel, kind, severity, state, planned_at, due_at, finished_at)"
            " SELECT channel, 'alert', 'high', state, now(), now(), now() - age FROM (VALUES"
            " ('desk', 'dead', INTERVAL '1 hour'), ('desk', 'dead', INTERVAL '2 hours'), ('desk', 'delivered', '0'),"
            " ('mail', 'dead', INTERVAL '2 days')) AS d (channel, state, age)"
        )
        assert await facts.read_dead_letters(pool) == [("desk", 2)]
        told = (await read_standing(reader, NOW)).deliveries.sort("channel").rows()
        assert told == [("desk", 0, 2), ("mail", 0, 1)]
        clock = await facts.read_clock(pool)
        assert abs(clock.ahead_s) < 1
        assert clock.newest_block_ahead_s < 0
        assert await facts.read_services(pool) == []


async def test_hours_that_are_being_filled_are_not_left_open(database: str) -> None:
    async with open_pool(database, name="test") as pool, Reader(database) as reader:
        await prepared(pool)
        await pool.execute("UPDATE txhub_rollup.closed_hours SET stale = true")
        watch = Watch(pool, reader, {})
        for minutes, states in ((0, []), (29, []), (31, ["began"]), (32, ["began"])):
            await watch.look(NOW + timedelta(minutes=minutes))
            assert [state for state, _ in await told(pool, "rollup_behind")] == states
        await Watch(pool, reader, {}).look(NOW + timedelta(minutes=33))  # another worker goes on where that one was
        assert [state for state, _ in await told(pool, "rollup_behind")] == ["began"]
        await close_hours(pool, NOW)
        await watch.look(NOW + timedelta(minutes=34))
        assert [state for state, _ in await told(pool, "rollup_behind")] == ["began", "ended"]


async def test_watermarks_and_policies(database: str, edition: str) -> None:
    async with open_pool(database, name="test") as pool:
        await prepared(pool)
        await apply_policies(pool, chunk_interval=timedelta(days=1), compress_after=timedelta(days=2))
        watermarks = await facts.read_watermarks(pool, NOW)
        assert {each.rollup for each in watermarks} >= {"tx_1m", "tx_1d"}
        policies = await facts.read_policies(pool)
        if edition == "plain":
            assert policies == []
            assert all(each.watermark is None for each in watermarks)
            return
        assert any(policy.name.startswith("policy_refresh_continuous_aggregate") for policy in policies)
        assert any(policy.table == "transactions" for policy in policies)
        [minutes] = [each for each in watermarks if each.rollup == "tx_1m"]
        assert minutes.watermark is not None


async def test_a_look_at_a_healthy_database_finds_nothing_but_the_stream(database: str, tmp_path: Path) -> None:
    async with open_pool(database, name="test") as pool, Reader(database) as reader:
        await prepared(pool)
        await Watch(pool, reader, {"the archive": tmp_path / "not there yet"}).look(NOW)
        names = [row["name"] for row in await pool.fetch("SELECT name FROM txhub.findings")]
        assert names == ["stream_down"]
        await pool.execute("UPDATE txhub.blocks SET time = now() WHERE number = 399")
        await Watch(pool, reader, {}).look(datetime.now(UTC))
        assert await told(pool, "stream_down") == [("began", "ethereum"), ("ended", "ethereum")]


def test_disks_of_folders_that_are_not_there_yet(tmp_path: Path) -> None:
    [disk] = facts.read_disks({"the archive": tmp_path / "a" / "b"})
    assert isinstance(disk, Disk)
    assert disk.total >= disk.free > 0


@pytest.mark.parametrize("archived", [False, True])
async def test_the_event_log_is_archived_by_day_and_forgotten(database: str, tmp_path: Path, archived: bool) -> None:
    async with open_pool(database, name="test") as pool:
        await Ledger(pool, ETHEREUM).register()
        await Ledger(pool, ETHEREUM).record("info", "worker", "gaps_filled", gaps=1, blocks=2)
        await pool.execute("UPDATE txhub.event_log SET time = '2026-03-01T12:00:00Z'")
        await Ledger(pool, ETHEREUM).record("info", "worker", "gaps_filled", gaps=3, blocks=4)
        forget = queries("eventlog")["forget"]
        await pool.execute(forget, NOW, True)  # not in the archive yet
        assert await pool.fetchval("SELECT count(*) FROM txhub.event_log") == 2
        if archived:
            place = Place(str(tmp_path))
            [day] = await export_events(pool, place, NOW)
            assert await export_events(pool, place, NOW) == []
            [row] = read(tmp_path / path_of(day))
            assert (row["event"], json.loads(row["details"])) == ("gaps_filled", {"gaps": 1, "blocks": 2})
            written = await pool.fetchrow("SELECT rows, bytes, sha256 FROM txhub.event_log_archive")
            assert tuple(written) == (1, *place.fingerprint(path_of(day)))  # type: ignore[misc]
        await pool.execute(forget, NOW, archived)
        assert await pool.fetchval("SELECT count(*) FROM txhub.event_log") == 1


def read(path: Path) -> list[dict[str, Any]]:
    return list(pq.read_table(path).to_pylist())


async def test_services_that_live_stop_or_crash(database: str) -> None:
    async def states(pool: Pool) -> list[str]:
        rows = await pool.fetch("SELECT event, details ->> 'after' AS after FROM txhub.event_log ORDER BY id")
        return [row["after"] or row["event"] for row in rows]

    async def until(pool: Pool, count: int) -> None:
        async with asyncio.timeout(10):
            while len(await states(pool)) < count:  # noqa: ASYNC110 (the event is in the database)
                await asyncio.sleep(0.02)

    async def stop(task: asyncio.Task[None]) -> None:
        task.cancel()
        await asyncio.wait([task])

    async with open_pool(database, name="test") as pool, open_pool(database, name="other", size=1) as other:
        first = asyncio.create_task(Presence(pool, "worker", "worker").keep())
        await until(pool, 1)
        waiting = asyncio.create_task(Presence(other, "worker", "worker").keep())
        await stop(first)
        await until(pool, 3)
        assert await states(pool) == ["never", "service_stopped", "stop"]
        [service] = await facts.read_services(pool)
        assert (service.name, service.stopped) == ("worker", False)
        await pool.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'txhub other'"
        )
        await stop(waiting)
        [service] = await facts.read_services(pool)
        assert not service.stopped
        third = asyncio.create_task(Presence(pool, "worker", "worker").keep())
        await until(pool, 4)
        assert (await states(pool))[3] == "crash"
        async with Reader(database) as reader:
            await Watch(pool, reader, {}).look(await facts.read_now(pool))
        assert await told(pool, "restarted") == [("began", None)]
        assert await told(pool, "interrupted") == []
        await stop(third)


async def test_a_service_whose_connection_was_lost_says_so(database: str) -> None:
    async with open_pool(database, name="test") as pool, open_pool(database, name="other", size=1) as other:
        presence = Presence(other, "worker", "worker")
        for event in ("service_started", "connection_lost"):
            keeping = asyncio.create_task(presence.keep())
            async with asyncio.timeout(10):
                while event not in [r["event"] for r in await pool.fetch("SELECT event FROM txhub.event_log")]:  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
            ends = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'txhub other'"
            await pool.execute(ends)
            keeping.cancel()
            await asyncio.wait([keeping])
        async with Reader(database) as reader:
            await Watch(pool, reader, {}).look(await facts.read_now(pool))
        says = await pool.fetchval("SELECT says FROM txhub.findings WHERE name = 'interrupted'")
        assert says == "services that lost the database: worker"
        assert await told(pool, "restarted") == []


async def alerts_of(pool: Pool, name: str) -> list[tuple[str, bool]]:
    """The alerts of a finding in order: how much each matters, and whether it is over."""
    question = "SELECT severity::text, details ? 'ended_at' FROM txhub.alerts WHERE rule = $1 ORDER BY id"
    return [tuple(row) for row in await pool.fetch(question, name)]


async def test_a_fault_that_is_over_by_itself_is_one_alert_and_the_next_is_another(database: str) -> None:
    async with open_pool(database, name="test") as pool, Reader(database) as reader:
        ledger, watch = Ledger(pool, ETHEREUM), Watch(pool, reader, {})
        await ledger.register()

        async def look() -> tuple[list[tuple[str, bool]], list[tuple[str, bool]]]:
            await watch.look(await facts.read_now(pool))
            return await alerts_of(pool, "restarted"), await alerts_of(pool, "interrupted")

        async def fault() -> None:
            await record_event(pool, "warning", "worker", "service_started", service="ingest", after="crash")
            await record_event(pool, "warning", "worker", "database_restarted")
            await record_event(pool, "warning", "api", "connection_lost", service="serve")
            await ledger.record("warning", "ingest", "follow_interrupted", reason="the node is gone")

        async def later(seconds: float, table: str = "event_log", *columns: str) -> None:
            moved = ", ".join(f"{column} = {column} - $1 * INTERVAL '1 second'" for column in columns or ("time",))
            await pool.execute(f"UPDATE txhub.{table} SET {moved}", seconds)

        await record_event(pool, "info", "api", "service_started", service="serve", after="stop")
        assert await look() == ([], [])
        await fault()
        assert await look() == ([("medium", False)], [("low", False)])
        says = await pool.fetch("SELECT name, chain_id, says FROM txhub.findings ORDER BY name")
        lost = "streams that lost a node or the database: ethereum; services that lost the database: serve"
        assert [tuple(row) for row in says] == [
            ("interrupted", None, lost),
            ("restarted", None, "started again: ingest, the database"),
        ]
        await later(50)
        assert await look() == ([("medium", False)], [("low", False)])
        await later(11)
        assert await look() == ([("medium", True)], [("low", True)])
        assert await look() == ([("medium", True)], [("low", True)])
        await fault()
        again = [("medium", True), ("medium", False)], [("low", True), ("low", False)]
        assert await look() == again
        await later(61)
        await look()
        # What happened ten minutes ago, while there was no worker, is told by the next one; what is long ago is not.
        await later(1200)
        await later(1200, "findings", "since", "ended_at")
        await fault()
        await later(600)
        watch = Watch(pool, reader, {})
        restarted, interrupted = await look()
        assert (restarted[-1], len(restarted)) == (("medium", False), 3)
        assert (interrupted[-1], len(interrupted)) == (("low", False), 3)
        restarted, interrupted = await look()
        assert {over for _, over in (*restarted, *interrupted)} == {True}
        await later(3600, "findings", "since", "ended_at")
        await later(3600)
        assert await look() == (restarted, interrupted)


async def fail_a_policy(database: str, admin_url: str) -> None:
    """Let the first runs of a policy of TimescaleDB's fail: rows are old enough for the columnstore, and locked."""
    name = make_url(database).database or ""
    async with open_pool(database, name="test") as pool, open_pool(address(admin_url, name), name="admin") as admin:
        await admin.execute(f"ALTER DATABASE {name} SET lock_timeout = 100")
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute("LOCK TABLE txhub.transactions IN ACCESS EXCLUSIVE MODE")
            await admin.execute("SELECT _timescaledb_functions.start_background_workers()")
            # Counted when a run has ended: its status says that it failed already while it waits for the lock.
            failed = (
                "SELECT sum(total_failures) FROM timescaledb_information.job_stats"
                " WHERE hypertable_name = 'transactions'"
            )
            async with asyncio.timeout(30):
                while not await admin.fetchval(failed):  # noqa: ASYNC110 (the event is in the database)
                    await asyncio.sleep(0.1)
            await admin.execute("SELECT _timescaledb_functions.stop_background_workers()")


async def test_what_lasts_is_alerted_of_once_until_it_is_mended(database: str, edition: str, server: Server) -> None:
    """Everything at once is left undone, as it would be for hours; then each is made good."""
    async with open_pool(database, name="test") as pool, Reader(database) as reader:
        await apply_policies(pool, chunk_interval=timedelta(days=1), compress_after=timedelta(hours=1))
        await prepared(pool)
        if edition == "timescale":
            await fail_a_policy(database, server.admin_url or "")
        wrong = {
            "deep_reorg": "medium",
            "outbox_reader_behind": "medium",
            "archive_unverified": "medium",
            "service_silent": "critical",
            **({"policy_failing": "critical"} if edition == "timescale" else {}),
        }
        await pool.execute(
            "INSERT INTO txhub.reorgs (chain_id, detected_at, ancestor, depth, from_number, from_hash, from_tx_count, "
            "to_number, to_hash, to_tx_count) VALUES (1, now(), 300, 7, 307, '', 0, 308, '', 0)"
        )
        await pool.execute("UPDATE txhub.stream_events SET created_at = now() - INTERVAL '6 minutes'")
        await pool.execute("UPDATE txhub.cursors SET event_id = 0")
        await pool.execute(
            "INSERT INTO txhub.archive_manifest (chain_id, table_name, day, rows, value_sum, fee_sum, wide, bytes, "
            "ledger, exported_at) VALUES (1, 'blocks', '2026-03-01', 1, 1, 0, false, 9, '', now() - INTERVAL '4 hours')"
        )
        await pool.execute(
            "INSERT INTO txhub.services (name, version, instance, started_at, seen_at) "
            "VALUES ('ingest', '1', 'a', now() - INTERVAL '1 hour', now() - INTERVAL '61 seconds')"
        )
        watch = Watch(pool, reader, {})
        for _ in range(2):
            await watch.look(await facts.read_now(pool))
            assert {name: await alerts_of(pool, name) for name in wrong} == {
                name: [(severity, False)] for name, severity in wrong.items()
            }
        assert await told(pool, "deep_reorg") == [("began", "ethereum")]
        titles = [row["title"] for row in await pool.fetch("SELECT title FROM txhub.alerts ORDER BY title")]
        assert "archive unverified: 1 files are not verified, the oldest of 2026-03-01" in titles
        assert "deep reorg, ethereum: 7 blocks above 300 were replaced; the first in a month" in titles
        assert "outbox reader behind: rollup has not read for 6 minutes" in titles
        if edition == "timescale":
            [failing] = [title for title in titles if title.startswith("policy failing")]
            assert "of transactions: columnstore policy failure Failed to convert '1' chunks" in failing
        await pool.execute("UPDATE txhub.reorgs SET detected_at = now() - INTERVAL '61 minutes'")
        await pool.execute("UPDATE txhub.cursors SET event_id = (SELECT max(id) FROM txhub.stream_events)")
        await pool.execute("UPDATE txhub.archive_manifest SET verified_at = now()")
        await pool.execute("UPDATE txhub.services SET seen_at = now()")
        if edition == "timescale":
            await pool.execute("SELECT alter_job(job_id, scheduled => false) FROM timescaledb_information.job_errors")
        await watch.look(await facts.read_now(pool))
        assert {name: await alerts_of(pool, name) for name in wrong} == {
            name: [(severity, True)] for name, severity in wrong.items()
        }


async def test_a_clock_that_steps_is_one_finding(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker's own clock steps by minutes: no stream is down by that, and all is well when it is right again."""
    ahead = timedelta()

    class Stepped(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return datetime.now(tz) + ahead

    monkeypatch.setattr(facts, "datetime", Stepped)
    async with open_pool(database, name="test") as pool, Reader(database) as reader:
        ledger = Ledger(pool, ETHEREUM)
        await ledger.register()
        await ledger.follow_from(0)
        await ledger.commit([make_block(number, start=datetime.now(UTC), transactions=1) for number in range(1)])
        watch = Watch(pool, reader, {})
        for step in (timedelta(0), timedelta(minutes=10), timedelta(minutes=10), timedelta(0), -timedelta(minutes=10)):
            ahead = step
            await watch.look(await facts.read_now(pool))
        assert await told(pool, "clock_off") == [("began", None), ("ended", None), ("began", None)]
        assert await told(pool, "stream_down") == []
        says = await pool.fetchval("SELECT says FROM txhub.findings WHERE name = 'clock_off' AND ended_at IS NULL")
        assert says == "this machine's clock is 600 s behind the database's"
