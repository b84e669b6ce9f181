"""How much of which token is transferred."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from txhub.contract.ledger import Quality
from txhub.contract.words import Bucket


class TokenRank(StrEnum):
    """What tokens are ranked by."""

    COUNT = "count"
    AMOUNT = "amount"
    """Whole tokens: of different tokens they do not compare."""


@dataclass(slots=True)
class TokenVolume:
    """The transfers of a token in a range; of NFTs the amount counts pieces."""

    chain: str
    token_address: str
    symbol: str | None
    """As its contract says, and any contract may say anything; null: it does not, or was not asked yet."""
    decimals: int | None
    transfer_count: int
    amount: str | None
    """Whole tokens; null where the decimals are not known."""
    amount_base: str


@dataclass(slots=True)
class TokenVolumes:
    """The most transferred tokens of the whole hours from `start` to `end`."""

    items: list[TokenVolume]
    start: datetime
    end: datetime
    rank: TokenRank
    token_count: int
    """How many tokens were transferred in all."""
    quality: Quality


@dataclass(slots=True)
class TokenBucket:
    """The transfers of a token in a bucket, by its start."""

    time: datetime
    transfer_count: int
    amount: str | None
    amount_base: str


@dataclass(slots=True)
class TokenSeries:
    """The transfers of one token over time; buckets without any are left out."""

    chain: str
    token_address: str
    symbol: str | None
    decimals: int | None
    bucket: Bucket
    items: list[TokenBucket]
    quality: Quality
