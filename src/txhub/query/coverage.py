"""How complete the ledger is over a range of time: what is committed, what is missing, what may still change.

Numbers tell: between two committed blocks every missing number is a missing block. Before the first
and after the last one only time can tell, so an edge counts as missing once it is longer than two
block times. What lies in the future is not expected yet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from txhub.contract import ChainInfo, Gap, Quality
from txhub.query.timerange import TimeRange
from txhub.store.read import Reader
from txhub.store.sqlfiles import queries

MOST_GAPS = 100
"""An answer lists this many gaps, the newest; `coverage` counts all of them."""
_EDGE = 2
"""Block times that an edge of the ledger may be long before it counts as missing."""
_SQL = queries("coverage")


class Absence(NamedTuple):
    """Missing blocks, taken to be spread evenly: the first is due at `first`, and one every `step` from there."""

    first: datetime
    step: timedelta
    blocks: int

    def before(self, moment: datetime) -> int:
        """How many of them were due before a moment."""
        if self.step <= timedelta(0):
            return self.blocks if moment > self.first else 0
        return min(max(-((self.first - moment) // self.step), 0), self.blocks)

    def within(self, span: TimeRange) -> int:
        """How many of them were due in a span of time."""
        return self.before(span.end) - self.before(span.start)


@dataclass(frozen=True, slots=True)
class Coverage:
    """What is committed of a chain in a range, and which blocks are missing there.

    `runs` are spans of time, ends included, from a committed block to another with none missing between;
    they reach beyond the range to the nearest block. `gaps` lie between them.
    """

    range: TimeRange
    committed: int
    absences: tuple[Absence, ...] = ()
    runs: tuple[TimeRange, ...] = ()
    gaps: tuple[Gap, ...] = ()
    provisional_from: datetime | None = None

    @property
    def missing(self) -> int:
        """How many blocks are missing in the range."""
        return sum(absence.within(self.range) for absence in self.absences)


async def read_coverage(
    reader: Reader, chains: Sequence[ChainInfo], asked: TimeRange, now: datetime
) -> dict[str, Coverage]:
    """The coverage of each chain, by name, over the part of the range that is not in the future."""
    within = TimeRange(asked.start, min(asked.end, now))
    if within.start >= within.end:
        return {}
    ids = ",".join(str(chain.chain_id) for chain in chains)
    final = ",".join(str((chain.last_block or 0) - chain.finality_depth) for chain in chains)
    edges = await reader.frame(_SQL["edges"], ids, *within, final)
    by_chain = {edge["chain_id"]: edge for edge in edges.iter_rows(named=True)}
    return {chain.name: await _of_chain(reader, chain, by_chain.get(chain.chain_id), within, now) for chain in chains}


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


async def _of_chain(
    reader: Reader, chain: ChainInfo, edge: dict[str, Any] | None, within: TimeRange, now: datetime
) -> Coverage:
    if edge is None:
        return Coverage(within, 0, _at_edge(chain, within.start, within.end))
    gaps: list[Gap] = []
    if edge["held"] < edge["last"] - edge["first"] + 1:
        found = await reader.frame(_SQL["gaps"], chain.chain_id, edge["first"], edge["last"])
        gaps = [Gap(chain.name, *row) for row in found.iter_rows()]
    return Coverage(
        within,
        committed=edge["inside"],
        absences=(
            *_at_edge(chain, within.start, min(edge["first_time"], within.end)),
            *map(_in_gap, gaps),
            *_at_edge(chain, max(edge["last_time"], within.start), within.end),
        ),
        runs=tuple(
            map(
                TimeRange,
                (edge["first_time"], *(gap.end for gap in gaps)),
                (*(gap.start for gap in gaps), edge["last_time"]),
            )
        ),
        gaps=tuple(gap for gap in gaps if gap.start < within.end and gap.end > within.start),
        provisional_from=_provisional_from(chain, edge["provisional"], now),
    )


def _in_gap(gap: Gap) -> Absence:
    count = gap.to_block - gap.from_block + 1
    step = (gap.end - gap.start) / (count + 1)
    return Absence(gap.start + step, step, count)


def _at_edge(chain: ChainInfo, start: datetime, end: datetime) -> tuple[Absence, ...]:
    step = timedelta(seconds=chain.block_time_s)
    blocks = int((end - start) / step)
    return (Absence(start, step, blocks),) if blocks > _EDGE else ()


def _provisional_from(chain: ChainInfo, oldest: datetime | None, now: datetime) -> datetime | None:
    """From when on a reorg may reach: as deep as the chain's finality below its newest block, and no older than that.

    A ledger that ends long ago is final to its end, however near to its end a block is.
    """
    if oldest is None:
        return None
    return max(oldest, now - timedelta(seconds=chain.finality_depth * chain.block_time_s))
