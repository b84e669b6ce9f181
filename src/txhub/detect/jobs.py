"""Backtests that were asked for, done one after the other."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any

import msgspec

from txhub.detect.backtest import backtest
from txhub.detect.rules import define
from txhub.errors import TxhubError
from txhub.store import jobs
from txhub.store.pool import Pool
from txhub.store.read import Reader

_IDLE_S = 1.0


async def keep_testing(pool: Pool, reader: Reader) -> None:
    """Do for ever what is asked for; what was under way when this last ended has failed.

    Raises:
        DatabaseUnavailable, DatabaseRefused, SchemaMismatch: see `faults`; call it again.
    """
    await jobs.give_up(pool)
    while True:
        if not await do_next(pool, reader):
            await asyncio.sleep(_IDLE_S)


async def do_next(pool: Pool, reader: Reader) -> bool:
    """Do the job that has waited longest; whether there was one."""
    job = await jobs.begin(pool)
    if job is None:
        return False
    try:
        answer = await _test(pool, reader, job.id, job.question)
    except TxhubError as error:
        if error.retry:  # the database is away: this is told when it is back
            raise
        await jobs.fail(pool, job.id, str(error))
    else:
        await jobs.finish(pool, job.id, answer)
    return True


async def _test(pool: Pool, reader: Reader, job_id: int, question: dict[str, Any]) -> dict[str, Any]:
    async def progress(share: float) -> None:
        await jobs.note(pool, job_id, share)

    start, end = (datetime.fromisoformat(question[edge]) for edge in ("start", "end"))
    answer = await backtest(reader, define(question["definition"]), start, end, progress)
    told: dict[str, Any] = msgspec.to_builtins(answer)
    return told
