"""The facts that findings are told from, as the database and this machine have them."""

from __future__ import annotations

import asyncio
import shutil
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from txhub.eventlog import EventName, FindingName
from txhub.rollup.catalog import LAG
from txhub.rollup.states import read_rollups
from txhub.store.edition import edition_of
from txhub.store.faults import translated
from txhub.store.pool import Pool
from txhub.store.sqlfiles import queries

REORG_TOLD = timedelta(hours=1)
"""A reorg is worth a look for so long."""
UNVERIFIED = timedelta(hours=3)
"""A file that was exported longer ago than this should be verified: the worker does so every hour."""
HOUR_LATE = timedelta(minutes=30)
"""How long after its end an hour may be open."""
LETTERS_TOLD = timedelta(days=1)
"""A message that was given up is worth a look for so long."""
GAP_OVERDUE = timedelta(minutes=5)
"""How long a gap is its follower's own affair."""
LATELY = timedelta(minutes=1)
"""What follows from one fault comes within so long, so that it is one finding; another one later is another."""
UNTOLD = timedelta(hours=1)
"""What happened while nobody looked is worth telling for so long."""
RESTARTS: tuple[EventName, ...] = ("service_started", "database_restarted")
INTERRUPTIONS: tuple[EventName, ...] = (
    "follow_interrupted",
    "listener_died",
    "endpoint_changed",
    "connection_lost",
    "database_away",
)
_SQL = queries("facts")


class Missing(NamedTuple):
    """The gaps of a chain that are overdue; `first` and `last` are the newest one's."""

    chain: str
    gaps: int
    blocks: int
    first: int
    last: int


class ReorgDepth(NamedTuple):
    """The deepest reorg of a chain in the last hour, and the deepest of the thirty days before; 0: there was none."""

    chain: str
    depth: int
    ancestor: int
    usual: int


class Watermark(NamedTuple):
    """Up to where a rollup is materialised, and where it should be; None: commits keep it, or there is nothing."""

    rollup: str
    watermark: datetime | None
    due: datetime | None


class Backlog(NamedTuple):
    """A reader of the outbox, and when the oldest event was written that it has not read; None: it has read all."""

    reader: str
    oldest: datetime | None


class Disk(NamedTuple):
    """The disk that something is on: bytes in all, and bytes that are free."""

    of: str
    total: int
    free: int


class Policy(NamedTuple):
    """A policy that the database runs, and how it did last."""

    name: str
    table: str
    failed: bool
    last_success: datetime | None
    every: timedelta | None
    error: str | None


class Unverified(NamedTuple):
    """Files of the archive that wait to be verified for too long."""

    files: int
    oldest: datetime | None


class DeadLetters(NamedTuple):
    """How many messages to a channel were given up of late, and not replayed since."""

    channel: str
    messages: int


class Clock(NamedTuple):
    """How far our clock is before the database's, and the newest block of an EVM chain before our clock; seconds."""

    ahead_s: float
    newest_block_ahead_s: float = 0.0
    newest_block_of: str | None = None


class Service(NamedTuple):
    """A service, when it last said that it lives, and whether it was stopped in order."""

    name: str
    seen_at: datetime
    stopped: bool


class Occasion(NamedTuple):
    """A fault of the event log that is over by itself, and the chain or the service that it is about, if one."""

    event: EventName
    chain: str | None = None
    service: str | None = None


async def read_reorgs(pool: Pool) -> list[ReorgDepth]:
    """The chains with a reorg in the last hour."""
    with translated():
        return [ReorgDepth(*row) for row in await pool.fetch(_SQL["reorgs"], REORG_TOLD)]


async def read_missing(pool: Pool) -> list[Missing]:
    """The chains with overdue gaps; it takes seconds where there are tens of millions of blocks."""
    with translated():
        return [Missing(*row) for row in await pool.fetch(_SQL["gaps"], GAP_OVERDUE)]


async def read_watermarks(pool: Pool, now: datetime) -> list[Watermark]:
    """Every rollup, and where it should be: at the newest block, but for the lag that every rollup keeps."""
    with translated():
        newest: datetime | None = await pool.fetchval(_SQL["newest_block_time"])
    due = None if newest is None else min(newest, now) - LAG
    return [
        Watermark(state.rollup.name, state.watermark, due and due - state.rollup.bucket - state.rollup.every)
        for state in await read_rollups(pool)
    ]


async def read_stale_hours(pool: Pool, now: datetime) -> int:
    """How many hours should have been closed by now."""
    with translated():
        return int(await pool.fetchval(_SQL["stale_hours"], now - LAG - HOUR_LATE))


async def read_backlogs(pool: Pool) -> list[Backlog]:
    """Every reader of the outbox that has a cursor."""
    with translated():
        return [Backlog(*row) for row in await pool.fetch(_SQL["backlogs"])]


def read_disks(places: dict[str, Path]) -> list[Disk]:
    """The disks of these folders, or of what there is above them; by what is on them."""
    disks = []
    for of, place in places.items():
        there = place.absolute()
        while not there.exists():
            there = there.parent
        usage = shutil.disk_usage(there)
        disks.append(Disk(of, usage.total, usage.free))
    return disks


async def read_policies(pool: Pool) -> list[Policy]:
    """Every policy that the database runs; none in the plain edition."""
    with translated():
        statement = queries("policy_states", await edition_of(pool))["policies"]
        return [Policy(*row) for row in await pool.fetch(statement)]


async def read_dead_letters(pool: Pool) -> list[DeadLetters]:
    """The channels to which messages were given up within the last day."""
    with translated():
        return [DeadLetters(*row) for row in await pool.fetch(_SQL["dead_letters"], LETTERS_TOLD)]


async def read_unverified(pool: Pool) -> Unverified:
    """The files of the archive that wait to be verified for too long."""
    with translated():
        return Unverified(*await pool.fetchrow(_SQL["unverified"], UNVERIFIED))


async def read_clock(pool: Pool) -> Clock:
    """Our clock beside the database's, as far as the time that the question takes lets it be known."""
    with translated():
        async with pool.acquire() as connection:
            asked, began = datetime.now(UTC), time.monotonic()
            theirs: datetime = await connection.fetchval(_SQL["clock"])
            middle = asked + timedelta(seconds=(time.monotonic() - began) / 2)
            block = await connection.fetchrow(_SQL["newest_evm_block"])
    ahead = (middle - theirs).total_seconds()
    if block is None:
        return Clock(ahead)
    return Clock(ahead, (block["time"] - middle).total_seconds(), block["name"])


async def read_now(pool: Pool) -> datetime:
    """The time by the database's clock."""
    with translated():
        now: datetime = await pool.fetchval(_SQL["clock"])
    return now


async def read_services(pool: Pool) -> list[Service]:
    """Every service that there is a row of."""
    with translated():
        return [Service(*row) for row in await pool.fetch(_SQL["services"])]


async def read_occasions(pool: Pool, of: tuple[EventName, ...], told_as: FindingName) -> list[Occasion]:
    """The faults `of` these names that happened lately, or while nobody looked who could tell of them."""
    with translated():
        return [Occasion(*row) for row in await pool.fetch(_SQL["occasions"], of, LATELY, told_as, UNTOLD)]


async def read_started(pool: Pool) -> datetime:
    """When the database's server was started."""
    with translated():
        started: datetime = await pool.fetchval(_SQL["started"])
    return started


async def read_disks_aside(places: dict[str, Path]) -> list[Disk]:
    """`read_disks` in a thread: a network's disk may take its time."""
    return await asyncio.to_thread(read_disks, places)
