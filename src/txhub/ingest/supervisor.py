"""Keeps work going whatever happens to the other work, to a node or to the database."""

from __future__ import annotations

import asyncio
import gc
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, NoReturn

import structlog

from txhub.errors import TxhubError, first_failure

FIRST_DELAY, LONGEST_DELAY = 0.5, 20.0
"""Seconds before the second try and, doubled each time, at most."""
STEADY = 20.0
"""Seconds of work after which a failure counts as the first again."""
PATIENCE = 300.0
"""Seconds without any progress after which work that has an end is given up."""


async def supervise(name: str, work: Callable[[], Awaitable[None]]) -> NoReturn:
    """Run `work` again and again after failures where trying again helps, waiting longer each time.

    The wait is random between half and all of its length, so that what failed together does not return together.

    Raises:
        TxhubError: where trying again does not help.
    """
    while True:
        await _carry_on(name, work, lambda: True)


@asynccontextmanager
async def beside(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run `work` as long as the block lasts; what stops it is logged, and the block goes on."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        [ended] = await asyncio.gather(task, return_exceptions=True)
        if isinstance(ended, Exception):
            structlog.get_logger("supervisor").error("stopped", reason=str(ended))


async def persevere(
    name: str, work: Callable[[], Awaitable[None]], progress: Callable[[], int], *, patience: float = PATIENCE
) -> None:
    """Run `work` to its end, again after failures as `supervise` does, as long as `progress` grows.

    Raises:
        TxhubError: trying again does not help, or did not for `patience` seconds.
    """
    loop = asyncio.get_running_loop()
    reached, since = progress(), loop.time()

    def hopeful() -> bool:
        nonlocal reached, since
        if progress() > reached:
            reached, since = progress(), loop.time()
            return True
        return loop.time() < since + patience

    await _carry_on(name, work, hopeful)


async def _carry_on(name: str, work: Callable[[], Awaitable[None]], hopeful: Callable[[], bool]) -> None:
    log = structlog.get_logger("supervisor").bind(work=name)
    loop = asyncio.get_running_loop()
    delay = FIRST_DELAY
    while True:
        started = loop.time()
        try:
            return await work()
        except (TxhubError, ExceptionGroup) as group:
            failure = first_failure(group)
            if not (isinstance(failure, TxhubError) and failure.retry and hopeful()):
                raise failure from None
            reason = str(failure)
            del failure
        if loop.time() - started > STEADY:
            delay = FIRST_DELAY
        wait = delay * random.uniform(0.5, 1.0)  # noqa: S311 (jitter)
        log.warning("interrupted", reason=reason, again_in_s=round(wait, 1))
        await asyncio.sleep(wait)
        # A failure's traceback holds all that the work had in hand, and groups of tasks hold it in circles, which the
        # collector would come to long after: detection lay in memory once more after each loss of the database.
        gc.collect()
        delay = min(delay * 2, LONGEST_DELAY)
