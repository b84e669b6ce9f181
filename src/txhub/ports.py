"""TCP ports on this machine: find a free one, insist on one, wait for whoever is to listen there."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import time
from contextlib import closing, suppress

from txhub.errors import PortInUse, Unavailable

LOOPBACK = "127.0.0.1"

_BELOW_EPHEMERAL = range(20_000, 32_768)
"""Below the ports of outgoing connections (Linux's start at 32,768, macOS's at 49,152), one of which could otherwise
take a port between the look and its use, or while a server that is to have it again restarts."""


def free_port() -> int:
    """A loopback port that nobody has right now and that no outgoing connection will take."""
    while not is_free(port := secrets.choice(_BELOW_EPHEMERAL)):
        pass
    return port


def is_free(port: int) -> bool:
    """Whether a server could listen on this loopback port now."""
    try:
        require_free_port(LOOPBACK, port)
    except PortInUse:
        return False
    return True


def require_free_port(host: str, port: int) -> None:
    """Make sure that nobody listens there yet.

    Raises:
        PortInUse: somebody does, or this address is not ours.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with closing(socket.socket(family, socket.SOCK_STREAM)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do
        try:
            probe.bind((host, port))
        except OSError as error:
            raise PortInUse(
                f"cannot listen on {host}:{port}: {os.strerror(error.errno or 0)}", hint="choose another with --port"
            ) from None


def wait_for_port(port: int, process: subprocess.Popen[bytes] | None = None, *, seconds: float = 60.0) -> None:
    """Wait until somebody listens on this loopback port: `process`, if it is known who.

    Raises:
        Unavailable: nobody did in time, or the process has ended instead.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with suppress(OSError), closing(socket.create_connection((LOOPBACK, port), timeout=1)):
            return
        if process is not None and process.poll() is not None:
            raise Unavailable(f"who was to listen on port {port} has ended with code {process.returncode}")
        time.sleep(0.05)
    raise Unavailable(f"nothing listens on port {port} after {seconds:.0f} seconds")
