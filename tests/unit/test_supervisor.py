"""Work is taken up again where that helps, and only there."""

from __future__ import annotations

import asyncio
import weakref

import pytest

from txhub.errors import NodeRefused, NodeUnavailable
from txhub.ingest import supervisor


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds that the supervisor would have slept; it does not."""
    slept: list[float] = []
    real = asyncio.sleep

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        await real(0)

    monkeypatch.setattr(supervisor.asyncio, "sleep", sleep)
    return slept


async def test_it_waits_longer_each_time_up_to_a_minute(waits: list[float]) -> None:
    failures = 12

    async def work() -> None:
        if len(waits) == failures:
            raise NodeRefused("another chain")
        raise NodeUnavailable

    with pytest.raises(NodeRefused, match="another chain"):
        await supervisor.supervise("test", work)
    for number, seconds in enumerate(waits):
        whole = min(supervisor.FIRST_DELAY * 2**number, supervisor.LONGEST_DELAY)
        assert whole / 2 <= seconds <= whole


async def test_failures_of_tasks_count_as_their_first(waits: list[float]) -> None:
    async def work() -> None:
        raise ExceptionGroup(
            "tasks", [ExceptionGroup("inner", [NodeUnavailable() if not waits else NodeRefused("no")])]
        )

    with pytest.raises(NodeRefused):
        await supervisor.supervise("test", work)
    assert len(waits) == 1


async def test_a_bug_is_not_retried(waits: list[float]) -> None:
    async def work() -> None:
        raise ExceptionGroup("tasks", [ZeroDivisionError()])

    with pytest.raises(ZeroDivisionError):
        await supervisor.supervise("test", work)
    assert waits == []


async def test_what_failed_work_had_in_hand_is_let_go_before_it_is_tried_again(waits: list[float]) -> None:
    class Rows:
        """What takes memory."""

    had: list[weakref.ref[Rows]] = []

    async def fail(rows: Rows) -> None:
        raise NodeUnavailable(f"with {rows} in hand")

    async def work() -> None:
        assert [each() for each in had] == [None] * len(waits)
        if len(waits) == 2:
            raise NodeRefused("no more")
        rows = Rows()
        had.append(weakref.ref(rows))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(fail(rows))

    with pytest.raises(NodeRefused):
        await supervisor.supervise("test", work)
    assert len(had) == 2


async def test_work_with_an_end_goes_on_while_it_gets_anywhere(waits: list[float]) -> None:
    done = 0

    async def work() -> None:
        nonlocal done
        done += 1
        if done < 20:
            raise NodeUnavailable

    await supervisor.persevere("test", work, lambda: done, patience=0)
    assert (done, len(waits)) == (20, 19)


async def test_work_that_gets_nowhere_is_given_up(waits: list[float]) -> None:
    async def work() -> None:
        raise NodeUnavailable("the node is away")

    with pytest.raises(NodeUnavailable, match="the node is away"):
        await supervisor.persevere("test", work, lambda: 7, patience=0)
    assert waits == []


async def test_it_ends_when_cancelled() -> None:
    task = asyncio.create_task(supervisor.supervise("test", asyncio.Event().wait))  # type: ignore[arg-type]
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
