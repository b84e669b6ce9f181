"""One answer for all who ask the same at once, and never one that is older than what was announced."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from litestar import Response

from txhub.api import sharing
from txhub.api.sharing import Sharing
from txhub.errors import DatabaseUnavailable


class Work:
    """Answers that are there when they are let go; how often it was asked, and how often it was given up."""

    def __init__(self, size: int = 1, says: str = "private, no-cache") -> None:
        self.go = asyncio.Event()
        self.asked = self.given_up = 0
        self.fails = False
        self._size = size
        self._headers = {"Cache-Control": says}

    async def __call__(self) -> Response[bytes]:
        self.asked += 1
        number = self.asked
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.given_up += 1
            raise
        if self.fails:
            raise DatabaseUnavailable
        return Response(b"%d" % number * self._size, headers=self._headers)


def begun(*work: Coroutine[Any, Any, Response[bytes]]) -> list[asyncio.Task[Response[bytes]]]:
    return [asyncio.create_task(each) for each in work]


async def settled(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 (it is turns of the loop that are waited for)
            await asyncio.sleep(0)


async def test_who_asks_the_same_meanwhile_gets_the_same() -> None:
    held, work, other = Sharing(lambda _: 1, 0.0), Work(), Work()
    waiting = begun(*(held.answer("q", work) for _ in range(50)), held.answer("another", other))
    await settled(lambda: work.asked == 1 and other.asked == 1)
    work.go.set(), other.go.set()
    *same, apart = await asyncio.gather(*waiting)
    assert len({id(each) for each in same}) == 1
    assert apart is not same[0]
    assert (await held.answer("q", work)).content == b"2"  # nothing is kept


async def test_who_asks_after_a_commit_gets_what_is_new() -> None:
    version = 1
    held, work = Sharing(lambda _: version, 60.0), Work()
    early = begun(held.answer("q", work))
    await settled(lambda: work.asked == 1)
    version = 2
    late = begun(held.answer("q", work), held.answer("q", work))
    await settled(lambda: work.asked == 2)
    work.go.set()
    answers = [(await each).content for each in (*early, *late)]
    assert answers == [b"1", b"2", b"2"]
    assert (await held.answer("q", work)).content == b"2"
    version = 3
    assert (await held.answer("q", work)).content == b"3"


async def test_a_commit_of_another_chain_changes_nothing() -> None:
    committed = {"a": 1, "b": 1}
    held, work = Sharing(lambda chains: [committed[chain] for chain in sorted(chains or committed)], 60.0), Work()
    work.go.set()
    assert [(await held.answer(*asked)).content for asked in (("qa", work, frozenset("a")), ("q", work))] == [
        b"1",
        b"2",
    ]
    committed["b"] = 2
    assert (await held.answer("qa", work, frozenset("a"))).content == b"1"
    assert (await held.answer("q", work)).content == b"3"
    committed["a"] = 2
    assert (await held.answer("qa", work, frozenset("a"))).content == b"4"


async def test_an_answer_that_says_that_it_holds_is_given_until_then(monkeypatch: pytest.MonkeyPatch) -> None:
    now, version = 100.0, 1
    monkeypatch.setattr(sharing.time, "monotonic", lambda: now)
    held, kept_by_none, work = Sharing(lambda _: version, 1.0), Sharing(lambda _: version, 0.0), Work(says="max-age=9")
    work.go.set()
    assert [(await each.answer("q", work)).content for each in (held, kept_by_none)] == [b"1", b"2"]
    now, version = 108.9, 2
    assert [(await each.answer("q", work)).content for each in (held, kept_by_none)] == [b"1", b"3"]
    now = 109.0
    assert (await held.answer("q", work)).content == b"4"


async def test_an_answer_is_kept_from_the_question_on(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(sharing.time, "monotonic", lambda: now)
    held, work = Sharing(lambda _: 1, 1.0), Work()
    work.go.set()
    assert (await held.answer("q", work)).content == b"1"
    now = 100.9
    assert (await held.answer("q", work)).content == b"1"
    now = 101.0
    assert (await held.answer("q", work)).content == b"2"


async def test_errors_reach_all_who_wait_and_nobody_else() -> None:
    held, work = Sharing(lambda _: 1, 60.0), Work()
    work.fails = True
    waiting = begun(held.answer("q", work), held.answer("q", work))
    work.go.set()
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(each) for each in outcomes] == [DatabaseUnavailable] * 2
    work.fails = False
    assert (await held.answer("q", work)).content == b"2"


async def test_work_ends_with_the_last_one_who_waits() -> None:
    held, work = Sharing(lambda _: 1, 60.0), Work()
    first, second = begun(held.answer("q", work), held.answer("q", work))
    await settled(lambda: work.asked == 1)
    first.cancel()
    await asyncio.wait([first])
    assert work.given_up == 0
    second.cancel()
    await asyncio.wait([second])
    await settled(lambda: work.given_up == 1)
    work.go.set()
    assert (await held.answer("q", work)).content == b"2"


async def test_only_so_much_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharing, "MOST_BYTES", 1000)
    monkeypatch.setattr(sharing, "MOST_KEPT", 7)
    held, light, heavy = Sharing(lambda _: 1, 60.0), Work(), Work(400)
    light.go.set(), heavy.go.set()
    for number in range(20):
        await held.answer(number, light)
        assert len(held._answers) <= 7
    for number in range(20, 30):
        await held.answer(number, heavy)
        assert held._bytes == sum(each.size for each in held._answers.values()) <= 1000
    assert 29 in held._answers
    held.close()
    assert not held._answers
