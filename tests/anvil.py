"""anvil, a real Ethereum node, for tests: where its program is, and a running one."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

NO_ANVIL = (
    "anvil is not installed, so nothing is tested against a real Ethereum node: "
    "npm install --no-save --prefix .cache/anvil @foundry-rs/anvil"
)
_CHECKOUT = Path(__file__).parent.parent


def anvil_program() -> Path:
    """The program: TXHUB_TEST_ANVIL, else on PATH, else where `.ci/run` puts it; skips the test without one."""
    if given := os.environ.get("TXHUB_TEST_ANVIL") or shutil.which("anvil"):
        return Path(given)
    for found in _CHECKOUT.glob(".cache/anvil/node_modules/@foundry-rs/anvil-*/bin/anvil"):
        return found
    return pytest.skip(NO_ANVIL)


@contextlib.contextmanager
def running_anvil(*, block_time: int | None = None) -> Iterator[str]:
    """A fresh chain (id 31337) of funded accounts; its host and port, the same for http:// and ws://.

    Without a block time it makes a block for each transaction.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(anvil_program()), "--port", str(port), "--silent"]
    command += ["--block-time", str(block_time)] if block_time else []
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            _wait_until_it_listens(port)
            yield f"127.0.0.1:{port}"
        finally:
            process.terminate()


def _wait_until_it_listens(port: int) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    pytest.fail("anvil did not start within 20 seconds")
