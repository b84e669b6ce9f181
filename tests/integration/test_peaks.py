"""The busiest windows of any width are those that a brute-force count of the rows finds, in both editions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import httpx
import polars as pl
import pytest

from tests.sample import CHAINS, NOW, ROWS
from txhub.query.peaks import parse_window, read_windows
from txhub.store.read import Reader

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
FIRST, LAST = datetime(2026, 3, 1, 22, tzinfo=UTC), datetime(2026, 3, 2, 3, tzinfo=UTC)
Peak = tuple[str, datetime, str, int, float]


def busiest(
    name: str, width: timedelta, step: timedelta, start: datetime, end: datetime, limit: int, chains: Sequence[str]
) -> list[Peak]:
    """Every window's rows counted one window at a time, the best taken while it overlaps none of its chain."""
    found: list[Peak] = []
    for chain in chains:
        times = ROWS.filter(pl.col("chain") == chain)["time"]
        begin = start
        while begin + width <= end:
            count = int(times.is_between(begin, begin + width, closed="left").sum())
            if count:
                found.append((chain, begin, name, count, count / (width / MINUTE)))
            begin += step
    chosen: list[Peak] = []
    for peak in sorted(found, key=lambda peak: (-peak[3], -peak[1].timestamp(), peak[0])):
        if all(peak[0] != other[0] or abs(peak[1] - other[1]) >= width for other in chosen):
            chosen.append(peak)
    return chosen[:limit]


@pytest.mark.parametrize(
    ("window", "width", "step"),
    [
        ("1m", MINUTE, MINUTE),
        ("7m", 7 * MINUTE, MINUTE),
        ("15m", 15 * MINUTE, MINUTE),
        ("1h", HOUR, MINUTE),
        ("90m", 90 * MINUTE, MINUTE),
        ("2h", 2 * HOUR, HOUR),
        ("3h", 3 * HOUR, HOUR),
    ],
)
@pytest.mark.parametrize(("limit", "chains"), [(2, ["ethereum"]), (1000, list(CHAINS))])
async def test_windows_are_the_busiest_that_do_not_overlap(
    reader: Reader, window: str, width: timedelta, step: timedelta, limit: int, chains: list[str]
) -> None:
    found = await read_windows(
        reader,
        parse_window(window),
        chain=chains,
        start=FIRST.isoformat(),
        end=LAST.isoformat(),
        limit=limit,
        now=NOW,
    )
    assert found.columns == ["chain", "start", "window", "tx_count", "rate"]
    assert found.rows() == busiest(window, width, step, FIRST, LAST, limit, chains)


async def test_windows_lie_in_the_minutes_that_the_range_touches(reader: Reader) -> None:
    start, end = datetime(2026, 3, 1, 22, 33, 30, tzinfo=UTC), datetime(2026, 3, 1, 22, 40, 10, tzinfo=UTC)
    found = await read_windows(
        reader, parse_window("8m"), start=start.isoformat(), end=end.isoformat(), limit=10, now=NOW
    )
    begin = start.replace(second=0)
    assert set(found["start"]) == {begin}
    assert found.rows() == busiest("8m", 8 * MINUTE, MINUTE, begin, begin + 8 * MINUTE, 10, list(CHAINS))


async def test_a_day_and_a_week_are_windows_too(reader: Reader) -> None:
    for name, width in (("1d", DAY), ("7d", 7 * DAY)):
        found = await read_windows(reader, parse_window(name), start="2026-02-20", end="2026-03-10", limit=4, now=NOW)
        start, end = datetime(2026, 2, 20, tzinfo=UTC), datetime(2026, 3, 10, tzinfo=UTC)
        assert found.rows() == busiest(name, width, HOUR, start, end, 4, list(CHAINS))


async def test_the_api_answers_windows_in_every_shape(api: httpx.AsyncClient) -> None:
    asked = {"start": FIRST.isoformat(), "end": LAST.isoformat(), "chain": "ethereum", "limit": "3"}
    expected = busiest("1h", HOUR, MINUTE, FIRST, LAST, 3, ["ethereum"])
    answer = await api.get("/v1/peaks", params={**asked, "window": "60m"})
    assert [tuple(item.values()) for item in answer.json()["items"]] == [
        (chain, f"{start:%Y-%m-%dT%H:%M:%SZ}", *rest) for chain, start, *rest in expected
    ]
    table = await api.get("/v1/peaks", params={**asked, "window": "60m", "format": "arrow"})
    assert table.headers["txhub-window"] == "1h"
    assert pl.read_ipc_stream(table.content).rows() == expected
    plain = await api.get("/v1/peaks", params=asked)
    assert set(plain.json()["items"][0]) == {"chain", "hour", "minute", "tx_count"}


@pytest.mark.parametrize("window", ["0m", "30s", "90s", "1.5m", "15", "m", "-1h", "9" * 400 + "d"])
async def test_a_width_that_no_window_has_is_refused(api: httpx.AsyncClient, window: str) -> None:
    answer = await api.get("/v1/peaks", params={"window": window, "start": "2026-02-01"})
    assert answer.status_code == 400
    assert "window is" in answer.json()["detail"]
    assert "15m, 6h or 1d" in answer.json()["hint"]


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"window": "6h", "start": "-3h"}, "wider than the range"),
        ({"window": "5m", "start": "1970-01-01"}, "windows between start and end"),
    ],
)
async def test_a_range_that_does_not_fit_the_window_is_refused(
    api: httpx.AsyncClient, asked: dict[str, str], says: str
) -> None:
    answer = await api.get("/v1/peaks", params=asked)
    assert answer.status_code == 400
    assert says in answer.json()["detail"]
    assert answer.json()["hint"]
