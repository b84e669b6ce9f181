"""Any filters: what the API answers is what Polars finds in the rows as they were committed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.blocks import KINDS, START
from tests.sample import BLOCKS, CHAINS, expected
from txhub.contract import BUCKET_SECONDS, Bucket

ANY = settings(
    max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
LAST = START + timedelta(minutes=85)
ROWS = pl.DataFrame(
    [
        (name, row.block_time, row.block_number, row.tx_index, row.kind, row.from_address, row.to_address, row.value)
        for name, blocks in BLOCKS.items()
        for block in blocks
        for row in block.transactions
    ],
    schema={
        "chain": pl.String,
        "time": pl.Datetime("us", "UTC"),
        "number": pl.Int64,
        "index": pl.Int64,
        "kind": pl.String,
        "from": pl.Binary,
        "to": pl.Binary,
        "value": pl.Decimal(38, 0),
    },
    orient="row",
).with_columns(chain_id=pl.col("chain").replace_strict({name: chain.chain_id for name, chain in CHAINS.items()}))
NEWEST_FIRST = ["time", "chain_id", "number", "index"]

some_chains = st.lists(st.sampled_from(sorted(CHAINS)), unique=True, max_size=2)
some_kinds = st.lists(st.sampled_from(KINDS), unique=True, max_size=3)
moments = st.integers(-600, 90 * 60).map(lambda seconds: START + timedelta(seconds=seconds))
people = st.lists(st.integers(0, 55), unique=True, max_size=3)
coins = st.decimals(0, 10**6, places=9, allow_nan=False) | st.sampled_from([Decimal(0), Decimal("1e-8"), Decimal(1)])


def text(number: int) -> str:
    return "0x" + number.to_bytes(20, "big").hex()


def within(column: str, numbers: list[int]) -> pl.Expr:
    return pl.col(column).is_in([number.to_bytes(20, "big") for number in numbers]).fill_null(False)


def worth(least: Decimal | None, most: Decimal | None) -> pl.Expr:
    """Of each chain by its own base units."""
    met = pl.lit(False)
    for name, chain in CHAINS.items():
        own = pl.col("chain") == name
        for bound, holds in ((least, pl.Expr.ge), (most, pl.Expr.le)):
            if bound is not None:
                own &= holds(pl.col("value") * 10**9, pl.lit(int(bound.scaleb(chain.decimals + 9)), pl.Decimal(38, 0)))
        met |= own
    return met


@ANY
@given(
    chains=some_chains, kinds=some_kinds, senders=people, receivers=people, parties=people, least=st.none() | coins,
    most=st.none() | coins, start=st.none() | moments, end=st.none() | moments, limit=st.integers(1, 1000),
)  # fmt: skip
async def test_any_filters_of_transactions(
    api: httpx.AsyncClient, chains: list[str], kinds: list[str], senders: list[int], receivers: list[int],
    parties: list[int], least: Decimal | None, most: Decimal | None, start: datetime | None, end: datetime | None,
    limit: int,
) -> None:  # fmt: skip
    question: dict[str, Any] = {
        "chain": chains, "kind": kinds, "from": [*map(text, senders)], "to": [*map(text, receivers)],
        "address": [*map(text, parties)], "limit": limit,
        "min_value": None if least is None else f"{least:f}", "max_value": None if most is None else f"{most:f}",
        "start": start and start.isoformat(), "end": end and end.isoformat(),
    }  # fmt: skip
    answer = await api.get("/v1/transactions", params={name: each for name, each in question.items() if each})
    evm = not chains or chains != ["bitcoin"]
    if (start and end and start >= end) or (not evm and senders + receivers + parties):
        assert answer.status_code == 400
        return
    met = worth(least, most)
    for given_, condition in (
        (chains, pl.col("chain").is_in(chains)),
        (kinds, pl.col("kind").is_in(kinds)),
        (senders, within("from", senders)),
        (receivers, within("to", receivers)),
        (parties, within("from", parties) | within("to", parties)),
        (start, pl.col("time") >= (start or START)),
        (end, pl.col("time") < (end or START)),
    ):
        met &= condition if given_ else pl.lit(True)
    wanted = ROWS.filter(met).sort(NEWEST_FIRST, descending=True).head(limit)
    found = answer.json()["items"]
    assert [(each["chain"], each["block_number"], each["tx_index"]) for each in found] == wanted.select(
        "chain", "number", "index"
    ).rows()
    assert [Decimal(each["value_base"]) for each in found] == wanted["value"].to_list()


METRICS: Mapping[str, Callable[[], float | None]] = {
    "tx_rate": lambda: 0.0, "volume": lambda: 0.0, "avg_value": lambda: None, "failed_rate": lambda: None,
    "gas_used": lambda: 0.0,
}  # fmt: skip
"""What a bucket without a row has, where the ledger is whole."""


@ANY
@given(
    metric=st.sampled_from(sorted(METRICS)), bucket=st.sampled_from([each for each in Bucket if each != Bucket.AUTO]),
    chains=st.sampled_from([["ethereum"], ["base"], ["ethereum", "base"], ["bitcoin"]]), kinds=some_kinds,
    start=moments, minutes=st.integers(1, 200),
)  # fmt: skip
async def test_any_filters_of_series(
    api: httpx.AsyncClient, metric: str, bucket: Bucket, chains: list[str], kinds: list[str], start: datetime,
    minutes: int,
) -> None:  # fmt: skip
    end = start + timedelta(minutes=minutes)
    answer = await api.get(
        f"/v1/series/{metric}",
        params={
            "chain": chains, "kind": kinds, "bucket": bucket.value, "start": start.isoformat(), "end": end.isoformat(),
        },
    )  # fmt: skip
    [line] = answer.raise_for_status().json()["series"]
    width = BUCKET_SECONDS[bucket]
    first, last = int(start.timestamp()) // width * width, int(end.timestamp())
    starts = [datetime.fromtimestamp(second, UTC) for second in range(first, last + (last % width > 0), width)]
    starts = [each for each in starts if each < end]
    values = expected(metric, bucket, chains, kinds)
    points = [(datetime.fromisoformat(time), value) for time, value in line["points"]]
    assert [time for time, _ in points] == starts
    for time, value in points:
        if time in values:
            assert value == values[time]
        else:
            assert value in (None, METRICS[metric]())
