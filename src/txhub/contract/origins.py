"""Where transactions come from, as far as that is known of anything on a chain."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from txhub.contract.ledger import Quality


@dataclass(slots=True)
class Origin:
    """What labelled senders of a country sent. Values are null where coins of several chains would be added."""

    country: str
    """ISO 3166, two letters: the jurisdiction of whom labels name, not a place that a transaction was sent from."""
    address_count: int
    tx_count: int
    tx_share: float | None
    """Of all transactions, 0 to 1."""
    value: str | None
    value_share: float | None


@dataclass(slots=True)
class UnknownOrigin:
    """What is of no known country.

    `unseen_…` is the part whose senders were not looked up, since they are not among the busiest of their hour: any
    share of a country may really be larger by so much, and no more.
    """

    tx_count: int
    tx_share: float | None
    value: str | None
    value_share: float | None
    unseen_tx_count: int
    unseen_tx_share: float | None
    unseen_value_share: float | None


@dataclass(slots=True)
class Origins:
    """Transactions of the whole hours from `start` to `end` by the jurisdiction of their senders."""

    items: list[Origin]
    unknown: UnknownOrigin
    start: datetime
    end: datetime
    tx_count: int
    value: str | None
    symbol: str | None
    """The coin that values are of; null where there are several."""
    quality: Quality
    """Its `error` is the share of transactions whose senders were not looked at."""
