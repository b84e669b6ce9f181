"""The system user that a private PostgreSQL runs as, which matters when we are root: PostgreSQL refuses to be."""

from __future__ import annotations

import grp
import os
import pwd
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from txhub.errors import ServerFailed

_STAND_INS = ("postgres", "nobody")
"""Who runs the server for root, in order of preference."""


@dataclass(frozen=True)
class Account:
    """A system user; ourselves, unless we are root."""

    uid: int
    gid: int

    @classmethod
    def current(cls, existing: Path | None = None) -> Account:
        """Who is to run a server: ourselves, or as root the owner of its `existing` data, or else a stand-in.

        Raises:
            ServerFailed: we are root, and there is nobody to stand in.
        """
        if os.geteuid() != 0:
            return cls(os.geteuid(), os.getegid())
        if existing is not None and (owner := existing.stat()).st_uid != 0:
            return cls(owner.st_uid, owner.st_gid)
        known = {entry.pw_name: entry for entry in pwd.getpwall()}
        for name in _STAND_INS:
            if name in known:
                return cls(known[name].pw_uid, known[name].pw_gid)
        raise ServerFailed(
            f"PostgreSQL refuses to run as root, and none of the users {', '.join(_STAND_INS)} exists",
            hint="run txhub as an ordinary user, or `useradd --system postgres`",
        )

    @property
    def name(self) -> str:
        """Its login name, or its number where it has none."""
        try:
            return pwd.getpwuid(self.uid).pw_name
        except KeyError:
            return str(self.uid)

    @property
    def foreign(self) -> bool:
        """Whether it is somebody else than ourselves."""
        return self.uid != os.geteuid()

    def give(self, path: Path) -> None:
        """Make it the owner of a file or folder that we have just made."""
        if self.foreign:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)

    def run(
        self,
        arguments: Sequence[str | Path],
        *,
        environment: Mapping[str, str] | None = None,
        output: IO[str] | int = subprocess.PIPE,
    ) -> subprocess.CompletedProcess[str]:
        """Run a program as this user, in English, undisturbed by our `PG…` variables; both its outputs go to `output`.

        Raises:
            OSError: it cannot be started, or this user may not.
        """
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG"))}
        return subprocess.run(
            [str(argument) for argument in arguments],
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            cwd="/",  # ours may be out of its reach
            env={**inherited, "LC_ALL": "C", **(environment or {})},
            user=self.uid if self.foreign else None,
            group=self.gid if self.foreign else None,
            extra_groups=self._groups() if self.foreign else None,
        )

    def may(self, right: str, path: Path) -> bool:
        """Whether it may `r`ead, `w`rite or e`x`ecute (enter) what is at `path`."""
        return self.run(["test", f"-{right}", path]).returncode == 0

    def _groups(self) -> list[int]:
        return [group.gr_gid for group in grp.getgrall() if self.name in group.gr_mem]
