"""A database that was backed up and destroyed comes back the same: every table, by checksum."""

from __future__ import annotations

import asyncio
import shutil
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from tests.archived import archive_all, commit, drop_all, three_days
from tests.blocks import ETHEREUM
from tests.commands import environment, run
from tests.conftest import QUICK, installation_of_each, open_home
from txhub.archive.eventlog import export_events
from txhub.cli.backup import make_backup, restore_backup
from txhub.config import Settings
from txhub.errors import ArchiveMismatch, ServerFailed
from txhub.rollup.refresh import catch_up
from txhub.store.backup import BadBackup
from txhub.store.cluster import Cluster
from txhub.store.edition import Edition
from txhub.store.keys import Role, create_key
from txhub.store.ledger import Ledger
from txhub.store.migrate import migrate
from txhub.store.place import Place
from txhub.store.pool import open_pool
from txhub.store.server import open_server

_TABLES = """
    SELECT n.nspname || '.' || c.relname, n.nspname, c.relname
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname IN ('txhub', 'txhub_rollup', 'txhub_access') AND c.relkind IN ('r', 'p', 'v') ORDER BY 1
"""


async def fill(url: str, archive: Path) -> None:
    """Three days, of which the archive has all and the database only the last."""
    now, place = datetime.now(UTC), Place(str(archive))
    async with open_pool(url, name="test") as pool:
        await commit(pool, three_days(ETHEREUM))
        while await catch_up(pool, now):
            pass
        await archive_all(pool, url, place)
        dropped, _ = await drop_all(pool, place)
        assert dropped
        await Ledger(pool, ETHEREUM).record("info", "worker", "gaps_filled", gaps=1, blocks=1)
        await pool.execute("UPDATE txhub.event_log SET time = '2026-03-01T12:00:00Z'")
        assert await export_events(pool, place, now)
        await create_key(pool, "desk", Role.VIEWER)


def checksums(url: str) -> dict[str, tuple[int, str]]:
    """Of each table and view: how many rows, and a checksum over all of them in order."""
    found = {}
    with psycopg.connect(url, options="-c timezone=UTC") as connection:
        for name, *parts in connection.execute(_TABLES).fetchall():
            question = sql.SQL(
                "SELECT count(*), coalesce(md5(string_agg(t::text, ' ' ORDER BY t::text)), '') FROM {} AS t"
            )
            row = connection.execute(question.format(sql.Identifier(*parts))).fetchone()
            assert row
            found[name] = row
    return found


def test_backup_destroy_restore(edition: Edition) -> None:
    if edition not in installation_of_each():
        pytest.skip("no such installation on this machine")
    with open_home() as folder:
        home, copies = folder / "home", folder / "copies"
        settings = Settings(home=home)
        installation = installation_of_each()[edition]
        with open_server(settings, stop_if_last=True, cluster=Cluster(home, installation, extra=QUICK)) as server:
            assert migrate(server.url)[0].edition is edition
            asyncio.run(fill(server.url, home / "archive"))
            before = checksums(server.url)
            _, files = make_backup(settings, copies, cluster=Cluster(home))
        assert before["txhub.transactions"][0] > 0
        assert before["txhub_access.keys"][0] == 1
        assert files > 8
        with pytest.raises(ServerFailed, match="is not empty"):
            make_backup(settings, copies, cluster=Cluster(home))
        with pytest.raises(ServerFailed, match="already"):
            restore_backup(settings, copies)
        shutil.rmtree(home)
        label, restored = restore_backup(settings, copies, cluster=Cluster(home, extra=QUICK))
        assert (label.timescale, restored) == (edition is Edition.TIMESCALE, files)
        with open_server(settings, stop_if_last=True, cluster=Cluster(home, extra=QUICK)) as server:
            assert checksums(server.url) == before
            with psycopg.connect(server.analyst_url or "") as analyst:
                assert analyst.execute("SELECT count(*) FROM txhub.blocks").fetchone() == before["txhub.blocks"][:1]
        # What is not what was written is refused, and changes nothing.
        shutil.rmtree(home)
        lost = next((copies / "archive").rglob("*.parquet"))
        lost.write_bytes(b"something else")
        with pytest.raises(ArchiveMismatch, match="1 files of the archive"):
            restore_backup(settings, copies, cluster=Cluster(home, extra=QUICK))
        shutil.rmtree(home)
        page = copies / "cluster" / "PG_VERSION"
        page.write_text("17\n")
        with pytest.raises(BadBackup, match="not what was written"):
            restore_backup(settings, copies)
        assert not home.exists()


def test_what_is_no_backup_and_what_is_not_ours(tmp_path: Path) -> None:
    done = run("db", "restore", "--from", str(tmp_path), "--home", str(tmp_path / "h"), env=environment(), cwd=tmp_path)
    assert done.returncode == 65
    assert f"there is no backup in {tmp_path}" in done.stderr
    env = environment("postgresql://127.0.0.1:1/txhub")
    done = run("db", "backup", "--to", str(tmp_path / "copies"), env=env, cwd=tmp_path)
    assert done.returncode == 70
    assert "is backed up where it runs" in done.stderr
    assert not (tmp_path / "copies").exists()
