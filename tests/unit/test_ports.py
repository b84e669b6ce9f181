"""Ports on this machine."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest

from txhub.errors import PortInUse, Unavailable
from txhub.ports import LOOPBACK, free_port, is_free, require_free_port, wait_for_port


def test_a_free_port_can_be_listened_on_and_is_no_connections() -> None:
    port = free_port()
    assert 20_000 <= port < 32_768  # outgoing connections start above
    with socket.create_server((LOOPBACK, port)):
        assert not is_free(port)
        with pytest.raises(PortInUse, match=f"127.0.0.1:{port}"):
            require_free_port(LOOPBACK, port)
        wait_for_port(port)


def test_nobody_waits_for_a_process_that_has_ended() -> None:
    ending = subprocess.Popen([sys.executable, "-c", "raise SystemExit(3)"])
    with ending as process, pytest.raises(Unavailable, match="ended with code 3"):
        wait_for_port(free_port(), process)


def test_nobody_waits_for_ever() -> None:
    with pytest.raises(Unavailable, match=r"after 0 seconds"):
        wait_for_port(free_port(), seconds=0.1)
