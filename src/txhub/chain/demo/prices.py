"""What the demo network's coins are worth in US dollars: simulated, by the hour, the same for the same seed."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import NamedTuple

from txhub.chain.demo.chance import Chance

HOUR_S = 3600
_START: dict[str, int] = {"DETH": 2_400, "DFST": 2_400, "DBTC": 61_000}
"""Around which the price of each coin moves; the rollup-like chain pays in its parent's coin."""
_CYCLES_H = ((24 * 91, 0.16), (24 * 13, 0.06), (31, 0.015))
"""Lengths in hours and shares of the slow, middle and quick swings."""
_NOISE = 0.004


class SimulatedPrice(NamedTuple):
    """US dollars for a whole coin from a Unix time on, for an hour."""

    symbol: str
    time: int
    usd: Decimal


def hourly_prices(seed: int, symbol: str, start: float, end: float) -> list[SimulatedPrice]:
    """The price of each whole hour from `start` to `end`, Unix times."""
    chance = Chance(seed, f"price {symbol}")
    phases = [chance.fraction("phase", number) for number in range(len(_CYCLES_H))]
    prices = []
    for hour in range(math.ceil(start / HOUR_S), math.floor(end / HOUR_S) + 1):
        swings = sum(
            share * math.sin(2 * math.pi * (hour / length + phase))
            for (length, share), phase in zip(_CYCLES_H, phases, strict=True)
        )
        factor = 1 + swings + _NOISE * (2 * chance.fraction("noise", hour) - 1)
        prices.append(SimulatedPrice(symbol, hour * HOUR_S, Decimal(round(_START[symbol] * factor * 100)) / 100))
    return prices
