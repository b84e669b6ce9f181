"""Who is watched, and the lists that say so."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from txhub.contract import Label, Page, WatchlistVersion
from txhub.query import address as addresses
from txhub.query import cursor as cursors
from txhub.query.chains import read_chains
from txhub.query.choice import chains_of
from txhub.store.read import Reader
from txhub.store.sqlfiles import queries

_SQL = queries("watchlist")


@dataclass(frozen=True, slots=True)
class WatchedAnswer:
    """A page: a column for each field of the contract, and the cursor of the page after it, if there is one."""

    rows: pl.DataFrame
    next: str | None

    def as_contract(self) -> Page[Label]:
        """The same in the contract's shape."""
        return Page([Label(**row) for row in self.rows.iter_rows(named=True)], self.next)


async def read_watched(
    reader: Reader,
    *,
    chain: str | None = None,
    address: str | None = None,
    source: str | None = None,
    ended: bool = False,
    cursor: str | None = None,
    limit: int = 100,
) -> WatchedAnswer:
    """The entries of watchlists that are in force, the newest first; with `ended`, also those that were.

    Raises:
        UsageError: a parameter cannot be understood.
    """
    known = await read_chains(reader, counted=False)
    if chain is not None:
        known = chains_of(known, [chain])
    stored = "" if address is None else addresses.stored("address", [address], known if chain else [])[0].hex()
    newest = cursors.newest_id(cursor)
    frame = await reader.frame(_SQL["watched"], newest, limit + 1, chain or "", stored, source or "", ended)
    return WatchedAnswer(*cursors.cut(frame, limit))


@dataclass(frozen=True, slots=True)
class VersionsAnswer:
    """A column for each field of the contract."""

    rows: pl.DataFrame

    def as_contract(self) -> Page[WatchlistVersion]:
        """The same in the contract's shape."""
        return Page([WatchlistVersion(**row) for row in self.rows.iter_rows(named=True)])


async def read_versions(reader: Reader) -> VersionsAnswer:
    """Every version of every watchlist, the newest first, and how far history was searched for what it brought."""
    return VersionsAnswer(await reader.frame(_SQL["versions"]))
