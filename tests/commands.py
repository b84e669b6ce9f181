"""txhub's commands as processes of their own, as people run them."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.data import recorded
from txhub.ports import free_port, wait_for_port

TXHUB = (sys.executable, "-m", "txhub")
ROWS, WEI = 2_137, 1_491_219_908_150_491_057_278
"""Of the recorded mainnet blocks, counted independently when they were recorded."""


def environment(database_url: str | None = None, **settings: str) -> dict[str, str]:
    """This process's environment without its own settings, and with these."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TXHUB_")}
    given = {f"TXHUB_{name.upper()}": value for name, value in settings.items()}
    return kept | given | ({"TXHUB_DATABASE_URL": database_url} if database_url else {})


def run(*arguments: str, env: dict[str, str], cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [*TXHUB, *arguments], env=env, cwd=cwd, capture_output=True, text=True, timeout=120, check=False
    )


@contextlib.contextmanager
def running(*arguments: str, env: dict[str, str], cwd: Path | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """A command that runs until the block ends, and whatever happened is gone then."""
    with subprocess.Popen([*TXHUB, *arguments], env=env, cwd=cwd) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()


@contextlib.contextmanager
def recorded_node(*, repeat: int = 1) -> Iterator[str]:
    """A node in a process of its own that serves the recorded blocks: its WebSocket URL."""
    port = free_port()
    options = ("--port", str(port), "--blocks", str(recorded()), "--repeat", str(repeat))
    with running("node", *options, env=environment()) as node:
        wait_for_port(port, node)
        yield f"ws://127.0.0.1:{port}/recorded"
