"""Who is told to stop ends, also where the first word of it is lost on the way."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable

import pytest

from txhub.cli import wiring
from txhub.errors import DatabaseUnavailable
from txhub.ingest.supervisor import supervise


async def work_that_ends() -> None:
    await asyncio.Event().wait()


async def work_that_fails_at_ending() -> None:
    try:
        await asyncio.Event().wait()
    finally:
        raise DatabaseUnavailable("the connection that is given back is lost")


@pytest.mark.parametrize("work", [work_that_ends, work_that_fails_at_ending])
def test_supervised_work_ends(monkeypatch: pytest.MonkeyPatch, work: Callable[[], Awaitable[None]]) -> None:
    monkeypatch.setattr(wiring, "_STOPS_WITHIN_S", 0.1)
    monkeypatch.setattr(wiring, "_AGAIN_S", 0.1)
    kept = asyncio.Event()

    async def serve() -> None:
        asyncio.get_running_loop().call_soon(os.kill, os.getpid(), signal.SIGTERM)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(supervise("test", work))
        finally:
            kept.set()

    assert wiring.run(serve()) is None
    assert kept.is_set()
