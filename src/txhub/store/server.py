"""One shape for a PostgreSQL server that we run and for one that we are given.

Whoever uses the private cluster holds a shared lock on `HOME/in-use.lock`, so that the last one can stop it; starting
and stopping happen under an exclusive lock on `HOME/start.lock`. The system drops both when their holder dies.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from txhub.config import Settings
from txhub.errors import ServerFailed
from txhub.store.cluster import SUPERUSER, Cluster, Postmaster
from txhub.store.installation import Installation


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


@dataclass(frozen=True)
class ServerStatus:
    """What there is to say about the server without using it; of one that we are given, nothing but that."""

    private: bool
    running: Postmaster | None = None
    """Its process, port and socket, if it runs."""
    data: Path | None = None
    size: int | None = None
    """Bytes on disk."""
    installation: Installation | None = None
    in_use: bool = False
    """Whether another txhub command uses it."""


@contextmanager
def open_server(settings: Settings, *, stop_if_last: bool = False, cluster: Cluster | None = None) -> Iterator[Server]:
    """The database's server, which is started if it is ours and does not run, and stays up at least for the block.

    Afterwards it runs on, unless `stop_if_last` is set and no other txhub process uses it. It blocks while it works:
    call it before there is an event loop. `cluster` is for one that is not the default of `settings.home`.

    Raises:
        ServerFailed: our server cannot be made, started or stopped.
        DiskFull: it has no space.
    """
    if settings.database_url is not None:
        yield Server(settings.database_url.get_secret_value(), private=False, offers_timescale=None)
        return
    cluster = cluster or Cluster(settings.home)
    _make_home(cluster.home)
    with _file(cluster.home / "in-use.lock") as lease:
        with _starting(cluster.home):
            fcntl.flock(lease, fcntl.LOCK_SH)
            running = cluster.start()
            server = Server(
                cluster.url(),
                private=True,
                offers_timescale=cluster.installation.timescale is not None,
                socket_url=cluster.url(by_socket=True) if running.socket_folder else None,
                admin_url=cluster.url(user=SUPERUSER),
            )
        try:
            yield server
        finally:
            if stop_if_last:
                with _starting(cluster.home):
                    if _nobody_else(lease):
                        cluster.stop()


def stop_server(settings: Settings, *, force: bool = False) -> bool:
    """Stop the private server, and say whether it ran.

    Raises:
        ServerFailed: there is none, or other txhub commands use it and it is not by `force`.
    """
    cluster = _existing(settings)
    with _file(cluster.home / "in-use.lock") as lease, _starting(cluster.home):
        if not _nobody_else(lease) and not force:
            raise ServerFailed(
                f"other txhub commands use the database in {cluster.home}",
                hint="stop them first, or `txhub db stop --force`",
            )
        return cluster.stop()


def server_status(settings: Settings) -> ServerStatus:
    """What is known about the server, which is left as it is.

    Raises:
        ServerFailed: there is none yet.
    """
    if settings.database_url is not None:
        return ServerStatus(private=False)
    cluster = _existing(settings)
    with _file(cluster.home / "in-use.lock") as lease:
        in_use = not _nobody_else(lease)
    return ServerStatus(
        private=True,
        running=cluster.postmaster(),
        data=cluster.data,
        size=cluster.size(),
        installation=cluster.installation,
        in_use=in_use,
    )


def _existing(settings: Settings) -> Cluster:
    if settings.database_url is not None:
        raise ServerFailed("the server of TXHUB_DATABASE_URL is not ours to stop")
    cluster = Cluster(settings.home)
    if not cluster.made:
        raise ServerFailed(
            f"there is no database in {cluster.home} yet", hint="`txhub up` or `txhub db migrate` makes one"
        )
    return cluster


def _make_home(home: Path) -> None:
    """Make the home folder; as root one that the server's user can walk through, but not list."""
    try:
        if not home.is_dir():
            home.mkdir(parents=True)
            home.chmod(0o711 if os.geteuid() == 0 else 0o700)
    except OSError as error:
        raise _unwritable(home, error) from error


@contextmanager
def _starting(home: Path) -> Iterator[None]:
    """Hold what keeps two commands from starting or stopping the server at once; waits for the other."""
    with _file(home / "start.lock") as guard:
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
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise _unwritable(path.parent, error) from error
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _unwritable(home: Path, error: OSError) -> ServerFailed:
    return ServerFailed(
        f"{home} cannot be used for the database: {error.strerror}",
        hint="choose a folder of your own by TXHUB_HOME or --home",
    )
