"""The process of a private server: launched, found again and stopped.

Everything here is given the cluster's folder, which has PostgreSQL's `data`, its `log` and a `start.log` in it. Its
processes are told from others by the name of the cluster, which their command lines show to everybody: where they
work would say the same, but root may not look at that in a container.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shlex
import signal
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from txhub.errors import DiskFull, ServerFailed
from txhub.ports import free_port, is_free
from txhub.store.account import Account

_PATIENCE_S = 600
"""How long a start or a stop may take: after a crash a start first replays up to `max_wal_size`."""
_BIND_ATTEMPTS = 5


@dataclass(frozen=True)
class Postmaster:
    """A running server."""

    pid: int
    port: int
    socket_folder: Path | None
    ready: bool
    """Whether it takes connections; not while it recovers from a crash."""


def find(folder: Path) -> Postmaster | None:
    """The server, if it runs. Its pid file alone proves nothing: after a crash it may name another program.

    Raises:
        PermissionError: it is another user's.
    """
    try:
        lines = (folder / "data" / "postmaster.pid").read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return None
    # pid, data folder, start, port, socket folder, address, shared memory, state; written piece by piece at start.
    if len(lines) < 4 or not (lines[0].isdigit() and lines[3].isdigit()):
        return None
    if not _belongs(folder, int(lines[0])):
        return None
    return Postmaster(
        pid=int(lines[0]),
        port=int(lines[3]),
        socket_folder=Path(lines[4]) if len(lines) > 4 and lines[4] else None,
        ready=len(lines) > 7 and lines[7].strip() == "ready",
    )


def name(folder: Path) -> str:
    """The name of the cluster in a folder: another in another place, so that a copy is not taken for the original."""
    return f"txhub-{hashlib.sha256(os.fsencode(folder)).hexdigest()[:12]}"


def launch(folder: Path, programs: Path, account: Account, options: Mapping[str, str]) -> None:
    """Start the server on a free port and wait until it takes connections. It outlives us.

    Raises:
        ServerFailed: it does not start; says what PostgreSQL says.
        DiskFull: there is no space for it.
    """
    _clear_the_way(folder)
    before = _log_sizes(folder)
    for _ in range(_BIND_ATTEMPTS):
        port = free_port()
        identity = {"cluster_name": name(folder), "port": str(port)}
        settings = [f"--{setting}={value}" for setting, value in {**options, **identity}.items()]
        with (folder / "start.log").open("w", encoding="utf-8") as output:  # a pipe would stay open as long as it runs
            started = account.run(
                [
                    programs / "pg_ctl",
                    "start",
                    "--wait",
                    f"--timeout={_PATIENCE_S}",
                    f"--options={shlex.join(settings)}",
                ],
                environment={"PGDATA": str(folder / "data")},
                output=output,
            )
        if started.returncode == 0:
            return
        if is_free(port):  # then another program's having taken it was not the reason
            break
    raise fault("PostgreSQL does not start", _said_since(folder, before), folder)


def wait_until_ready(folder: Path) -> None:
    """Wait for a server that somebody else has started; returns as well if it gives up.

    Raises:
        ServerFailed: it takes too long.
    """
    _wait(lambda: (found := find(folder)) is None or found.ready, "PostgreSQL takes too long to come up")


def stop(folder: Path, running: Postmaster) -> None:
    """Stop the server, closing its clients' connections.

    Raises:
        ServerFailed: it takes too long.
    """
    os.kill(running.pid, signal.SIGINT)  # "fast shutdown"
    _wait(lambda: not _belongs(folder, running.pid), "PostgreSQL takes too long to stop")


def fault(what: str, said: str, folder: Path) -> DiskFull | ServerFailed:
    """The error for a failed step, in PostgreSQL's own words."""
    if any(os.strerror(number) in said for number in (errno.ENOSPC, errno.EDQUOT)):
        return DiskFull(f"{what}: no space left for {folder}", hint="make room, then try again")
    return ServerFailed(f"{what}: {_reason(said)}", hint=f"its logs are in {folder}")


def _clear_the_way(folder: Path) -> None:
    """After a kill -9: end what the dead server's children still do, and remove its pid file.

    PostgreSQL removes it too, but not if it is empty or if another program has got that pid since. A server that
    still runs shuts down at once when it misses the file, so that one which may be its is left alone.

    Raises:
        ServerFailed: a PostgreSQL runs that may work in this folder under another path.
    """
    data = folder / "data"
    pid_file = data / "postmaster.pid"
    if not pid_file.exists():
        return
    for pid in _family(folder):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGQUIT)
    _wait(lambda: not _family(folder), "processes of the server that died do not end")
    recorded = pid_file.read_text(encoding="utf-8").partition("\n")[0]
    if recorded.isdigit() and _command_line(data, int(recorded)):
        raise ServerFailed(
            f"a PostgreSQL, process {recorded}, may already run in {data} under another path",
            hint=f"if the folder was moved while it ran: `kill -INT {recorded}`; if not: remove {pid_file}",
        )
    pid_file.unlink(missing_ok=True)


def _family(folder: Path) -> list[int]:
    """The processes of the cluster's server, or those that it left behind."""
    return [pid for pid in psutil.pids() if _belongs(folder, pid)]


def _belongs(folder: Path, pid: int) -> bool:
    """Whether a process is the cluster's server or one of its children, which have titles for command lines."""
    marks = (f"--cluster_name={name(folder)}", f"postgres: {name(folder)}:")
    return any(part.startswith(marks) for part in _command_line(folder / "data", pid))


def _command_line(data: Path, pid: int) -> list[str]:
    """What a living PostgreSQL of the data's owner was called with; nothing if the process is anything else.

    Anybody's program can have our arguments, and one that was killed keeps its name until its parent asks for it.
    """
    try:
        process = psutil.Process(pid)
        if process.name() in ("postgres", "postmaster") and process.uids().real == data.stat().st_uid:
            return list(process.cmdline())
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        pass
    return []


def _wait(condition: Callable[[], bool], complaint: str) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while not condition():
        if time.monotonic() > deadline:
            raise ServerFailed(complaint, hint="look at its logs and at `ps`")
        time.sleep(0.02)


def _log_sizes(folder: Path) -> dict[Path, int]:
    return {file: file.stat().st_size for file in (folder / "log").glob("*.log")}


def _said_since(folder: Path, before: Mapping[Path, int]) -> str:
    """What a server said at its start and beyond what was in its logs before."""
    said = (folder / "start.log").read_bytes()
    for file in _log_sizes(folder):
        said += file.read_bytes()[before.get(file, 0) :]
    return said.decode(errors="replace")


def _reason(said: str) -> str:
    """The line that says why: the last severe one, else the last."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    for severity in ("PANIC:", "FATAL:", "ERROR:", "error:"):
        for line in reversed(lines):
            if severity in line:
                return line.partition(severity)[2].strip()
    return lines[-1] if lines else "it does not say why"
