"""What a look depends on beside a chain's rows: the chain, labels, prices, tokens and quantiles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Context, Decimal
from functools import cached_property
from typing import NamedTuple

import numpy as np
import polars as pl

from txhub.address import stored_address
from txhub.model import Chain

PRICE_HOLDS = timedelta(days=1)
"""How long a price is good for."""
SERVICES = frozenset(
    {"exchange", "custody", "payments", "bridge", "dex", "lending", "token", "mining_pool", "service", "validator"}
)
"""Categories of labels whose addresses move much, and often, for others: no rule on volume alone is about them."""
_LABELS = {"address": pl.Binary(), "name": pl.String(), "category": pl.String()}
_EXACT = Context(prec=60)
_SHOWN = 12
"""Characters of an address that tell it from others at a glance."""
Microseconds = np.ndarray[tuple[int], np.dtype[np.int64]]


class Token(NamedTuple):
    """What a token's contract says of itself."""

    symbol: str | None
    decimals: int | None


class Prices(NamedTuple):
    """Prices of an asset, US dollars for a whole one, and since when each holds, oldest first."""

    since: Microseconds
    usd: Sequence[Decimal]


@dataclass(frozen=True)
class Facts:
    """What is known of a chain; the same facts and rows give the same findings.

    Args:
        chain: the chain.
        labels: `address`, `name` and `category` of all labels in force on it.
        prices: by asset, as `txhub.prices` names them.
        tokens: by address.
        quantiles: by share and day, the base units that this share of the 30 days before stayed under; None where
            there was nothing in those.
    """

    chain: Chain
    labels: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=_LABELS))
    prices: Mapping[str, Prices] = field(default_factory=dict)
    tokens: Mapping[bytes, Token] = field(default_factory=dict)
    quantiles: Mapping[float, Mapping[date, int | None]] = field(default_factory=dict)

    @cached_property
    def entities(self) -> pl.DataFrame:
        """`address` and `entity`: who is behind it, which is what stands before a colon in its name."""
        return self.labels.unique("address", keep="first", maintain_order=True).select(
            "address", entity=pl.col("name").str.split(":").list.first().str.strip_chars()
        )

    @cached_property
    def services(self) -> pl.DataFrame:
        """`address` of all that belong to services."""
        return self.labelled(SERVICES)

    def labelled(self, words: Sequence[str] | frozenset[str]) -> pl.DataFrame:
        """`address` of all whose label's category, name or entity is one of the words."""
        wanted = list(words)
        entity = pl.col("name").str.split(":").list.first().str.strip_chars()
        found = pl.col("category").is_in(wanted) | pl.col("name").is_in(wanted) | entity.is_in(wanted)
        return self.labels.filter(found).select("address").unique()

    def asset(self, token: bytes | None) -> str:
        """What `prices` call the coin, or a token."""
        return self.chain.symbol if token is None else f"{self.chain.name}/0x{token.hex()}"

    def unit(self, token: bytes | None) -> Token:
        """Symbol and decimals of the coin, or of a token."""
        if token is None:
            return Token(self.chain.symbol, self.chain.decimals)
        return self.tokens.get(token, Token(None, None))

    def usd(self, token: bytes | None, base_units: int, time: datetime) -> Decimal | None:
        """What an amount was worth at a time, in US dollars and cents; None where no price or no decimals are known."""
        prices, decimals = self.prices.get(self.asset(token)), self.unit(token).decimals
        if prices is None or decimals is None:
            return None
        at = int(time.timestamp() * 1_000_000)
        place = int(np.searchsorted(prices.since, at, side="right")) - 1
        if place < 0 or at - int(prices.since[place]) >= PRICE_HOLDS / timedelta(microseconds=1):
            return None
        worth = _EXACT.multiply(Decimal(base_units).scaleb(-decimals, _EXACT), prices.usd[place])
        return worth.quantize(Decimal("0.01"), context=_EXACT)

    @cached_property
    def names(self) -> dict[bytes, str]:
        """Names by address."""
        return dict(self.labels.unique("address", keep="first").select("address", "name").iter_rows())

    def name(self, address: bytes | None) -> str:
        """An address by its label's name, or else by its ends."""
        if address is None:
            return "an unknown address"
        written = self.written(address)
        shown = written if len(written) <= _SHOWN + 1 else f"{written[: _SHOWN // 2]}…{written[-_SHOWN // 2 :]}"
        return self.names.get(address, shown)

    def name_of(self, written: str) -> str:
        """What is written of an alert's subject, by its label's name if it is an address that has one."""
        address = stored_address(written, {self.chain.family})
        return written if address is None else self.names.get(address, written)

    def written(self, address: bytes) -> str:
        """An address as people write it."""
        return f"0x{address.hex()}" if self.chain.family == "evm" else address.decode("ascii")

    def written_hash(self, tx_hash: bytes) -> str:
        """A transaction's hash as people write it."""
        return f"0x{tx_hash.hex()}" if self.chain.family == "evm" else tx_hash.hex()

    def coins(self, token: bytes | None, base_units: int) -> str:
        """An amount as decimal text, whole coins where the decimals are known."""
        return format(Decimal(base_units).scaleb(-(self.unit(token).decimals or 0), _EXACT).normalize(_EXACT), "f")


def microseconds(times: pl.Series) -> Microseconds:
    """Times since 1970."""
    return times.dt.epoch("us").to_numpy()
