"""Watches over everything for ever: what is found wrong is written down once when it begins and once when it ends.

What is cheap is looked at every few seconds; gaps and the audit, which read much, more rarely, and never for more than
a share of the time. What is late is told by the database's clock: if ours is off, that is one finding, not many.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections import deque
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import structlog

from txhub.contract import Severity, StreamHealth
from txhub.errors import DatabaseUnavailable, TooLong
from txhub.eventlog import FINDING_NAMES, FindingName
from txhub.ops import facts
from txhub.ops.audit import audit
from txhub.ops.findings import (
    FINDINGS,
    LAG_WATCHED,
    Finding,
    Sample,
    judge_archive,
    judge_backlogs,
    judge_clock,
    judge_disks,
    judge_gaps,
    judge_interruptions,
    judge_lags,
    judge_letters,
    judge_policies,
    judge_reorgs,
    judge_restarts,
    judge_rollups,
    judge_services,
    judge_streams,
)
from txhub.ops.health import read_health
from txhub.ops.presence import SILENT_S
from txhub.store.alerts import end_own, raise_own
from txhub.store.alerts import tell as tell_alerts
from txhub.store.events import record_event
from txhub.store.faults import translated
from txhub.store.pool import Pool
from txhub.store.read import Reader
from txhub.store.sqlfiles import queries

INTERVAL_S = 10.0
"""Seconds between two looks at what is cheap."""
AUDIT_INTERVAL_S = 300.0
AUDIT_SHARE = 0.02
"""Gaps and the audit may take so much of the time."""
FORGOTTEN = timedelta(days=7)
"""A service that was not heard of for so long has been given up."""
LEFT_OPEN = timedelta(minutes=30)
"""Hours that are over may be open for so long, while they are filled."""
AUDITED: frozenset[FindingName] = frozenset({"gap_found", "block_disagrees", "rollup_disagrees"})
"""What the rarer look finds."""
_SEVERITY = {"info": Severity.LOW, "warning": Severity.MEDIUM, "error": Severity.CRITICAL}
_AWAY_RETRY_S = 1.0
_SQL, _SERVICES = queries("findings"), queries("services")
_log = structlog.get_logger("watch")


class Watch:
    """What watches, and remembers from one look to the next.

    Args:
        places: folders whose disks matter, by what is there.
    """

    def __init__(self, pool: Pool, reader: Reader, places: Mapping[str, Path]) -> None:
        self._pool = pool
        self._reader = reader
        self._places = dict(places)
        self._samples: dict[str, deque[Sample]] = {}
        self._started: datetime | None = None
        self._away_since: float | None = None
        self._stale_since: datetime | None = None

    async def run(self) -> None:
        """Look for ever; a database that is away is waited for, and told of when it is back.

        Raises:
            DatabaseRefused, DiskFull: run it again to go on.
        """
        while True:
            try:
                await self.look(await facts.read_now(self._pool))
            except DatabaseUnavailable:
                self._went_away()
                await asyncio.sleep(_AWAY_RETRY_S)
            else:
                await asyncio.sleep(INTERVAL_S)

    async def run_audits(self) -> None:
        """Audit for ever.

        Raises:
            DatabaseUnavailable, DatabaseRefused, DiskFull: run it again to go on.
        """
        loop, chance = asyncio.get_running_loop(), random.Random()  # noqa: S311 (a sample, no secret)
        while True:
            began = loop.time()
            try:
                await self.look_deeper(await facts.read_now(self._pool), chance)
            except TooLong as failure:
                _log.warning("audit_took_too_long", reason=str(failure))
            await asyncio.sleep(max(AUDIT_INTERVAL_S, (loop.time() - began) / AUDIT_SHARE))

    async def look(self, now: datetime) -> None:
        """Look at what is cheap, once.

        Raises:
            DatabaseUnavailable, DatabaseRefused, DiskFull: see `faults`.
        """
        await self._look_at_server()
        streams = await read_health(self._reader, now)
        self._remember(streams, now)
        block_times = {stream.chain: stream.expected_interval_s or 0.0 for stream in streams}
        growing = await self._open_for("lag_growing")
        found = [
            *judge_streams(streams),
            *judge_lags(self._samples, block_times, growing),
            *judge_reorgs(await facts.read_reorgs(self._pool)),
            *judge_rollups(await facts.read_watermarks(self._pool, now), await self._left_open(now), now),
            *judge_backlogs(await facts.read_backlogs(self._pool), now),
            *judge_disks(await facts.read_disks_aside(self._places)),
            *judge_policies(await facts.read_policies(self._pool), now),
            *judge_archive(await facts.read_unverified(self._pool)),
            *judge_letters(await facts.read_dead_letters(self._pool)),
            *judge_clock(await facts.read_clock(self._pool)),
            *judge_services(await facts.read_services(self._pool), timedelta(seconds=SILENT_S), now),
            *judge_restarts(await facts.read_occasions(self._pool, facts.RESTARTS, "restarted")),
            *judge_interruptions(await facts.read_occasions(self._pool, facts.INTERRUPTIONS, "interrupted")),
        ]
        await keep(self._pool, found, set(FINDING_NAMES) - AUDITED, now)

    async def look_deeper(self, now: datetime, chance: random.Random) -> None:
        """Look for gaps, and audit a sample, once.

        Raises:
            DatabaseUnavailable, DatabaseRefused, TooLong: see `faults`.
        """
        found = [*judge_gaps(await facts.read_missing(self._pool)), *await audit(self._pool, chance)]
        await keep(self._pool, found, AUDITED, now)
        with translated():
            await self._pool.execute(_SERVICES["forget"], FORGOTTEN)

    def _remember(self, streams: Iterable[StreamHealth], now: datetime) -> None:
        for stream in streams:
            samples = self._samples.setdefault(stream.chain, deque())
            if stream.last_block is not None and stream.lag_s is not None and stream.status != "idle":
                samples.append(Sample(now, stream.last_block, stream.lag_s))
            while samples and samples[0].at < now - LAG_WATCHED:
                samples.popleft()

    async def _left_open(self, now: datetime) -> int:
        """How many hours stay open; none before there were some all the time for long, as there are during a load."""
        stale = await facts.read_stale_hours(self._pool, now)
        self._stale_since = (self._stale_since or now) if stale else None
        lasting = self._stale_since is not None and now - self._stale_since >= LEFT_OPEN
        return stale if lasting or await self._open_for("rollup_behind") else 0

    async def _look_at_server(self) -> None:
        started = await facts.read_started(self._pool)
        if self._away_since is not None:
            away = asyncio.get_running_loop().time() - self._away_since
            await record_event(self._pool, "warning", "worker", "database_away", seconds=round(away, 1))
            self._away_since = None
        if self._started is not None and started != self._started:
            await record_event(self._pool, "warning", "worker", "database_restarted", at=started.isoformat())
        self._started = started

    def _went_away(self) -> None:
        if self._away_since is None:
            self._away_since = asyncio.get_running_loop().time()
            _log.warning("database_away")

    async def _open_for(self, name: FindingName) -> frozenset[str | None]:
        with translated():
            rows = await self._pool.fetch(_SQL["open"])
        return frozenset(row["chain"] for row in rows if row["name"] == name)


async def keep(pool: Pool, found: Iterable[Finding], looked_for: Collection[FindingName], now: datetime) -> None:
    """Write down what began and what ended since the last look, each with its event and its alert, all or nothing.

    A finding goes on as long as it is found; one that is not found any more ends, if it was `looked_for`.

    Raises:
        DatabaseUnavailable, DatabaseRefused, DiskFull: see `faults`; nothing was written.
    """
    standing = {(finding.name, finding.chain): finding for finding in found}
    news: list[tuple[int, str]] = []
    with translated():
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute(_SQL["take_turn"])
            for row in await connection.fetch(_SQL["open"]):
                finding = standing.pop((row["name"], row["chain"]), None)
                if finding is not None:
                    details = json.dumps(finding.details, default=str)
                    await connection.execute(_SQL["go_on"], row["id"], finding.says, details)
                elif row["name"] in looked_for:
                    await connection.execute(_SQL["end"], row["id"], now)
                    subject = _subject(row["name"], row["chain"])
                    alert = await end_own(connection, row["chain_id"], subject, row["since"], now)
                    news += [] if alert is None else [(alert, "ended")]
                    tell = partial(record_event, connection, "info", "worker", row["name"], row["chain_id"])
                    await tell(state="ended", says=row["says"], seconds=(now - row["since"]).total_seconds())
            for finding in standing.values():
                level, hint = FINDINGS[finding.name]
                details = json.dumps(finding.details, default=str)
                facts_of = (finding.name, finding.chain, level, now, finding.says, details)
                chain_id = await connection.fetchval(_SQL["begin"], *facts_of)
                tell = partial(record_event, connection, level, "worker", finding.name, chain_id)
                await tell(state="began", says=finding.says, hint=hint, **finding.details)
                subject = _subject(finding.name, finding.chain)
                about = (finding.name, chain_id, subject, now, _SEVERITY[level], f"{subject}: {finding.says}")
                facts_told = {"hint": hint, "runbook": f"docs/runbook.md#{finding.name}", **finding.details}
                news.append((await raise_own(connection, *about, facts_told), "raised"))
                _log.warning(finding.name, chain=finding.chain, says=finding.says)
            await tell_alerts(connection, news)


def _subject(name: str, chain: str | None) -> str:
    """What an alert is about: the finding, in words, and its chain."""
    words = name.replace("_", " ")
    return words if chain is None else f"{words}, {chain}"
