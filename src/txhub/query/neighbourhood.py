"""The neighbourhood of an address: the edges to and from it, and on demand those of its neighbours.

A graph stays readable while it has few edges, and an exchange has a million: the greatest are shown, and of each
address the newest transactions are read, up to a number that takes a moment. Each node says since when all of its
are counted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

import polars as pl

from txhub.address import stored_address
from txhub.contract import ChainInfo, Edge, Label, Neighbourhood, Node, Rank
from txhub.errors import UsageError
from txhub.query import address as addresses
from txhub.query.amount import whole_coins
from txhub.query.chains import read_chains
from txhub.query.choice import chains_of, one_of
from txhub.query.labelled import labels_of
from txhub.query.moves import Read, kept_range, read_exchanged
from txhub.query.timerange import TimeRange, parse_range
from txhub.store.read import Reader

MOST_ROWS = 50_000
"""Transactions of the address that are read."""
MOST_ROWS_NEXT = 5_000
"""Transactions of each neighbour that are read."""
MOST_EXPANDED = 20
"""Neighbours whose own edges are looked at."""
_COLUMNS: dict[str, pl.DataType] = {
    "chain": pl.String(),
    "from_address": pl.String(),
    "to_address": pl.String(),
    "tx_count": pl.Int64(),
    "value": pl.String(),
    "value_max": pl.String(),
    "symbol": pl.String(),
}


class _Pair(NamedTuple):
    sender: bytes
    recipient: bytes


@dataclass(slots=True)
class _Sums:
    """The transactions from one address to another; base units."""

    count: int = 0
    value: int = 0
    largest: int = 0

    def rank(self, by: Rank, decimals: int) -> tuple[float, ...]:
        value, largest = self.value / 10**decimals, self.largest / 10**decimals
        return {
            Rank.COUNT: (self.count, value),
            Rank.VALUE: (value, self.count),
            Rank.LARGEST: (largest, self.count),
        }[by]


@dataclass(slots=True)
class _Around:
    """What is known around an address of one chain."""

    chain: ChainInfo
    centre: bytes
    range: TimeRange
    whole: bool
    edges: dict[_Pair, _Sums] = field(default_factory=dict)
    since: dict[bytes, datetime] = field(default_factory=dict)
    hops: dict[bytes, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NeighbourhoodAnswer:
    """The edges, a row each, and the nodes."""

    rows: pl.DataFrame
    nodes: list[Node]
    range: TimeRange
    rank: Rank
    depth: int
    complete: bool

    def as_contract(self) -> Neighbourhood:
        """The same in the contract's shape."""
        edges = [Edge(*row) for row in self.rows.iter_rows()]
        return Neighbourhood(edges, self.nodes, *self.range, self.rank, self.depth, self.complete)


async def read_neighbourhood(
    reader: Reader,
    address: str,
    *,
    chain: Iterable[str] = (),
    start: str = "-24h",
    end: str | None = None,
    rank: str = Rank.COUNT,
    limit: int = 50,
    depth: str = "1",
    now: datetime,
) -> NeighbourhoodAnswer:
    """The greatest edges around an address, at most `limit`; with `depth` 2 as many again of its neighbours.

    Values count as in the lists of flows: what transactions say that they move, also those that failed.

    Raises:
        UsageError: a parameter cannot be understood, or the address is of none of these chains.
    """
    by = one_of("rank", rank, Rank)
    if depth not in ("1", "2"):
        raise UsageError(f"depth is {depth[:40]!r}", hint="send 1 or 2")
    asked = parse_range(start, end, now)
    chains = chains_of(await read_chains(reader, counted=False), chain)
    addresses.stored("address", [address], chains)
    around = [
        await _around(reader, each, stored, asked, now)
        for each in chains
        if (stored := stored_address(address, {each.family})) is not None
    ]
    chosen = first = _greatest(around, by, limit)
    _reach(first, 1)
    if depth == "2":
        await _expand(reader, first)
        known = set(map(_key, first))
        further = [edge for edge in _greatest(around, by, None) if _key(edge) not in known and _joined(edge)]
        chosen = first + further[:limit]
        _reach(chosen, 2)
    rows = pl.DataFrame([_row(each, pair) for each, pair in chosen], schema=_COLUMNS, orient="row")
    complete = all(each.whole and each.since[each.centre] <= each.range.start for each in around)
    return NeighbourhoodAnswer(rows, await _nodes(reader, around, now), asked, by, int(depth), complete)


_Edge = tuple[_Around, _Pair]


async def _around(reader: Reader, chain: ChainInfo, centre: bytes, asked: TimeRange, now: datetime) -> _Around:
    kept, whole = await kept_range(reader, chain, asked, now)
    around = _Around(chain, centre, kept, whole)
    around.hops[centre] = 0
    await _add(around, centre, await read_exchanged(reader, chain, centre, kept, MOST_ROWS))
    return around


async def _expand(reader: Reader, edges: Iterable[_Edge]) -> None:
    """Read the transactions of the neighbours that the greatest edges lead to."""
    neighbours: dict[tuple[int, bytes], _Around] = {}
    for around, pair in edges:
        for party in pair:
            if party != around.centre:
                neighbours.setdefault((around.chain.chain_id, party), around)
    for (_, party), around in list(neighbours.items())[:MOST_EXPANDED]:
        read = await read_exchanged(reader, around.chain, party, around.range, MOST_ROWS_NEXT)
        await _add(around, party, read)


async def _add(around: _Around, party: bytes, read: Read) -> None:
    """Take the edges of an address; those that were read in full from their other side, or from further back, stay."""
    found = await asyncio.to_thread(_summed, read.rows)
    for pair, sums in found.items():
        other = pair.recipient if pair.sender == party else pair.sender
        if other not in around.since or other == party or read.range.start < around.since[other]:
            around.edges[pair] = sums
    around.since[party] = read.range.start


def _summed(rows: pl.DataFrame) -> dict[_Pair, _Sums]:
    edges: dict[_Pair, _Sums] = {}
    for sender, recipient, value in rows.select("from_address", "to_address", "value").iter_rows():
        if sender is not None and recipient is not None:
            sums, amount = edges.setdefault(_Pair(sender, recipient), _Sums()), int(value)
            sums.count += 1
            sums.value += amount
            sums.largest = max(sums.largest, amount)
    return edges


def _greatest(around: Iterable[_Around], by: Rank, limit: int | None) -> list[_Edge]:
    ranked = [
        (tuple(-part for part in sums.rank(by, each.chain.decimals)), each.chain.name, pair, each)
        for each in around
        for pair, sums in each.edges.items()
    ]
    return [(each, pair) for _, _, pair, each in sorted(ranked, key=lambda edge: edge[:3])[:limit]]


def _reach(edges: Iterable[_Edge], hop: int) -> None:
    """Note how far away the addresses are that edges join, where they are not nearer."""
    for around, pair in edges:
        for party in pair:
            around.hops.setdefault(party, hop)


def _key(edge: _Edge) -> tuple[int, _Pair]:
    return edge[0].chain.chain_id, edge[1]


def _joined(edge: _Edge) -> bool:
    """Whether an edge touches a neighbour; those of the address itself that were too small stay out."""
    around, pair = edge
    return around.centre not in pair and any(around.hops.get(party) == 1 for party in pair)


def _row(around: _Around, pair: _Pair) -> tuple[object, ...]:
    sums, chain = around.edges[pair], around.chain
    sender, recipient = (addresses.text(party, chain) for party in pair)
    value, largest = (whole_coins(each, chain.decimals) for each in (sums.value, sums.largest))
    return chain.name, sender, recipient, sums.count, value, largest, chain.symbol


async def _nodes(reader: Reader, around: Iterable[_Around], now: datetime) -> list[Node]:
    nodes = []
    for each in around:
        texts = {party: addresses.text(party, each.chain) for party in each.hops}
        labels: dict[str, list[Label]] = {}
        for label in await labels_of(reader, each.chain, texts.values(), now):
            labels.setdefault(label.address, []).append(label)
        nodes += [
            Node(each.chain.name, texts[party], hop, each.since.get(party), labels.get(texts[party], []))
            for party, hop in each.hops.items()
        ]
    return nodes
