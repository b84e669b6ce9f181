"""Each finding from the facts that tell it, and from those that just do not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from txhub.contract import StreamHealth
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
from txhub.ops.findings import (
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
from txhub.ops.heartbeat import beat

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def stream(chain: str, status: str) -> StreamHealth:
    return StreamHealth(chain, status, f"{chain} is {status}", 7, NOW, NOW, 1.0)


def test_a_stream_that_is_down() -> None:
    found = judge_streams([stream("a", "ok"), stream("b", "late"), stream("c", "down"), stream("d", "empty")])
    assert [(each.name, each.chain, each.says) for each in found] == [("stream_down", "c", "c is down")]


@pytest.mark.parametrize(
    ("lags", "moves", "open_for", "found"),
    [
        ([5, 20, 40, 60], True, False, True),
        ([5, 20, 40, 60], False, False, False),  # nothing is committed: that is late or down, not slow
        ([60, 60, 61, 62], True, False, False),  # behind, but not more and more
        ([60, 50, 40, 37], True, True, True),  # it began before, and is not small yet
        ([60, 50, 40, 35], True, True, False),
        ([5, 6, 7, 16], True, False, False),
    ],
)
def test_a_lag_that_grows(lags: list[int], moves: bool, open_for: bool, found: bool) -> None:
    seen = [Sample(NOW + number * MINUTE, 100 + number * moves, lag) for number, lag in enumerate(lags)]
    before = frozenset({"a"} if open_for else set())
    assert [each.name for each in judge_lags({"a": seen, "b": []}, {"a": 12.0, "b": 1.0}, before)] == [
        "lag_growing"
    ] * found


def test_a_lag_is_not_judged_before_it_was_watched_for_long_enough() -> None:
    seen = [Sample(NOW, 100, 5), Sample(NOW + MINUTE, 101, 65)]
    assert judge_lags({"a": seen}, {"a": 12.0}, frozenset()) == []


def test_gaps() -> None:
    found = judge_gaps([Missing("a", 2, 11, 40, 49), Missing("b", 0, 0, 0, 0)])
    assert [(each.chain, each.says) for each in found] == [
        ("a", "11 blocks are missing in 2 gaps, the newest from 40 to 49")
    ]


@pytest.mark.parametrize(
    ("depth", "usual", "found"),
    [(1, 0, False), (2, 0, False), (3, 0, True), (3, 2, False), (4, 2, True), (9, 5, False)],
)
def test_a_reorg_deeper_than_usual(depth: int, usual: int, found: bool) -> None:
    assert [each.name for each in judge_reorgs([ReorgDepth("a", depth, 100, usual)])] == ["deep_reorg"] * found


def test_rollups_behind() -> None:
    on_time = Watermark("tx_1m", NOW - 5 * MINUTE, NOW)
    kept_by_commits, nothing_yet = Watermark("tx_1h", None, NOW), Watermark("tx_1d", NOW, None)
    assert judge_rollups([on_time, kept_by_commits, nothing_yet], 0, NOW) == []
    [finding] = judge_rollups([on_time, Watermark("tx_1h", NOW - HOUR, NOW)], 3, NOW)
    assert finding.name == "rollup_behind"
    assert finding.says == "tx_1h is materialised up to 2026-03-01 11:00; 3 hours that are over are not closed"


def test_readers_of_the_outbox() -> None:
    assert judge_backlogs([Backlog("rollup", None), Backlog("detect", NOW - 4 * MINUTE)], NOW) == []
    [finding] = judge_backlogs([Backlog("rollup", NOW - 6 * MINUTE)], NOW)
    assert (finding.name, finding.details["readers"]) == ("outbox_reader_behind", ["rollup"])


@pytest.mark.parametrize(
    ("total", "free", "found"),
    [
        (100_000_000_000, 6_000_000_000, False),
        (100_000_000_000, 4_000_000_000, True),
        (10_000_000_000, 1_900_000_000, True),
    ],
)
def test_a_disk_that_is_nearly_full(total: int, free: int, found: bool) -> None:
    assert [each.name for each in judge_disks([Disk("the database", total, free)])] == ["disk_filling"] * found


def policy(*, failed: bool, worked: timedelta | None, every: timedelta = MINUTE) -> Policy:
    return Policy("refresh", "tx_1m", failed, None if worked is None else NOW - worked, every, "no room")


@pytest.mark.parametrize(
    ("state", "found"),
    [
        (policy(failed=False, worked=24 * HOUR), False),
        (policy(failed=True, worked=59 * MINUTE), False),
        (policy(failed=True, worked=61 * MINUTE), True),
        (policy(failed=True, worked=2 * HOUR, every=HOUR), False),
        (policy(failed=True, worked=4 * HOUR, every=HOUR), True),
        (policy(failed=True, worked=None), True),
    ],
)
def test_a_policy_that_fails(state: Policy, found: bool) -> None:
    assert [each.says for each in judge_policies([state], NOW)] == ["refresh of tx_1m: no room"] * found


def test_an_archive_that_is_not_verified() -> None:
    assert judge_archive(Unverified(0, None)) == []
    assert [each.name for each in judge_archive(Unverified(3, NOW))] == ["archive_unverified"]


def test_messages_that_were_given_up() -> None:
    assert judge_letters([]) == []
    [found] = judge_letters([DeadLetters("mail", 1), DeadLetters("desk", 1200)])
    assert (found.name, found.details) == ("letters_dead", {"desk": 1200, "mail": 1})
    assert found.says == "1,200 messages to desk were given up; 1 messages to mail were given up"


@pytest.mark.parametrize(
    ("clock", "says"),
    [
        (Clock(4.9, 20, "ethereum"), None),
        (Clock(-4.9, -1e6, "ethereum"), None),
        (Clock(6), "this machine's clock is 6 s before the database's"),
        (Clock(-60), "this machine's clock is 60 s behind the database's"),
        (Clock(0, 31, "ethereum"), "the newest block of ethereum is 31 s in the future"),
    ],
)
def test_a_clock_that_is_off(clock: Clock, says: str | None) -> None:
    assert [each.says for each in judge_clock(clock)] == ([says] if says else [])


def test_services_that_are_silent() -> None:
    services = [
        Service("worker", NOW - 50 * MINUTE, True),
        Service("serve", NOW - timedelta(seconds=59), False),
        Service("ingest a", NOW - timedelta(seconds=61), False),
    ]
    [finding] = judge_services(services, MINUTE, NOW)
    assert finding == Finding(
        "service_silent", "ingest a has not been heard of for 61 s", details={"services": ["ingest a"]}
    )


def test_what_was_started_again_is_one_finding() -> None:
    assert judge_restarts([]) == []
    crashes = [Occasion("service_started", service=name) for name in ("worker", "ingest", "worker")]
    [finding] = judge_restarts([*crashes, Occasion("database_restarted")])
    assert finding.says == "started again: ingest, worker, the database"
    assert (finding.name, finding.chain) == ("restarted", None)


def test_what_lost_its_connections_is_one_finding() -> None:
    assert judge_interruptions([]) == []
    [finding] = judge_interruptions([Occasion("database_away")])
    assert finding.says == "the worker could not reach the database"
    streams = [Occasion("follow_interrupted", chain=name) for name in "bab"]
    [finding] = judge_interruptions([*streams, Occasion("connection_lost", service="serve")])
    assert finding.says == "streams that lost a node or the database: a, b; services that lost the database: serve"
    assert (finding.name, finding.chain) == ("interrupted", None)


@pytest.mark.parametrize("status", [200, 404, None])
async def test_a_heartbeat_that_fails_is_no_reason_to_stop(
    status: int | None, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        if status is None:
            raise httpx.ConnectError("nobody is there")
        return httpx.Response(status)

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
        assert await beat(client, "https://example.com/ping/secret") == (status == 200)
    assert asked == ["https://example.com/ping/secret"]
    assert "secret" not in "".join(capsys.readouterr())
