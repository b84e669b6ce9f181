"""`txhub up`: everything at once, from one command.

Each service runs in a process of its own, by the very command that starts it alone. A service stops when its
standard input ends, so none outlives this process, however it dies.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from txhub.cli import wiring
from txhub.cli.console import err
from txhub.config import Settings
from txhub.errors import TxhubError
from txhub.model import Chain
from txhub.ports import require_free_port, wait_for_port
from txhub.store.faults import translated
from txhub.store.pool import Pool, open_pool
from txhub.store.server import make_home
from txhub.store.sqlfiles import queries

GOODBYE_S = 10.0
RESTART_S = 1.0
LONG_ENOUGH_S = 10.0
"""A service that lived as long as this is started again; one that did not cannot start at all."""


def up(
    chain: wiring.ChainOption = [],  # noqa: B006 (typer's way)
    rpc: wiring.RpcOption = [],  # noqa: B006
    port: wiring.PortOption = None,
    home: wiring.HomeOption = None,
) -> None:
    """Follow real chains and show them: database, ingester, worker, API and dashboard."""
    settings = wiring.settings_of(port=port, home=home)
    run_all(settings, wiring.chains_of(chain, rpc, settings), rpc)


def run_all(
    settings: Settings,
    chains: Sequence[Chain],
    rpcs: Sequence[str],
    *,
    node_port: int | None = None,
    prepare: Callable[[str], Coroutine[Any, Any, None]] | None = None,
) -> None:
    """Run every service until interrupted, and show how the load of the history goes.

    Args:
        settings: where the database lives, and where to serve.
        chains: those to follow.
        rpcs: their nodes, as `--rpc` names them.
        node_port: where to start the demo network's node, if there is to be one.
        prepare: told the database's URL, does what has to be done before anything is followed.
    """
    require_free_port(settings.host, settings.port)
    at = ["--home", str(settings.home)]
    names = [argument for chain in chains for argument in ("--chain", chain.name)]
    names += [argument for rpc in rpcs for argument in ("--rpc", rpc)]
    make_home(settings.home)
    logs = settings.home / "logs"
    logs.mkdir(exist_ok=True)
    with ExitStack() as stack:
        services = stack.enter_context(_services(logs))
        if node_port is not None:
            services.start("node", "node", "--port", str(node_port))
        with err.status("starting the database"):
            url = stack.enter_context(wiring.database(settings))
            if prepare is not None:
                wiring.run(prepare(url))
        services.start("serve", "serve", "--host", settings.host, "--port", str(settings.port), *at)
        services.start("worker", "worker", *names, *at)
        if node_port is not None:
            wait_for_port(node_port)
        services.start("ingest", "ingest", *names, *at)
        wiring.run(_watch(url, settings, [chain.name for chain in chains], services))
    err.print("stopped")


class _Services:
    """The child processes, each with its log in a file."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._commands: dict[str, list[str]] = {}
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._started: dict[str, float] = {}

    def start(self, name: str, *arguments: str) -> None:
        """Start `txhub ARGUMENTS` under a name."""
        self._commands[name] = [sys.executable, "-m", "txhub", *arguments, "--attached"]
        with (self._logs / f"{name}.log").open("ab") as log:
            self._processes[name] = subprocess.Popen(
                self._commands[name], stdin=subprocess.PIPE, stdout=log, stderr=log, start_new_session=True
            )
        self._started[name] = time.monotonic()

    def look_after(self) -> None:
        """Start again what has died.

        Raises:
            ServiceFailed: it died so soon that starting it again would not help.
        """
        for name, process in list(self._processes.items()):
            if process.poll() is None:
                continue
            log = self._logs / f"{name}.log"
            if time.monotonic() - self._started[name] < LONG_ENOUGH_S:
                raise ServiceFailed(name, process.returncode, log)
            err.print(f"[yellow]{name} stopped (exit code {process.returncode}); starting it again, see {log}[/]")
            self.start(name, *self._commands[name][3:-1])

    def stop(self) -> None:
        """Stop all, the last started first; whoever has not gone after ten seconds is killed."""
        for process in reversed(self._processes.values()):
            if process.stdin:
                process.stdin.close()
        deadline = time.monotonic() + GOODBYE_S
        for process in reversed(self._processes.values()):
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


class ServiceFailed(TxhubError):
    """One of the services cannot start."""

    code = "service"

    def __init__(self, name: str, exit_code: int, log: Path) -> None:
        lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
        errors = [line.removeprefix("error:").strip() for line in lines if line.startswith("error:")]
        said = errors[-1] if errors else (lines[-1] if lines else f"exit code {exit_code}")
        super().__init__(f"{name} cannot start: {said}", hint=f"the whole story is in {log}")
        self.exit_code = exit_code if exit_code > 0 else 1  # type: ignore[misc]


@contextmanager
def _services(logs: Path) -> Iterator[_Services]:
    services = _Services(logs)
    try:
        yield services
    finally:
        with err.status("stopping"):
            services.stop()


async def _watch(url: str, settings: Settings, names: Sequence[str], services: _Services) -> None:
    """Show the load of the history, tell when the dashboard is worth opening, and look after the services."""
    address = f"http://{settings.host}:{settings.port}"
    welcome = f"[bold green]txhub is up:[/] {address}   (API: {address}/schema, Ctrl-C stops)"
    async with open_pool(url, name="up", size=1) as pool:
        with Progress(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=err
        ) as bar:
            bars: dict[str, TaskID] = {}
            announced = False
            while not (announced and bar.finished):
                services.look_after()
                rows = await _history(pool, names)
                for name, expected, committed, *_ in rows:
                    if name not in bars:
                        bars[name] = bar.add_task(f"{name} blocks", total=expected)
                    bar.update(bars[name], total=expected, completed=committed)
                hour_is_in = len(rows) == len(names) and all(row[4] >= row[3] for row in rows)
                if hour_is_in and not announced and await _listens(settings):
                    bar.console.print(welcome, soft_wrap=True)
                    announced = True
                await asyncio.sleep(0.3)
        err.print("history is complete; following live")
        while True:
            services.look_after()
            await asyncio.sleep(RESTART_S)


async def _listens(settings: Settings) -> bool:
    try:
        _, writer = await asyncio.open_connection(settings.host, settings.port)
    except OSError:
        return False
    writer.close()
    return True


async def _history(pool: Pool, names: Sequence[str]) -> list[tuple[str, int, int, int, int]]:
    with translated():
        return [tuple(row) for row in await pool.fetch(queries("progress")["history"], list(names))]
