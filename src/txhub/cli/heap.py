"""What the C library does with memory that is freed, for services that run for months."""

from __future__ import annotations

import asyncio
import ctypes

_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8
"""Of glibc's malloc.h."""
_LARGE, _HEAPS = 128 * 1024, 2
_EVERY_S = 5.0


def return_what_is_freed() -> None:
    """Have large blocks given back to the system when they are freed, and few heaps for all threads.

    The database's driver takes the memory of its answers from glibc, in threads of its own. Left alone, glibc would
    learn from the first large answers to keep blocks of up to 32 MB, in as many heaps as there are threads.
    Where another library is in its place nothing is done.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except AttributeError:
        return
    mallopt(_M_MMAP_THRESHOLD, _LARGE)
    mallopt(_M_ARENA_MAX, _HEAPS)


async def keep_giving_back() -> None:
    """Every few seconds have glibc give back what is free in the middle of its heaps, for ever.

    By itself it only gives back what is free at their ends, and one small block that is kept holds all before it: a
    worker that had looked at a day of a chain kept 60 MB that way. It takes milliseconds, in a thread.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    while trim is not None:
        await asyncio.sleep(_EVERY_S)
        await asyncio.to_thread(trim, 0)
