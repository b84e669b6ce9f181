"""Told to stop in the middle of work, every service ends in ten seconds, says so, and leaves nothing half done."""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import psycopg
import pytest

from tests.commands import TXHUB, environment, recorded_node
from txhub.ports import free_port, wait_for_port

STOPS_WITHIN_S = 10.0
REPEAT = 400
"""The recorded blocks as so long a chain that nobody is done with it when told to stop."""


@pytest.fixture
def node() -> Iterator[str]:
    with recorded_node(repeat=REPEAT) as url:
        yield url


def start(*arguments: str, env: dict[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen([*TXHUB, *arguments], env=env, stderr=subprocess.PIPE, text=True)


def listen(url: str, heard: list[bytes]) -> None:
    """Follow the event stream until the server ends it."""
    with httpx.stream("GET", url, timeout=60) as answer:
        heard.extend(answer.iter_bytes())
    heard.append(b"end")


def test_services_stop_in_time_and_in_order(database: str, node: str) -> None:
    port = free_port()
    env = environment(database, history="36500d", request_blocks="5")
    commands = {
        "ingest ethereum": ("ingest", "--chain", "ethereum", "--rpc", node),
        "worker": ("worker",),
        f"serve 127.0.0.1:{port}": ("serve", "--port", str(port)),
    }
    with ExitStack() as stack, psycopg.connect(database, autocommit=True) as connection:
        processes = {name: stack.enter_context(start(*words, env=env)) for name, words in commands.items()}
        for process in processes.values():
            stack.callback(process.kill)
        wait_for_port(port, seconds=150)
        heard: list[bytes] = []
        listener = threading.Thread(target=listen, args=(f"http://127.0.0.1:{port}/v1/stream", heard))
        listener.start()
        busy = "SELECT (SELECT count(*) FROM txhub.blocks) > 50, (SELECT count(*) FROM txhub.services) = 3"
        deadline = time.monotonic() + 120
        while connection.execute(busy).fetchone() != (True, True) or not heard:
            assert time.monotonic() < deadline
            assert all(process.poll() is None for process in processes.values())
            time.sleep(0.1)
        told = time.monotonic()
        for process in processes.values():
            process.send_signal(signal.SIGTERM)
        for name, process in processes.items():
            _, said = process.communicate(timeout=STOPS_WITHIN_S)
            assert process.returncode == 0, said
            assert "Traceback" not in said, name
        assert time.monotonic() - told < STOPS_WITHIN_S
        listener.join(5)
        assert heard[-1] == b"end"
        stopped = "SELECT details ->> 'service' FROM txhub.event_log WHERE event = 'service_stopped' ORDER BY 1"
        assert [name for (name,) in connection.execute(stopped)] == sorted(commands)
        whole = """
            SELECT (SELECT sum(tx_count) FROM txhub.blocks) = (SELECT count(*) FROM txhub.transactions),
                   (SELECT count(*) FROM txhub.blocks) < %s
        """
        assert connection.execute(whole, (14 * REPEAT,)).fetchone() == (True, True)
