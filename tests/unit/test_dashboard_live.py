"""The hub: one stream in, news for every page out, and nothing that piles up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from dashboards import live
from dashboards.live import EVERYTHING, Hub, Link, Mailbox, News
from txhub.client import StreamEvent
from txhub.contract import (
    AlertEvent,
    BackfillEvent,
    BlockEvent,
    CaseState,
    ChainState,
    ReorgEvent,
    Severity,
    StreamHealth,
)
from txhub.errors import Unavailable


def block(number: int, chain: str = "ethereum") -> StreamEvent:
    time = datetime(2023, 9, 8, 7, number, tzinfo=UTC)
    return StreamEvent(number, "block", BlockEvent(chain, number, f"0x{number:064x}", time, 150, "12.5", "ETH"))


def verdict(status: str, number: int) -> StreamEvent:
    return StreamEvent(number, "health", StreamHealth("ethereum", status, "", 1, None, None, 1.0))


class Api:
    """A node of the API: the test says what happens there. It stands in for the network, no more."""

    def __init__(self) -> None:
        self.happenings: asyncio.Queue[StreamEvent | Exception] = asyncio.Queue()
        self.asked_from: list[int | None] = []
        self.answers = True

    async def stream(self, last_id: int | None = None) -> AsyncIterator[StreamEvent]:
        self.asked_from.append(last_id)
        yield verdict("ok", last_id or 0)
        while True:
            happening = await self.happenings.get()
            if isinstance(happening, Exception):
                raise happening
            yield happening

    async def health(self) -> list[StreamHealth]:
        if not self.answers:
            raise Unavailable("the API still does not answer")
        return []


@pytest.fixture
def api() -> Api:
    return Api()


@pytest.fixture
async def hub(api: Api, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Hub]:
    for pause in ("RETRY_S", "PACE_S"):
        monkeypatch.setattr(live, pause, 0.001)
    hub = Hub(api)
    yield hub
    await hub.close()


async def settled(mailbox: Mailbox) -> None:
    """Take what every page hears at first: the link, and the first verdict on each chain."""
    while (await mailbox.take())[1] is None:
        pass


async def test_every_page_hears_of_a_block(api: Api, hub: Hub) -> None:
    with hub.subscribe() as one, hub.subscribe() as other:
        await settled(one)
        await settled(other)
        api.happenings.put_nowait(block(27))
        moment = datetime(2023, 9, 8, 7, 27, tzinfo=UTC)
        expected = (None, News(frozenset({"ethereum"}), moment, moment))
        assert await one.take() == expected
        assert await other.take() == expected
        assert api.asked_from == [None]
        assert [each.number for each in hub.blocks] == [27]


async def test_a_reorg_takes_its_blocks_from_the_list(api: Api, hub: Hub) -> None:
    start, end = datetime(2023, 9, 8, 7, 11, tzinfo=UTC), datetime(2023, 9, 8, 7, 12, tzinfo=UTC)
    reorg = ReorgEvent("ethereum", 10, 2, 12, "0x0c", 12, "0x0d", start, end)
    with hub.subscribe() as page:
        await settled(page)
        for event in (block(10), block(11), block(11, "base"), block(12), StreamEvent(13, "reorg", reorg)):
            api.happenings.put_nowait(event)
        while [(each.chain, each.number) for each in hub.blocks] != [("base", 11), ("ethereum", 10)]:
            _, news = await page.take()
    assert news is not None
    assert not news.everything
    assert news.end == end


async def test_a_slow_page_finds_one_piece_of_news(api: Api, hub: Hub) -> None:
    with hub.subscribe() as slow, hub.subscribe() as quick:
        await settled(slow)
        await settled(quick)
        for number in range(50):
            api.happenings.put_nowait(block(number, "base" if number % 2 else "ethereum"))
        seen = 0
        while seen < 49:
            _, news = await quick.take()
            seen = news.end.minute if news and news.end else seen
        _, news = await slow.take()
        assert news == News(
            frozenset({"base", "ethereum"}),
            datetime(2023, 9, 8, 7, 0, tzinfo=UTC),
            datetime(2023, 9, 8, 7, 49, tzinfo=UTC),
        )
        assert len(hub.blocks) == live.RECENT_BLOCKS


async def test_after_a_lost_api_the_stream_resumes_where_it_was(api: Api, hub: Hub) -> None:
    with hub.subscribe() as page:
        await settled(page)
        api.happenings.put_nowait(block(1))
        await page.take()
        api.answers = False
        api.happenings.put_nowait(Unavailable("the API does not answer"))
        assert await page.take() == (Link(False, "the API does not answer"), None)
        assert await page.take() == (Link(False, "the API still does not answer"), None)
        api.answers = True
        assert (await page.take())[0] == Link(True)
        api.happenings.put_nowait(block(2))
        while [each.number for each in hub.blocks] != [2, 1]:
            await page.take()
        assert api.asked_from == [None, 1]


async def test_a_reset_asks_to_read_everything(api: Api, hub: Hub) -> None:
    with hub.subscribe() as page:
        await settled(page)
        api.happenings.put_nowait(StreamEvent(9, "reset", {}))
        assert (await page.take())[1] == EVERYTHING


async def test_a_backfill_names_its_span(api: Api, hub: Hub) -> None:
    start, end = datetime(2023, 9, 1, tzinfo=UTC), datetime(2023, 9, 2, tzinfo=UTC)
    with hub.subscribe() as page:
        await settled(page)
        api.happenings.put_nowait(StreamEvent(3, "backfill", BackfillEvent("base", 1, 9, 9, 99, start, end)))
        assert (await page.take())[1] == News(frozenset({"base"}), start, end)


async def test_an_alert_is_no_news_of_series(api: Api, hub: Hub) -> None:
    with hub.subscribe() as page:
        await settled(page)
        told = dict.fromkeys(("rule", "pattern", "subject", "title", "assignee"), "")
        now = datetime(2023, 9, 8, 7, 27, tzinfo=UTC)
        states = {"chain_state": ChainState.PENDING, "case_state": CaseState.OPEN, "severity": Severity.HIGH}
        alert = AlertEvent(id=1, change="raised", chain="base", started_at=now, test=False, **told, **states)
        api.happenings.put_nowait(StreamEvent(3, "alert", alert))
        assert (await page.take())[1] == News(alerts=True)
        assert not News(alerts=True).everything
        assert News(alerts=True) | News(frozenset({"base"}), now, now) == News(frozenset({"base"}), now, now, True)
        assert News(alerts=True) | EVERYTHING == EVERYTHING


async def test_a_chain_that_goes_quiet_is_told(api: Api, hub: Hub) -> None:
    with hub.subscribe() as page:
        await settled(page)
        api.happenings.put_nowait(verdict("down", 0))
        assert (await page.take())[1] == News(frozenset({"ethereum"}))


async def test_nothing_is_followed_when_no_page_is_open(api: Api, hub: Hub) -> None:
    before = asyncio.all_tasks()
    with hub.subscribe() as page:
        await settled(page)
        assert len(asyncio.all_tasks() - before) == 1
    for _ in range(5):  # a cancelled task needs a few turns of the loop to be gone
        await asyncio.sleep(0)
    assert asyncio.all_tasks() == before


async def test_a_follower_that_failed_is_no_quiet_chain(api: Api, hub: Hub, caplog: pytest.LogCaptureFixture) -> None:
    with hub.subscribe() as page:
        await settled(page)
        api.happenings.put_nowait(ValueError("not an event"))
        link, _ = await page.take()
        assert link is not None
        assert not link.up
        assert "not an event" in caplog.text


async def test_a_page_gets_its_news_as_server_sent_events(api: Api, hub: Hub) -> None:
    body = live.events(hub)
    assert await anext(body) == "retry: 1\n\n"
    assert await anext(body) == 'event: link\ndata: {"up": true, "reason": ""}\n\n'
    assert (
        await anext(body)
        == 'event: news\ndata: {"chains": ["ethereum"], "start": null, "end": null, "alerts": false}\n\n'
    )
    await body.aclose()


async def test_a_quiet_page_hears_a_beat(api: Api, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "BEAT_S", 0.01)
    body = live.events(hub)
    async for event in body:
        if event.startswith("event: beat"):
            break
    await body.aclose()


def test_news_travels_through_the_page_and_back() -> None:
    moment = datetime(2023, 9, 8, 7, 27, tzinfo=UTC)
    for news in (
        EVERYTHING,
        News(alerts=True),
        News(frozenset({"base"})),
        News(frozenset({"base", "ethereum"}), moment, moment),
    ):
        assert News.from_json(news.as_json()) == news
