"""How fast a node may be asked; nobody knows before the node complains."""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from txhub.errors import NodeBusy, NodeUnavailable

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
"""A busy node that does not say for how long is left alone between these, twice as long each time."""

_DOUBLINGS = 10
"""More than it takes to come to the longest pause."""


class Pace:
    """How many calls may be under way on one connection at once, and how many go into one request.

    There is no limit until the node complains. One that is too busy gets a pause, and then half of the calls that were
    under way; with every answer the limit rises again, by about one call each time that all it allows were answered.
    One that does not take a request of some size gets no request of more than half of it any more.
    """

    def __init__(self) -> None:
        self.complaints = 0
        """How often in a row the node said that it is too busy."""
        self._at_once = math.inf
        self._in_request = math.inf
        self._lowest = math.inf
        self._under_way = 0
        self._again_at = 0.0
        self._ended = False
        self._changed = asyncio.Event()

    @property
    def limits(self) -> dict[str, object]:
        """What is known of the node's limits, for people."""
        found = {"calls_at_once": self._at_once, "calls_in_request": self._in_request}
        return {name: int(limit) for name, limit in found.items() if limit < math.inf}

    @asynccontextmanager
    async def turn(self, wanted: int) -> AsyncIterator[int]:
        """Wait until the node may be asked, and yield how many of the wanted calls go into one request.

        Raises:
            NodeUnavailable: the connection was given up meanwhile.
        """
        while self._ended or self._under_way >= self._at_once or self._pause() > 0:
            await self._wait()
        calls = int(min(wanted, self._in_request, max(self._at_once - self._under_way, 1)))
        self._under_way += calls
        try:
            yield calls
        finally:
            self._under_way -= calls
            self._wake()

    def answered(self, calls: int) -> None:
        """Take note that the node answered so many calls."""
        self.complaints = 0
        if self._at_once < math.inf:
            self._at_once += calls / self._at_once

    def slow_down(self, busy: NodeBusy) -> bool:
        """Take note that the node was too busy for what is under way; tell whether the limit is lower than ever."""
        if self._pause() > 0:
            return False  # it was asked before the pause that it has got already
        pause = busy.after_s
        if pause is None:
            jitter = random.uniform(1, 2)  # noqa: S311 (no secret: it keeps clients from coming back all at once)
            pause = min(FIRST_PAUSE_S * 2 ** min(self.complaints, _DOUBLINGS) * jitter, LONGEST_PAUSE_S)
        self._again_at = asyncio.get_running_loop().time() + pause
        self.complaints += 1
        self._at_once = max(self._under_way // 2, 1)
        lower, self._lowest = self._at_once < self._lowest, min(self._at_once, self._lowest)
        return lower

    def ask_less(self, calls: int) -> None:
        """Take note that the node does not take a request of so many calls."""
        self._in_request = max(min(calls // 2, self._in_request), 1)

    def end(self) -> None:
        """Let nobody wait any longer: the connection is given up."""
        self._ended = True
        self._wake()

    def _pause(self) -> float:
        return self._again_at and self._again_at - asyncio.get_running_loop().time()

    async def _wait(self) -> None:
        if self._ended:
            raise NodeUnavailable("the connection to the node is closed")
        pause = self._pause()
        with suppress(TimeoutError):
            async with asyncio.timeout(pause if pause > 0 else None):
                await self._changed.wait()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
