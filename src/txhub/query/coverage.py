"""How complete the ledger is over a range of time: what is committed, what is missing, what may still change.

Numbers tell: between two committed blocks every missing number is a missing block. Before the first
and after the last one only time can tell, so an edge counts as missing once it is longer than two
block times. What lies in the future is not expected yet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from txhub.contract import ChainInfo, Gap, Quality
from txhub.query.timerange import TimeRange
from txhub.store.read import Reader
from txhub.store.sqlfiles import queries

MOST_GAPS = 100
"""An answer lists this many gaps, the newest; `coverage` counts all of them."""
_EDGE = 2
"""Block times that an edge of the ledger may be long before it counts as missing."""
_SQL = queries("coverage")


@dataclass(frozen=True, slots=True)
class Coverage:
    """What is committed of a chain in a range, and how many blocks are missing there.

    `runs` are spans of time, ends included, from a committed block to another with none missing between;
    they reach beyond the range to the nearest block. `gaps` lie between them.
    """

    committed: int
    missing: int
    runs: tuple[TimeRange, ...] = ()
    gaps: tuple[Gap, ...] = ()
    provisional_from: datetime | None = None


async def read_coverage(
    reader: Reader, chains: Sequence[ChainInfo], asked: TimeRange, now: datetime
) -> dict[str, Coverage]:
    """The coverage of each chain, by name, over the part of the range that is not in the future."""
    within = TimeRange(asked.start, min(asked.end, now))
    if within.start >= within.end:
        return {}
    return {chain.name: await _of_chain(reader, chain, within, now) for chain in chains}


def quality(coverages: Sequence[Coverage], end: datetime) -> Quality:
    """The chains' coverage as one answer; the fraction is null where nothing was to be expected of any chain."""
    committed = sum(each.committed for each in coverages)
    expected = committed + sum(each.missing for each in coverages)
    known = any(each.runs for each in coverages)
    gaps = sorted((gap for each in coverages for gap in each.gaps), key=lambda gap: gap.end, reverse=True)
    provisional = [each.provisional_from for each in coverages if each.provisional_from is not None]
    return Quality(
        coverage=committed / expected if expected else 1.0 if known else None,
        gaps=gaps[:MOST_GAPS],
        provisional_from=min((moment for moment in provisional if moment < end), default=None),
    )


async def _of_chain(reader: Reader, chain: ChainInfo, within: TimeRange, now: datetime) -> Coverage:
    final = (chain.last_block or 0) - chain.finality_depth
    edges = await reader.frame(_SQL["edges"], chain.chain_id, within.start, within.end, final)
    if edges.is_empty():
        return Coverage(0, _missing_at_edge(chain, within.start, within.end))
    edge = edges.row(0, named=True)
    gaps: list[Gap] = []
    if edge["held"] < edge["last"] - edge["first"] + 1:
        found = await reader.frame(_SQL["gaps"], chain.chain_id, edge["first"], edge["last"])
        gaps = [Gap(chain.name, *row) for row in found.iter_rows()]
    return Coverage(
        committed=edge["inside"],
        missing=sum(_missing_in(gap, within) for gap in gaps)
        + _missing_at_edge(chain, within.start, min(edge["first_time"], within.end))
        + _missing_at_edge(chain, max(edge["last_time"], within.start), within.end),
        runs=tuple(
            map(
                TimeRange,
                (edge["first_time"], *(gap.end for gap in gaps)),
                (*(gap.start for gap in gaps), edge["last_time"]),
            )
        ),
        gaps=tuple(gap for gap in gaps if _touches(gap, within)),
        provisional_from=_provisional_from(chain, edge["provisional"], now),
    )


def _touches(gap: Gap, within: TimeRange) -> bool:
    return gap.start < within.end and gap.end > within.start


def _missing_in(gap: Gap, within: TimeRange) -> int:
    """How many of the gap's blocks lie in the range, if they are spread evenly between its neighbours."""
    count = gap.to_block - gap.from_block + 1
    step = (gap.end - gap.start) / (count + 1)
    if step <= timedelta(0):
        return count
    before = min(-((gap.start - within.start) // step) - 1, count)
    until = min(-((gap.start - within.end) // step) - 1, count)
    return max(until, 0) - max(before, 0)


def _missing_at_edge(chain: ChainInfo, start: datetime, end: datetime) -> int:
    blocks = int((end - start).total_seconds() / chain.block_time_s)
    return blocks if blocks > _EDGE else 0


def _provisional_from(chain: ChainInfo, oldest: datetime | None, now: datetime) -> datetime | None:
    """From when on a reorg may reach: as deep as the chain's finality below its newest block, and no older than that.

    A ledger that ends long ago is final to its end, however near to its end a block is.
    """
    if oldest is None:
        return None
    return max(oldest, now - timedelta(seconds=chain.finality_depth * chain.block_time_s))
