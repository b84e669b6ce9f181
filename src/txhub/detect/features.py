"""What models look at: figures of each transaction, and of each address in an hour.

Both are pure functions of a chain's transactions and of those of a while before. Counts are taken by their
logarithm; coins are not, because what is far above the rest is to be told from it. Every feature says what it is, for
the reasons that people read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

import numpy as np
import polars as pl

from txhub.model import Block, Chain

MEMORY = timedelta(hours=24)
"""How long before a span transactions matter: whoever dealt with one another then is no new acquaintance."""
EDGE_MEMORY = timedelta(hours=1)
"""The same, for figures that are told while blocks come."""
TRANSACTIONS: dict[str, pl.DataType] = {
    "time": pl.Datetime("us", "UTC"),
    "hash": pl.Binary(),
    "sender": pl.Binary(),
    "receiver": pl.Binary(),
    "coins": pl.Float64(),
    "fee": pl.Float64(),
    "gas_price": pl.Float64(),
    "input_size": pl.Float64(),
    "success": pl.Boolean(),
}
"""A row a transaction, in order; whole coins. Null is what is not known."""
_DUST = 1e-9
"""Coins: less counts as nothing."""


class Subject(StrEnum):
    """What a model is about."""

    ADDRESS = "address"
    TRANSACTION = "transaction"


class Feature(NamedTuple):
    """What a feature is in words, and its scale: a `count` is log10(1 + n), a `ratio` log10, `coins` are themselves."""

    words: str
    scale: str = ""


FEATURES: Mapping[Subject, Mapping[str, Feature]] = {
    Subject.ADDRESS: {
        "sent": Feature("transactions sent", "count"),
        "received": Feature("transactions received", "count"),
        "payees": Feature("different receivers", "count"),
        "payers": Feature("different senders", "count"),
        "coins_out": Feature("coins sent", "coins"),
        "coins_in": Feature("coins received", "coins"),
        "largest": Feature("largest amount", "coins"),
        "alike": Feature("likeness of its amounts (1: all the same)"),
        "bursts": Feature("burstiness (1: all at once, -1: like a clock)"),
        "new": Feature("share of counterparties that were new"),
        "failed": Feature("share that failed"),
    },
    Subject.TRANSACTION: {
        "coins": Feature("coins moved", "coins"),
        "fee": Feature("fee", "coins"),
        "gas_price": Feature("gas price, as a multiple of the median then", "ratio"),
        "input_size": Feature("bytes of input", "count"),
        "sender_count": Feature("transactions of its sender in the hour", "count"),
        "receiver_count": Feature("transactions to its receiver in the hour", "count"),
        "new": Feature("whether both had not dealt with one another"),
    },
}
"""The features of each subject, in the order in which models take them."""


def features(subject: Subject, rows: pl.DataFrame, start: datetime) -> pl.DataFrame:
    """A row for each subject from a moment on: `subject` (raw), `time`, and its features, none of them null.

    Args:
        subject: addresses are told by the hour (`time` is its beginning), transactions each by itself.
        rows: `TRANSACTIONS`, from `MEMORY` before the start on.
        start: a whole hour.
    """
    made = _addresses(rows, start) if subject is Subject.ADDRESS else _transactions(rows, start)
    names = list(FEATURES[subject])
    return made.select("subject", "time", pl.col(names).cast(pl.Float64).fill_null(0).fill_nan(0)).sort(
        "time", "subject"
    )


def as_they_come(rows: pl.DataFrame, start: datetime) -> pl.DataFrame:
    """The figures of each transaction from a moment on, by what is known when its block is, in the order of the chain.

    They are those of `features`, but count the hour so far, compare gas prices within the block, and remember who dealt
    with one another for an hour.

    Args:
        rows: `TRANSACTIONS`, from `EDGE_MEMORY` before the start on, and from the beginning of its hour.
        start: the first moment of a block.
    """
    hour = rows.with_columns(
        hour=pl.col("time").dt.truncate("1h"),
        before=pl.col("time").shift().over("sender", "receiver"),
        median=pl.col("gas_price").median().over("time"),
    )
    so_far = [(pl.int_range(pl.len()) + 1).over(side, "hour").alias(f"{side}_count") for side in ("sender", "receiver")]
    met = pl.col("before").is_not_null() & (pl.col("before") >= pl.col("time") - EDGE_MEMORY)
    made = hour.with_columns(so_far).filter(pl.col("time") >= start)
    return made.select(
        "time",
        subject=pl.col("hash"),
        coins=_coins(pl.col("coins")),
        fee=_coins(pl.col("fee")),
        gas_price=(pl.col("gas_price") / pl.col("median")).clip(_DUST).log10(),
        input_size=_count(pl.col("input_size")),
        sender_count=_count(pl.col("sender_count")),
        receiver_count=_count(pl.col("receiver_count")),
        new=~met,
    ).select("subject", "time", pl.col(list(FEATURES[Subject.TRANSACTION])).cast(pl.Float64).fill_null(0).fill_nan(0))


def shown(feature: Feature, value: float) -> str:
    """A feature's value as people read it."""
    match feature.scale:
        case "count":
            return f"{10**value - 1:,.0f}"
        case "coins":
            return f"{value:,.6g}"
        case "ratio":
            return f"{10**value:,.3g}"
        case _:
            return f"{value:.2f}"


def rows_of(chain: Chain, blocks: Iterable[Block]) -> pl.DataFrame:
    """The transactions of decoded blocks, without a database."""
    unit = Decimal(10) ** chain.decimals
    made = [
        (
            row.block_time,
            row.hash,
            row.from_address,
            row.to_address,
            float(row.value / unit),
            None if row.fee is None else float(row.fee / unit),
            None if row.gas_price is None else float(row.gas_price),
            float(row.input_size),
            row.success,
        )
        for block in blocks
        for row in block.transactions
        if row.kind != "coinbase"
    ]
    return pl.DataFrame(made, schema=TRANSACTIONS, orient="row")


def _addresses(rows: pl.DataFrame, start: datetime) -> pl.DataFrame:
    moves = pl.concat(
        [
            rows.select("time", "coins", "success", subject=mine, other=theirs, out=pl.lit(mine == "sender"))
            for mine, theirs in (("sender", "receiver"), ("receiver", "sender"))
        ]
    ).filter(pl.col("subject").is_not_null())
    moves = moves.with_columns(
        hour=pl.col("time").dt.truncate("1h"),
        before=pl.col("time").shift().over("subject", "other", order_by="time"),
    )
    recent = moves.filter(pl.col("time") >= start).sort("subject", "time")
    out, amount = pl.col("out"), pl.col("coins").filter(pl.col("coins") > _DUST)
    gap = pl.col("time").diff().dt.total_seconds()
    met = pl.col("before").is_not_null() & (pl.col("before") >= pl.col("hour") - MEMORY)
    many = pl.len() >= 3
    return (
        recent.group_by("subject", "hour", maintain_order=True)
        .agg(
            sent=_count(out.sum()),
            received=_count((~out).sum()),
            payees=_count(pl.col("other").filter(out).n_unique()),
            payers=_count(pl.col("other").filter(~out).n_unique()),
            coins_out=_coins(pl.col("coins").filter(out).sum()),
            coins_in=_coins(pl.col("coins").filter(~out).sum()),
            largest=_coins(pl.col("coins").max()),
            alike=pl.when(amount.len() >= 3).then(1 / (1 + amount.std() / amount.mean())).otherwise(0.0),
            bursts=pl.when(many & (gap.mean() > 0))
            .then((gap.std() - gap.mean()) / (gap.std() + gap.mean()))
            .otherwise(0.0),
            new=(~met).mean(),
            failed=(pl.col("success") == False).mean(),  # noqa: E712 (null is not known)
        )
        .rename({"hour": "time"})
    )


def _transactions(rows: pl.DataFrame, start: datetime) -> pl.DataFrame:
    pair = ["sender", "receiver"]
    hour = rows.with_columns(
        hour=pl.col("time").dt.truncate("1h"), before=pl.col("time").shift().over(*pair, order_by="time")
    ).filter(pl.col("time") >= start)
    return hour.select(
        "time",
        subject=pl.col("hash"),
        coins=_coins(pl.col("coins")),
        fee=_coins(pl.col("fee")),
        gas_price=(pl.col("gas_price") / pl.col("gas_price").median().over("hour")).clip(_DUST).log10(),
        input_size=_count(pl.col("input_size")),
        sender_count=_count(pl.len().over("sender", "hour")),
        receiver_count=_count(pl.len().over("receiver", "hour")),
        new=pl.col("before").is_null() | (pl.col("before") < pl.col("time") - MEMORY),
    )


def _count(counted: pl.Expr) -> pl.Expr:
    return (counted.cast(pl.Float64) + 1).log10()


def _coins(coins: pl.Expr) -> pl.Expr:
    return coins.fill_null(0).cast(pl.Float64)


def matrix(subject: Subject, rows: pl.DataFrame) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    """The features as models take them: single precision, as trees compare."""
    return rows.select(list(FEATURES[subject])).to_numpy().astype(np.float32)
