"""The archive's commands, killed at random points: run again, nothing is lost and nothing is there twice."""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from tests.blocks import BITCOIN, ETHEREUM, make_block
from tests.commands import TXHUB, environment, run
from tests.conftest import open_home
from txhub.rollup.settle import settle
from txhub.store.ledger import Ledger
from txhub.store.pool import open_pool

START = datetime(2024, 3, 1, 12, tzinfo=UTC)
BLOCKS = 240
TRANSACTIONS = 25
KILLS = 2
RAW = ("transactions", "token_transfers", "utxo_io", "blocks")
ROLLUPS = ("tx_1m", "tx_1h", "tx_1d", "chain_1m", "value_hist_1h", "token_1h", "top_senders_1h", "active_1h")
BEFORE = "2024-03-04"


@pytest.fixture
def archived(database: str) -> Iterator[dict[str, str]]:
    """The environment of commands over three days and more of two chains, and a place to archive them to."""
    asyncio.run(_commit(database))
    with open_home() as folder:
        yield environment(database, archive=str(folder / "archive"), home=str(folder))


async def _commit(database: str) -> None:
    now = datetime.now(UTC)
    async with open_pool(database, name="test") as pool:
        for chain in (ETHEREUM, BITCOIN):
            slow = replace(chain, block_time_s=1800.0)
            ledger = Ledger(pool, chain)
            await ledger.register()
            await ledger.follow_from(0)
            blocks = [make_block(n, chain=slow, transactions=TRANSACTIONS, start=START) for n in range(BLOCKS)]
            await ledger.commit(blocks, bulk=True)
        await settle(pool, START, now, now)


def contents(database: str, tables: tuple[str, ...]) -> dict[str, list[str]]:
    with psycopg.connect(database) as connection:
        return {
            table: sorted(map(str, connection.execute(f"SELECT * FROM txhub.{table}").fetchall()))  # type: ignore[arg-type]
            for table in tables
        }


def horizon(database: str) -> datetime | None:
    with psycopg.connect(database) as connection:
        [time] = connection.execute("SELECT time FROM txhub.horizon").fetchone() or [None]
    return time


def expect_whole_days(database: str) -> None:
    """Of each day all raw rows are here or none is, as the manifest says."""
    question = """
        SELECT m.chain_id, m.day, m.dropped_at IS NOT NULL AND m.restored_at IS NULL AS gone, m.rows,
               (SELECT count(*) FROM txhub.transactions t
                WHERE t.chain_id = m.chain_id AND (t.block_time AT TIME ZONE 'UTC')::date = m.day) AS here
        FROM txhub.archive_manifest m WHERE m.table_name = 'transactions'
    """
    with psycopg.connect(database) as connection:
        for chain_id, day, gone, rows, here in connection.execute(question).fetchall():
            assert here == (0 if gone else rows), (chain_id, day)


def kill(database: str, command: tuple[str, ...], env: dict[str, str], seconds: float) -> None:
    """Start a command and kill it -9 so long after it connected; its sessions have ended when this returns."""
    process = subprocess.Popen([*TXHUB, "archive", *command], env=env, stdout=subprocess.DEVNULL)
    _wait_for_sessions(database, process, connected=True)
    time.sleep(seconds)
    process.kill()
    process.wait()
    _wait_for_sessions(database, process, connected=False)


def _wait_for_sessions(database: str, process: subprocess.Popen[bytes], *, connected: bool) -> None:
    asked = """
        SELECT count(*) > 0 FROM pg_stat_activity
        WHERE application_name = 'txhub archive' AND datname = current_database()
    """
    with psycopg.connect(database, autocommit=True) as connection:
        while connection.execute(asked).fetchone() != (connected,):
            if connected and process.poll() is not None:
                return
            time.sleep(0.005)


def kill_and_finish(database: str, env: dict[str, str], chance: random.Random, kills: int, *command: str) -> None:
    for _ in range(kills):
        kill(database, command, env, chance.uniform(0, 0.5))
        expect_whole_days(database)
    done = run("archive", *command, env=env)
    assert done.returncode == 0, done.stderr
    expect_whole_days(database)


def go_round(database: str, env: dict[str, str], kills: int, seed: int) -> None:
    chance = random.Random(seed)
    raw, rollups = contents(database, RAW), contents(database, ROLLUPS)
    kill_and_finish(database, env, chance, kills, "export")
    files = [path for path in Path(env["TXHUB_ARCHIVE"]).rglob("*") if path.is_file()]
    assert len(files) == 4 * 3 + 5 * 3  # so many days are whole and final, and each chain fills three tables
    kill_and_finish(database, env, chance, kills, "verify")
    kill_and_finish(database, env, chance, kills, "drop", "--before", BEFORE)
    assert horizon(database) == datetime(2024, 3, 4, tzinfo=UTC)
    assert contents(database, ROLLUPS) == rollups
    assert len(contents(database, RAW)["transactions"]) < len(raw["transactions"])
    kill_and_finish(database, env, chance, kills, "restore")
    assert horizon(database) is None
    assert contents(database, RAW) == raw
    assert contents(database, ROLLUPS) == rollups


def test_killed_archive_commands_end_as_undisturbed_ones(database: str, archived: dict[str, str]) -> None:
    go_round(database, archived, KILLS, seed=1)


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A file system of 4 MB, which is room for the archive and not much more."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small file system to fill")
    with open_home() as folder:
        mount = ["mount", "-t", "tmpfs", "-o", "size=4m,mode=755", "tmpfs", str(folder)]
        if subprocess.run(mount, check=False).returncode != 0:
            pytest.skip("this machine does not let root mount a file system")
        try:
            yield folder
        finally:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_full_disk_keeps_days_in_the_database(database: str, archived: dict[str, str], small_disk: Path) -> None:
    raw = contents(database, RAW)
    (small_disk / "other").write_bytes(bytes(3_800_000))
    env = archived | {"TXHUB_ARCHIVE": str(small_disk / "archive")}
    done = run("archive", "export", env=env)
    assert (done.returncode, "no space left for the archive" in done.stderr) == (74, True)
    assert not list(small_disk.rglob("*.partial"))
    known = contents(database, ("archive_manifest",))["archive_manifest"]
    done = run("archive", "drop", "--before", BEFORE, env=env)
    assert "dropped: nothing" in done.stdout
    assert contents(database, RAW) == raw

    (small_disk / "other").unlink()
    for command in (("export",), ("verify",), ("drop", "--before", BEFORE)):
        done = run("archive", *command, env=env)
        assert done.returncode == 0, done.stderr
    assert len(contents(database, ("archive_manifest",))["archive_manifest"]) > len(known)
    assert horizon(database) == datetime(2024, 3, 4, tzinfo=UTC)
