"""The words that questions and answers are made of."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar


class Kind(StrEnum):
    """What a transaction does, as far as its input (and, with receipts, its logs) tell."""

    TRANSFER = "transfer"
    TOKEN_TRANSFER = "token_transfer"  # noqa: S105 (no password)
    NFT_TRANSFER = "nft_transfer"
    CONTRACT_CALL = "contract_call"
    CONTRACT_CREATION = "contract_creation"
    COINBASE = "coinbase"


class Metric(StrEnum):
    """The series that `/v1/series/{metric}` knows."""

    TX_RATE = "tx_rate"
    AVG_VALUE = "avg_value"
    VOLUME = "volume"
    FEES = "fees"
    GAS_USED = "gas_used"
    FAILED_RATE = "failed_rate"
    ACTIVE_ADDRESSES = "active_addresses"
    VALUE_QUANTILES = "value_quantiles"


class Unit(StrEnum):
    """What coins are counted in."""

    NATIVE = "native"
    USD = "usd"


class Bucket(StrEnum):
    """Widths of a series' buckets."""

    AUTO = "auto"
    M1 = "1m"
    M5 = "5m"
    M15 = "15m"
    H1 = "1h"
    D1 = "1d"


BUCKET_SECONDS: dict[Bucket, int] = {
    Bucket.M1: 60,
    Bucket.M5: 300,
    Bucket.M15: 900,
    Bucket.H1: 3600,
    Bucket.D1: 86400,
}


MAX_POINTS = 2000
"""`bucket=auto` takes the narrowest bucket that keeps each line of a chart under this many points."""


class Source(StrEnum):
    """Where rows of an answer are from."""

    RAW = "raw"
    ARCHIVE = "archive"


class Rank(StrEnum):
    """What the busiest are ranked by."""

    COUNT = "count"
    VALUE = "value"
    LARGEST = "largest"


Item = TypeVar("Item")


@dataclass(slots=True)
class Page(Generic[Item]):
    """A list, and the opaque cursor of its next page, or null at its end."""

    items: list[Item]
    next: str | None = None
