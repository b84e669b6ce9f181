"""What traffic looks like: figures measured on Ethereum's and Bitcoin's main networks, as urns to draw from.

An urn is a list of equally likely values. Drawing from it costs one index, however odd the distribution.

The Ethereum figures are from 50 blocks after the merge (9,278 transactions), those on failures and on
proof-of-work block sizes from 1,100 consecutive blocks before it; the Bitcoin figures from 13 blocks
(19,594 transactions). Two things differ on purpose: inputs longer than 1.5 kB (1% of transactions, most of
the bytes) are cut so that blocks stay small, and values end just below what counts as a large transfer, so
that every large one is known to be planted (see `truth.py`).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import TypeVar

Item = TypeVar("Item")
Quantiles = Sequence[tuple[float, float]]
"""Pairs (share of observations, the value that many stay under), rising from share 0.0 to 1.0."""

# Transactions a block; only the shape counts, each demo chain sets its own mean.
BLOCK_FILL: Quantiles = (
    (0.0, 0), (0.05, 30), (0.10, 58), (0.25, 120), (0.50, 154), (0.75, 264), (0.90, 376), (0.95, 417), (1.0, 450),
)  # fmt: skip
BLOCK_FILL_MINED: Quantiles = (
    (0.0, 0), (0.0155, 0), (0.05, 106), (0.25, 146), (0.50, 177), (0.75, 215), (0.95, 289), (0.99, 352), (1.0, 420),
)  # fmt: skip

# Monday to Sunday, relative to the week's mean.
WEEKDAYS = (1.012, 1.023, 1.020, 1.021, 1.019, 0.963, 0.941)
WEEKDAYS_MINED = (1.005, 1.044, 1.042, 1.038, 1.033, 0.948, 0.889)

# What a transaction does: the first four bytes of its input, or none for a plain transfer.
ERC20_TRANSFER = "a9059cbb"
ERC20_APPROVE = "095ea7b3"
ERC20_TRANSFER_FROM = "23b872dd"
SWAP = "3593564c"
CREATION = "create"
OTHER_CALL = "other"
PLAIN = ""
ACTIONS: Mapping[str, float] = {
    PLAIN: 0.3655,
    CREATION: 0.0013,
    ERC20_TRANSFER: 0.218,
    ERC20_APPROVE: 0.063,
    ERC20_TRANSFER_FROM: 0.007,
    SWAP: 0.045,
    OTHER_CALL: 0.3002,
}
TYPES: Mapping[int, float] = {0: 0.1515, 1: 0.0029, 2: 0.8434, 3: 0.0016, 4: 0.0005}

# Half of all transactions (0.496) move no value: token calls never do, plain transfers nearly always.
ZERO_VALUE = {PLAIN: 0.013, SWAP: 0.57, OTHER_CALL: 0.57}
LOG10_COINS: Quantiles = (
    (0.0, -17.0), (0.01, -13.0), (0.05, -8.0), (0.10, -5.0), (0.25, -2.62), (0.50, -1.64), (0.75, -0.85), (0.90, -0.05),
    (0.95, 0.30), (0.99, 1.41), (1.0, 1.98),
)  # fmt: skip

FAILED = 0.0433
"""Share of all transactions that fail; only calls do here."""
CALLS = 1 - ACTIONS[PLAIN] - ACTIONS[CREATION]

TIP_GWEI: Quantiles = (
    (0.0, 0.0), (0.25, 0.041), (0.50, 0.279), (0.75, 2.0), (0.90, 3.0), (0.95, 6.27), (0.99, 30.3), (1.0, 60.0),
)  # fmt: skip
BASE_FEE_GWEI = 11.0
"""So that the median gas price, base fee and tip, is the measured 12.4."""

# Of the calls alone: what remains of the measured distributions once transfers (21,000 gas, no input) are taken out.
CALL_GAS_LIMIT: Quantiles = (
    (0.0, 46_000), (0.21, 70_000), (0.607, 207_128), (0.844, 311_003), (0.986, 2_000_000), (1.0, 3_000_000),
)  # fmt: skip
CALL_GAS_USED = (0.45, 0.95)
"""The least and the most share of its gas limit that a call uses."""
OTHER_INPUT_BYTES: Quantiles = ((0.0, 4), (0.275, 164), (0.71, 644), (0.855, 1060), (1.0, 1500))

# Popularity: the share of draws that the first N addresses take together; the rest goes to addresses never seen before.
# As receivers, tokens, other contracts and accounts give together top 1 0.113, top 10 0.278, top 100 0.440.
Popularity = Sequence[tuple[int, float]]
TOKENS: Popularity = ((1, 0.385), (10, 0.72), (100, 0.88), (400, 1.0))
CONTRACTS: Popularity = ((1, 0.12), (10, 0.35), (100, 0.57), (400, 0.94))
RECEIVERS: Popularity = ((1, 0.05), (10, 0.11), (100, 0.18), (1000, 0.32))
SENDERS: Popularity = ((1, 0.022), (10, 0.064), (100, 0.133), (1000, 0.48), (2000, 0.52))

# Bitcoin.
INPUTS: Quantiles = ((0.0, 1), (0.75, 1), (0.85, 2), (0.95, 4), (0.99, 18), (1.0, 25))
OUTPUTS: Quantiles = ((0.0, 1), (0.12, 1), (0.121, 2), (0.75, 2), (0.95, 3), (0.99, 11), (1.0, 20))
LOG10_BITCOINS: Quantiles = (
    (0.0, -5.2), (0.05, -4.55), (0.25, -2.98), (0.50, -2.01), (0.75, -0.94), (0.95, 0.73), (0.99, 1.54), (1.0, 1.94),
)  # fmt: skip
DATA_OUTPUTS = 0.16
"""Share of outputs after the first that hold data and no value, so that it is the measured 0.109 of them all."""
SATOSHI_A_BYTE: Quantiles = ((0.0, 1), (0.25, 4), (0.50, 9), (0.75, 18), (0.95, 45), (1.0, 120))
"""Fee rates; assumed, for want of a measurement."""


def quantile(quantiles: Quantiles, share: float) -> float:
    """Return the value that `share` of the observations stay under, interpolated between the measured ones."""
    at = min(max(bisect_left(quantiles, (share,)), 1), len(quantiles) - 1)
    (low, below), (high, above) = quantiles[at - 1], quantiles[at]
    return below + (above - below) * (share - low) / (high - low)


def urn(quantiles: Quantiles, slots: int = 4096) -> list[float]:
    """Return a measured distribution as an urn."""
    return [quantile(quantiles, (slot + 0.5) / slots) for slot in range(slots)]


def share_urn(shares: Mapping[Item, float], slots: int = 16_384) -> list[Item]:
    """Return an urn in which each item takes its share of the slots; the shares add up to about 1."""
    items: list[Item] = []
    total, filled = sum(shares.values()), 0.0
    for item, share in shares.items():
        filled += share / total
        items += [item] * (round(filled * slots) - len(items))
    return items


def popularity_urn(ranked: Sequence[Item], popularity: Popularity, nobody: Item, slots: int = 65_536) -> list[Item]:
    """Return an urn of ranked items; between two measured ranks the share grows with the rank's logarithm.

    What the last rank leaves over is filled with `nobody`. Ranks too rare for a slot of their own share some.
    """
    items: list[Item] = []
    rank, cumulated = 0, 0.0
    for upto, share in popularity:
        # A share that grows with the logarithm is a weight of 1/rank, which is how popularity falls on chains.
        weights = [1 / r for r in range(rank + 1, upto + 1)]
        scale = (share - cumulated) / sum(weights)
        for weight in weights:
            cumulated += weight * scale
            items += [ranked[rank]] * (round(cumulated * slots) - len(items))
            rank += 1
        cumulated = share
    return items + [nobody] * (slots - len(items))
