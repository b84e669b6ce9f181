"""The whole stack as `txhub bench soak` runs it: each service a process, a proxy before node and database."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import psutil
from sqlalchemy import make_url

from txhub.chain.demo.network import DemoNetwork, many_chains, many_networks
from txhub.chain.demo.proxy import Proxy, open_proxy
from txhub.errors import TxhubError
from txhub.model import Chain
from txhub.ports import LOOPBACK, free_port
from txhub.store.cluster import Cluster
from txhub.store.faults import translated
from txhub.store.migrate import migrate
from txhub.store.pool import Pool, open_pool
from txhub.store.sqlfiles import queries

SERVICES = ("ingest", "worker", "serve")
FRESH_BLOCKS, FRESH_LEAST_S = 3, 10.0
"""Everything is normal when no chain's newest block is older than so many block times, or than this."""
_SMALL_DISK_MB = 6_000
_ROOM_FOR_OTHERS = 64 << 20
"""Bytes that are filled little by little: who allocates all at once, and is beaten to it, gets nothing."""
_CLOCK = "libfaketimeMT.so.1"
"""Of Debian's package libfaketime: a process with it reads from a file how far its clock is off."""
_SETTINGS = {"max_wal_size": "256MB", "synchronous_commit": "off"}
_SQL = queries("soak")


class Weight(NamedTuple):
    """The resident memory of a process and its children at a moment of the loop's clock, in bytes."""

    at: float
    pid: int
    size: int


class Stage:
    """The stack, and what can be done to it. `direct` reaches the database beside the proxy."""

    def __init__(self, home: Path, logs: Path, rate: float, chains: Sequence[Chain], networks: dict[str, DemoNetwork]):
        self.home = home
        self.chains = list(chains)
        self.networks = networks
        self.rate = rate
        self.cluster = Cluster(home, extra=_SETTINGS)
        self.port = free_port()
        self.node_port = free_port()
        self.resident: dict[str, list[Weight]] = {name: [] for name in SERVICES}
        self.ended: list[str] = []
        """Services that ended though nobody had killed them."""
        self._logs = logs
        self._clock = logs / "clock"
        self.step_clock(0)
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self.database: Proxy
        self.node: Proxy
        self.direct: str

    def start(self, name: str) -> None:
        """Start a service, or the node, by the command that runs it anywhere."""
        if name == "node":
            arguments = [
                "node",
                "--port",
                str(self.node_port),
                "--many",
                str(len(self.chains)),
                "--rate",
                str(self.rate),
            ]
        else:
            arguments = [name] if name != "serve" else ["serve", "--port", str(self.port)]
        with (self._logs / f"{name}.log").open("ab") as log:
            self._processes[name] = subprocess.Popen(
                [sys.executable, "-m", "txhub", *arguments, "--attached"],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env=self._environment() | (self._own_clock() if name in SERVICES else {}),
                start_new_session=True,
            )

    def kill(self, name: str) -> None:
        """Kill it where it stands."""
        self._processes[name].kill()
        self._processes[name].wait()

    def stop(self) -> None:
        """Stop all of them in order."""
        for process in self._processes.values():
            if process.stdin:
                process.stdin.close()
        for process in self._processes.values():
            with suppress(subprocess.TimeoutExpired):
                process.wait(10)
            process.kill()
            process.wait()

    def alive(self) -> bool:
        """Whether every service runs; one that ended by itself is noted, and started again as an engine would."""
        ended = [name for name, process in self._processes.items() if process.poll() is not None]
        self.ended += ended
        for name in ended:
            self.start(name)
        return not ended

    def step_clock(self, seconds: float) -> None:
        """Let the clock of the services' machine be so many seconds ahead of what is right, from the next second on."""
        self._clock.write_text(f"{seconds:+g}", encoding="utf-8")

    async def restart_database(self, mode: str) -> None:
        """Restart the database's server on its port: `fast` as an operator does it, `immediate` as after a crash."""
        program = self.cluster.installation().programs / "pg_ctl"
        await asyncio.to_thread(
            self.cluster.account.run,
            [program, "restart", "--wait", f"--mode={mode}"],
            environment={"PGDATA": str(self.cluster.data)},
            output=subprocess.DEVNULL,
        )

    async def bring_up_database(self) -> None:
        """See to it that the server runs, and that the proxy knows where."""
        running = await asyncio.to_thread(self.cluster.start)
        self.database.to = running.port
        self.direct = self.cluster.url(running)

    def fill_disk(self) -> None:
        """Leave no byte on the database's disk, however much is written meanwhile."""
        with suppress(OSError), (self.home / "full").open("ab", buffering=0) as file:
            if (much := shutil.disk_usage(self.home).free - _ROOM_FOR_OTHERS) > 0:
                os.posix_fallocate(file.fileno(), 0, much)
            while True:
                file.write(bytes(1 << 16))

    def free_disk(self) -> None:
        """Give the room back."""
        (self.home / "full").unlink(missing_ok=True)

    async def wrong(self) -> str | None:
        """What is not normal right now; None: every chain is fresh, every service answers."""
        if not self.alive():
            return "a service had ended"
        try:
            async with open_pool(self.direct, name="soak", size=1) as pool:
                ages = await self.ask(pool, "ages")
        except TxhubError as error:
            return str(error)
        fresh = {chain.name: max(FRESH_BLOCKS * chain.block_time_s, FRESH_LEAST_S) for chain in self.chains}
        late = [f"{name} is {age:.0f} s old" for name, age in ages if age > fresh[name]]
        if late or len(ages) < len(self.chains):
            return ", ".join(late) or "a chain has no blocks yet"
        try:
            async with httpx.AsyncClient(base_url=f"http://{LOOPBACK}:{self.port}", timeout=5) as client:
                for path in ("/health/ready", "/health/stream"):
                    answer = await client.get(path)
                    if not answer.is_success:
                        return f"{path} answers {answer.status_code}"
        except httpx.HTTPError as error:
            return f"the API does not answer: {type(error).__name__}"
        return None

    async def ask(self, pool: Pool, name: str, *parameters: object) -> list[Any]:
        """The rows of a statement of `sql/queries/soak.sql`."""
        with translated():
            return list(await pool.fetch(_SQL[name], *parameters))

    async def weigh(self) -> None:
        """Note the resident memory of each service, in bytes, every two seconds, for ever."""
        loop = asyncio.get_running_loop()
        while True:
            for name in SERVICES:
                with suppress(psutil.Error):
                    process = psutil.Process(self._processes[name].pid)
                    whole = [process, *process.children(recursive=True)]
                    size = sum(each.memory_info().rss for each in whole)
                    self.resident[name].append(Weight(loop.time(), process.pid, size))
            await asyncio.sleep(2)

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("TXHUB_")}
        url = make_url(self.direct).set(port=self.database.port).render_as_string(hide_password=False)
        return kept | {
            "TXHUB_DATABASE_URL": url,
            "TXHUB_HISTORY": "60s",
            "TXHUB_ARCHIVE": str(self.home / "archive"),
            "TXHUB_CHAINS": json.dumps({chain.name: self._settings(chain) for chain in self.chains}),
        }

    def _own_clock(self) -> dict[str, str]:
        """What gives a process the stage's clock; nothing where that cannot be. Durations stay true."""
        library = own_clock()
        if library is None:
            return {}
        return {
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(self._clock),
            "FAKETIME_CACHE_DURATION": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_DISABLE_SHM": "1",
            "NO_FAKE_STAT": "1",
        }

    def _settings(self, chain: Chain) -> dict[str, object]:
        scheme = "ws" if chain.family == "evm" else "http"
        return {
            "rpc": [f"{scheme}://{LOOPBACK}:{self.node.port}/{chain.name}"],
            "chain_id": chain.chain_id,
            "family": chain.family,
            "symbol": chain.symbol,
            "decimals": chain.decimals,
            "block_time_s": chain.block_time_s,
            "finality_depth": chain.finality_depth,
        }


@asynccontextmanager
async def open_stage(home: Path, chains: int, rate: float, logs: Path) -> AsyncIterator[Stage]:
    """The stack in a home folder, started, and stopped afterwards."""
    stage = Stage(home, logs, rate, many_chains(chains), many_networks(chains, rate))
    try:
        async with open_proxy(0) as database, open_proxy(stage.node_port) as node:
            stage.database, stage.node = database, node
            await stage.bring_up_database()
            await asyncio.to_thread(migrate, stage.direct)
            try:
                for name in ("node", *SERVICES):
                    stage.start(name)
                yield stage
            finally:
                await asyncio.to_thread(stage.stop)
    finally:
        stage.free_disk()
        with suppress(TxhubError):
            await asyncio.to_thread(stage.cluster.stop)


@contextmanager
def soak_home() -> Iterator[Path]:
    """A folder for the stage, on a disk of its own in memory where this machine allows one."""
    home = Path(tempfile.mkdtemp(prefix="txhub-soak-"))
    mount = ["mount", "-t", "tmpfs", "-o", f"size={_SMALL_DISK_MB}m,mode=711", "tmpfs", str(home)]
    mounted = os.geteuid() == 0 and subprocess.run(mount, check=False, capture_output=True).returncode == 0
    home.chmod(0o711)
    try:
        yield home
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(home)], check=False)  # noqa: S607 (the system's)
        shutil.rmtree(home, ignore_errors=True)


def has_small_disk(stage: Stage) -> bool:
    """Whether the database's disk may be filled without harm to anything else."""
    return stage.home.is_mount() and shutil.disk_usage(stage.home).total <= _SMALL_DISK_MB << 20


def own_clock() -> Path | None:
    """The library that gives the services a clock that can be set; None where Debian's libfaketime is not installed."""
    return next(Path("/usr/lib").glob(f"*/faketime/{_CLOCK}"), None)
