"""`txhub db backup` and `txhub db restore`: the private database with its archive, whole, verified, and back."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from txhub.archive.manifest import archive_turn
from txhub.cli import wiring
from txhub.cli.archive import place_of
from txhub.cli.console import err, out
from txhub.config import Settings
from txhub.errors import ArchiveMismatch, ServerFailed
from txhub.store.backup import ARCHIVE, Label, back_up, bring_back, new_folder
from txhub.store.cluster import Cluster
from txhub.store.faults import translated
from txhub.store.migrate import migrate
from txhub.store.place import Place
from txhub.store.pool import Pool, open_pool
from txhub.store.server import open_server
from txhub.store.sqlfiles import queries


class _File(NamedTuple):
    """A file of the archive, below its address, as it was written."""

    path: str
    size: int
    sha256: bytes


_NOT_OURS = "the server of TXHUB_DATABASE_URL is backed up where it runs"


def backup(
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="A new folder for the backup.")],
    home: wiring.HomeOption = None,
) -> None:
    """Copy the embedded database and its archive into a folder, of one moment, while everything goes on."""
    settings = wiring.settings_of(home=home)
    with err.status("backing up"):
        label, files = make_backup(settings, to)
    out.print(f"{to}: PostgreSQL {label.major}, {files:,} files of the archive; verified", soft_wrap=True)


def restore(
    origin: Annotated[Path, typer.Option("--from", metavar="DIR", help="The folder of a backup.")],
    home: wiring.HomeOption = None,
) -> None:
    """Make the embedded database anew from a backup, which is verified first; nothing that is there is overwritten."""
    settings = wiring.settings_of(home=home)
    with err.status("restoring"):
        label, files = restore_backup(settings, origin)
    out.print(
        f"restored what was backed up at {label.made_at}; {files:,} files of the archive are sound", soft_wrap=True
    )


def make_backup(settings: Settings, to: Path, *, cluster: Cluster | None = None) -> tuple[Label, int]:
    """Back up the private cluster and the archive's files; what it is of, and how many files those are.

    While it lasts nobody writes or drops archived days, so that the manifest in the backup is that of the files in it.

    Raises:
        ServerFailed: the server is not ours, or the folder is not empty.
        ArchiveMismatch: a file that the manifest names is not in the archive.
        DiskFull: there is no space; nothing is left behind.
    """
    if settings.database_url is not None:
        raise ServerFailed(_NOT_OURS, hint="docs/runbook.md says how, by pg_basebackup")
    cluster, place = cluster or Cluster(settings.home), place_of(settings)
    with open_server(settings, stop_if_last=True, cluster=cluster) as server, new_folder(to) as folder:

        async def work() -> tuple[Label, int]:
            async with open_pool(server.url, name="backup", size=2) as pool, archive_turn(pool):
                label = await asyncio.to_thread(back_up, cluster, server, folder, place.shown)
                files = await _read_files(pool)
                await asyncio.to_thread(_copy_archive, place, files, folder / ARCHIVE)
            return label, len(files)

        done = wiring.run(work())
        if done is None:
            raise KeyboardInterrupt
        return done


def restore_backup(settings: Settings, origin: Path, *, cluster: Cluster | None = None) -> tuple[Label, int]:
    """Restore a backup; what it is of, and how many of its archive's files were read and found sound.

    Raises:
        ServerFailed, BadBackup: see `bring_back`; nothing was changed.
        ArchiveMismatch: the database is back, but a file of the archive is missing or another.
    """
    if settings.database_url is not None:
        raise ServerFailed("a backup is restored into a database of our own", hint="unset TXHUB_DATABASE_URL")
    cluster = cluster or Cluster(settings.home)
    label = bring_back(cluster, origin)
    place = place_of(settings)
    with open_server(settings, stop_if_last=True, cluster=cluster) as server:
        migrate(server.url)

        async def work() -> int:
            async with open_pool(server.url, name="restore", size=1) as pool:
                files = await _read_files(pool)
            return await asyncio.to_thread(_put_back, place, files, origin / ARCHIVE)

        files = wiring.run(work())
    if files is None:
        raise KeyboardInterrupt
    return label, files


async def _read_files(pool: Pool) -> list[_File]:
    """Every file that the archive should hold."""
    with translated():
        return [_File(*row) for row in await pool.fetch(queries("eventlog")["archived"])]


def _copy_archive(place: Place, files: Sequence[_File], folder: Path) -> None:
    """Copy the files of an archive that is a folder; of others, see that they are there."""
    for file in files:
        if place.size(file.path) != file.size:
            raise ArchiveMismatch(
                f"{file.path} of the archive is not what was written", hint="`txhub archive verify` says what is wrong"
            )
        if place.is_local:
            target = folder / file.path
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(place.local([file.path])[0], target)


def _put_back(place: Place, files: Sequence[_File], folder: Path) -> int:
    """Put back the archive's files that are not there, and read them all."""
    wrong = []
    for file in files:
        kept = folder / file.path
        if place.size(file.path) is None and kept.exists():
            with kept.open("rb") as source:
                place.write(file.path, partial(shutil.copyfileobj, source))
        if place.fingerprint(file.path) != (file.size, file.sha256):
            wrong.append(file.path)
    if wrong:
        raise ArchiveMismatch(
            f"the database is back, but {len(wrong):,} files of the archive are not what they should be: {wrong[0]}",
            hint=f"bring them back into {place.shown}, then `txhub archive verify`",
        )
    return len(files)
