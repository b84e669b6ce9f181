"""One shape for a PostgreSQL server that we run and for one that we are given.

Whoever uses the private cluster holds a shared lock on `HOME/in-use.lock`, so that the last one can stop it; starting
and stopping happen under an exclusive lock on `HOME/start.lock`. The system drops both when their holder dies.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from txhub.config import Settings
from txhub.errors import DiskFull, ServerFailed
from txhub.store.analyst import ANALYST
from txhub.store.cluster import SUPERUSER, Cluster
from txhub.store.installation import Installation, embedded

_LEASE = "in-use.lock"
_ELSEWHERE = "choose a folder of your own by TXHUB_HOME or --home"


@dataclass(frozen=True)
class Server:
    """Where the database is. `url` and `socket_url` contain the password, and are not shown for it."""

    url: str = field(repr=False)
    private: bool
    """Whether it is one that we run."""
    offers_timescale: bool | None
    """Whether its installation has TimescaleDB; not known of one that we are given."""
    socket_url: str | None = field(default=None, repr=False)
    """The same database by its Unix socket, where it has one that we know of."""
    admin_url: str | None = field(default=None, repr=False)
    """The same database as its superuser; ours only."""
    analyst_url: str | None = field(default=None, repr=False)
    """The same database as the role of analysts; ours only."""


@dataclass(frozen=True)
class ServerStatus:
    """What there is to say about the server without using it; None is what is not known, or not there yet."""

    private: bool
    running: bool | None = None
    pid: int | None = None
    port: int | None = None
    socket_folder: Path | None = None
    data: Path | None = None
    size: int | None = None
    """Bytes on disk."""
    installation: Installation | None = None


@contextmanager
def open_server(settings: Settings, *, stop_if_last: bool = False, cluster: Cluster | None = None) -> Iterator[Server]:
    """The database's server, which is started if it is ours and does not run, and stays up at least for the block.

    Afterwards it runs on, unless `stop_if_last` is set and no other txhub process uses it. It blocks while it works:
    call it before there is an event loop. `cluster` is for one that differs from the default of `settings.home`.

    Raises:
        ServerFailed: our server cannot be made, started or stopped.
        DiskFull: it has no space.
    """
    if settings.database_url is not None:
        yield Server(settings.database_url.get_secret_value(), private=False, offers_timescale=None)
        return
    cluster = cluster or Cluster(settings.home)
    make_home(cluster.home)
    with _file(cluster.home / _LEASE) as lease:
        try:
            with _starting(cluster), _usable(cluster.home):
                fcntl.flock(lease, fcntl.LOCK_SH)
                server = _start(cluster)
            yield server
        finally:
            if stop_if_last:
                with _starting(cluster), _usable(cluster.home):
                    if _nobody_else(lease):
                        cluster.stop()


def make_home(home: Path) -> None:
    """Make the home folder; as root one that the server's user can walk through, but not list.

    Raises:
        ServerFailed: it cannot be made there.
    """
    if home.exists() and not home.is_dir():
        raise ServerFailed(f"{home} is a file, and the database needs a folder", hint=_ELSEWHERE)
    with _usable(home):
        if not home.exists():
            home.mkdir(parents=True)
            home.chmod(0o711 if os.geteuid() == 0 else 0o700)


def stop_server(settings: Settings, *, force: bool = False) -> bool:
    """Stop the private server, and say whether it ran.

    Raises:
        ServerFailed: there is none, or other txhub commands use it and it is not by `force`.
    """
    if settings.database_url is not None:
        raise ServerFailed("the server of TXHUB_DATABASE_URL is not ours to stop", hint="stop it where it runs")
    cluster = Cluster(settings.home)
    with _usable(cluster.home):
        if cluster.origin is None:
            raise ServerFailed(f"there is no database in {cluster.home} yet", hint="`txhub db migrate` makes one")
    with _file(cluster.home / _LEASE) as lease, _starting(cluster), _usable(cluster.home):
        if not _nobody_else(lease) and not force:
            raise ServerFailed(
                f"other txhub commands use the database in {cluster.home}",
                hint="stop them first, or stop it all the same by --force",
            )
        return cluster.stop()


def server_status(settings: Settings) -> ServerStatus:
    """What is known about the server, which is left as it is.

    Raises:
        ServerFailed: it is another user's, or what it was made with is gone.
    """
    if settings.database_url is not None:
        return ServerStatus(private=False)
    cluster = Cluster(settings.home)
    with _usable(cluster.home):
        if cluster.origin is None:
            return ServerStatus(private=True, running=False)
        found = cluster.running()
        return ServerStatus(
            private=True,
            running=found is not None,
            pid=found.pid if found else None,
            port=found.port if found else None,
            socket_folder=found.socket_folder if found else None,
            data=cluster.data,
            size=cluster.size(),
            installation=cluster.installation(),
        )


def psql_program(settings: Settings) -> Path:
    """PostgreSQL's terminal: the private server's own, or for one that we are given the system's, else the shipped.

    Raises:
        ServerFailed: there is none.
    """
    if settings.database_url is None:
        return Cluster(settings.home).installation().programs / "psql"
    if (on_path := shutil.which("psql")) is not None:
        return Path(on_path)
    if (shipped := embedded()) is not None:
        return shipped.programs / "psql"
    raise ServerFailed("psql is not installed", hint="install the system's package of PostgreSQL's client")


def _start(cluster: Cluster) -> Server:
    running = cluster.start()
    return Server(
        cluster.url(running),
        private=True,
        offers_timescale=cluster.origin is not None and cluster.origin.timescale,
        socket_url=cluster.url(running, by_socket=True) if running.socket_folder else None,
        admin_url=cluster.url(running, user=SUPERUSER),
        analyst_url=cluster.url(running, user=ANALYST),
    )


@contextmanager
def _usable(home: Path) -> Iterator[None]:
    """Say in our words that the home folder, or something in it, cannot be used."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull(f"no space left for the database in {home}", hint="make room, then try again") from error
        raise ServerFailed(f"{error.filename or home} cannot be used: {error.strerror}", hint=_ELSEWHERE) from error


@contextmanager
def _starting(cluster: Cluster) -> Iterator[None]:
    """Hold what keeps two commands from starting or stopping the server at once; waits for the other."""
    with _file(cluster.home / "start.lock") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        yield


def _nobody_else(lease: int) -> bool:
    """Whether ours is the only lease; if so it is exclusive from here on."""
    try:
        fcntl.flock(lease, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def _file(path: Path) -> Iterator[int]:
    """An open file to lock, which no program that we start inherits."""
    with _usable(path.parent):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
