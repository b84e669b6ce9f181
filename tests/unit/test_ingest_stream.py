"""What a follower tells of its chain: written when it changes, and by nobody who does not follow."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.blocks import ETHEREUM
from txhub.chain.source import Notice
from txhub.errors import DatabaseUnavailable, DeepReorg, ListenerDied, NodeStuck, NodeUnavailable, TxhubError
from txhub.ingest import stream as telling
from txhub.ingest.stream import Stream


class Writing:
    """A ledger that only keeps what is told; it can be away."""

    def __init__(self) -> None:
        self.chain = ETHEREUM
        self.states: list[tuple[str, int | None]] = []
        self.events: list[str] = []
        self.wrote = asyncio.Event()
        self.away = False

    async def set_stream(self, state: str, reason: str, endpoint: str | None, head: int | None) -> None:
        assert reason
        self.states.append((state, head))
        self.wrote.set()

    async def record(self, level: str, component: str, event: str, **details: object) -> None:
        if self.away:
            raise DatabaseUnavailable
        self.events.append(f"{event} {details['count']}" if "count" in details else event)


@asynccontextmanager
async def written(stream: Stream) -> AsyncIterator[None]:
    task = asyncio.create_task(stream.write())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


@pytest.fixture
def ledger() -> Writing:
    return Writing()


@pytest.fixture
def stream(ledger: Writing) -> Stream:
    return Stream(ledger)  # type: ignore[arg-type]


async def next_write(ledger: Writing) -> None:
    ledger.wrote.clear()
    async with asyncio.timeout(5):
        await ledger.wrote.wait()


async def test_heads_wait_for_the_next_state_or_heartbeat(
    ledger: Writing, stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with written(stream):
        stream.say("following", "blocks come")
        await next_write(ledger)
        for head in range(100):
            stream.saw(head)
            await asyncio.sleep(0)
        assert ledger.states == [("following", None)]
        stream.say("catching_up", "blocks are missing")
        await next_write(ledger)
        assert ledger.states[1:] == [("catching_up", 99)]
        monkeypatch.setattr(telling, "HEARTBEAT_S", 0.01)
        stream.say("following", "blocks come")
        await next_write(ledger)
        stream.saw(123)
        await next_write(ledger)
        assert ledger.states[-1] == ("following", 123)


@pytest.mark.parametrize(
    ("failure", "state"),
    [
        (ListenerDied("no head came"), "listener_died"),
        (NodeStuck("others have more"), "node_stuck"),
        (NodeUnavailable("away"), "waiting"),
        (DeepReorg("too deep"), "halted"),
    ],
)
async def test_a_failure_is_a_state(stream: Stream, failure: TxhubError, state: str) -> None:
    stream.failed(failure)
    assert stream.state == state


async def test_a_quiet_chain_is_quiet_until_it_resumes(stream: Stream, ledger: Writing) -> None:
    stream.hear(Notice("info", "chain_quiet", {"reason": "no node has a newer block"}))
    assert stream.state == "chain_quiet"
    stream.hear(Notice("info", "chain_resumed", {}))
    assert stream.state == "following"
    await stream.flush()
    assert ledger.events == ["chain_quiet", "chain_resumed"]


async def test_of_too_many_notices_the_oldest_are_dropped_and_counted(stream: Stream, ledger: Writing) -> None:
    for number in range(250):
        stream.note(Notice("info", f"event_{number}", {}))
    await stream.flush()
    assert ledger.events == ["notices_dropped 50", *(f"event_{number}" for number in range(50, 250))]


async def test_what_waits_survives_a_database_that_is_away(stream: Stream, ledger: Writing) -> None:
    stream.note(Notice("warning", "reorg", {}))
    ledger.away = True
    with pytest.raises(DatabaseUnavailable):
        await stream.flush()
    ledger.away = False
    await stream.flush()
    assert ledger.events == ["reorg"]


async def test_who_waits_for_a_turn_leaves_the_state_alone(stream: Stream, ledger: Writing) -> None:
    await stream.flush()
    stream.step_back()
    await stream.flush()
    assert ledger.states == []
    assert ledger.events == ["waiting_for_turn"]
    stream.say("following", "blocks come")
    await stream.flush()
    assert ledger.states == [("following", None)]
