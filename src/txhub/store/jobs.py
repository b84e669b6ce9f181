"""Jobs: work that takes longer than a request. They wait in a table, and the worker does one after the other."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from http import HTTPStatus
from typing import Any, NamedTuple

from txhub.contract.jobs import Job, JobState
from txhub.errors import NotFound, TxhubError
from txhub.store.faults import translated
from txhub.store.pool import Pool
from txhub.store.sqlfiles import queries

MOST_WAITING = 20
KEPT = timedelta(days=30)
_SQL = queries("jobs")


class QueueFull(TxhubError):
    """Too many jobs wait already."""

    code = "queue-full"
    retry = True
    exit_code = 75
    status = HTTPStatus.SERVICE_UNAVAILABLE


class Begun(NamedTuple):
    """A job that was just begun."""

    id: int
    kind: str
    question: dict[str, Any]


async def ask(pool: Pool, kind: str, question: Mapping[str, Any], by: str) -> Job:
    """Let a job wait for the worker.

    Raises:
        QueueFull: too many wait already.
    """
    with translated():
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute(_SQL["take_turn"])
            job_id = await connection.fetchval(_SQL["ask"], kind, json.dumps(question), by, MOST_WAITING)
    if job_id is None:
        raise QueueFull(f"{MOST_WAITING} jobs wait already", hint="wait until some are done; `txhub worker` does them")
    return await read_job(pool, job_id)


async def read_job(pool: Pool, job_id: int) -> Job:
    """One job.

    Raises:
        NotFound: there is none, or it was done long ago.
    """
    with translated():
        row = await pool.fetchrow(_SQL["one"], job_id)
    if row is None:
        raise NotFound(f"there is no job {job_id}", hint="jobs are kept for 30 days")
    read = {"state": JobState(row["state"]), "question": json.loads(row["question"])}
    return Job(**{**row, **read, "result": row["result"] and json.loads(row["result"])})


async def begin(pool: Pool) -> Begun | None:
    """Begin the oldest job that waits; None where none does."""
    with translated():
        row = await pool.fetchrow(_SQL["begin"])
    return None if row is None else Begun(row["id"], row["kind"], json.loads(row["question"]))


async def note(pool: Pool, job_id: int, progress: float) -> None:
    """Say how much of a job is done, from 0 to 1."""
    with translated():
        await pool.execute(_SQL["note"], job_id, progress)


async def finish(pool: Pool, job_id: int, result: Mapping[str, Any]) -> None:
    """Give a job its answer."""
    with translated():
        await pool.execute(_SQL["done"], job_id, json.dumps(result))


async def fail(pool: Pool, job_id: int, error: str) -> None:
    """Say why a job failed."""
    with translated():
        await pool.execute(_SQL["fail"], job_id, error)


async def give_up(pool: Pool) -> None:
    """Fail what was under way when the worker ended, and forget what ended long ago."""
    with translated():
        await pool.execute(_SQL["give_up"], "the worker was stopped while it was at it: ask again")
        await pool.execute(_SQL["forget"], KEPT)
