"""Every rollup: its bucket, and how far behind the present the database materialises it.

Newer than `lag`, readers get a bucket computed from what lies under it (real-time aggregates), so a lag
costs no freshness. It keeps the watermark, which all chains share, behind blocks that are still coming.
"""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple


class Rollup(NamedTuple):
    """A rollup `txhub_rollup.NAME`: the width of its buckets, what its policy covers and how often it runs."""

    name: str
    bucket: timedelta
    lag: timedelta
    look_back: timedelta
    every: timedelta


_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
LAG = 10 * _MINUTE
"""Nothing newer than this is materialised, whoever asks."""

ROLLUPS: tuple[Rollup, ...] = (
    Rollup("tx_1m", _MINUTE, LAG, 3 * _DAY, _MINUTE),
    Rollup("chain_1m", _MINUTE, LAG, 3 * _DAY, _MINUTE),
    Rollup("tx_1h", _HOUR, LAG, 7 * _DAY, 10 * _MINUTE),
    Rollup("peaks_1h", _HOUR, LAG, 7 * _DAY, 10 * _MINUTE),
    Rollup("tx_1d", _DAY, LAG, 30 * _DAY, _HOUR),
    Rollup("value_hist_1h", _HOUR, LAG, 3 * _DAY, 10 * _MINUTE),
    Rollup("token_1h", _HOUR, LAG, 3 * _DAY, 10 * _MINUTE),
)
"""In the order of refresh: what a rollup is made from stands before it."""

HYPERTABLES = ("transactions", "token_transfers", "utxo_io")
"""What is cut into chunks of time, in schema `txhub`."""
