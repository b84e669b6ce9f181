"""The commands of a whole stack as benchmarks run them: each a process of its own, on one database."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import httpx

from txhub.chain.demo.network import DEMO_CHAINS
from txhub.errors import Unavailable
from txhub.ports import free_port, wait_for_port

_READY_S = 120.0


@dataclass
class Services:
    """A node of the demo network, and what runs on it; all of it ends with `open_services`."""

    url: str
    running: ExitStack
    node_port: int = field(default_factory=free_port)
    port: int = field(default_factory=free_port)
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def address(self) -> str:
        """The server's."""
        return f"http://127.0.0.1:{self.port}"

    def start(self, name: str, *arguments: str, history: str = "10m") -> subprocess.Popen[bytes]:
        """Start the command of this name; the ingester fills in so much history."""
        environment = os.environ | {
            "TXHUB_DATABASE_URL": self.url,
            "TXHUB_HISTORY": history,
            "TXHUB_LOG_LEVEL": "error",
        }
        command = [sys.executable, "-m", "txhub", name, *arguments, "--attached"]
        process = self.running.enter_context(subprocess.Popen(command, stdin=subprocess.PIPE, env=environment))
        self.running.callback(process.terminate)
        self.processes[name] = process
        return process

    def stop(self, name: str) -> None:
        """End the command of this name, as an operator would."""
        process = self.processes.pop(name)
        process.terminate()
        process.wait()

    def start_node(self) -> None:
        """Serve the demo network."""
        wait_for_port(self.node_port, self.start("node", "--port", str(self.node_port)))

    def start_ingest(self, history: str = "10m") -> None:
        """Follow each chain of the demo network."""
        chains = [
            argument
            for chain in DEMO_CHAINS
            for scheme in ["ws" if chain.family == "evm" else "http"]
            for argument in (
                *("--chain", chain.name),
                *("--rpc", f"{chain.name}={scheme}://127.0.0.1:{self.node_port}/{chain.name}"),
            )
        ]
        self.start("ingest", *chains, history=history)

    def start_serve(self) -> None:
        """Serve API and dashboard."""
        wait_for_port(self.port, self.start("serve", "--port", str(self.port)))

    def wait_for_blocks(self) -> None:
        """Wait until every chain of the demo network is followed.

        Raises:
            Unavailable: not in time.
        """
        names = {chain.name for chain in DEMO_CHAINS}
        deadline = time.monotonic() + _READY_S
        with httpx.Client(base_url=self.address, timeout=30) as client:
            while time.monotonic() < deadline:
                streams = client.get("/health/stream").json()["items"]
                if names <= {stream["chain"] for stream in streams if stream["status"] == "ok"}:
                    return
                time.sleep(0.5)
        raise Unavailable(f"the demo network's chains are not followed after {_READY_S:.0f} s")


@contextmanager
def open_services(url: str) -> Iterator[Services]:
    """Nothing yet, on a database that is migrated; whatever is started ends with the block."""
    with ExitStack() as running:
        yield Services(url, running)
