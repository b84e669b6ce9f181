"""JSON-RPC: questions and typed answers, asked of the first of several endpoints that works."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import cache
from itertools import count
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec

from txhub.chain.pace import Pace
from txhub.chain.source import Notice, Notify
from txhub.chain.transport import Connection, RequestTooLarge, connect, endpoint_changed
from txhub.errors import NodeBusy, NodeRefused, NodeUnavailable

Result = TypeVar("Result")

_BUSY = frozenset({429, -32005, -32007, -32029, -32090})
"""Error codes by which nodes say that they are asked too much; no standard, but widely used."""
_ANSWER_TOO_LARGE = -32003
"""geth's error for the calls of a batch for which there is no more room in the answer."""
_METHOD_MISSING = frozenset({-32601, -32004})
"""JSON-RPC's own error code for a method that does not exist, and Ethereum's for one that is not supported."""
_METHOD_MISSING_TEXT = re.compile(
    r"\b(method|eth_\w+)\b.*\b(not|unsupported|disabled|blocked)\b|\bunsupported\b.*\bmethod\b", re.IGNORECASE
)
"""The same where the code is another one, which is common with nodes that offer some methods to some users only."""
_BATCH_TEXT = re.compile(r"\bbatch", re.IGNORECASE)
_PATIENCE = 5
"""Complaints in a row after which a busy node is left for the next one."""
_STARTING = -28
"""Bitcoin Core's error while it starts."""

_ids = count(1)


class Call(NamedTuple):
    """A method and its parameters."""

    method: str
    params: Sequence[Any] = ()


class _Error(msgspec.Struct):
    message: str = "an error without a message"
    code: int = 0


class _Answer(msgspec.Struct, Generic[Result]):
    id: int | None = None
    result: Result | None = None
    error: _Error | None = None


class _RawAnswer(msgspec.Struct):
    """The same, its result not looked at yet."""

    id: int | None = None
    result: msgspec.Raw = msgspec.Raw(b"null")
    error: _Error | None = None


_RAW = msgspec.json.Decoder(list[_RawAnswer])
_REFUSAL = msgspec.json.Decoder(_RawAnswer)


class MethodMissing(NodeRefused):
    """The node does not have a method, or not for us."""


class Node:
    """One node as a source sees it; behind it the first of several endpoints that works.

    `greet` is run on every new connection, and refuses a node that is not the right one. After a
    failure the next call goes to the next endpoint, and `notify` is told of the change.
    """

    def __init__(
        self,
        endpoints: Sequence[str],
        greet: Callable[[Connection], Awaitable[None]],
        timeout_s: float,
        notify: Notify = lambda notice: None,
    ) -> None:
        self._endpoints = endpoints
        self._greet = greet
        self._timeout_s = timeout_s
        self._notify = notify
        self._turn = 0
        self._connection: Connection | None = None
        self._connecting = asyncio.Lock()
        self._pace = Pace()
        self._closed = False

    async def call(self, call: Call, result: type[Result]) -> Result | None:
        """Ask one question.

        Raises:
            NodeUnavailable: no endpoint answers, or this one is too busy.
            NodeRefused: the node answers with an error, or with something else than a `result`.
        """
        [answer] = await self.batch([call], result)
        if isinstance(answer, NodeRefused):
            raise answer
        return answer

    async def batch(self, calls: Sequence[Call], result: type[Result]) -> list[Result | NodeRefused | None]:
        """Ask several questions in one request; where an answer is an error or no `result`, that stands in its place.

        It becomes several requests, one after the other, for a node that does not take one of this size. A node that
        is too busy is asked again, more slowly; see `Pace`.

        Raises:
            NodeUnavailable: no endpoint answers, or this one has been too busy for a while.
            NodeRefused: the node does not let us in, or does not take even one question.
        """
        connection = await self.connected()
        pace = self._pace
        answers: list[Result | NodeRefused | None] = []
        while len(answers) < len(calls):
            answers += await self._ask_some(connection, pace, calls[len(answers) :], result)
        return answers

    async def connected(self) -> Connection:
        """Return the connection in use; without one, connect to the first endpoint in turn that works.

        Raises:
            NodeUnavailable: none works; tells of each.
            NodeRefused: all refuse; tells of each.
        """
        async with self._connecting:
            if self._closed:
                raise NodeUnavailable("the connection to the node is closed")
            if self._connection is not None:
                return self._connection
            failures: list[NodeUnavailable | NodeRefused] = []
            for _ in self._endpoints:
                try:
                    self._connection = await self._open(self._endpoints[self._turn])
                except (NodeUnavailable, NodeRefused) as failure:
                    failures.append(failure)
                    self._move_on(str(failure))
                else:
                    self._pace = Pace()
                    return self._connection
        raise none_works(failures)

    async def leave(self, endpoint: str, reason: str) -> None:
        """Go on with the next endpoint if this one is in use; calls under way raise `NodeUnavailable`."""
        if self._connection is not None and self._endpoints[self._turn] == endpoint:
            await self.drop(self._connection, reason)

    async def drop(self, connection: Connection, reason: str) -> None:
        """Close a connection that failed, and go on with the next endpoint."""
        if self._connection is connection:
            self._connection = None
            self._pace.end()
            self._move_on(reason)
            await connection.close()

    async def close(self) -> None:
        """Close the connection; calls under way raise `NodeUnavailable`."""
        self._closed = True
        self._pace.end()
        if self._connection is not None:
            await self._connection.close()

    async def _ask_some(
        self, connection: Connection, pace: Pace, calls: Sequence[Call], result: type[Result]
    ) -> list[Result | NodeRefused | None]:
        """Ask as many of the calls in one request as the node takes; no answers if it is to be asked again."""
        async with pace.turn(len(calls)) as count:
            try:
                answers = await _ask(connection, calls[:count], result)
            except NodeBusy as busy:
                if pace.slow_down(busy):
                    self._notify(_slowed_down(connection, pace, busy))
                if pace.complaints < _PATIENCE:
                    return []
                if len(self._endpoints) > 1:
                    await self.drop(connection, str(busy))
                raise
            except NodeUnavailable as failure:
                await self.drop(connection, str(failure))
                raise
            except RequestTooLarge as refusal:
                if count == 1:
                    raise
                pace.ask_less(count)
                self._notify(_slowed_down(connection, pace, refusal))
                return []
            pace.answered(count)
            return answers

    async def _open(self, endpoint: str) -> Connection:
        connection = await connect(endpoint, self._timeout_s)
        try:
            await self._greet(connection)
        except BaseException:
            await connection.close()
            raise
        return connection

    def _move_on(self, reason: str) -> None:
        before, self._turn = self._turn, (self._turn + 1) % len(self._endpoints)
        if before != self._turn:
            self._notify(endpoint_changed(self._endpoints[before], self._endpoints[self._turn], reason))


def none_works(failures: Sequence[NodeUnavailable | NodeRefused]) -> NodeUnavailable | NodeRefused:
    """Return the error that each of a chain's endpoints failed in its way: a refusal if all of them refuse."""
    if len(failures) == 1:
        return failures[0]
    refused = all(isinstance(failure, NodeRefused) for failure in failures)
    return (NodeRefused if refused else NodeUnavailable)("; ".join(map(str, failures)), hint=failures[0].hint)


def _slowed_down(connection: Connection, pace: Pace, reason: Exception) -> Notice:
    return Notice("warning", "slowed_down", {"endpoint": connection.where, "reason": str(reason), **pace.limits})


async def ask(connection: Connection, call: Call, result: type[Result]) -> Result | None:
    """Ask one question on a given connection; errors as of `Node.call`."""
    [answer] = await _ask(connection, [call], result)
    if isinstance(answer, NodeRefused):
        raise answer
    return answer


async def _ask(
    connection: Connection, calls: Sequence[Call], result: type[Result]
) -> list[Result | NodeRefused | None]:
    ids = [next(_ids) for _ in calls]
    requests = [
        {"jsonrpc": "2.0", "id": key, "method": call.method, "params": call.params}
        for key, call in zip(ids, calls, strict=True)
    ]
    if len(requests) > 1:
        frame = await connection.exchange(msgspec.json.encode(requests), ids)
    else:
        frame = b"[" + await connection.exchange(msgspec.json.encode(requests[0]), ids) + b"]"
    try:
        answers = {answer.id: answer for answer in _parse(connection.where, frame, result)}
    except msgspec.DecodeError:
        raise _not_json(connection.where, frame) from None

    ordered: list[Result | NodeRefused | None] = []
    for key, call in zip(ids, calls, strict=True):
        # An error about a request that the node could not even read carries no id.
        answer = answers.get(key) or (answers.get(None) if len(calls) == 1 else None)
        if answer is None and len(calls) > 1 and (error := next(iter(answers.values()), _Answer()).error):
            raise RequestTooLarge(f"{connection.where} answers: {error.message}")  # geth, once for the whole batch
        if answer is None:
            raise NodeUnavailable(f"{connection.where} left a question without an answer ({call.method})")
        if len(calls) > 1 and answer.error is not None and answer.error.code == _ANSWER_TOO_LARGE:
            raise RequestTooLarge(f"{connection.where} answers: {answer.error.message}")
        ordered.append(answer.result if answer.error is None else _refusal(connection.where, answer.error))
    return ordered


def _parse(where: str, frame: bytes, result: type[Result]) -> list[_Answer[Result]]:
    """Parse the answers to a batch, in one pass if every result has its right shape; `msgspec.Raw` leaves them."""
    if result is not msgspec.Raw:
        with suppress(msgspec.ValidationError):
            parsed: list[_Answer[Result]] = _decoder(result).decode(frame)  # type: ignore[arg-type]
            return parsed
    try:
        raws = _RAW.decode(frame)
    except msgspec.ValidationError as fault:
        raise _misfit(where, frame, str(fault)) from None
    return [_parse_alone(raw, result) for raw in raws]


def _parse_alone(raw: _RawAnswer, result: type[Result]) -> _Answer[Result]:
    if raw.error is not None:
        return _Answer(raw.id, error=raw.error)
    if result is msgspec.Raw:
        return _Answer(raw.id, raw.result)  # type: ignore[arg-type]
    try:
        return _Answer(raw.id, msgspec.json.decode(raw.result, type=result | None))
    except msgspec.ValidationError as fault:
        return _Answer(raw.id, error=_Error(str(fault)))


def _misfit(where: str, frame: bytes, fault: str) -> NodeRefused:
    """What it means that the answer to a batch is no list of answers.

    Raises:
        NodeUnavailable: the node is too busy.
    """
    try:
        error = _REFUSAL.decode(frame).error
    except msgspec.ValidationError:
        error = None
    if error is None:
        return NodeRefused(f"{where} gives answers that are none: {fault}", hint="is this the URL of a node?")
    if _BATCH_TEXT.search(error.message):
        return RequestTooLarge(f"{where} answers: {error.message}")
    return RequestTooLarge(str(_refusal(where, error)))


def _refusal(where: str, error: _Error) -> NodeRefused:
    if error.code in _BUSY:
        raise NodeBusy(
            f"{where} is asked too much: {error.message}", hint="lower parallel_requests, or use a node of your own"
        )
    if error.code == _STARTING:
        raise NodeUnavailable(f"{where} is still starting: {error.message}")
    text = f"{where} answers: {error.message}"
    if error.code in _METHOD_MISSING or _METHOD_MISSING_TEXT.search(error.message):
        return MethodMissing(text)
    return NodeRefused(text)


def _not_json(where: str, frame: bytes) -> NodeRefused | NodeUnavailable:
    if frame.lstrip(b"[ \t\r\n")[:1] == b"{":
        return NodeUnavailable(f"{where} broke off in the middle of an answer")
    return NodeRefused(f"{where} does not answer in JSON", hint="is this the URL of a node?")


@cache  # building one takes longer than a small answer
def _decoder(result: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(list[_Answer[result]])
