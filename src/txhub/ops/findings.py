"""What can be wrong, and how that is told from the facts: pure functions, each from facts to findings.

`facts.py` reads the facts, `watch.py` keeps what was found, docs/runbook.md says what to do about each.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from txhub.contract import StreamHealth
from txhub.eventlog import FindingName, Level
from txhub.ops.facts import (
    Backlog,
    Clock,
    DeadLetters,
    Disk,
    Missing,
    Occasion,
    Policy,
    ReorgDepth,
    Service,
    Unverified,
    Watermark,
)


class Kind(NamedTuple):
    """How much a finding matters, and what to do first; docs/runbook.md has the rest."""

    level: Level
    hint: str


FINDINGS: dict[FindingName, Kind] = {
    "stream_down": Kind(
        "error", "is the ingester running, and does its node answer? `txhub doctor --chain NAME` asks both"
    ),
    "lag_growing": Kind(
        "warning", "see which is slow: `txhub doctor --chain NAME` times the node, /metrics the database"
    ),
    "gap_found": Kind("warning", "`txhub gaps list` says why; `txhub gaps repair` fills them"),
    "deep_reorg": Kind("warning", "compare the node with another one: GET /v1/reorgs has the blocks of both branches"),
    "block_disagrees": Kind("error", "compare the block with its node; somebody else may have changed rows"),
    "rollup_behind": Kind("warning", "is `txhub worker` running? `txhub rollup list` says how its policies do"),
    "rollup_disagrees": Kind("error", "`txhub rollup refresh` over that time makes it anew from the rows"),
    "outbox_reader_behind": Kind("warning", "is `txhub worker` running, and is it keeping up?"),
    "disk_filling": Kind(
        "error", "make room, or set `retention`; nothing is lost when it is full, but nothing comes in"
    ),
    "policy_failing": Kind("error", "`txhub rollup list` has the error; the server's log has more"),
    "archive_unverified": Kind("warning", "`txhub archive verify` says what is wrong with the files"),
    "letters_dead": Kind(
        "error", "`txhub alerts deliveries --state dead` says why; `txhub alerts replay` sends them after all"
    ),
    "clock_off": Kind("error", "set the clock of this machine or of the database's: by NTP"),
    "service_silent": Kind("error", "start it again; its log says why it ended"),
    "restarted": Kind("warning", "it is back; its log, or the system's, says why it ended"),
    "interrupted": Kind("info", "nothing, unless it comes again and again: GET /v1/events has the reasons"),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong: of a chain, or of none."""

    name: FindingName
    says: str
    chain: str | None = None
    details: Mapping[str, object] = field(default_factory=dict)


class Sample(NamedTuple):
    """How a stream stood at a moment: for how its lag grows."""

    at: datetime
    last_block: int
    lag_s: float


LAG_WATCHED = timedelta(minutes=3)
"""A lag is judged over so much time."""
LAG_BLOCKS, LAG_LEAST_S = 3, 10.0
"""It is worth telling from so many block times on, and from so many seconds."""
DEEP_LEAST, DEEP_TIMES = 3, 2
"""A reorg is deep from here on, if it is so many times as deep as the deepest of the month before."""
UNREAD = timedelta(minutes=5)
"""What our own readers leave unread for so long is late."""
WATERMARK_LATE = timedelta(minutes=15)
"""How far a rollup may be behind where it should be."""
LEAST_FREE_BYTES, LEAST_FREE = 2_000_000_000, 0.05
"""A disk is nearly full when less than this is free, or less than this share of it."""
CLOCK_OFF_S, BLOCK_AHEAD_S = 5.0, 30.0
"""A clock is off by more than this against the database's; against a block of an EVM chain by this, which is twice what
Ethereum's nodes allow."""


def judge_streams(streams: Iterable[StreamHealth]) -> list[Finding]:
    """Of each chain whose stream is down."""
    return [
        Finding("stream_down", stream.reason, stream.chain, {"last_block": stream.last_block, "follower": stream.state})
        for stream in streams
        if stream.status == "down"
    ]


def judge_lags(
    samples: Mapping[str, Sequence[Sample]], block_times: Mapping[str, float], open_for: frozenset[str | None]
) -> list[Finding]:
    """Of each chain that commits blocks, but fewer than come.

    Args:
        samples: of each chain, oldest first.
        block_times: of each chain, in seconds.
        open_for: the chains of which this was found already: for them it lasts until the lag is small again.
    """
    findings = []
    for chain, seen in samples.items():
        if not seen:
            continue
        newest, least = seen[-1], max(LAG_BLOCKS * block_times[chain], LAG_LEAST_S)
        grew = newest.lag_s - seen[0].lag_s
        growing = (
            newest.at - seen[0].at >= LAG_WATCHED * 0.9
            and grew > max(block_times[chain], LAG_LEAST_S)
            and newest.last_block > seen[0].last_block
        )
        if newest.lag_s > least and (growing or chain in open_for):
            says = (
                f"it is {newest.lag_s:,.0f} s behind, {grew:+,.0f} s in {LAG_WATCHED.total_seconds() / 60:.0f} minutes"
            )
            findings.append(Finding("lag_growing", says, chain, {"lag_s": round(newest.lag_s, 1)}))
    return findings


def judge_gaps(missing: Iterable[Missing]) -> list[Finding]:
    """Of each chain of which blocks are missing that its follower should have filled."""
    return [
        Finding(
            "gap_found",
            f"{gap.blocks:,} blocks are missing in {gap.gaps:,} gaps, the newest from {gap.first} to {gap.last}",
            gap.chain,
            {"gaps": gap.gaps, "blocks": gap.blocks, "first": gap.first, "last": gap.last},
        )
        for gap in missing
        if gap.gaps
    ]


def judge_reorgs(reorgs: Iterable[ReorgDepth]) -> list[Finding]:
    """Of each chain with a reorg in the last hour that went much deeper than the month before it."""
    return [
        Finding(
            "deep_reorg",
            f"{reorg.depth} blocks above {reorg.ancestor} were replaced; "
            + (f"the deepest of the month before was {reorg.usual}" if reorg.usual else "the first in a month"),
            reorg.chain,
            {"depth": reorg.depth, "ancestor": reorg.ancestor, "usual": reorg.usual},
        )
        for reorg in reorgs
        if reorg.depth >= max(DEEP_LEAST, DEEP_TIMES * reorg.usual)
    ]


def judge_rollups(watermarks: Iterable[Watermark], stale_hours: int, now: datetime) -> list[Finding]:
    """Whether a rollup's watermark stands still, or hours that are over are not closed."""
    late = [
        f"{each.rollup} is materialised up to {each.watermark:%Y-%m-%d %H:%M}"
        for each in watermarks
        if each.watermark is not None and each.due is not None and each.watermark < each.due - WATERMARK_LATE
    ]
    if stale_hours:
        late.append(f"{stale_hours:,} hours that are over are not closed")
    return [Finding("rollup_behind", "; ".join(late), details={"at": now.isoformat()})] if late else []


def judge_backlogs(backlogs: Iterable[Backlog], now: datetime) -> list[Finding]:
    """Whether one of our readers of the outbox leaves events unread."""
    late = {
        each.reader: now - each.oldest for each in backlogs if each.oldest is not None and now - each.oldest > UNREAD
    }
    if not late:
        return []
    says = "; ".join(f"{reader} has not read for {_minutes(age)} minutes" for reader, age in sorted(late.items()))
    return [Finding("outbox_reader_behind", says, details={"readers": sorted(late)})]


def judge_disks(disks: Iterable[Disk]) -> list[Finding]:
    """Whether a disk that we can see is nearly full."""
    full = [disk for disk in disks if disk.free < LEAST_FREE_BYTES or disk.free < LEAST_FREE * disk.total]
    if not full:
        return []
    says = "; ".join(f"{disk.free / 1e9:,.1f} of {disk.total / 1e9:,.0f} GB are free for {disk.of}" for disk in full)
    return [Finding("disk_filling", says, details={"free_bytes": min(disk.free for disk in full)})]


def judge_policies(policies: Iterable[Policy], now: datetime) -> list[Finding]:
    """Whether a policy of the database failed last and has not worked for three of its intervals, at least an hour."""
    failing = [
        policy
        for policy in policies
        if policy.failed
        and (
            policy.last_success is None
            or now - policy.last_success > max(3 * (policy.every or timedelta()), timedelta(hours=1))
        )
    ]
    if not failing:
        return []
    says = "; ".join(f"{policy.name} of {policy.table}: {policy.error or 'no error is recorded'}" for policy in failing)
    return [Finding("policy_failing", says, details={"policies": [policy.name for policy in failing]})]


def judge_archive(unverified: Unverified) -> list[Finding]:
    """Whether files of the archive wait to be verified for longer than a few rounds of the worker."""
    if not unverified.files:
        return []
    says = f"{unverified.files:,} files are not verified, the oldest of {unverified.oldest:%Y-%m-%d}"
    return [Finding("archive_unverified", says, details={"files": unverified.files})]


def judge_letters(dead: Iterable[DeadLetters]) -> list[Finding]:
    """Whether channels were not told something of late."""
    known = sorted(dead)
    if not known:
        return []
    says = "; ".join(f"{each.messages:,} messages to {each.channel} were given up" for each in known)
    return [Finding("letters_dead", says, details={each.channel: each.messages for each in known})]


def judge_clock(clock: Clock) -> list[Finding]:
    """Whether our clock differs from the database's, or a block comes from the future."""
    if abs(clock.ahead_s) > CLOCK_OFF_S:
        way = "before" if clock.ahead_s > 0 else "behind"
        says = f"this machine's clock is {abs(clock.ahead_s):,.0f} s {way} the database's"
        return [Finding("clock_off", says, details={"ahead_s": round(clock.ahead_s, 1)})]
    if clock.newest_block_ahead_s > BLOCK_AHEAD_S:
        says = f"the newest block of {clock.newest_block_of} is {clock.newest_block_ahead_s:,.0f} s in the future"
        return [Finding("clock_off", says, details={"block_ahead_s": round(clock.newest_block_ahead_s, 1)})]
    return []


def judge_services(services: Iterable[Service], silent: timedelta, now: datetime) -> list[Finding]:
    """Whether a service that was not stopped has not said for long that it lives."""
    gone = {each.name: now - each.seen_at for each in services if not each.stopped and now - each.seen_at > silent}
    if not gone:
        return []
    says = "; ".join(
        f"{name} has not been heard of for {age.total_seconds():,.0f} s" for name, age in sorted(gone.items())
    )
    return [Finding("service_silent", says, details={"services": sorted(gone)})]


def judge_restarts(occasions: Iterable[Occasion]) -> list[Finding]:
    """Whether services that nobody had stopped were started again of late, or the database's server was."""
    known = list(occasions)
    services = sorted({each.service for each in known if each.event == "service_started" and each.service})
    which = [*services, *(["the database"] if any(each.event == "database_restarted" for each in known) else [])]
    return [Finding("restarted", f"started again: {', '.join(which)}", details={"which": which})] if which else []


def judge_interruptions(occasions: Iterable[Occasion]) -> list[Finding]:
    """Whether connections were lost of late: one finding, however many followers and services one cut was felt by."""
    known = list(occasions)
    chains = sorted({each.chain for each in known if each.chain})
    services = sorted({each.service for each in known if each.service})
    away = any(each.event == "database_away" for each in known)
    says = [
        *([f"streams that lost a node or the database: {', '.join(chains)}"] if chains else []),
        *([f"services that lost the database: {', '.join(services)}"] if services else []),
        *(["the worker could not reach the database"] if away else []),
    ]
    details = {"chains": chains, "services": services}
    return [Finding("interrupted", "; ".join(says), details=details)] if says else []


def _minutes(age: timedelta) -> str:
    return f"{age.total_seconds() / 60:,.0f}"
