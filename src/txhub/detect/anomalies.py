"""Training models on a chain, and finding what is least like the rest.

Addresses that are labelled as services' are left out: an exchange's hot wallet is unlike the rest every hour.
"""

from __future__ import annotations

import asyncio
from datetime import datetime

import polars as pl

from txhub.detect.edge import learn
from txhub.detect.facts import Facts
from txhub.detect.features import EDGE_MEMORY, MEMORY, TRANSACTIONS, Subject, as_they_come, features
from txhub.detect.forest import Forest, read_forest
from txhub.detect.knowledge import read_facts
from txhub.errors import NotFound
from txhub.model import Chain
from txhub.store.models import EDGE, Odd, StoredModel, keep_model, newest_model
from txhub.store.pool import Pool
from txhub.store.read import Reader
from txhub.store.sqlfiles import queries

_SQL = queries("models")


def without_services(subject: Subject, rows: pl.DataFrame, facts: Facts) -> pl.DataFrame:
    """Rows of features without those of services' addresses."""
    if subject is Subject.TRANSACTION:
        return rows
    return rows.join(facts.services, left_on="subject", right_on="address", how="anti", maintain_order="left")


async def read_features(reader: Reader, chain: Chain, subject: Subject, start: datetime, end: datetime) -> pl.DataFrame:
    """The features of what happened in [start, end), which are whole hours.

    Raises:
        DatabaseUnavailable, DatabaseRefused, SchemaMismatch, TooLong: see `Reader.frame`.
    """
    rows = await reader.frame(_SQL["transactions"], chain.chain_id, start - MEMORY, end)
    facts = await read_facts(reader, chain, start, end)
    made = await asyncio.to_thread(features, subject, rows.cast(dict(TRANSACTIONS)), start)  # type: ignore[arg-type]
    return without_services(subject, made, facts)


async def read_model(pool: Pool, chain: Chain, subject: Subject) -> tuple[StoredModel, Forest]:
    """The newest model.

    Raises:
        NotFound: none was trained yet.
    """
    stored = await newest_model(pool, chain.chain_id, subject)
    if stored is None:
        raise NotFound(
            f"no model of {chain.name}, by {subject}, was trained yet",
            hint=f"txhub anomaly train --chain {chain.name} --by {subject}",
        )
    forest = Forest(subject, read_forest(stored.splits), stored.quantiles, stored.parameters, stored.rows, stored.seed)
    return stored, forest


async def train_edge(
    pool: Pool, reader: Reader, chain: Chain, start: datetime, end: datetime, seed: int
) -> tuple[int, int]:
    """Learn what is usual among transactions as they come, and keep it; the model's version, and from how many rows.

    Raises:
        UsageError: there are fewer than 1,000 rows.
        DatabaseUnavailable, DatabaseRefused, SchemaMismatch, TooLong, DiskFull: see `faults`.
    """
    rows = await reader.frame(_SQL["transactions"], chain.chain_id, start - EDGE_MEMORY, end)
    made = await asyncio.to_thread(as_they_come, rows.cast(dict(TRANSACTIONS)), start)  # type: ignore[arg-type]
    model = await asyncio.to_thread(learn, made, seed)
    _, version = await keep_model(
        pool,
        chain.chain_id,
        Subject.TRANSACTION,
        model.digest,
        (start, end),
        rows=model.rows,
        seed=seed,
        quantiles=model.quantiles,
        parameters=model.parameters,
        kind=EDGE,
    )
    return version, model.rows


def oddest(forest: Forest, rows: pl.DataFrame, top: int) -> list[Odd]:
    """The rows with the highest scores, and why, the first first; of equal ones the earliest."""
    scored = rows.with_columns(score=pl.Series(forest.scores(rows), dtype=pl.Float64))
    chosen = scored.sort("score", "time", "subject", descending=[True, False, False]).head(top)
    return [
        Odd(time, subject, round(score, 4), [reason._asdict() for reason in reasons])
        for (time, subject, score), reasons in zip(
            chosen.select("time", "subject", "score").iter_rows(), forest.reasons(chosen), strict=True
        )
    ]
