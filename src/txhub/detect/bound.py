"""Amounts that rules compare with: exactly, in base units, each row with the one that holds for it.

Amounts are 128-bit integers. What does not fit (tokens may have up to 78 digits) is taken for the greatest, so that
it is above every bound.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import ROUND_CEILING, Context, Decimal
from typing import Any, Self

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict, Field, model_validator

from txhub.detect.facts import PRICE_HOLDS, Facts, microseconds

MOST = 10**38 - 1
"""What an amount of more than 38 digits is taken for."""
_MOST_WHOLE = Decimal(10**38)
_EXACT = Context(prec=120, rounding=ROUND_CEILING)


class Bound(BaseModel):
    """An amount, in one of five ways; text or a number alone is whole coins."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    native: Decimal | None = Field(default=None, ge=0, le=_MOST_WHOLE, description="whole coins of the chain")
    large: Decimal | None = Field(default=None, ge=0, le=_MOST_WHOLE, description="times the chain's `large_value`")
    quantile: float | None = Field(
        default=None, gt=0, lt=1, description="what this share of the chain's transactions of 30 days stays under"
    )
    token: Decimal | None = Field(default=None, ge=0, le=_MOST_WHOLE, description="whole tokens")
    usd: Decimal | None = Field(default=None, ge=0, le=_MOST_WHOLE, description="US dollars, at the price of the time")

    @model_validator(mode="before")
    @classmethod
    def _from_coins(cls, given: Any) -> Any:
        return {"native": str(given)} if isinstance(given, (str, int, float, Decimal)) else given

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if len(self.model_dump(exclude_none=True)) != 1:
            raise ValueError("one of native, large, quantile, token and usd is expected")
        return self

    def of(self, rows: pl.DataFrame, facts: Facts) -> pl.Series:
        """What the amount of each row (`time`, `token`) is compared with, base units; null: nothing that is known.

        Bounds in coins say nothing of tokens, and those in tokens nothing of coins.
        """
        bounds = pl.repeat(None, rows.height, dtype=pl.Int128, eager=True)
        for token in rows["token"].unique():
            found = self._of_asset(token, rows["time"], facts)
            if found is not None:
                is_it = pl.lit(rows["token"]).eq_missing(pl.lit(token, pl.Binary))
                bounds = pl.select(pl.when(is_it).then(found).otherwise(bounds)).to_series()
        return bounds

    def times(self, factor: Decimal) -> Bound:
        """So many times the amount.

        Raises:
            ValueError: it is a quantile, of which there are no parts.
        """
        if self.quantile is not None:
            raise ValueError("a quantile has no parts")
        return Bound(**{way: value * factor for way, value in self.model_dump(exclude_none=True).items()})

    def written(self, facts: Facts) -> str:
        """For people: `100 ETH`."""
        if self.quantile is not None:
            return f"what {self.quantile:.4%} of the chain's transactions stay under"
        if self.token is not None:
            return f"{self.token:f} tokens"
        return f"{self.usd:f} US dollars" if self.usd is not None else f"{self._coins(facts):f} {facts.chain.symbol}"

    def _of_asset(self, token: bytes | None, times: pl.Series, facts: Facts) -> pl.Series | None:
        decimals = facts.unit(token).decimals
        if decimals is None:
            return None
        if self.usd is not None:
            return _priced(self.usd, token, decimals, times, facts)
        if self.token is not None:
            return None if token is None else _constant(_base_units(self.token, decimals), len(times))
        if token is not None:
            return None
        if self.quantile is not None:
            return _by_day(times, facts.quantiles.get(self.quantile, {}))
        return _constant(_base_units(self._coins(facts), decimals), len(times))

    def _coins(self, facts: Facts) -> Decimal:
        if self.large is not None:
            return _EXACT.multiply(self.large, facts.chain.large_value).normalize(_EXACT)
        return self.native or Decimal(0)


def large(factor: str) -> Bound:
    """So many times what is large on a chain."""
    return Bound(large=Decimal(factor))


def saturated(amounts: pl.Series) -> pl.Series:
    """Exact decimal text as 128-bit integers."""
    return amounts.cast(pl.Int128, strict=False).fill_null(MOST).clip(upper_bound=MOST)


def _base_units(whole: Decimal, decimals: int) -> int:
    """The least number of base units that is not less."""
    return min(int(_EXACT.to_integral_value(whole.scaleb(decimals, _EXACT))), MOST)


def _constant(bound: int, count: int) -> pl.Series:
    return pl.repeat(bound, count, dtype=pl.Int128, eager=True)


def _by_day(times: pl.Series, days: Mapping[date, int | None]) -> pl.Series:
    bounds = pl.Series(list(days.values()), dtype=pl.Int128)
    return times.dt.date().replace_strict(list(days), bounds, default=None, return_dtype=pl.Int128)


def _priced(usd: Decimal, token: bytes | None, decimals: int, times: pl.Series, facts: Facts) -> pl.Series | None:
    prices = facts.prices.get(facts.asset(token))
    if prices is None:
        return None
    at = microseconds(times)
    place = np.searchsorted(prices.since, at, side="right") - 1
    age = at - prices.since[np.maximum(place, 0)]
    known = pl.Series((place >= 0) & (age < PRICE_HOLDS.total_seconds() * 1_000_000))
    bounds = pl.Series([_base_units(_EXACT.divide(usd, price), decimals) for price in prices.usd], dtype=pl.Int128)
    return pl.select(pl.when(known).then(bounds.gather(np.maximum(place, 0)))).to_series()
