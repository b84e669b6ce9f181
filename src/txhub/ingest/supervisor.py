"""Keeps work going whatever happens to the other work, to a node or to the database."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import NoReturn

import structlog

from txhub.errors import TxhubError, first_failure

FIRST_DELAY, LONGEST_DELAY = 0.5, 60.0
"""Seconds before the second try and, doubled each time, at most."""
STEADY = 60.0
"""Seconds of work after which a failure counts as the first again."""


async def supervise(name: str, work: Callable[[], Awaitable[None]]) -> NoReturn:
    """Run `work` again and again after failures where trying again helps, waiting longer each time.

    The wait is random between half and all of its length, so that what failed together does not return together.

    Raises:
        TxhubError: where trying again does not help.
    """
    log = structlog.get_logger("supervisor").bind(work=name)
    loop = asyncio.get_running_loop()
    delay = FIRST_DELAY
    while True:
        started = loop.time()
        try:
            await work()
        except (TxhubError, ExceptionGroup) as group:
            failure = first_failure(group)
            if not (isinstance(failure, TxhubError) and failure.retry):
                raise failure from None
            if loop.time() - started > STEADY:
                delay = FIRST_DELAY
            wait = delay * random.uniform(0.5, 1.0)  # noqa: S311 (jitter)
            log.warning("interrupted", reason=str(failure), again_in_s=round(wait, 1))
            await asyncio.sleep(wait)
            delay = min(delay * 2, LONGEST_DELAY)
