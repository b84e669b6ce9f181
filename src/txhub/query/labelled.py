"""Who is known to stand behind addresses."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from txhub.contract import ChainInfo, Label
from txhub.store.read import Reader
from txhub.store.sqlfiles import queries

_SQL = queries("labelled")


async def labels_of(reader: Reader, chain: ChainInfo, addresses: Iterable[str | None], moment: datetime) -> list[Label]:
    """The labels of addresses of a chain that are in force at a moment, at most 1,000; None is passed over."""
    texts = dict.fromkeys(address for address in addresses if address is not None)
    stored = ",".join(text[2:] if chain.family == "evm" else text.encode().hex() for text in texts)
    if not stored:
        return []
    rows = await reader.frame(_SQL["of_addresses"], stored, chain.chain_id, moment)
    return [Label(**row) for row in rows.iter_rows(named=True)]
