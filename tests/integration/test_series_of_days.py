"""Days of other zones, comparison with the past, and dollars: against the same from the rows, in exact arithmetic."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.asking import asking
from tests.blocks import BITCOIN, ETHEREUM, START, make_block
from tests.conftest import open_database
from txhub.contract import Quality
from txhub.errors import UsageError
from txhub.model import Transaction
from txhub.query.series import SeriesAnswer, read_series
from txhub.rollup.settle import settle
from txhub.store.edition import Edition
from txhub.store.ledger import Ledger
from txhub.store.pool import open_pool
from txhub.store.prices import Price, put_prices
from txhub.store.read import Reader
from txhub.store.server import Server

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAYS = 12
NOW = START + timedelta(days=30)
CHAINS = {chain.name: replace(chain, block_time_s=1800.0) for chain in (ETHEREUM, BITCOIN)}
"""Slow chains: twelve days of them, over the night of 8 March when clocks in New York go forward, are few blocks."""
ROWS: dict[str, list[Transaction]] = {
    name: [
        row
        for number in range(DAYS * 48)
        for row in make_block(number, chain=chain, transactions=1 + number % 5).transactions
    ]
    for name, chain in CHAINS.items()
}
PRICES = {
    "ETH": [(START + timedelta(hours=7 * each), Decimal(3000 + 11 * each)) for each in range(-1, 20)],
    "BTC": [(START + timedelta(hours=5 * each), Decimal(60000) - each) for each in range(-1, 60)],
}
"""The first ends after six days: coins of the rest are worth nobody knows what."""
ZONES = ("UTC", "America/New_York", "Asia/Kolkata", "Asia/Kathmandu")


async def fill(url: str) -> None:
    async with open_pool(url, name="test") as pool:
        for chain in CHAINS.values():
            ledger = Ledger(pool, chain)
            await ledger.register()
            await ledger.commit(
                [make_block(number, chain=chain, transactions=1 + number % 5) for number in range(DAYS * 48)],
                bulk=True,
            )
        prices = [Price(asset, time, usd, "test") for asset, known in PRICES.items() for time, usd in known]
        await put_prices(pool, prices)
        await settle(pool, START, START + timedelta(days=DAYS + 1), NOW)


@pytest.fixture(scope="module", params=list(Edition), ids=str)
def history(
    request: pytest.FixtureRequest,
    servers: Callable[[Edition], Server],
    migrated: Callable[[Edition], str],
) -> Iterator[str]:
    """The URL of a database with twelve days of both chains; tests only read it."""
    with open_database(servers(request.param), migrated(request.param)) as url:
        asyncio.run(fill(url))
        yield url


@pytest.fixture
async def reader(history: str) -> AsyncIterator[Reader]:
    async with Reader(history) as reader:
        yield reader


async def ask(reader: Reader, metric: str, **question: Any) -> SeriesAnswer:
    span = {"start": START.isoformat(), "end": (START + timedelta(days=DAYS)).isoformat()}
    return await read_series(reader, metric, now=NOW, **(span | question))


def day(row: Transaction, zone: str) -> datetime:
    local = row.block_time.astimezone(ZoneInfo(zone))
    return local.replace(hour=0, minute=0, second=0).astimezone(UTC)


def by_day(rows: Iterable[Transaction], zone: str) -> dict[datetime, list[Transaction]]:
    days = defaultdict(list)
    for row in rows:
        days[day(row, zone)].append(row)
    return days


def usd(row: Transaction, chain: str, at: datetime) -> Fraction | None:
    """What a transaction was worth by the price that held at a moment."""
    model = CHAINS[chain]
    known = [price for time, price in PRICES[model.symbol] if at - timedelta(days=1) < time <= at]
    return Fraction(row.value) / 10**model.decimals * Fraction(known[-1]) if known else None


@pytest.mark.parametrize("zone", ZONES)
async def test_days_are_those_of_the_zone(reader: Reader, zone: str) -> None:
    days = by_day(ROWS["ethereum"], zone)
    volume = await ask(reader, "volume", chain=["ethereum"], bucket="1d", tz=zone)
    expected = {start: float(Fraction(sum(row.value for row in rows)) / 10**18) for start, rows in days.items()}
    assert dict(volume.points.select("time", "value").iter_rows()) == expected
    rate = await ask(reader, "tx_rate", chain=["ethereum"], bucket="1d", tz=zone)
    midnights = rate.question.edges
    assert {end - start for start, end in pairwise(midnights)} == (
        {timedelta(hours=23), timedelta(hours=24)} if zone == "America/New_York" else {timedelta(hours=24)}
    )
    for (start, end), value in zip(pairwise(midnights), rate.points["value"], strict=True):
        assert value == len(days[start]) / ((end - start) / timedelta(minutes=1))
    assert rate.quality.rows_read
    assert rate.quality.rows_read > DAYS


async def test_times_without_an_offset_are_the_zones_own(reader: Reader) -> None:
    question = {"chain": ["ethereum"], "bucket": "1d", "start": "2026-03-07", "end": "2026-03-10"}
    local = await ask(reader, "tx_rate", tz="America/New_York", **question)
    assert local.points["time"].to_list() == [
        datetime(2026, 3, 7, 5, tzinfo=UTC),
        datetime(2026, 3, 8, 5, tzinfo=UTC),
        datetime(2026, 3, 9, 4, tzinfo=UTC),
    ]
    assert (await ask(reader, "tx_rate", **question)).points["time"][0] == datetime(2026, 3, 7, tzinfo=UTC)


@pytest.mark.parametrize("bucket", ["15m", "1h", "1d"])
@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Kolkata"])
async def test_dollars_are_what_coins_were_worth_then(reader: Reader, bucket: str, zone: str) -> None:
    if bucket == "15m" and zone != "UTC":
        return  # only days differ
    width = {"15m": timedelta(minutes=15), "1h": timedelta(hours=1), "1d": timedelta(days=1)}[bucket]
    for names in (["ethereum"], ["ethereum", "bitcoin"]):
        worth: dict[datetime, list[Fraction | None]] = defaultdict(list)
        for name in names:
            for row in ROWS[name]:
                start = EPOCH + (row.block_time - EPOCH) // width * width
                priced_at = row.block_time.replace(minute=0, second=0) if bucket == "1d" else start
                bucket_start = day(row, zone) if bucket == "1d" else start
                worth[bucket_start].append(usd(row, name, priced_at) if row.value else Fraction(0))
        volume = await ask(reader, "volume", chain=names, bucket=bucket, tz=zone, unit="usd")
        average = await ask(reader, "avg_value", chain=names, bucket=bucket, tz=zone, unit="usd")
        assert (volume.question.unit, average.question.unit) == ("USD", "USD/transaction")
        found = dict(volume.points.select("time", "value").iter_rows())
        means = dict(average.points.select("time", "value").iter_rows())
        unknown = 0
        for start, amounts in worth.items():
            if None in amounts:
                unknown += 1
                assert found[start] is means[start] is None
                continue
            total = sum((each for each in amounts if each is not None), Fraction(0))
            assert found[start] == float(total)
            assert means[start] == float(total / len(amounts))
        assert 0 < unknown < len(worth)


async def test_a_range_beside_the_one_before(reader: Reader) -> None:
    week = {"start": (START + timedelta(days=7)).isoformat(), "end": (START + timedelta(days=9)).isoformat()}
    before = {"start": START.isoformat(), "end": (START + timedelta(days=2)).isoformat()}
    for metric, split in (("tx_rate", ["chain", "kind"]), ("failed_rate", []), ("value_quantiles", ["chain"])):
        now = await ask(reader, metric, bucket="1h", by=split, compare="7d", **week)
        then = await ask(reader, metric, bucket="1h", by=split, **before)
        assert now.points["previous"].to_list() == then.points["value"].to_list()
        for value, previous, change, ratio in now.points.select(
            "value", "previous", "change", "change_ratio"
        ).iter_rows():
            both = value is not None and previous is not None
            assert change == (value - previous if both else None)
            assert ratio == ((value - previous) / previous if both and previous else None)
        assert now.previous == then.quality
        line = now.as_contract().series[0]
        assert line.compared is not None
        assert len(line.compared) == len(line.points)
    # Days of a zone are compared with days, whatever its clocks did meanwhile.
    zone = {"tz": "America/New_York", "bucket": "1d", "chain": ["ethereum"]}
    now = await ask(reader, "volume", start="2026-03-09", end="2026-03-11", compare="7d", **zone)
    then = await ask(reader, "volume", start="2026-03-02", end="2026-03-04", **zone)
    assert now.points["previous"].to_list() == then.points["value"].to_list()
    assert None not in now.points["change"].to_list()


@pytest.mark.parametrize(
    ("metric", "question", "says"),
    [
        ("tx_rate", {"compare": "soon"}, "compare is 'soon'"),
        ("tx_rate", {"compare": "90s", "bucket": "1m"}, "compare is '90s'"),
        ("tx_rate", {"compare": "0d"}, "compare is '0d'"),
        ("tx_rate", {"compare": "36500d"}, "before 1970"),
        ("tx_rate", {"compare": f"{10**12}d"}, "compare is"),
        ("tx_rate", {"tz": "Mars/Olympus"}, "tz is 'Mars/Olympus'"),
        ("tx_rate", {"tz": "../../etc/passwd"}, "tz is"),
        ("tx_rate", {"tz": "Europe"}, "tz is 'Europe'"),
        ("tx_rate", {"unit": "usd"}, "not counted in USD"),
        ("value_quantiles", {"unit": "usd", "chain": ["ethereum"]}, "not counted in USD"),
        ("volume", {"unit": "eur"}, "unit is 'eur'"),
        ("active_addresses", {"tz": "Asia/Tokyo", "bucket": "1d"}, "days of UTC"),
        ("tx_rate", {"tz": "Asia/Kolkata", "bucket": "1d", "start": "2025-01-01"}, "added up from minutes"),
    ],
)
async def test_what_cannot_be_answered_is_said(
    reader: Reader, metric: str, question: dict[str, Any], says: str
) -> None:
    with pytest.raises(UsageError, match=says):
        await ask(reader, metric, **question)


async def test_it_is_asked_over_http(history: str) -> None:
    async with asking(history, NOW) as api:
        asked = {"start": "2026-03-04", "end": "2026-03-05", "bucket": "1h", "unit": "usd", "compare": "1d"}
        answer = (await api.get("/v1/series/volume", params=asked)).json()
        assert answer["unit"] == "USD"
        assert len(answer["series"][0]["compared"][0]) == 4
        assert answer["previous_quality"]["coverage"] == 1.0
        settled = await api.get("/v1/series/tx_rate", params={"start": "2026-03-04", "end": "2026-03-05"})
        assert settled.headers["cache-control"] == "private, max-age=60"
        running = await api.get("/v1/series/tx_rate", params={"start": "-1d"})
        assert running.headers["cache-control"] == "private, no-cache"
        again = await api.get(
            "/v1/series/tx_rate",
            params={"start": "2026-03-04", "end": "2026-03-05"},
            headers={"If-None-Match": settled.headers["etag"]},
        )
        assert (again.status_code, again.content) == (304, b"")


def test_only_whole_and_final_ranges_are_settled() -> None:
    whole = Quality(1.0)
    assert whole.settled
    assert not replace(whole, coverage=None).settled
    assert not replace(whole, coverage=0.9).settled
    assert not replace(whole, provisional_from=START).settled
