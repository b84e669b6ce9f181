"""Series against the same computed from the rows, in exact arithmetic."""

from __future__ import annotations

import gzip
import math
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import pairwise, product
from typing import Any

import msgspec
import polars as pl
import pytest

from tests.blocks import ETHEREUM, START
from tests.data import FIRST as FIRST_RECORDED
from tests.data import recorded
from tests.sample import BLOCKS, NOW, ROWS, expected
from txhub.chain.decode import RawBlock, decode_block
from txhub.contract import BUCKET_SECONDS, MAX_POINTS, Bucket, Metric
from txhub.errors import UsageError
from txhub.query.series import SeriesAnswer, read_series
from txhub.store.ledger import Ledger
from txhub.store.pool import open_pool
from txhub.store.read import Reader

FIRST, LAST = START - timedelta(hours=1), START + timedelta(hours=3)


async def ask(reader: Reader, metric: str, **question: Any) -> SeriesAnswer:
    question = {"start": FIRST.isoformat(), "end": LAST.isoformat(), "now": NOW} | question
    return await read_series(reader, metric, **question)


def complete(chain: str, bucket: Bucket) -> set[datetime]:
    """The buckets that hold a committed block, or lie between two neighbours, found minute by minute."""
    width, found = BUCKET_SECONDS[bucket], set()
    blocks = BLOCKS[chain]
    for block, following in pairwise([*blocks, blocks[-1]]):
        end = following.time if following.number == block.number + 1 else block.time
        for start in range(int(block.time.timestamp()) // width * width, int(end.timestamp()) + 1, width):
            found.add(datetime.fromtimestamp(start, UTC))
    return found


CHOICES: list[tuple[list[str], list[str]]] = [
    (["ethereum"], []),
    (["bitcoin"], []),
    (["ethereum", "base"], []),
    (["base"], ["transfer", "nft_transfer"]),
]


EXACT = [metric for metric in Metric if metric not in {Metric.ACTIVE_ADDRESSES, Metric.VALUE_QUANTILES}]


@pytest.mark.parametrize("metric", EXACT)
async def test_every_point_is_exact(reader: Reader, metric: str) -> None:
    for bucket, (chains, kinds) in product([Bucket.M1, Bucket.M5, Bucket.M15, Bucket.H1, Bucket.D1], CHOICES):
        answer = await ask(reader, metric, chain=chains, kind=kinds, bucket=bucket)
        values = expected(metric, bucket, chains, kinds)
        known = set().union(*(complete(chain, bucket) for chain in chains))
        points = dict(answer.points.select("time", "value").iter_rows())
        assert values.keys() | known <= points.keys()
        for time, value in points.items():
            empty = 0.0 if time in known and metric not in {"avg_value", "failed_rate"} else None
            assert value == values.get(time, empty), (bucket, chains, kinds, time)


async def test_lines_are_split_by_chain_and_kind_and_add_up(reader: Reader) -> None:
    together = await ask(reader, "tx_rate", bucket="15m")
    assert together.points["chain"].null_count() == together.points.height
    apart = await ask(reader, "tx_rate", bucket="15m", by=["kind", "chain"])
    lines = apart.as_contract().series
    assert [line.chain for line in lines] == sorted(line.chain or "" for line in lines)
    assert {line.chain for line in lines} == {"base", "bitcoin", "ethereum"}
    summed = apart.points.group_by("time", maintain_order=True).agg(pl.col("value").sum())
    assert summed["value"].to_list() == pytest.approx(together.points["value"].fill_null(0.0).to_list())


async def test_a_line_is_named_where_the_question_is_about_one(reader: Reader) -> None:
    answer = await ask(reader, "tx_rate", chain=["ethereum"], kind=["transfer"], bucket="1h")
    assert {(line.chain, line.kind) for line in answer.as_contract().series} == {("ethereum", "transfer")}


async def test_coins_of_different_chains_are_never_added(reader: Reader) -> None:
    for metric in ("avg_value", "volume", "fees"):
        with pytest.raises(UsageError, match="BTC and ETH") as refused:
            await ask(reader, metric)
        assert "by=chain" in (refused.value.hint or "")
        answer = await ask(reader, metric, by=["chain"], bucket="1d")
        assert answer.question.unit == {"avg_value": "coins/transaction"}.get(metric, "coins")
    assert (await ask(reader, "volume", chain=["ethereum", "base"])).question.unit == "ETH"
    assert (await ask(reader, "avg_value", chain=["bitcoin"])).question.unit == "BTC/transaction"


async def test_the_bucket_that_holds_now_counts_what_is_accounted_for(reader: Reader) -> None:
    last = BLOCKS["ethereum"][-1]
    now = last.time + timedelta(seconds=5)
    answer = await ask(reader, "tx_rate", chain=["ethereum"], start="-5m", end="now", bucket="1m", now=now)
    minute = last.time.replace(second=0)
    count = sum(len(block.transactions) for block in BLOCKS["ethereum"] if block.time >= minute)
    accounted = (last.time - minute).total_seconds() + 12
    assert answer.points["time"].to_list()[-1] == minute
    assert answer.points["value"].to_list()[-1] == count / (accounted / 60)
    assert answer.points["value"].to_list()[-2] == 35.0
    assert answer.quality.provisional_from is not None
    assert answer.quality.provisional_from < now - timedelta(minutes=5)


async def test_quality_counts_what_is_missing(reader: Reader) -> None:
    inside = {"start": START.isoformat(), "end": BLOCKS["ethereum"][-1].time.isoformat()}
    answer = await ask(reader, "tx_rate", chain=["ethereum"], **inside)
    assert answer.quality.coverage == 389 / 399  # the last block is at the end, which is excluded
    (gap,) = answer.quality.gaps
    assert (gap.chain, gap.from_block, gap.to_block) == ("ethereum", 50, 59)
    assert (gap.start, gap.end) == (BLOCKS["ethereum"][49].time, BLOCKS["ethereum"][50].time)
    both = await ask(reader, "tx_rate", chain=["ethereum", "base"], **inside)
    assert [each.chain for each in both.quality.gaps] == ["ethereum", "base"]


@pytest.mark.parametrize(
    ("start", "end", "coverage"),
    [
        ("2026-03-01T22:30:00", "2026-03-01T22:35:00", 1.0),
        ("2026-03-01T22:29:40", "2026-03-01T22:30:20", 1.0),  # an edge of 20 s: a block may just be late
        ("2026-03-01T22:29:00", "2026-03-01T22:30:12", 1 / 6),
        ("2026-03-01T22:40:00", "2026-03-01T22:41:00", 0.0),
        ("2026-03-01T20:00:00", "2026-03-01T21:00:00", 0.0),
        ("2026-03-02T20:00:00", "2026-03-02T21:00:00", 0.0),
        ("2027-01-01", "2027-01-02", None),
    ],
)
async def test_coverage_at_the_edges(reader: Reader, start: str, end: str, coverage: float | None) -> None:
    answer = await ask(reader, "tx_rate", chain=["ethereum"], start=start, end=end)
    assert answer.quality.coverage == pytest.approx(coverage)


async def test_auto_takes_the_narrowest_bucket_that_fits(reader: Reader) -> None:
    for days, bucket in ((1, "1m"), (6, "5m"), (20, "15m"), (80, "1h"), (1000, "1d")):
        start = (NOW - timedelta(days=days)).isoformat()
        answer = await ask(reader, "tx_rate", start=start, end=NOW.isoformat())
        assert answer.question.bucket == bucket
        assert answer.points.height <= MAX_POINTS


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"chain": ["dogecoin"]}, "chain is 'dogecoin'"),
        ({"kind": ["bribe"]}, "kind is 'bribe'"),
        ({"by": ["colour"]}, "by is 'colour'"),
        ({"bucket": "2m"}, "bucket is '2m'"),
        ({"start": "x"}, "start is 'x'"),
        ({"end": "x"}, "end is 'x'"),
        ({"start": "1990-01-01", "bucket": "1m"}, "bucket is '1m'"),
    ],
)
async def test_bad_parameters_are_named(reader: Reader, parameters: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        await ask(reader, "tx_rate", **parameters)


async def test_the_recorded_blocks_have_the_figures_that_mainnet_had(database: str) -> None:
    with gzip.open(recorded()) as lines:
        raw = [msgspec.json.decode(line, type=RawBlock) for line in lines]
    blocks = [decode_block(ETHEREUM, block, number) for number, block in enumerate(raw, FIRST_RECORDED)]
    async with open_pool(database, name="test") as pool:
        ledger = Ledger(pool, ETHEREUM)
        await ledger.register()
        await ledger.commit(blocks, bulk=True)
    minutes = {"start": "2023-09-08T07:27:00Z", "end": "2023-09-08T07:30:00Z", "bucket": "1m"}
    async with Reader(database) as reader:
        rate = await ask(reader, "tx_rate", **minutes)
        average = await ask(reader, "avg_value", **minutes)
        volume = await ask(reader, "volume", **minutes | {"bucket": "1h"})
    assert rate.points["value"].to_list() == [600.0, 838.0, 699.0]
    assert (rate.quality.coverage, rate.quality.gaps, rate.quality.provisional_from) == (1.0, [], None)
    assert average.points["value"][0] == 0.6807252359209582
    assert volume.points["value"].to_list() == [float(Fraction(1491219908150491057278, 10**18))]


@pytest.mark.parametrize("bucket", [Bucket.H1, Bucket.D1])
@pytest.mark.parametrize("chains", [["ethereum"], ["ethereum", "base"]])
async def test_active_addresses_are_estimated_within_the_error(
    reader: Reader, chains: list[str], bucket: Bucket
) -> None:
    answer = await ask(reader, "active_addresses", chain=chains, bucket=bucket)
    width = BUCKET_SECONDS[bucket]
    truth: dict[datetime, set[bytes | None]] = {}
    for block in (block for chain in chains for block in BLOCKS[chain]):
        start = datetime.fromtimestamp(int(block.time.timestamp()) // width * width, UTC)
        for row in block.transactions:
            truth.setdefault(start, set()).update({row.from_address, row.to_address} - {None})
    points = dict(answer.points.select("time", "value").iter_rows())
    assert truth.keys() <= points.keys()
    for time, value in points.items():
        if time in truth:
            assert value == pytest.approx(len(truth[time]), rel=answer.quality.error)
        else:
            assert value is None


@pytest.mark.parametrize(("chains", "kinds"), [(["ethereum"], []), (["ethereum", "base"], ["transfer"])])
@pytest.mark.parametrize("bucket", [Bucket.H1, Bucket.D1])
async def test_quantiles_are_within_the_error(
    reader: Reader, chains: list[str], kinds: list[str], bucket: Bucket
) -> None:
    answer = await ask(reader, "value_quantiles", chain=chains, kind=kinds, bucket=bucket)
    width = BUCKET_SECONDS[bucket]
    truth: dict[datetime, list[int]] = {}
    for chain, time, kind, value in ROWS.select("chain", "time", "kind", "value").iter_rows():
        if chain in chains and (not kinds or kind in kinds):
            start = datetime.fromtimestamp(int(time.timestamp()) // width * width, UTC)
            truth.setdefault(start, []).append(value)
    assert answer.quality.error is not None
    seen = 0
    for line in answer.as_contract().series:
        assert line.quantile is not None
        for time, value in line.points:
            if value is None:
                assert time not in truth
                continue
            values = sorted(truth[time])
            exact = values[max(math.ceil(line.quantile * len(values)) - 1, 0)] / 10**18
            assert value == pytest.approx(exact, rel=answer.quality.error)
            seen += 1
    assert seen == len(truth) * 6


async def test_what_is_kept_by_hour_is_asked_by_hour(reader: Reader) -> None:
    assert (await ask(reader, "active_addresses", start="-24h", end="now")).question.bucket is Bucket.H1
    for metric in ("active_addresses", "value_quantiles"):
        with pytest.raises(UsageError, match="kept by hour"):
            await ask(reader, metric, bucket="5m", chain=["base"])
    with pytest.raises(UsageError, match="not kept by kind"):
        await ask(reader, "active_addresses", by=["kind"])
