"""A private PostgreSQL cluster: made, started, found again and stopped in a folder of ours.

HOME/cluster.json       what it was made with
HOME/*.secret           the passwords, readable by us only
HOME/cluster/data       PostgreSQL's own; with `log` and `socket` the only folders the server's user owns
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import secrets
import shlex
import shutil
import socket
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import quote

import psutil
import psycopg
from psycopg import sql

from txhub.errors import DiskFull, ServerFailed
from txhub.store import installation as installations
from txhub.store.account import Account
from txhub.store.faults import translated
from txhub.store.installation import Installation

HOST = "127.0.0.1"
ROLE = DATABASE = "txhub"
SUPERUSER = "postgres"

_SOCKET_PATH_LIMIT = 103
"""The longest socket path in bytes that every system takes (Linux takes 107)."""
_START_SECONDS = 600
"""How long a start may take: after a crash it first replays up to `max_wal_size`."""
_BIND_ATTEMPTS = 5

SETTINGS: Mapping[str, str] = {
    "listen_addresses": HOST,
    "max_connections": "60",
    # Memory: for a desk's machine that also runs the rest of txhub.
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "max_worker_processes": "20",
    "max_parallel_workers": "4",
    "max_parallel_workers_per_gather": "2",
    "max_locks_per_transaction": "256",  # a query may touch every chunk of a hypertable and its indexes
    "jit": "off",
    "random_page_cost": "1.1",
    # Bulk COPY: few checkpoints, spread out.
    "wal_buffers": "16MB",
    "min_wal_size": "256MB",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "timezone": "UTC",
    # A week of logs, a file a weekday.
    "logging_collector": "on",
    "log_directory": "../log",
    "log_filename": "postgresql-%a.log",
    "log_rotation_age": "1d",
    "log_rotation_size": "0",
    "log_truncate_on_rotation": "on",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %q%u@%d %a ",
    "log_checkpoints": "off",
}
TIMESCALE_SETTINGS: Mapping[str, str] = {
    "shared_preload_libraries": "timescaledb",
    "timescaledb.telemetry_level": "off",
    "timescaledb.max_background_workers": "8",
}


@dataclass(frozen=True)
class Postmaster:
    """A running server, as its `postmaster.pid` describes it."""

    pid: int
    port: int
    socket_folder: Path | None
    ready: bool


class Cluster:
    """The private cluster of a home folder. Callers see to it that no two use it at once (`server` does).

    `extra` are PostgreSQL settings that go before all others while it is started from here.
    """

    def __init__(
        self, home: Path, installation: Installation | None = None, *, extra: Mapping[str, str] | None = None
    ) -> None:
        self.home = home.absolute()
        self._wanted = installation
        self._extra = extra or {}

    @property
    def folder(self) -> Path:
        """What belongs to the server: `cluster` in the home, or what that links to."""
        return self._place.resolve()

    @property
    def data(self) -> Path:
        """PostgreSQL's data folder."""
        return self.folder / "data"

    @property
    def made(self) -> bool:
        """Whether there is a cluster here."""
        return self._record.is_file()

    def url(self, *, user: str = ROLE, database: str = DATABASE, by_socket: bool = False) -> str:
        """How to connect to the running cluster; it has the password in it.

        Raises:
            ServerFailed: it is not running, or has no socket.
        """
        running = self.postmaster()
        if running is None or (by_socket and running.socket_folder is None):
            raise ServerFailed(f"the database in {self.home} {'has no socket' if running else 'is not running'}")
        credentials = f"{user}:{self._secret(user)}"
        if by_socket:
            return (
                f"postgresql://{credentials}@/{database}?host={quote(str(running.socket_folder))}&port={running.port}"
            )
        return f"postgresql://{credentials}@{HOST}:{running.port}/{database}"

    @property
    def installation(self) -> Installation:
        """What it runs on: what it was made with, else what was asked for, else the best there is.

        Raises:
            ServerFailed: what it was made with is gone, or there is none.
        """
        if self.made:
            record = json.loads(self._record.read_text(encoding="utf-8"))
            return installations.again(
                self.account,
                programs=Path(record["programs"]),
                major=record["major"],
                timescale=record["timescale"],
            )
        return self._wanted or installations.choose(self.account)

    @property
    def account(self) -> Account:
        """The system user it runs as."""
        return Account.current(self.data if self.data.exists() else None)

    def start(self) -> Postmaster:
        """Make it if need be, start it unless it runs, and see to its role and database.

        Raises:
            ServerFailed: it cannot be made or started; says what PostgreSQL says.
            DiskFull: there is no space for it.
        """
        running = self.postmaster()
        if running is None:
            installation, account = self.installation, self.account
            if not self.made:
                self._make(installation, account)
            self._launch(installation, account)
            running = self.postmaster()
        elif not running.ready:
            self._wait(lambda: (now := self.postmaster()) is None or now.ready, "come up")
            running = self.postmaster()
        if running is None:
            raise ServerFailed(f"PostgreSQL stopped again at once: {self._last_words({})}")
        self._provide()
        return running

    def stop(self) -> bool:
        """Stop it, closing its connections, and say whether it ran.

        Raises:
            ServerFailed: it does not stop.
        """
        running = self.postmaster()
        if running is None:
            return False
        stopped = self.account.run(
            [self.installation.programs / "pg_ctl", "stop", "--mode=fast", "--wait", f"--timeout={_START_SECONDS}"],
            environment={"PGDATA": str(self.data)},
        )
        if stopped.returncode != 0 and self.postmaster() is not None:
            raise ServerFailed(f"PostgreSQL does not stop: {_last_line(stopped.stdout)}")
        if running.socket_folder is not None and self.folder not in running.socket_folder.parents:
            shutil.rmtree(running.socket_folder, ignore_errors=True)
        return True

    def postmaster(self) -> Postmaster | None:
        """The server if it runs: its pid file alone proves nothing, after a crash it may name another program."""
        try:
            lines = (self.data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return None
        except PermissionError:
            raise ServerFailed(
                f"the database in {self.home} belongs to another user",
                hint="run txhub as that user, or choose a folder of your own by TXHUB_HOME",
            ) from None
        if len(lines) < 8:  # still being written, or left half-written by a crash
            return None
        if not self._is_ours(int(lines[0])):
            return None
        return Postmaster(
            pid=int(lines[0]),
            port=int(lines[3]),
            socket_folder=Path(lines[4]) if lines[4] else None,
            ready=lines[7].strip() == "ready",
        )

    def size(self) -> int:
        """Bytes on disk of data and logs."""
        total = 0
        for folder, _, files in os.walk(self.folder):
            for name in files:
                try:
                    total += (Path(folder) / name).lstat().st_size
                except FileNotFoundError:  # PostgreSQL removes files as it goes
                    continue
        return total

    @property
    def _place(self) -> Path:
        return self.home / "cluster"

    @property
    def _record(self) -> Path:
        return self.home / "cluster.json"

    @property
    def _log(self) -> Path:
        return self.folder / "log"

    def _secret(self, user: str) -> str:
        """The password of a database role, invented the first time."""
        file = self.home / f"{user}.secret"
        try:
            with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as new:
                new.write(secrets.token_urlsafe(24))
        except FileExistsError:
            pass
        return file.read_text(encoding="ascii")

    def _make(self, installation: Installation, account: Account) -> None:
        """Run initdb, in a folder that only becomes the data folder when it is complete."""
        self._make_folder(account)
        scratch, password = self.folder / "data.new", self.folder / "initdb.secret"
        shutil.rmtree(scratch, ignore_errors=True)
        password.unlink(missing_ok=True)
        with os.fdopen(os.open(password, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(self._secret(SUPERUSER))
        account.give(password)
        scratch.mkdir(mode=0o700)
        account.give(scratch)
        settings = {**SETTINGS, **(TIMESCALE_SETTINGS if installation.timescale else {})}
        try:
            done = account.run(
                [
                    installation.programs / "initdb",
                    f"--username={SUPERUSER}",
                    f"--pwfile={password}",
                    "--auth=scram-sha-256",
                    "--encoding=UTF8",
                    "--locale=C",
                    "--no-instructions",
                    *(["--no-sync"] if self._extra.get("fsync") == "off" else []),
                    *(f"--set={name}={value}" for name, value in settings.items()),
                ],
                environment={"PGDATA": str(scratch)},
            )
        finally:
            password.unlink()
        if done.returncode != 0:
            shutil.rmtree(scratch, ignore_errors=True)
            raise self._fault("initdb failed", done.stdout)
        shutil.rmtree(self.data, ignore_errors=True)
        scratch.rename(self.data)
        record = {
            "programs": str(installation.programs),
            "major": installation.major,
            "timescale": installation.timescale is not None,
        }
        _write_whole(self._record, json.dumps(record, indent=2) + "\n")

    def _make_folder(self, account: Account) -> None:
        if not self._place.is_dir():
            self._place.unlink(missing_ok=True)  # a link to a place that is gone
            if account.may("x", self.home):
                self._place.mkdir()
            else:
                # A fresh name each time: a home that was moved away may still use the one of the same path.
                path = hashlib.sha256(os.fsencode(self.home)).hexdigest()[:12]
                clusters = installations.SYSTEM_FOLDER / "clusters"
                installations.make_system_folder(clusters)
                self._place.symlink_to(tempfile.mkdtemp(prefix=f"{path}-", dir=clusters))
            self.folder.chmod(0o711 if account.foreign else 0o700)
        for folder in (self._log, self.folder / "socket"):
            folder.mkdir(mode=0o700, exist_ok=True)
            account.give(folder)

    def _launch(self, installation: Installation, account: Account) -> None:
        self._clear_the_way()
        before = self._log_sizes()
        for _ in range(_BIND_ATTEMPTS):
            port = _free_port()
            options = {
                **self._extra,
                "port": str(port),
                "unix_socket_directories": self._socket_folder(account),
            }
            arguments = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
            with self._open_start_log() as output:
                started = account.run(
                    [
                        installation.programs / "pg_ctl",
                        "start",
                        "--wait",
                        f"--timeout={_START_SECONDS}",
                        f"--options={shlex.join(arguments)}",
                    ],
                    environment={"PGDATA": str(self.data)},
                    output=output,
                )
            if started.returncode == 0:
                return
            if _is_free(port):  # then that was not the reason
                break
        raise self._fault("PostgreSQL does not start", self._last_words(before))

    def _clear_the_way(self) -> None:
        """After a kill -9: wait for the dead server's children, and remove a pid file that names another program."""
        pid_file = self.data / "postmaster.pid"
        try:
            pid = int(pid_file.read_text(encoding="utf-8").splitlines()[0])
        except (FileNotFoundError, ValueError, IndexError):
            return
        self._wait(lambda: not any(self._is_ours(other) for other in psutil.pids()), "see its last children off")
        if psutil.pid_exists(pid):
            pid_file.unlink()  # PostgreSQL itself forgives only one that names no program at all

    def _is_ours(self, pid: int) -> bool:
        """Whether a process is one of this cluster's: they, and no others, work in its data folder."""
        try:
            return Path(psutil.Process(pid).cwd()) == self.data
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            return False

    def _wait(self, condition: Callable[[], bool], purpose: str) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while not condition():
            if time.monotonic() > deadline:
                raise ServerFailed(f"PostgreSQL in {self.data} takes too long to {purpose}", hint=f"see {self._log}")
            time.sleep(0.05)

    def _provide(self) -> None:
        """See to the role and its database: at the first start, and again if something came between."""
        role, database = sql.Identifier(ROLE), sql.Identifier(DATABASE)
        with (
            translated(),
            psycopg.connect(self.url(user=SUPERUSER, database="postgres"), autocommit=True) as connection,
        ):
            # Encrypted here, so that it cannot appear in the server's log.
            password = connection.pgconn.encrypt_password(
                self._secret(ROLE).encode(), ROLE.encode(), b"scram-sha-256"
            ).decode()
            if connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [ROLE]).rowcount == 0:
                connection.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(role, sql.Literal(password)))
            if connection.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE]).rowcount == 0:
                connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(database, role))

    def _socket_folder(self, account: Account) -> str:
        """Where the socket goes; none if its path would be too long and no short one can be had safely."""
        folder = self.folder / "socket"
        if len(os.fsencode(folder / ".s.PGSQL.65535")) <= _SOCKET_PATH_LIMIT:
            return f'"{folder}"'
        short = Path(tempfile.gettempdir()) / f"txhub-{hashlib.sha256(os.fsencode(folder)).hexdigest()[:12]}"
        try:
            short.mkdir(mode=0o700)
            account.give(short)
        except FileExistsError:
            found = short.lstat()
            if found.st_uid != account.uid or found.st_mode & 0o177077 != 0o040000:  # somebody else's trap
                return ""
        return f'"{short}"'

    def _open_start_log(self) -> IO[str]:
        return (self.folder / "start.log").open("w", encoding="utf-8")

    def _log_sizes(self) -> dict[Path, int]:
        return {file: file.stat().st_size for file in self._log.glob("*.log")}

    def _last_words(self, before: Mapping[Path, int]) -> str:
        """What the server said last, beyond what was in its log files `before`."""
        said = (self.folder / "start.log").read_text(encoding="utf-8", errors="replace")
        for file, size in self._log_sizes().items():
            if size > before.get(file, 0):
                with file.open("rb") as log:
                    log.seek(before.get(file, 0))
                    said += log.read().decode(errors="replace")
        return said

    def _fault(self, what: str, said: str) -> DiskFull | ServerFailed:
        """The error for a failed step, in PostgreSQL's own words."""
        if any(os.strerror(number) in said for number in (errno.ENOSPC, errno.EDQUOT)):
            return DiskFull(f"{what}: no space left in {self.folder}", hint="make room, then try again")
        return ServerFailed(f"{what}: {_last_line(said)}", hint=f"its log is in {self._log}")


def _last_line(said: str) -> str:
    """The line that says why: the last severe one, else the last."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    for severity in ("PANIC:", "FATAL:", "ERROR:", "error:"):
        for line in reversed(lines):
            if severity in line:
                return line.partition(severity)[2].strip()
    return lines[-1] if lines else "it does not say why"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as PostgreSQL does
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def _write_whole(file: Path, text: str) -> None:
    """Write a file so that it is there entirely or not at all."""
    scratch = file.with_suffix(".new")
    scratch.write_text(text, encoding="utf-8")
    scratch.replace(file)
