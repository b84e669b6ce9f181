"""One box for everything: what a text may mean, looked up wherever an index answers at once.

Nothing is ever scanned: only of a hash the newest transactions are searched for a moment, and what was not reached is
told.
"""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from txhub.address import stored_address
from txhub.contract import ChainInfo, Hit, HitKind, Hits
from txhub.errors import UsageError
from txhub.query import address as addresses
from txhub.query.chains import read_chains
from txhub.query.hash import hash_in
from txhub.query.height import is_number
from txhub.query.sought import Sought, newest_pieces
from txhub.query.timerange import ALWAYS
from txhub.store.read import Reader
from txhub.store.sqlfiles import queries

SEARCHED_S = 1.0
"""Seconds for which transactions are searched for a hash."""
LONGEST = 200
_SHORTEST_WORD = 2
_LATELY = timedelta(days=1)
_GREATEST = 2**63 - 1
_SQL = queries("search")


async def search(reader: Reader, text: str, *, limit: int = 10, now: datetime) -> Hits:
    """What a text finds, at most `limit` of each kind.

    A hash finds transactions and blocks, a number blocks, an address itself and the token that it is, any other text
    labels by the beginnings of their words and tokens by the beginning of their symbol.

    Raises:
        UsageError: there is nothing to look for.
    """
    asked = text.strip()
    if not asked or len(asked) > LONGEST or not asked.isprintable():
        raise UsageError(
            f"q has {len(asked)} characters" if asked.isprintable() else f"q is {asked[:40]!r}",
            hint=f"send a hash, a number, an address or a name, up to {LONGEST} characters",
        )
    chains = await read_chains(reader, counted=False)
    hits: list[Hit] = []
    searched_since = None
    if (wanted := hash_in(asked)) is not None:
        found, searched_since = await _transactions(reader, chains, wanted, limit)
        hits += found
        hits += [hit async for hit in _blocks(reader, "block_by_hash", wanted, limit)]
    elif is_number(asked):
        if int(asked) <= _GREATEST:
            hits += [hit async for hit in _blocks(reader, "block_by_number", int(asked), limit)]
    elif families := [family for family in ("evm", "utxo") if stored_address(asked, {family}) is not None]:
        stored = stored_address(asked, families)
        assert stored is not None  # noqa: S101 (it is of one of them)
        hits += await _addresses(reader, [each for each in chains if each.family in families], stored, now)
        hits += [hit async for hit in _tokens(reader, "token_by_address", stored, limit)]
    hits += await _named(reader, chains, asked, limit, now)
    return Hits(hits, searched_since)


async def _transactions(
    reader: Reader, chains: Sequence[ChainInfo], wanted: bytes, limit: int
) -> tuple[list[Hit], datetime | None]:
    began = time.monotonic()
    rows: list[dict[str, Any]] = []
    since = None
    async for span in newest_pieces(reader, Sought(hash=wanted), ALWAYS, chains):
        rows += (await reader.frame(_SQL["transaction"], wanted, *span, limit)).iter_rows(named=True)
        if rows:
            break
        if time.monotonic() - began > SEARCHED_S and span.start > ALWAYS.start:
            since = span.start
            break
    if not rows:
        rows += (await reader.frame(_SQL["gone"], wanted)).iter_rows(named=True)
    return [
        Hit(
            HitKind.TRANSACTION,
            row["chain"],
            row["hash"],
            f"{row['kind']}, {row['value']} {row['symbol']}",
            row["block_time"],
            f"/v1/transactions/{row['chain']}/{row['hash']}?block={row['block_number']}",
        )
        for row in rows
    ], None if rows else since


async def _blocks(reader: Reader, statement: str, wanted: int | bytes, limit: int) -> AsyncIterator[Hit]:
    for row in (await reader.frame(_SQL[statement], wanted, limit)).iter_rows(named=True):
        replaced = row.get("reorg_id") is not None
        detail = f"block {row['number']}, {row['tx_count']} transactions"
        link = f"/v1/blocks/{row['chain']}/{row['hash'] if replaced else row['number']}"
        yield Hit(
            HitKind.BLOCK, row["chain"], row["hash"], f"{detail}, replaced" if replaced else detail, row["time"], link
        )


async def _addresses(reader: Reader, chains: Sequence[ChainInfo], address: bytes, now: datetime) -> list[Hit]:
    """The address on every chain that may have it, where it was seen lately first."""
    newest = max((each.last_time for each in chains if each.last_time), default=now)
    seen = dict((await reader.frame(_SQL["seen"], address, newest - _LATELY)).iter_rows())
    hits = []
    for chain in chains:
        shown = addresses.text(address, chain)
        link = f"/v1/addresses/{chain.name}/{shown}"
        hits.append(Hit(HitKind.ADDRESS, chain.name, shown, None, seen.get(chain.name), link))
    return sorted(hits, key=lambda hit: (hit.time is None, hit.chain))


async def _tokens(reader: Reader, statement: str, *asked: object) -> AsyncIterator[Hit]:
    for row in (await reader.frame(_SQL[statement], *asked)).iter_rows(named=True):
        link = f"/v1/tokens/{row['chain']}/{row['address']}"
        yield Hit(HitKind.TOKEN, row["chain"], row["symbol"] or row["address"], row["address"], None, link)


async def _named(reader: Reader, chains: Sequence[ChainInfo], text: str, limit: int, now: datetime) -> list[Hit]:
    """Labels and tokens that are called so."""
    hits: list[Hit] = []
    words = [word for word in re.findall(r"[^\W_]+", text) if len(word) >= _SHORTEST_WORD]
    if words:
        rows = await reader.frame(_SQL["label"], " & ".join(f"{word}:*" for word in words), now, limit)
        for row in rows.iter_rows(named=True):
            about = ", ".join(filter(None, (row["category"], row["country"], row["address"], row["source"])))
            chain = row["chain"]
            link = f"/v1/addresses/{chain}/{row['address']}" if chain else f"/v1/search?q={row['address']}"
            hits.append(Hit(HitKind.LABEL, chain, row["name"], about, None, link))
    newest = max((each.last_time for each in chains if each.last_time), default=now)
    begins = re.sub(r"([\\%_])", r"\\\1", text.lower())
    hits += [hit async for hit in _tokens(reader, "token_by_symbol", begins, newest - _LATELY, limit)]
    return hits
