"""The examination behind `txhub doctor`: one check for each part of the way from a node to a reader."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from txhub.chain.registry import open_source, redact
from txhub.config import Settings
from txhub.errors import TxhubError
from txhub.model import Chain
from txhub.ops import facts
from txhub.ops.findings import (
    FINDINGS,
    Finding,
    judge_archive,
    judge_clock,
    judge_disks,
    judge_letters,
    judge_policies,
    judge_services,
)
from txhub.ops.health import read_health
from txhub.ops.presence import SILENT_S
from txhub.store.edition import Edition
from txhub.store.faults import translated
from txhub.store.keys import read_keys
from txhub.store.migrate import state
from txhub.store.place import Place
from txhub.store.pool import Pool, open_pool
from txhub.store.read import Reader
from txhub.store.sqlfiles import queries

Verdict = Literal["ok", "wrong"]


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at: what it is, whether it is well, what there is to say, and what to do."""

    what: str
    verdict: Verdict
    says: str
    hint: str | None = None


def wrong(what: str, error: TxhubError) -> Check:
    """What an error says about something."""
    return Check(what, "wrong", str(error), error.hint)


def check_settings(settings: Settings, source: Path) -> Check:
    """What was set; that it is allowed was looked at as it was read."""
    given = sorted(settings.model_fields_set)
    file = f"{source} is there" if source.exists() else f"there is no {source}"
    return Check("settings", "ok", f"{file}; set: {', '.join(given) or 'nothing, so all are the defaults'}")


def check_schema(url: str) -> tuple[list[Check], bool]:
    """Schema and edition of a database that answers, and whether this release can work with it."""
    schema = state(url)
    if schema.edition is None or not schema.current:
        says = f"at revision {schema.revision or 'none'}, this release needs {schema.wanted}"
        return [Check("schema", "wrong", says, "run `txhub db migrate`")], False
    return [Check("schema", "ok", f"revision {schema.revision}"), _check_edition(schema.edition)], True


async def check_database(url: str, settings: Settings, now: datetime) -> list[Check]:
    """All that the database tells: its policies, the clock, services, findings, keys, the archive and each chain.

    Raises:
        DatabaseUnavailable, DatabaseRefused: it does not answer any more.
    """
    async with open_pool(url, name="doctor", size=2) as pool, Reader(url, size=1) as reader:
        policies = await facts.read_policies(pool)
        clock = await facts.read_clock(pool)
        checks = [
            _of("policies", judge_policies(policies, now), f"{len(policies)} of the database, none fails"),
            _of("clock", judge_clock(clock), f"{clock.ahead_s:+.1f} s against the database's"),
            await _check_worker(pool, now),
            await _check_findings(pool),
            await _check_keys(pool, settings),
            await _check_archive(pool, settings),
            _of("deliveries", judge_letters(await facts.read_dead_letters(pool)), "no message was given up today"),
        ]
        return checks + await _check_chains(reader, now)


def check_disks(settings: Settings) -> Check:
    """The disks that we can see: of the private cluster, and of an archive in a folder."""
    places = {} if settings.database_url else {"the database": settings.home}
    if "://" not in settings.archive_address:
        places["the archive"] = Path(settings.archive_address)
    disks = facts.read_disks(places)
    free = "; ".join(f"{disk.free / 1e9:,.1f} GB free for {disk.of}" for disk in disks)
    return _of("disk", judge_disks(disks), free or "none of ours is here: watch the database's own")


async def check_nodes(chains: Sequence[Chain]) -> list[Check]:
    """Every endpoint of the chains, asked for its chain id and its newest block."""
    return [await _check_node(chain, url) for chain in chains for url in chain.endpoints]


async def _check_node(chain: Chain, url: str) -> Check:
    what, began = f"node of {chain.name}", time.monotonic()
    source = open_source(replace(chain, endpoints=(url,)))
    try:
        await source.check()
        head = await source.head()
    except TxhubError as error:
        return wrong(what, error)
    finally:
        await source.close()
    age = (datetime.now(UTC) - head.time).total_seconds()
    took = time.monotonic() - began
    return Check(what, "ok", f"{redact(url)} is at block {head.number}, {age:,.0f} s old; it took {took:.1f} s to ask")


def _check_edition(edition: Edition) -> Check:
    if edition is Edition.TIMESCALE:
        return Check("edition", "ok", "timescale: hypertables, columnstore, continuous aggregates")
    return Check(
        "edition",
        "ok",
        "plain: everything but the columnstore, so rows take about four times the space",
        "for the columnstore: install TimescaleDB Community 2.29.1 or later and start with an empty database",
    )


async def _check_worker(pool: Pool, now: datetime) -> Check:
    services = await facts.read_services(pool)
    alive = [each.name for each in services if not each.stopped and now - each.seen_at <= timedelta(seconds=SILENT_S)]
    silent = judge_services(services, timedelta(seconds=SILENT_S), now)
    if silent:
        return _of("services", silent, "")
    running = f"running: {', '.join(alive)}" if alive else "none runs"
    if alive and "worker" not in alive:
        return Check("services", "wrong", f"{running}, and no worker", "start `txhub worker`: rollups fall behind")
    return Check("services", "ok", running)


async def _check_findings(pool: Pool) -> Check:
    with translated():
        rows = [row for row in await pool.fetch(queries("findings")["open"]) if row["level"] != "info"]
    if not rows:
        return Check("findings", "ok", "the worker finds nothing wrong")
    told = "; ".join(f"{row['name']}{' of ' + row['chain'] if row['chain'] else ''}: {row['says']}" for row in rows)
    return Check("findings", "wrong", told, FINDINGS[rows[0]["name"]].hint)


async def _check_keys(pool: Pool, settings: Settings) -> Check:
    in_force = sum(key.revoked_at is None for key in await read_keys(pool))
    if settings.require_keys and not in_force:
        return Check("keys", "wrong", "they are required, and there are none", "run `txhub keys create NAME`")
    return Check("keys", "ok", f"{in_force} in force")


async def _check_archive(pool: Pool, settings: Settings) -> Check:
    try:
        place = Place(settings.archive_address)
    except TxhubError as error:
        return wrong("archive", error)
    with translated():
        newest = await pool.fetchrow(queries("facts")["newest_archived"])
    if newest is None:
        return Check("archive", "ok", "nothing is archived")
    try:
        size = place.size(newest["path"])
    except TxhubError as error:
        return wrong("archive", error)
    if size != newest["bytes"]:
        says = f"{newest['path']} of {place.shown} is not what was written"
        return Check("archive", "wrong", says, "`txhub archive verify` reads all of it")
    unverified = judge_archive(await facts.read_unverified(pool))
    return _of("archive", unverified, f"{newest['files']:,} files in {place.shown}, up to {newest['day']}")


async def _check_chains(reader: Reader, now: datetime) -> list[Check]:
    checks = []
    for stream in await read_health(reader, now):
        well = stream.status not in ("late", "down")
        newest = "" if stream.last_block is None else f"; block {stream.last_block} is the newest"
        hint = None if well else f"is `txhub ingest --chain {stream.chain}` running, and does its node answer?"
        verdict: Verdict = "ok" if well else "wrong"
        checks.append(Check(f"chain {stream.chain}", verdict, f"{stream.status}: {stream.reason}{newest}", hint))
    return checks


def _of(what: str, findings: Sequence[Finding], well: str) -> Check:
    if not findings:
        return Check(what, "ok", well)
    return Check(what, "wrong", "; ".join(each.says for each in findings), FINDINGS[findings[0].name].hint)
