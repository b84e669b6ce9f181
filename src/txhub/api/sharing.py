"""One answer for all who ask the same: open dashboards ask the same questions within milliseconds of each block.

Whoever asks first is answered, and whoever asks the very same meanwhile gets that answer too. It may be kept a moment
longer. Never is it given to somebody who asked after another block of its chains was committed, as far as the outbox
told: what was announced is in every answer from then on. Answers that say for how long they hold (`max-age`), because a
block more would hardly show in them, are given until then.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Hashable
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar, cast

from litestar import Request, Response

from txhub.api.parameters import listed

MOST_KEPT = 1000
"""Answers that are remembered at most."""
MOST_BYTES = 32 * 1024 * 1024
"""What they may weigh together."""
_VARY = ("accept", "accept-encoding", "if-none-match")
Handler = TypeVar("Handler", bound=Callable[..., Coroutine[Any, Any, Response[bytes]]])


@dataclass(slots=True, eq=False)
class _Shared:
    """An answer, or the work on it; `version` and `began` are of what it knows."""

    work: asyncio.Task[Response[bytes]]
    chains: frozenset[str]
    version: object
    began: float
    waiting: int = 0

    @property
    def size(self) -> int:
        """Bytes of the answer, 0 before there is one."""
        return len(self.work.result().content) if self.work.done() else 0

    @property
    def holds_s(self) -> float:
        """Seconds from the question on for which the answer itself says that it holds, 0 before there is one."""
        return max_age(self.work.result()) if self.work.done() else 0

    async def result(self) -> Response[bytes]:
        """Wait for it; the work ends with the last one who waits."""
        self.waiting += 1
        try:
            return await asyncio.shield(self.work)
        finally:
            self.waiting -= 1
            if not self.waiting:
                self.work.cancel()


class Sharing:
    """The answers that are being made, and those made within the last `keep_s` seconds.

    Args:
        version: what is committed of the chains named, or of all where none is; an answer is given only to those who
            see the same version as who asked for it, unless it says itself that it holds.
        keep_s: for how long after the question an answer is given to others; 0: until it is there, whatever it says.
    """

    def __init__(self, version: Callable[[frozenset[str]], object], keep_s: float) -> None:
        self._version = version
        self._keep_s = keep_s
        self._answers: OrderedDict[Hashable, _Shared] = OrderedDict()
        self._bytes = 0

    async def answer(
        self,
        question: Hashable,
        ask: Callable[[], Coroutine[Any, Any, Response[bytes]]],
        chains: frozenset[str] = frozenset(),
    ) -> Response[bytes]:
        """The answer to a question about chains, or about all: another one's, or that of `ask`."""
        shared = self._answers.get(question)
        if shared is None or not self._holds(shared):
            shared = self._begin(question, ask(), chains)
        return await shared.result()

    def close(self) -> None:
        """End all work."""
        for shared in self._answers.values():
            shared.work.cancel()
        self._answers.clear()

    def _holds(self, shared: _Shared) -> bool:
        age = time.monotonic() - shared.began
        if self._keep_s and age < shared.holds_s:
            return True
        if shared.version != self._version(shared.chains):
            return False
        return not shared.work.done() or age < self._keep_s

    def _begin(self, question: Hashable, work: Coroutine[Any, Any, Response[bytes]], chains: frozenset[str]) -> _Shared:
        self._forget(question)
        shared = _Shared(asyncio.create_task(work), chains, self._version(chains), time.monotonic())
        self._answers[question] = shared
        shared.work.add_done_callback(lambda _: self._made(question, shared))
        return shared

    def _made(self, question: Hashable, shared: _Shared) -> None:
        """Keep an answer, unless it is an error; and as much of older ones as there is room for."""
        if self._answers.get(question) is not shared:
            return
        if shared.work.cancelled() or shared.work.exception() or not self._holds(shared):
            del self._answers[question]
            return
        self._bytes += shared.size
        while self._answers and (len(self._answers) > MOST_KEPT or self._bytes > MOST_BYTES or self._is_old()):
            self._forget(next(iter(self._answers)))

    def _is_old(self) -> bool:
        return not self._holds(next(iter(self._answers.values())))

    def _forget(self, question: Hashable) -> None:
        """Forget an answer. Those who wait for one that is still being made get it all the same."""
        shared = self._answers.pop(question, None)
        if shared is not None:
            self._bytes -= shared.size


def shared(handler: Handler) -> Handler:
    """Let a handler answer all who ask the same at once. It has to be a question that clients cannot change."""

    @wraps(handler)
    async def answer(request: Request[Any, Any, Any], **arguments: Any) -> Response[bytes]:
        sharing: Sharing = request.app.state.sharing
        headers = tuple(request.headers.get(name) for name in _VARY)
        question = (request.scope["path"], request.scope["query_string"], headers)
        chains = frozenset(listed(arguments.get("chain")))
        return await sharing.answer(question, lambda: handler(request=request, **arguments), chains)

    return cast("Handler", answer)


def max_age(response: Response[bytes]) -> int:
    """Seconds for which an answer may be given again without asking, 0 where it does not say."""
    _, _, seconds = response.headers.get("Cache-Control", "").partition("max-age=")
    return int(seconds or 0)
