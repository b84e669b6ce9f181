"""What `txhub doctor` says of each part of the way."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.blocks import ETHEREUM, make_block
from tests.commands import environment, run
from txhub.config import Settings
from txhub.model import Chain
from txhub.ops.doctor import Check, check_database, check_disks, check_nodes, check_schema
from txhub.ops.findings import Finding
from txhub.ops.watch import keep
from txhub.store.keys import Role, create_key
from txhub.store.ledger import Ledger
from txhub.store.pool import Pool, open_pool


async def examined(database: str, **settings: object) -> dict[str, Check]:
    checks = await check_database(database, Settings.model_validate(settings), datetime.now(UTC))
    return {check.what: check for check in checks}


def verdicts(checks: dict[str, Check]) -> dict[str, str]:
    return {check.what: check.verdict for check in checks.values()}


async def services(pool: Pool, **seen: timedelta) -> None:
    for name, ago in seen.items():
        await pool.execute(
            "INSERT INTO txhub.services VALUES ($1, '1', 'x', now(), now() - $2::interval) "
            "ON CONFLICT (name) DO UPDATE SET seen_at = EXCLUDED.seen_at",
            name,
            ago,
        )


async def test_everything_is_well_until_it_is_not(database: str, tmp_path: Path) -> None:
    second, now = timedelta(seconds=1), datetime.now(UTC)
    async with open_pool(database, name="test") as pool:
        ledger = Ledger(pool, ETHEREUM)
        await ledger.register()
        await ledger.commit([make_block(0, start=now, transactions=1)])
        await ledger.follow_from(0)
        await services(pool, worker=second, ingest=second)
        well = await examined(database)
        assert set(verdicts(well).values()) == {"ok"}
        assert set(well) == {
            *("policies", "clock", "services", "findings", "keys", "archive", "deliveries", "chain ethereum"),
        }
        assert well["services"].says == "running: ingest, worker"
        await keep(pool, [Finding("interrupted", "the worker could not reach the database")], set(), now)
        assert verdicts(await examined(database)).get("findings") == "ok"  # it is over by itself
        # Everything at once goes wrong.
        await pool.execute("UPDATE txhub.blocks SET time = now() - INTERVAL '1 day'")
        await keep(pool, [Finding("disk_filling", "0.1 GB are free")], set(), now)
        await services(pool, worker=120 * second)
        await pool.execute(
            "INSERT INTO txhub.archive_manifest (chain_id, table_name, day, path, rows, value_sum, fee_sum, wide, "
            "bytes, sha256, ledger) VALUES (1, 'blocks', '2026-03-01', 'gone.parquet', 1, 1, 0, false, 9, '', '')"
        )
        ill = await examined(database, require_keys=True, archive=str(tmp_path))
        wrong = {what for what, verdict in verdicts(ill).items() if verdict == "wrong"}
        assert wrong == {"services", "findings", "keys", "archive", "chain ethereum"}
        assert all(ill[what].hint for what in wrong)
        assert ill["services"].says == "worker has not been heard of for 120 s"
        assert ill["findings"].says == "disk_filling: 0.1 GB are free"
        await create_key(pool, "desk", Role.VIEWER)
        await pool.execute("DELETE FROM txhub.services WHERE name = 'worker'")
        again = await examined(database, require_keys=True)
        assert again["keys"].verdict == "ok"
        assert (again["services"].verdict, again["services"].says) == ("wrong", "running: ingest, and no worker")


def test_the_schema(database: str, empty_database: str) -> None:
    checks, usable = check_schema(database)
    assert usable
    assert [(check.what, check.verdict) for check in checks] == [("schema", "ok"), ("edition", "ok")]
    [missing], usable = check_schema(empty_database)
    assert not usable
    assert (missing.verdict, missing.hint) == ("wrong", "run `txhub db migrate`")


async def test_every_endpoint_of_a_chain_is_asked() -> None:
    endpoints = ("ws://127.0.0.1:1/secret", "http://127.0.0.1:1/secret")
    chain = Chain(1, "ethereum", "evm", "ETH", 18, 12.0, 64, ETHEREUM.large_value, endpoints=endpoints)
    checks = await check_nodes([chain])
    assert [(check.what, check.verdict) for check in checks] == [("node of ethereum", "wrong")] * 2
    assert "secret" not in "".join(check.says for check in checks)


def test_disks(tmp_path: Path) -> None:
    check = check_disks(Settings(home=tmp_path / "home", archive="s3://bucket/folder"))
    assert check.what == "disk"
    assert "the database" in check.says
    assert "archive" not in check.says
    given = Settings.model_validate({"database_url": "postgresql://db/x", "archive": "s3://bucket/folder"})
    assert check_disks(given).says == "none of ours is here: watch the database's own"


def test_the_command_tells_programs_too(tmp_path: Path) -> None:
    env = environment("postgresql://txhub:hunter2@127.0.0.1:1/txhub")
    done = run("doctor", "--json", "--chain", "ethereum", "--rpc", "ws://127.0.0.1:1/hunter2", env=env, cwd=tmp_path)
    assert done.returncode == 1
    assert "hunter2" not in done.stdout + done.stderr
    checks = {check["what"]: check for check in json.loads(done.stdout)["checks"]}
    assert (checks["database"]["verdict"], checks["settings"]["verdict"]) == ("wrong", "ok")
    assert checks["node of ethereum"]["verdict"] == "wrong"
    shown = run("doctor", env=env, cwd=tmp_path)
    assert shown.returncode == 1
    assert "wrong database: the database does not answer" in shown.stdout
