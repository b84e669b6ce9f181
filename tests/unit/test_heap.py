"""Memory that is freed goes back to the system, also where something after it is kept."""

from __future__ import annotations

import asyncio
import ctypes
from pathlib import Path

import pytest

from txhub.cli.heap import keep_giving_back

_BLOCK, _MANY = 60_000, 2000


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="the C library is not glibc")
async def test_what_is_free_before_a_block_that_is_kept_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("txhub.cli.heap._EVERY_S", 0.01)
    library = ctypes.CDLL(None)
    library.malloc.restype = ctypes.c_void_p
    library.free.argtypes = [ctypes.c_void_p]
    blocks = [library.malloc(_BLOCK) for _ in range(_MANY)]
    for block in blocks:
        ctypes.memset(block, 1, _BLOCK)
    for block in blocks[:-1]:
        library.free(block)
    kept = _resident()
    giving = asyncio.create_task(keep_giving_back())
    try:
        async with asyncio.timeout(10):
            while _resident() > kept - _BLOCK * _MANY * 0.9:  # noqa: ASYNC110 (nothing tells of it)
                await asyncio.sleep(0.01)
    finally:
        giving.cancel()
        library.free(blocks[-1])


def _resident() -> int:
    lines = Path("/proc/self/smaps_rollup").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Rss:"))
