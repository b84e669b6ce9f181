"""Who is known to stand behind addresses."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from txhub.contract import ChainInfo, Label, Page
from txhub.query import address as addresses
from txhub.query import cursor as cursors
from txhub.query.chains import read_chains
from txhub.query.choice import chains_of
from txhub.query.timerange import parse_moment
from txhub.store.read import Reader
from txhub.store.sqlfiles import queries

_SQL = queries("labelled")


async def labels_of(reader: Reader, chain: ChainInfo, of: Iterable[str | None], moment: datetime) -> list[Label]:
    """The labels of addresses of a chain that are in force at a moment, at most 1,000; None is passed over."""
    texts = dict.fromkeys(address for address in of if address is not None)
    stored = ",".join(text[2:] if chain.family == "evm" else text.encode().hex() for text in texts)
    if not stored:
        return []
    rows = await reader.frame(_SQL["of_addresses"], stored, chain.chain_id, moment)
    return [Label(**row) for row in rows.iter_rows(named=True)]


@dataclass(frozen=True, slots=True)
class LabelsAnswer:
    """A page: a column for each field of the contract, and the cursor of the page after it, if there is one."""

    rows: pl.DataFrame
    next: str | None

    def as_contract(self) -> Page[Label]:
        """The same in the contract's shape."""
        return Page([Label(**row) for row in self.rows.iter_rows(named=True)], self.next)


async def read_labels(
    reader: Reader,
    *,
    chain: str | None = None,
    address: str | None = None,
    source: str | None = None,
    category: str | None = None,
    at: str = "now",
    ended: bool = False,
    cursor: str | None = None,
    limit: int = 100,
    now: datetime,
) -> LabelsAnswer:
    """The labels that are in force at a moment, the newest first; with `ended`, all there ever were.

    Raises:
        UsageError: a parameter cannot be understood.
    """
    moment = parse_moment("at", at, now)
    known = await read_chains(reader, counted=False)
    if chain is not None:
        known = chains_of(known, [chain])
    stored = "" if address is None else addresses.stored("address", [address], known if chain else [])[0].hex()
    asked = (chain or "", stored, source or "", category or "", moment, ended)
    frame = await reader.frame(_SQL["page"], cursors.newest_id(cursor), limit + 1, *asked)
    return LabelsAnswer(*cursors.cut(frame, limit))
