"""Models in the database, and what they found: kept and read as data, never as code."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from txhub.store.faults import translated
from txhub.store.pool import Pool
from txhub.store.sqlfiles import queries

FOREST, EDGE = "forest", "edge"
"""The kinds of models: of hours that are over, and of transactions as they come."""
_SQL = queries("models")


class StoredModel(NamedTuple):
    """A row of `txhub.models`."""

    id: int
    version: int
    trained_from: datetime
    trained_to: datetime
    rows: int
    seed: int
    quantiles: dict[str, list[float]]
    parameters: dict[str, Any]
    splits: bytes


class Odd(NamedTuple):
    """Something that a model found unlike the rest: a raw address or hash, and the reasons as JSON."""

    started_at: datetime
    subject: bytes
    score: float
    reasons: Sequence[Mapping[str, Any]]


async def keep_model(
    pool: Pool,
    chain_id: int,
    subject: str,
    digest: str,
    trained: tuple[datetime, datetime],
    *,
    rows: int,
    seed: int,
    quantiles: Mapping[str, Sequence[float]],
    parameters: Mapping[str, Any],
    splits: bytes = b"",
    kind: str = FOREST,
) -> tuple[int, int]:
    """Store a model as the newest version; its id and version. One that is there already (by its digest) stays.

    Raises:
        DatabaseUnavailable, DatabaseRefused, DiskFull: see `faults`.
    """
    with translated():
        row = await pool.fetchrow(
            _SQL["keep"],
            chain_id,
            subject,
            digest,
            *trained,
            rows,
            seed,
            json.dumps(quantiles),
            json.dumps(parameters),
            splits,
            kind,
        )
    return row["id"], row["version"]


async def newest_model(pool: Pool, chain_id: int, subject: str) -> StoredModel | None:
    """The newest forest; None where none was grown yet."""
    with translated():
        row = await pool.fetchrow(_SQL["newest"], chain_id, subject, FOREST)
    if row is None:
        return None
    decoded = {name: json.loads(row[name]) for name in ("quantiles", "parameters")}
    return StoredModel(**{**dict(row), **decoded})


class StoredEdge(NamedTuple):
    """The newest model of a chain that judges transactions as they come, without what it learned from."""

    id: int
    version: int
    rows: int
    seed: int
    quantiles: dict[str, list[float]]
    parameters: dict[str, Any]


async def edge_models(pool: Pool) -> dict[int, StoredEdge]:
    """The newest of each chain that has one."""
    with translated():
        rows = await pool.fetch(_SQL["edge"])
    decoded = [{**dict(row), **{name: json.loads(row[name]) for name in ("quantiles", "parameters")}} for row in rows]
    return {row.pop("chain_id"): StoredEdge(**row) for row in decoded}


async def keep_found(pool: Pool, model_id: int, start: datetime, end: datetime, found: Sequence[Odd]) -> None:
    """Let what a model found in [start, end) be this and nothing else.

    Raises:
        DatabaseUnavailable, DatabaseRefused, DiskFull: see `faults`; nothing was changed.
    """
    with translated():
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute(_SQL["clear_found"], model_id, start, end)
            columns = [[getattr(each, name) for each in found] for name in ("started_at", "subject", "score")]
            reasons = [json.dumps(each.reasons) for each in found]
            await connection.execute(_SQL["keep_found"], model_id, *columns, reasons)


async def read_found(pool: Pool, chain_id: int, subject: bytes) -> list[tuple[int, Odd]]:
    """What was found of an address or transaction, the newest first, each with the version of its model."""
    with translated():
        rows = await pool.fetch(_SQL["found"], chain_id, subject)
    return [(row["version"], Odd(row["started_at"], subject, row["score"], json.loads(row["reasons"]))) for row in rows]
