"""Days of traffic by the column, for benchmarks of the store: the measured shape, a million transactions in seconds.

Where the demo network's blocks tell a story that a node serves, these only weigh what they weigh on Ethereum: values,
kinds, popularity. Every address that is not among the popular ones is a new one, and all hashes are random, so
nothing compresses better here than there.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

import numpy as np
import polars as pl
import pyarrow as pa

from txhub.chain.demo import shape

BLOCK_SECONDS = 12
BLOCKS_A_DAY = 86_400 // BLOCK_SECONDS
# Of 2,137 transactions of 14 blocks of September 2023: how round their values and tips are, and their nonces.
VALUE_DIGITS: shape.Quantiles = (
    (0.0, 1), (0.17, 1), (0.27, 2), (0.33, 3), (0.51, 8), (0.70, 12), (0.85, 16), (0.98, 18), (1.0, 19),
)  # fmt: skip
ROUND_TIPS = 0.8
"""Share of tips that are one of a few hundred round numbers."""
NONCES: shape.Quantiles = (
    (0.0, 0), (0.05, 0), (0.10, 1), (0.25, 13), (0.50, 205), (0.75, 26_996), (0.90, 1_358_953), (1.0, 7_412_602),
)  # fmt: skip
_NOBODY = -1
_KINDS = {
    shape.PLAIN: "transfer",
    shape.CREATION: "contract_creation",
    shape.ERC20_TRANSFER: "token_transfer",
    shape.ERC20_TRANSFER_FROM: "token_transfer",
}
Numbers = np.ndarray[tuple[int], np.dtype[np.int64]]
Floats = np.ndarray[tuple[int], np.dtype[np.float64]]


class Columns(NamedTuple):
    """A day's rows of `txhub.blocks` and `txhub.transactions`, with the tables' own names and types."""

    blocks: pl.DataFrame
    transactions: pl.DataFrame


def make_day(chain_id: int, start: datetime, first_number: int) -> Columns:
    """The blocks of the day that starts then, one every 12 seconds; the same for the same arguments.

    Amounts are decimals of base units.
    """
    chance = np.random.default_rng([chain_id, first_number])
    counts = _drawn(chance, shape.urn(shape.BLOCK_FILL), BLOCKS_A_DAY).astype(np.int64)
    total = int(counts.sum())
    numbers = np.arange(first_number, first_number + BLOCKS_A_DAY)
    times = pl.datetime_range(
        start, start + timedelta(days=1), timedelta(seconds=BLOCK_SECONDS), closed="left", time_unit="us", eager=True
    )
    place = np.repeat(np.arange(BLOCKS_A_DAY), counts)
    action = _drawn(chance, shape.share_urn(dict(enumerate(shape.ACTIONS.values()))), total)
    actions = pl.Series(list(shape.ACTIONS)).gather(action.astype(np.int64))
    gas_limit = np.where(actions == shape.PLAIN, 21_000, _drawn(chance, shape.urn(shape.CALL_GAS_LIMIT), total))
    used = np.where(actions == shape.PLAIN, 1.0, chance.uniform(*shape.CALL_GAS_USED, total))
    price = shape.BASE_FEE_GWEI * 1e9 + _tips(chance, total)
    rows = pl.DataFrame(
        {
            "chain_id": pl.repeat(chain_id, total, dtype=pl.Int32, eager=True),
            "block_number": numbers[place],
            "block_time": times.gather(place),
            "tx_index": (np.arange(total) - np.repeat(np.cumsum(counts) - counts, counts)).astype(np.int32),
            "hash": _random_bytes(chance, total, 32),
            "from_address": _addresses(chance, shape.SENDERS, 1, total),
            "account": _addresses(chance, shape.RECEIVERS, 2, total),
            "contract": _addresses(chance, shape.CONTRACTS, 3, total),
            "token": _addresses(chance, shape.TOKENS, 4, total),
            "gwei": _gwei(chance, actions, total),
            "wei": chance.integers(0, 10**9, total),
            "digits": _drawn(chance, shape.urn(VALUE_DIGITS), total),
            "gas_used": (gas_limit * used).astype(np.int64),
            "gas_price": price.astype(np.int64),
            "tx_type": _drawn(chance, shape.share_urn(shape.TYPES), total).astype(np.int16),
            "kind": actions.replace_strict(_KINDS, default="contract_call", return_dtype=pl.String),
            "method_id": _methods(chance, actions, total),
            "input_size": np.where(
                actions == shape.PLAIN, 0, _drawn(chance, shape.urn(shape.OTHER_INPUT_BYTES), total)
            ).astype(np.int32),
            "nonce": _drawn(chance, shape.urn(NONCES), total).astype(np.int64),
            "success": chance.random(total) >= shape.FAILED,
        }
    )
    kind = pl.col("kind")
    exact = pl.when(pl.col("gwei") > 0).then(pl.col("gwei").cast(pl.Int128) * 10**9 + pl.col("wei")).otherwise(0)
    dropped = (exact.cast(pl.String).str.len_chars().cast(pl.Int64) - pl.col("digits").cast(pl.Int64)).clip(0, 18)
    unit = pl.lit(10, pl.Int64).pow(dropped).cast(pl.Int128)
    to = (
        pl.when(kind == "transfer")
        .then(pl.col("account"))
        .when(kind == "token_transfer")
        .then(pl.col("token"))
        .when(kind == "contract_call")
        .then(pl.col("contract"))
    )
    transactions = rows.with_columns(
        to_address=to,
        value=(exact // unit * unit).cast(pl.Decimal(38, 0)),
        fee=(pl.col("gas_used") * pl.col("gas_price")).cast(pl.Decimal(38, 0)),
    ).select(
        *("chain_id", "block_number", "block_time", "tx_index", "hash", "from_address", "to_address", "value", "fee"),
        *("gas_used", "gas_price", "tx_type", "kind", "method_id", "input_size", "nonce", "success"),
    )
    return Columns(_blocks(chance, chain_id, numbers, times, counts), transactions)


def _blocks(
    chance: np.random.Generator, chain_id: int, numbers: Numbers, times: pl.Series, counts: Numbers
) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "chain_id": pl.repeat(chain_id, len(numbers), dtype=pl.Int32, eager=True),
            "number": numbers,
            "hash": _random_bytes(chance, len(numbers), 32),
            "parent_hash": _random_bytes(chance, len(numbers), 32),
            "time": times,
            "tx_count": counts.astype(np.int32),
            "dropped_count": pl.repeat(0, len(numbers), dtype=pl.Int32, eager=True),
            "gas_used": counts * 80_000,
            "gas_limit": pl.repeat(30_000_000, len(numbers), dtype=pl.Int64, eager=True),
            "base_fee": pl.repeat(int(shape.BASE_FEE_GWEI * 1e9), len(numbers), dtype=pl.Int64, eager=True),
            "size": (counts * 600).astype(np.int32),
        }
    )


def _drawn(chance: np.random.Generator, urn: list[float] | list[int], count: int) -> Floats:
    return np.asarray(urn, dtype=np.float64)[chance.integers(0, len(urn), count)]


def _random_bytes(chance: np.random.Generator, count: int, width: int) -> pl.Series:
    return _binary(chance.bytes(count * width), count, width)


def _binary(data: bytes, count: int, width: int) -> pl.Series:
    fixed = pa.FixedSizeBinaryArray.from_buffers(pa.binary(width), count, [None, pa.py_buffer(data)])
    return pl.Series(values=fixed.cast(pa.large_binary()))


def _addresses(chance: np.random.Generator, popularity: shape.Popularity, role: int, count: int) -> pl.Series:
    """Popular addresses are the same every day; each of the others is one that nobody saw before."""
    ranks = list(range(popularity[-1][0]))
    known = np.frombuffer(np.random.default_rng(role).bytes(20 * (len(ranks) + 1)), dtype=np.uint8).reshape(-1, 20)
    rank = np.asarray(shape.popularity_urn(ranks, popularity, _NOBODY))[chance.integers(0, 65_536, count)]
    new = np.frombuffer(chance.bytes(count * 20), dtype=np.uint8).reshape(-1, 20)
    return _binary(np.where((rank == _NOBODY)[:, None], new, known[rank]).tobytes(), count, 20)


def _gwei(chance: np.random.Generator, actions: pl.Series, count: int) -> Numbers:
    zero_share = actions.replace_strict(shape.ZERO_VALUE, default=1.0, return_dtype=pl.Float64).to_numpy()
    coins = 10 ** _drawn(chance, shape.urn(shape.LOG10_COINS), count)
    gwei = np.maximum((coins * 1e9).astype(np.int64), 1)
    return np.where(chance.random(count) < zero_share, 0, gwei)


def _tips(chance: np.random.Generator, count: int) -> Floats:
    """In wei."""
    tips = _drawn(chance, shape.urn(shape.TIP_GWEI), count) * 1e9
    unit = 10 ** np.maximum(np.floor(np.log10(np.maximum(tips, 1))) - 1, 0)
    return np.where(chance.random(count) < ROUND_TIPS, np.round(tips / unit) * unit, tips)


def _methods(chance: np.random.Generator, actions: pl.Series, count: int) -> pl.Series:
    """Selectors: those of the well-known calls, and a few hundred others by popularity."""
    others = np.frombuffer(np.random.default_rng(5).bytes(4 * 400), dtype=np.uint8).reshape(-1, 4)
    other = _binary(others[(chance.random(count) ** 3 * 400).astype(np.int64)].tobytes(), count, 4)
    return (
        pl.DataFrame({"action": actions, "other": other})
        .select(
            pl.when(pl.col("action").is_in([shape.PLAIN, shape.CREATION]))
            .then(None)
            .when(pl.col("action") == shape.OTHER_CALL)
            .then(pl.col("other"))
            .otherwise(pl.col("action").str.decode("hex", strict=False))
        )
        .to_series()
    )
