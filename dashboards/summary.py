"""The figures of the cards: what is happening now on each chain, and what the whole range comes to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl


@dataclass(frozen=True, slots=True)
class ChainSummary:
    """One chain over the range that is shown. Values are whole coins of the chain; None: not known."""

    chain: str
    rate_now: float | None
    """Transactions a minute in the newest bucket that is over."""
    rate_at: datetime | None
    """When that bucket began, UTC."""
    rate_usual: float | None
    """Transactions a minute over all buckets that are over."""
    tx_count: float
    """Transactions in the range, up to now."""
    volume: float | None
    """Coins in the range, up to now."""

    @property
    def avg_value(self) -> float | None:
        """Coins a transaction, over the range."""
        return self.volume / self.tx_count if self.volume is not None and self.tx_count else None


def summarise(rate: pl.DataFrame, volume: pl.DataFrame, bucket: timedelta, now: datetime) -> dict[str, ChainSummary]:
    """Summarise series by chain, of frames with time, chain and value (rate a minute; volume in coins).

    `bucket` is the rate's. The one that holds `now` is still filling: it is not "now" yet, and counts
    for as many minutes as have passed of it.
    """
    known = pl.col("value").is_not_null()
    passed = pl.min_horizontal(pl.lit(bucket), pl.lit(now) - pl.col("time")).dt.total_microseconds() / 60e6
    summaries = {}
    for chain in rate.filter(known)["chain"].unique(maintain_order=True):
        rates = rate.filter(known, pl.col("chain") == chain, pl.col("time") <= now).sort("time")
        over = rates.filter(pl.col("time") + bucket <= now)
        latest = over.row(-1, named=True) if over.height else {"value": None, "time": None}
        moved = volume.filter(known, pl.col("chain") == chain)["value"]
        summaries[chain] = ChainSummary(
            chain,
            rate_now=latest["value"],
            rate_at=latest["time"],
            rate_usual=float(over["value"].sum()) / over.height if over.height else None,
            tx_count=float(rates.select((pl.col("value") * passed).sum()).item()),
            volume=float(moved.sum()) if moved.len() else None,
        )
    return summaries
