"""What a follower tells of its chain: the state of its stream, and a log of what happens to its nodes.

Both are written by a task of their own, so that nothing that follows blocks waits for them. States are written when
they change, and again after a while, so that a follower that died shows by its silence.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Literal

import structlog

from txhub.chain.registry import redact
from txhub.chain.source import Notice
from txhub.errors import ListenerDied, NodeStuck, TxhubError
from txhub.store.ledger import Ledger

State = Literal["following", "catching_up", "waiting", "listener_died", "node_stuck", "chain_quiet", "halted"]

HEARTBEAT_S = 15.0
FOLLOWING = "blocks are committed as they come"
"""Why a stream is in its best state."""
_WAITING = 200
"""Notices that may wait to be written; of more, the oldest are dropped and counted."""


class Stream:
    """The state of one chain's stream. `say` and `hear` never wait; `write` is to be run beside the follower.

    Of several ingesters of a chain only the one that follows it writes the state.
    """

    def __init__(self, ledger: Ledger) -> None:
        self.state: State = "waiting"
        self._ledger = ledger
        self._reason = "starting"
        self._follows = False
        self._interrupted = False
        self._endpoint = redact(ledger.chain.endpoints[0]) if ledger.chain.endpoints else None
        self._head: int | None = None
        self._changed = asyncio.Event()
        self._notices: asyncio.Queue[Notice] = asyncio.Queue(_WAITING)
        self._dropped = 0
        self._log = structlog.get_logger("ingest").bind(chain=ledger.chain.name)

    def say(self, state: State, reason: str) -> None:
        """Set the state, and why it is so."""
        self._follows = True
        if self._interrupted and state in ("following", "catching_up"):
            self._interrupted = False
            self.note(Notice("info", "follow_resumed", {}))
        if (state, reason) != (self.state, self._reason):
            self.state, self._reason = state, reason
            self._changed.set()

    def step_back(self) -> None:
        """Leave the state to another ingester, which follows this chain already, until the next `say`."""
        self._follows = False
        self.note(Notice("info", "waiting_for_turn", {"reason": "another ingester follows this chain"}))

    def saw(self, head: int) -> None:
        """Note the newest block that a node told of; it is written with the next state or heartbeat."""
        self._head = head

    def failed(self, failure: TxhubError) -> None:
        """Set the state that a failure puts the stream into."""
        if failure.retry and not self._interrupted:  # once, however often it fails again
            self._interrupted = True
            self.note(Notice("warning", "follow_interrupted", {"reason": str(failure)}))
        if isinstance(failure, ListenerDied):
            self.say("listener_died", str(failure))
        elif isinstance(failure, NodeStuck):
            self.say("node_stuck", str(failure))
        else:
            self.say("waiting" if failure.retry else "halted", str(failure))

    def hear(self, notice: Notice) -> None:
        """Take what a source tells of its nodes."""
        if notice.event == "endpoint_changed":
            self._endpoint = str(notice.details.get("to"))
        elif notice.event == "chain_quiet":
            self.say("chain_quiet", str(notice.details.get("reason")))
        elif notice.event == "chain_resumed":
            self.say("following", FOLLOWING)
        self.note(notice)

    def note(self, notice: Notice) -> None:
        """Put a line into the event log."""
        if self._notices.full():
            self._notices.get_nowait()
            self._dropped += 1
        self._notices.put_nowait(notice)
        self._changed.set()

    async def write(self) -> None:
        """Write what was said and heard, for ever.

        Raises:
            DatabaseUnavailable, DatabaseRefused, DiskFull: run it again to go on; nothing that waits is lost.
        """
        self._changed.set()
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(HEARTBEAT_S):
                    await self._changed.wait()
            self._changed.clear()
            await self.flush()

    async def flush(self) -> None:
        """Write the state and every notice that waits."""
        if dropped := self._dropped:
            await self._ledger.record("warning", "ingest", "notices_dropped", count=dropped)
            self._dropped -= dropped
        while not self._notices.empty():
            notice = self._notices.get_nowait()
            try:
                await self._ledger.record(notice.level, "ingest", notice.event, **notice.details)
            except BaseException:
                self._put_back(notice)
                raise
            self._log.info(notice.event, **notice.details)
        if self._follows:
            await self._ledger.set_stream(self.state, self._reason, self._endpoint, self._head)

    def _put_back(self, notice: Notice) -> None:
        if not self._notices.full():
            self._notices.put_nowait(notice)
