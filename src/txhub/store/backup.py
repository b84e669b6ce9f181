"""A private cluster as a base backup: every byte of it, of one moment, verified when it is made and before it is used.

    DIR/backup.json        what it is of
    DIR/cluster            PostgreSQL's data, with its own manifest of SHA-256 sums
    DIR/*.secret           the passwords of its roles
    DIR/archive            the archive's files, where that is a folder (`txhub db backup` puts them there)

The same for both editions: the columnstore, continuous aggregates, policies and roles are part of the data. A server
that is given by URL is backed up where it runs, see docs/runbook.md.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import make_url

from txhub import __version__
from txhub.errors import DiskFull, ServerFailed, TxhubError
from txhub.store import installation as installations
from txhub.store.cluster import Cluster, Origin
from txhub.store.server import Server, make_home

CLUSTER, ARCHIVE, LABEL = "cluster", "archive", "backup.json"


class BadBackup(TxhubError):
    """The backup is not what was written."""

    code = "bad-backup"
    exit_code = 65


@dataclass(frozen=True)
class Label:
    """What a backup is of."""

    version: str
    made_at: str
    programs: str
    major: int
    timescale: bool
    archive: str
    """Where the archive was; its files are in the backup if that was a folder."""

    @property
    def origin(self) -> Origin:
        """What its cluster was made with."""
        return Origin(self.programs, self.major, self.timescale)


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """A folder that only we can read, and that gets its name when the block is done: a backup is whole or not there.

    Raises:
        ServerFailed: something is there already, or it cannot be made.
        DiskFull: there is no space for what is put into it.
    """
    if folder.exists() and any(folder.iterdir()):
        raise ServerFailed(f"{folder} is not empty", hint="give a new folder: a backup never goes over another one")
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(mode=0o700, parents=True)
    try:
        yield partial
        if folder.exists():
            folder.rmdir()
        partial.rename(folder)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def back_up(cluster: Cluster, server: Server, folder: Path, archive: str) -> Label:
    """Copy a private cluster that runs into a folder, and read the copy again.

    Raises:
        ServerFailed: PostgreSQL cannot; says what it says.
        DiskFull: there is no space.
    """
    origin = cluster.origin
    if origin is None or server.admin_url is None:
        raise ServerFailed("there is no private cluster to back up")
    admin = make_url(server.admin_url)
    programs = cluster.installation().programs
    command: list[str | Path] = [
        programs / "pg_basebackup",
        *("--pgdata", folder / CLUSTER, "--wal-method", "stream", "--checkpoint", "fast"),
        *("--manifest-checksums", "SHA256", "--no-password"),
        *("--host", str(admin.host), "--port", str(admin.port), "--username", str(admin.username)),
    ]
    _run(command, "the backup failed", PGPASSWORD=str(admin.password))
    _verify(programs, folder)
    for secret in cluster.home.glob("*.secret"):
        shutil.copy2(secret, folder / secret.name)
    label = Label(__version__, datetime.now(UTC).isoformat(timespec="seconds"), *origin, archive)
    (folder / LABEL).write_text(json.dumps(asdict(label), indent=2) + "\n", encoding="utf-8")
    return label


def read_label(folder: Path) -> Label:
    """What a backup is of.

    Raises:
        BadBackup: there is none there.
    """
    try:
        return Label(**json.loads((folder / LABEL).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        raise BadBackup(f"there is no backup in {folder}", hint="name the folder that `txhub db backup` made") from None


def bring_back(cluster: Cluster, folder: Path) -> Label:
    """Make the cluster of a home anew from a backup, which is read from end to end first.

    Raises:
        ServerFailed: there is a database already, or no PostgreSQL like the one it was made with.
        BadBackup: the backup is not whole.
    """
    if cluster.origin is not None:
        raise ServerFailed(
            f"there is a database in {cluster.home} already",
            hint="restore into another --home, or move this one away first",
        )
    label = read_label(folder)
    made_with = label.origin._asdict() | {"programs": Path(label.programs)}
    installation = installations.again(cluster.account, **made_with)
    _verify(installation.programs, folder)
    make_home(cluster.home)
    secrets = {file.name: file.read_text(encoding="utf-8") for file in folder.glob("*.secret")}
    cluster.adopt(folder / CLUSTER, label.origin._replace(programs=str(installation.programs)), secrets)
    return label


def _verify(programs: Path, folder: Path) -> None:
    try:
        _run([programs / "pg_verifybackup", "--quiet", folder / CLUSTER], "")
    except ServerFailed as failure:
        raise BadBackup(f"{folder} is not what was written: {failure}", hint="use another backup") from None


def _run(command: list[str | Path], fault: str, **variables: str) -> None:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG"))}
    done = subprocess.run(
        [str(argument) for argument in command],
        env={**inherited, "LC_ALL": "C", **variables},
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode:
        said = done.stderr.strip().splitlines()
        reason = said[0].partition("error: ")[2] or said[0] if said else f"exit code {done.returncode}"
        if "No space left" in done.stderr:
            raise DiskFull(f"{fault}: {reason}", hint="make room, or give another folder")
        raise ServerFailed(f"{fault}: {reason}" if fault else reason)
