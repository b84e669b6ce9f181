"""The chains, and what of each is committed."""

from __future__ import annotations

from decimal import Decimal

from txhub.contract import ChainInfo
from txhub.store.read import Reader
from txhub.store.sqlfiles import queries

_SQL = queries("coverage")


async def read_chains(reader: Reader, *, counted: bool = True) -> list[ChainInfo]:
    """Every chain that was ever followed, by name.

    Args:
        reader: where to ask.
        counted: False leaves `blocks` 0; counting is what takes time, and most questions do without.
    """
    rows = (await reader.frame(_SQL["chains"], counted)).iter_rows(named=True)
    return [ChainInfo(**{**row, "large_value": plain(row["large_value"])}) for row in rows]


def plain(amount: str) -> str:
    """A decimal without an exponent and without zeros at its end."""
    return format(Decimal(amount).normalize(), "f")
