"""A private PostgreSQL cluster, with its role and its database, in a home folder of ours.

    HOME/*.secret             the passwords, readable by us only
    HOME/cluster/data         PostgreSQL's own: with `log` and `socket` the only folders that the server's user owns
    HOME/cluster/origin.json  what it was made with
    HOME/cluster/start.log    what the last start said

The server's user is somebody else when we are root, so nothing that it can write is believed or followed.

PostgreSQL's settings are written once, by initdb: to change one, edit `data/postgresql.conf` or use ALTER SYSTEM.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import psycopg
from psycopg import sql
from psycopg.rows import TupleRow

from txhub.errors import ServerFailed
from txhub.ports import LOOPBACK
from txhub.store import installation as installations
from txhub.store import postmaster
from txhub.store.account import Account
from txhub.store.analyst import ANALYST, LANE
from txhub.store.faults import translated
from txhub.store.installation import Installation
from txhub.store.postmaster import Postmaster
from txhub.store.roles import API
from txhub.store.sqlfiles import queries

ROLE = DATABASE = "txhub"
SUPERUSER = "postgres"

_SHORT = Path("/tmp")  # noqa: S108 (short on every system, which TMPDIR is not; ownership is looked at)
_SOCKET_PATH_LIMIT = 103
"""The longest path of a socket, in bytes, that every system takes (Linux takes 107)."""

SETTINGS: Mapping[str, str] = {
    "listen_addresses": LOOPBACK,
    "max_connections": "100",
    # Memory: for a machine that also runs the rest of txhub.
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "max_worker_processes": "20",
    "max_parallel_workers": "4",
    "max_parallel_workers_per_gather": "2",
    "max_locks_per_transaction": "256",  # a query may touch every chunk of a hypertable, and their indexes
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


class Origin(NamedTuple):
    """What a cluster was made with, and is tied to."""

    programs: str
    major: int
    timescale: bool


class Cluster:
    """The private cluster of a home folder.

    It does not keep two processes from starting or stopping it at once; `server` does.
    `installation` is for making one on another than the best; `extra` are PostgreSQL settings that go before all
    others while it runs. Its methods may raise OSError where the home cannot be used.
    """

    def __init__(
        self, home: Path, installation: Installation | None = None, *, extra: Mapping[str, str] | None = None
    ) -> None:
        self.home = home.expanduser().absolute()
        self._installation = installation
        self._extra = dict(extra or {})

    @property
    def folder(self) -> Path:
        """What belongs to the server: `cluster` in the home, or what that links to."""
        return self._place.resolve()

    @property
    def data(self) -> Path:
        """PostgreSQL's data folder."""
        return self.folder / "data"

    @property
    def origin(self) -> Origin | None:
        """What it was made with, or None if there is no cluster here yet.

        Raises:
            ServerFailed: there was one, outside of the home, and it is gone.
        """
        if self._place.is_symlink() and not self._place.exists():
            raise ServerFailed(
                f"the data of {self.home} is gone: {self.folder} does not exist",
                hint=f"bring it back, or remove {self.home} to start afresh",
            )
        if not self.data.exists():
            return None
        return Origin(**json.loads(self._record.read_text(encoding="utf-8")))

    @property
    def account(self) -> Account:
        """The system user it runs as."""
        return Account.current(self.data if self.data.exists() else None)

    def running(self) -> Postmaster | None:
        """The server's process, if it runs."""
        return postmaster.find(self.folder)

    def installation(self) -> Installation:
        """What it runs on: what it was made with, else what was asked for, else the best there is.

        Raises:
            ServerFailed: what it was made with is gone, or there is none.
        """
        if (origin := self.origin) is None:
            return self._installation or installations.choose(self.account)
        return installations.again(
            self.account, programs=Path(origin.programs), major=origin.major, timescale=origin.timescale
        )

    def start(self) -> Postmaster:
        """Make it if need be, start it unless it runs, and see to its role and database.

        Raises:
            ServerFailed: it cannot be made or started; says what PostgreSQL says.
            DiskFull: there is no space for it.
        """
        if (running := self.running()) is None:
            installation = self.installation()
            if self.origin is None:
                self._make(installation, self.account)
            options = {**self._extra, "unix_socket_directories": self._socket_folder(self.account)}
            postmaster.launch(self.folder, installation.programs, self.account, options)
        elif not running.ready:
            postmaster.wait_until_ready(self.folder)
        running = self.running()
        if running is None:
            raise ServerFailed("PostgreSQL stopped as soon as it was started", hint=f"its logs are in {self.folder}")
        self._provide(running)
        return running

    def stop(self) -> bool:
        """Stop it, closing its clients' connections, and say whether it ran.

        Raises:
            ServerFailed: it takes too long.
        """
        if (running := self.running()) is None:
            return False
        postmaster.stop(self.folder, running)
        if running.socket_folder == self._short_socket_folder:
            self._short_socket_folder.rmdir()
        return True

    def adopt(self, data: Path, origin: Origin, secrets: Mapping[str, str]) -> None:
        """Take over a copy of a cluster's data folder and its secrets, by name of file; there must be none here."""
        account = self.account
        self._make_folders(account)
        for name, text in secrets.items():
            _write_private(self.home / name, text)
        scratch = self.folder / "data.new"
        if scratch.exists():
            shutil.rmtree(scratch)
        shutil.copytree(data, scratch, symlinks=True)
        scratch.chmod(0o700)
        for path in (scratch, *scratch.rglob("*")):
            account.give(path)
        _write_private(self._record, json.dumps(origin._asdict()) + "\n")
        scratch.rename(self.data)

    def url(self, running: Postmaster, *, user: str = ROLE, by_socket: bool = False) -> str:
        """How to connect to its database, with the password in it.

        Raises:
            ServerFailed: the password's file is gone.
        """
        credentials = f"{user}:{self._password(user)}"
        if by_socket:
            return (
                f"postgresql://{credentials}@/{DATABASE}?host={quote(str(running.socket_folder))}&port={running.port}"
            )
        return f"postgresql://{credentials}@{LOOPBACK}:{running.port}/{DATABASE}"

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
        return self.folder / "origin.json"

    @property
    def _short_socket_folder(self) -> Path:
        return _SHORT / postmaster.name(self.folder)

    def _make(self, installation: Installation, account: Account) -> None:
        """Run initdb, in a folder that becomes the data folder only when all is done."""
        self._make_folders(account)
        for user in (SUPERUSER, ROLE):
            _write_private(self._secret(user), secrets.token_urlsafe(24))
        scratch, password = self.folder / "data.new", self.folder / "initdb.secret"
        if scratch.exists():
            shutil.rmtree(scratch)
        scratch.mkdir(mode=0o700)
        account.give(scratch)
        settings = {**SETTINGS, **(TIMESCALE_SETTINGS if installation.timescale else {})}
        try:
            _write_private(password, self._password(SUPERUSER))
            account.give(password)
            made = account.run(
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
            password.unlink(missing_ok=True)
        if made.returncode != 0:
            shutil.rmtree(scratch)
            raise postmaster.fault("initdb failed", made.stdout, self.folder)
        origin = Origin(str(installation.programs), installation.major, installation.timescale is not None)
        _write_private(self._record, json.dumps(origin._asdict()) + "\n")
        scratch.rename(self.data)

    def _make_folders(self, account: Account) -> None:
        if not self._place.exists():
            if account.may("x", self.home):
                self._place.mkdir()
            else:
                # A fresh name each time: a home that was moved away may still use the one made for the same path.
                path = hashlib.sha256(os.fsencode(self.home)).hexdigest()[:12]
                clusters = installations.make_system_folder("clusters")
                self._place.symlink_to(tempfile.mkdtemp(prefix=f"{path}-", dir=clusters))
            self._place.chmod(0o711 if account.foreign else 0o700)
        for folder in (self.folder / "log", self.folder / "socket"):
            folder.mkdir(mode=0o700, exist_ok=True)
            account.give(folder)

    def _socket_folder(self, account: Account) -> str:
        """Where the socket goes, as PostgreSQL's list of folders; nowhere if no place for it is short and safe."""
        folder = self.folder / "socket"
        # Clients take a comma for the end of a host.
        if len(os.fsencode(folder / ".s.PGSQL.65535")) > _SOCKET_PATH_LIMIT or "," in str(folder):
            folder = self._short_socket_folder
            try:
                folder.mkdir(mode=0o700)
                account.give(folder)
            except FileExistsError:  # left by a crash, or somebody's trap: everybody may write there
                found = folder.lstat()
                if found.st_uid != account.uid or found.st_mode != 0o040700:
                    return ""
        for left_by_a_crash in folder.iterdir():
            left_by_a_crash.unlink()
        return '"{}"'.format(str(folder).replace('"', '""'))

    def _provide(self, running: Postmaster) -> None:
        """See to the roles and the database: at the first start, and later if something came between."""
        role, database = sql.Identifier(ROLE), sql.Identifier(DATABASE)
        with translated(), self._as_superuser(running, "postgres") as connection:
            connection.autocommit = True
            if not _has_role(connection, ROLE):
                password = self._hashed_password(connection, ROLE)
                connection.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(role, password))
            if connection.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE]).rowcount == 0:
                connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(database, role))
            if not _has_role(connection, ANALYST):
                if not self._secret(ANALYST).exists():
                    _write_private(self._secret(ANALYST), secrets.token_urlsafe(24))
                self._provide_analyst(running)
            if not _has_role(connection, API):
                self._provide_services(running)

    def _provide_analyst(self, running: Postmaster) -> None:
        """Make the role that analysts log in as, after taking from everybody else what disturbs others."""
        statements = queries("analyst")
        with self._as_superuser(running, "template1") as template:
            template.execute(statements["close"])
        role, owner = sql.Identifier(ANALYST), sql.Identifier(ROLE)
        with self._as_superuser(running, DATABASE) as connection:
            connection.execute(statements["close"])
            connection.execute(sql.SQL("REVOKE TEMPORARY ON DATABASE {} FROM PUBLIC").format(sql.Identifier(DATABASE)))
            connection.execute(statements["make_roles"])
            password = self._hashed_password(connection, ANALYST)
            connection.execute(sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}").format(role, password))
            connection.execute(sql.SQL("ALTER ROLE {} SET temp_file_limit = '4GB'").format(role))
            connection.execute(
                sql.SQL("GRANT {}, {} TO {} WITH INHERIT FALSE, SET TRUE").format(role, sql.Identifier(LANE), owner)
            )

    def _provide_services(self, running: Postmaster) -> None:
        """Make the roles of the services, without a login; they may do what `close` keeps others from."""
        with self._as_superuser(running, DATABASE) as connection:
            connection.execute(queries("roles")["make_roles"])
        for database in (DATABASE, "template1"):
            with self._as_superuser(running, database) as connection:
                connection.execute(queries("analyst")["close"])

    def _as_superuser(self, running: Postmaster, database: str) -> psycopg.Connection[TupleRow]:
        return psycopg.connect(
            host=LOOPBACK, port=running.port, user=SUPERUSER, password=self._password(SUPERUSER), dbname=database
        )

    def _hashed_password(self, connection: psycopg.Connection[TupleRow], user: str) -> sql.Literal:
        """Hashed here, so that it cannot appear in the server's log."""
        password = self._password(user).encode()
        return sql.Literal(connection.pgconn.encrypt_password(password, user.encode(), b"scram-sha-256").decode())

    def _secret(self, user: str) -> Path:
        return self.home / f"{user}.secret"

    def _password(self, user: str) -> str:
        try:
            return self._secret(user).read_text(encoding="utf-8")
        except FileNotFoundError:
            raise ServerFailed(
                f"{self._secret(user)}, the password of the database role {user}, is gone",
                hint=f"bring it back, or remove {self.home} to start afresh",
            ) from None


def _has_role(connection: psycopg.Connection[TupleRow], name: str) -> bool:
    return connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [name]).rowcount == 1


def _write_private(file: Path, text: str) -> None:
    """Write a file anew that only its owner can read; what somebody put in its place is not followed."""
    file.unlink(missing_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as new:
        new.write(text)
