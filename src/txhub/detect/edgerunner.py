"""Judging transactions as they are committed, by each chain's newest model of that kind.

The hour that goes on and the one before it are judged; where blocks of them changed, by a reorg or a repair, they are
judged anew from their beginning. What is oddest of each hour is in `txhub.anomalies` while the hour goes on.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl
import structlog

from txhub.detect.edge import HOUR, LEARNED, EdgeHour, EdgeModel
from txhub.detect.features import TRANSACTIONS
from txhub.detect.knowledge import read_chains
from txhub.errors import UsageError
from txhub.model import Chain
from txhub.store.models import StoredEdge, edge_models, keep_found
from txhub.store.pool import Pool
from txhub.store.read import Reader
from txhub.store.sqlfiles import queries

MOST = 100
"""So many of each hour are kept."""
_EVERY_S, _WITHOUT_S = 1.0, 60.0
_SQL = queries("models")


@dataclass
class _Watched:
    """An hour, and how the blocks that it was judged by stood."""

    hour: EdgeHour
    stood: tuple[object, ...]


class EdgeRunner:
    """Judges the newest two hours of every chain that has a model."""

    def __init__(self, pool: Pool, reader: Reader) -> None:
        self._pool = pool
        self._reader = reader
        self._hours: dict[tuple[int, int], dict[datetime, _Watched]] = defaultdict(dict)

    async def run(self) -> None:
        """Judge for ever. Without the extra `ml` nothing is judged, and the log says so.

        Raises:
            DatabaseUnavailable, DatabaseRefused, SchemaMismatch, DiskFull: see `faults`; run it again.
        """
        told = False
        while True:
            try:
                has_models = await self.catch_up()
            except UsageError as missing:
                if not told:
                    structlog.get_logger("edge").warning("nothing is judged", reason=str(missing), hint=missing.hint)
                told, has_models = True, False
            await asyncio.sleep(_EVERY_S if has_models else _WITHOUT_S)

    async def catch_up(self) -> bool:
        """Judge all that is committed by now; whether some chain has a model.

        Raises:
            UsageError: there are models, and the extra `ml` is not installed.
            DatabaseUnavailable, DatabaseRefused, SchemaMismatch, DiskFull: see `faults`; call it again.
        """
        models = await edge_models(self._pool)
        if models:
            for chain_id, chain in (await read_chains(self._reader)).items():
                if chain_id in models:
                    await self._judge(chain, models[chain_id])
        return bool(models)

    async def _judge(self, chain: Chain, model: StoredEdge) -> None:
        last: datetime | None = (await self._reader.frame(_SQL["last_time"], chain.chain_id))["time"][0]
        if last is None:
            return
        now = last.replace(minute=0, second=0, microsecond=0)
        until = last + timedelta(microseconds=1)
        for key in [key for key in self._hours if key[0] == chain.chain_id and key[1] != model.id]:
            del self._hours[key]
        known = self._hours[chain.chain_id, model.id]
        for start in (now - HOUR, now):
            await self._judge_hour(chain, model, known, start, min(until, start + HOUR))
        for start in [start for start in known if start < now - HOUR]:
            del known[start]

    async def _judge_hour(
        self, chain: Chain, model: StoredEdge, known: dict[datetime, _Watched], start: datetime, until: datetime
    ) -> None:
        watched = known.get(start)
        if watched is not None and await self._stand(chain, start, watched.hour.until) == watched.stood:
            if watched.hour.until >= until:
                return
            hour = watched.hour
        else:
            hour = await self._begin(chain, model, start)
        stood = await self._stand(chain, start, until)
        rows = await self._read(chain, hour.until, until)
        known.pop(start, None)  # what is half judged is not to be gone on with
        await asyncio.to_thread(hour.take, rows, until)
        await keep_found(self._pool, model.id, start, hour.end, hour.found)
        known[start] = _Watched(hour, stood)

    async def _begin(self, chain: Chain, model: StoredEdge, start: datetime) -> EdgeHour:
        before = await self._read(chain, start - LEARNED, start)
        made = EdgeModel(model.quantiles, model.parameters, model.rows, model.seed)
        return await asyncio.to_thread(EdgeHour, made, start, before, MOST)

    async def _read(self, chain: Chain, start: datetime, end: datetime) -> pl.DataFrame:
        rows = await self._reader.frame(_SQL["transactions"], chain.chain_id, start, end)
        return rows.cast(dict(TRANSACTIONS))  # type: ignore[arg-type]

    async def _stand(self, chain: Chain, start: datetime, until: datetime) -> tuple[object, ...]:
        return (await self._reader.frame(_SQL["stands"], chain.chain_id, start - LEARNED, until)).row(0)
