"""What a range comes to, and the hours of the week, against the same made of the sample's rows in exact arithmetic."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from statistics import mean
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from tests.blocks import START
from tests.sample import BLOCKS, CHAINS, NOW, ROWS, expected
from txhub.contract import Bucket, ChainFigures, Figure, Metric
from txhub.errors import UsageError
from txhub.query.summary import read_summary
from txhub.query.week import read_week
from txhub.store.read import Reader

FIRST, LAST = START + timedelta(minutes=40), START + timedelta(minutes=60)
EARLIER = timedelta(minutes=40)
"""So much before, ethereum has a gap, and base its only blocks."""
MINUTES = 20


async def summary(reader: Reader, **question: Any) -> dict[str, ChainFigures]:
    given = {"start": FIRST.isoformat(), "end": LAST.isoformat(), "compare": "40m", "now": NOW} | question
    return {each.chain: each for each in (await read_summary(reader, **given)).as_contract().items}


def of(chain: ChainFigures, metric: Metric) -> Figure:
    return next(each for each in chain.figures if each.metric is metric)


def rows(chain: str, start: datetime, end: datetime, kinds: list[str]) -> list[dict[str, Any]]:
    return [
        row
        for row in ROWS.rows(named=True)
        if row["chain"] == chain and start <= row["time"] < end and (not kinds or row["kind"] in kinds)
    ]


def coins(chain: str, base: list[int]) -> Fraction:
    return Fraction(sum(base), 10 ** CHAINS[chain].decimals)


@pytest.mark.parametrize("kinds", [[], ["transfer", "nft_transfer"]], ids=["all", "some"])
async def test_every_figure_is_exact(reader: Reader, kinds: list[str]) -> None:
    found = await summary(reader, kind=kinds)
    assert list(found) == ["base", "bitcoin", "ethereum"]
    for name in ("bitcoin", "ethereum"):
        chain = found[name]
        own = rows(name, FIRST, LAST, kinds)
        moved = coins(name, [row["value"] for row in own])
        before = coins(name, [row["value"] for row in rows(name, FIRST - EARLIER, LAST - EARLIER, kinds)])
        volume, rate = of(chain, Metric.VOLUME), of(chain, Metric.TX_RATE)
        assert (chain.tx_count, chain.coverage) == (len(own), 1.0)
        assert Fraction(Decimal(volume.exact or "")) == moved
        assert (volume.value, volume.previous) == (float(moved), float(before))
        assert volume.change_ratio == pytest.approx(float(moved / before - 1))
        assert of(chain, Metric.AVG_VALUE).value == pytest.approx(float(moved / len(own)))
        assert rate.value == len(own) / MINUTES
        outcomes = [row["success"] for row in own if row["success"] is not None]
        assert of(chain, Metric.FAILED_RATE).value == (outcomes.count(False) / len(outcomes) if outcomes else None)
        fees = [row["fee"] for row in own if row["fee"] is not None]
        assert of(chain, Metric.FEES).value == (float(coins(name, fees)) if fees else None)


async def test_now_is_the_newest_window_that_has_a_few_blocks(reader: Reader) -> None:
    found = await summary(reader)
    assert {name: chain.window for name, chain in found.items()} == {"base": "1m", "bitcoin": "1h", "ethereum": "1m"}
    last = rows("ethereum", LAST - timedelta(minutes=1), LAST, [])
    assert of(found["ethereum"], Metric.TX_RATE).now == len(last)
    # The range is shorter than an hour, so all of it is now.
    assert of(found["bitcoin"], Metric.TX_RATE).now == of(found["bitcoin"], Metric.TX_RATE).value


async def test_rates_count_the_minutes_that_are_accounted_for(reader: Reader) -> None:
    chain = (await summary(reader))["ethereum"]
    before = rows("ethereum", FIRST - EARLIER, LAST - EARLIER, [])
    assert chain.previous_coverage == 0.9  # ten of a hundred blocks are missing
    assert of(chain, Metric.TX_RATE).previous == pytest.approx(len(before) / (MINUTES * 0.9))


async def test_of_what_is_not_there_nothing_is_known(reader: Reader) -> None:
    base = (await summary(reader))["base"]
    assert (base.tx_count, base.coverage) == (0, 0.0)
    assert {figure.value for figure in base.figures} == {None}
    assert of(base, Metric.VOLUME).previous is not None
    assert of(base, Metric.VOLUME).change_ratio is None


async def test_only_buckets_that_are_over_count(reader: Reader) -> None:
    now = FIRST + timedelta(minutes=7, seconds=31)
    answer = await read_summary(reader, start=FIRST.isoformat(), chain=["ethereum"], now=now)
    assert answer.range.end == FIRST + timedelta(minutes=7)
    [chain] = answer.chains
    assert chain.tx_count == len(rows("ethereum", FIRST, answer.range.end, []))
    assert (chain.previous_coverage, of(chain, Metric.VOLUME).previous) == (0.0, None)
    with pytest.raises(UsageError, match="nothing"):
        await read_summary(reader, start=(now + timedelta(days=1)).isoformat(), end="2030-01-01", now=now)


async def test_active_addresses_are_of_closed_hours_and_all_kinds(reader: Reader) -> None:
    question = {"start": (START - timedelta(hours=1)).isoformat(), "end": (START + timedelta(hours=3)).isoformat()}
    found = await summary(reader, **question, compare="7d")
    assert (of(found["ethereum"], Metric.ACTIVE_ADDRESSES).value or 0) > 0
    assert of(found["ethereum"], Metric.ACTIVE_ADDRESSES).previous is None
    assert of((await summary(reader, kind=["transfer"]))["ethereum"], Metric.ACTIVE_ADDRESSES).value is None


@pytest.mark.parametrize("span", ["0m", "90s", "a week", "-7d", "99999999d"])
async def test_a_span_to_compare_with_is_whole_buckets(reader: Reader, span: str) -> None:
    with pytest.raises(UsageError, match="compare"):
        await summary(reader, compare=span)


@pytest.mark.parametrize("zone", ["UTC", "America/Los_Angeles"])
async def test_an_hour_of_the_week_is_the_mean_of_its_hours(reader: Reader, zone: str) -> None:
    question = {"start": (START - timedelta(days=15)).isoformat(), "end": (START + timedelta(days=1)).isoformat()}
    answer = (await read_week(reader, "tx_rate", chain=["bitcoin"], tz=zone, now=NOW, **question)).as_contract()
    assert (answer.unit, answer.zone, len(answer.items)) == ("transactions/minute", zone, 168)
    hours: dict[tuple[int, int], list[float]] = {}
    for time, value in expected("tx_rate", Bucket.H1, ["bitcoin"]).items():
        local = time.astimezone(ZoneInfo(zone))
        hours.setdefault((local.isoweekday(), local.hour), []).append(value or 0.0)
    for item in answer.items:
        known = hours.get((item.weekday, item.hour), [])
        assert (item.hours, item.value) == (len(known), mean(known) if known else None)


async def test_both_are_answered_over_http(api: httpx.AsyncClient) -> None:
    question = {"start": FIRST.isoformat(), "end": LAST.isoformat(), "compare": "40m", "chain": "ethereum"}
    answer = (await api.get("/v1/summary", params=question)).json()
    assert answer["previous_start"] == (FIRST - EARLIER).astimezone(UTC).isoformat().replace("+00:00", "Z")
    [chain] = answer["items"]
    assert [figure["metric"] for figure in chain["figures"]] == [
        *("tx_rate", "avg_value", "volume", "fees", "failed_rate", "active_addresses"),
    ]
    assert chain["tx_count"] == len(rows("ethereum", FIRST, LAST, []))
    week = (await api.get("/v1/week/volume", params={"start": FIRST.isoformat(), "end": LAST.isoformat()})).json()
    assert {item["chain"] for item in week["items"]} == set(BLOCKS)
    refused = await api.get("/v1/week/tx_rate", params={"tz": "Mars/Olympus"})
    assert (refused.status_code, "tz" in refused.json()["detail"]) == (400, True)
