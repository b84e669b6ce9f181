"""How complete the ledger is, bucket by bucket, against what is known to be missing of the sample."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from tests.sample import BLOCKS, CHAINS, GAPS, NOW
from txhub.contract import Bucket, CoverageReport
from txhub.errors import UsageError
from txhub.query.completeness import read_completeness
from txhub.query.series import read_series
from txhub.store.read import Reader

MINUTE = timedelta(minutes=1)


async def asked(
    reader: Reader, chain: str, start: datetime, end: datetime, bucket: str = "1m", now: datetime = NOW
) -> CoverageReport:
    question = {"start": start.isoformat(), "end": end.isoformat(), "bucket": bucket}
    return (await read_completeness(reader, chain=[chain], now=now, **question)).as_contract()


def due(chain: str, number: int) -> datetime:
    """When a block of the sample is, or would be."""
    block = BLOCKS[chain][0]
    return block.time + timedelta(seconds=CHAINS[chain].block_time_s * number)


@pytest.mark.parametrize("chain", GAPS)
async def test_each_minute_counts_what_is_there_and_what_is_not(reader: Reader, chain: str) -> None:
    start, end = due(chain, 40), due(chain, 110)
    report = await asked(reader, chain, start, end)
    assert (report.items[0].start, report.items[-1].end) == (start, end)
    for item in report.items:
        there = [block for block in BLOCKS[chain] if item.start <= block.time < item.end]
        missing = [number for number in GAPS[chain] if item.start <= due(chain, number) < item.end]
        assert (item.blocks, item.missing) == (len(there), len(missing)), item
        assert item.coverage == item.blocks / (item.blocks + item.missing)
    assert {item.end - item.start for item in report.items[1:-1]} == {MINUTE}
    assert all(before.end == after.start for before, after in zip(report.items, report.items[1:], strict=False))


@pytest.mark.parametrize("bucket", ["1m", "5m", "1h", "1d"])
@pytest.mark.parametrize("chain", CHAINS)
async def test_buckets_add_up_to_the_range_that_a_series_tells(reader: Reader, chain: str, bucket: str) -> None:
    start, end = due(chain, 0) - timedelta(hours=3, seconds=7), due(chain, 400) + timedelta(hours=5, seconds=11)
    report = await asked(reader, chain, start, end, bucket)
    blocks, missing = (sum(getattr(item, name) for item in report.items) for name in ("blocks", "missing"))
    assert blocks == len([block for block in BLOCKS[chain] if start <= block.time < end])
    assert missing > len(GAPS.get(chain, []))
    assert report.quality.coverage == blocks / (blocks + missing)
    question = {"start": start.isoformat(), "end": end.isoformat()}
    series = await read_series(reader, "tx_rate", chain=[chain], now=NOW, **question)
    assert report.quality == replace(series.quality, rows_read=None)


async def test_the_future_is_not_expected(reader: Reader) -> None:
    now = due("ethereum", 300)
    report = await asked(reader, "ethereum", now - 10 * MINUTE, now + timedelta(days=1), now=now)
    assert report.items[-1].end == now
    assert (await asked(reader, "ethereum", now + MINUTE, now + 2 * MINUTE, now=now)).items == []


async def test_auto_keeps_the_answer_short_and_too_much_is_refused(reader: Reader) -> None:
    start = NOW - timedelta(days=30)
    report = (await read_completeness(reader, start=start.isoformat(), now=NOW)).as_contract()
    assert report.bucket is Bucket.H1
    assert {item.chain for item in report.items} == set(CHAINS)
    with pytest.raises(UsageError, match="bucket is '1m'"):
        await asked(reader, "ethereum", NOW - timedelta(days=365), NOW)
