"""What goes wrong on the command line is one clear line, a hint and an exit code, never a traceback."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.commands import environment, run
from tests.conftest import open_home
from txhub import __version__
from txhub.resources import resource

NOWHERE = "127.0.0.1:1"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder to start commands in."""
    return tmp_path


def expect_error(done: subprocess.CompletedProcess[str], exit_code: int, says: str) -> None:
    complaint = [line for line in done.stderr.splitlines() if line.startswith("error:")]
    assert "Traceback" not in done.stderr + done.stdout
    assert done.returncode == exit_code, done.stderr
    assert len(complaint) == 1, done.stderr
    assert says in complaint[0]


def test_version_and_help(folder: Path) -> None:
    assert run("--version", env=environment(), cwd=folder).stdout == f"txhub {__version__}\n"
    helped = run("--help", env=environment(), cwd=folder).stdout
    for command in ("demo", "up", "ingest", "backfill", "serve", "worker", "db", "doctor", "bench"):
        assert command in helped
    assert "--chain" in run("ingest", "--help", env=environment(), cwd=folder).stdout


def test_an_unknown_chain(folder: Path) -> None:
    done = run("ingest", "--chain", "etherium", env=environment(), cwd=folder)
    expect_error(done, 2, "chain 'etherium' is not known; these are:")
    assert "txhub.toml" in done.stderr


@pytest.mark.parametrize("wrong", [("nosuch",), ("ingest", "--chian", "base"), ("backfill", "--chain", "base")])
def test_a_wrong_command_or_option(wrong: tuple[str, ...], folder: Path) -> None:
    done = run(*wrong, env=environment(), cwd=folder)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "Usage" in done.stderr


@pytest.mark.parametrize(
    ("first", "last", "says"),
    [
        ("10", "2", "nothing lies between --from 10 and --to 2"),
        ("2023-09-08", "2023-09-08", "nothing lies between"),
        ("2023-09-08T07:00+02:00", "2023-09-08T05:00", "nothing lies between"),
        ("yesterday", "2", "a block number or a date is expected"),
    ],
)
def test_a_range_is_looked_at_before_anything_is_opened(first: str, last: str, says: str, folder: Path) -> None:
    done = run("backfill", "--chain", "ethereum", "--from", first, "--to", last, env=environment(), cwd=folder)
    expect_error(done, 2, says)
    assert not (folder / ".txhub").exists()


def test_no_chain_at_all(folder: Path) -> None:
    expect_error(run("ingest", env=environment(), cwd=folder), 2, "no chain is named")


def test_a_wrong_setting(folder: Path) -> None:
    done = run("serve", env=environment(port="eighty"), cwd=folder)
    expect_error(done, 2, "setting 'port' is 'eighty'")


def test_no_endpoint(database: str, folder: Path) -> None:
    done = run("ingest", "--chain", "ethereum", "--rpc", f"ws://{NOWHERE}", env=environment(database), cwd=folder)
    expect_error(done, 69, NOWHERE)


def test_no_database(folder: Path) -> None:
    env = environment(f"postgresql://txhub:hunter2@{NOWHERE}/txhub")
    done = run("ingest", "--chain", "ethereum", "--rpc", f"ws://{NOWHERE}", env=env, cwd=folder)
    expect_error(done, 69, "the database does not answer")
    assert "hunter2" not in done.stderr + done.stdout


def test_a_wrong_password(database: str, folder: Path) -> None:
    user, _, rest = database.rpartition("@")
    done = run("serve", env=environment(f"{user.rpartition(':')[0]}:hunter2@{rest}"), cwd=folder)
    expect_error(done, 77, "refuses the password")
    assert "hunter2" not in done.stderr + done.stdout


def test_a_database_that_is_not_migrated(empty_database: str, folder: Path) -> None:
    done = run("worker", env=environment(empty_database), cwd=folder)
    expect_error(done, 78, "no txhub schema")
    assert "txhub db migrate" in done.stderr
    migrated = run("db", "migrate", env=environment(empty_database), cwd=folder)
    assert migrated.returncode == 0, migrated.stderr
    newest = max(folder.name for folder in (resource("sql") / "migrations").iterdir())
    assert f"revision {newest}" in migrated.stdout


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


@pytest.mark.parametrize("command", [("serve",), ("up", "--chain", "ethereum"), ("demo",)])
def test_a_port_in_use(command: tuple[str, ...], taken_port: int, folder: Path) -> None:
    done = run(*command, "--port", str(taken_port), env=environment(), cwd=folder)
    expect_error(done, 71, f"cannot listen on 127.0.0.1:{taken_port}")


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A file system of 12 MB: too small for a database."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small file system to fill")
    with open_home() as folder:
        mount = ["mount", "-t", "tmpfs", "-o", "size=12m,mode=755", "tmpfs", str(folder)]
        if subprocess.run(mount, check=False).returncode != 0:
            pytest.skip("this machine does not let root mount a file system")
        try:
            yield folder
        finally:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_full_disk(small_disk: Path) -> None:
    done = run("db", "migrate", "--home", str(small_disk / "home"), env=environment(), cwd=Path("/"))
    expect_error(done, 74, "space")
