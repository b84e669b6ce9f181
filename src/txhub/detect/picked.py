"""Rows that the conditions of some rules have picked, each kept once however many of them want it.

A source's rows lie in pieces, in order of time. Beside what conditions look at, a piece has a column of truth for each
condition: whether it picked the row. What is new is copied a few times into longer pieces, until those are full; what
nobody wants any more goes with its piece.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import numpy as np
import polars as pl
from polars import selectors as cs

from txhub.detect.condition import Condition
from txhub.detect.facts import Facts
from txhub.detect.rows import SOURCES, Rows

_ORDER = ("time", "number", "index", "n")
_FULL_ROWS, _FULL_SPAN = 65_536, timedelta(hours=1)
"""A piece of so many rows, or of so long, is not copied into a longer one any more."""
_FOR_PICKING = "kind"
"""What conditions pick by and do not look at again."""
_MARK = "picked by "
"""How the names of marks begin."""


class _Pick(NamedTuple):
    """A condition with the column that says what it picked; `mark` is of no other condition."""

    mark: str
    source: str
    condition: Condition


class _Piece(NamedTuple):
    """Some rows, at least one, with the times of the first and the last."""

    first: datetime
    last: datetime
    rows: pl.DataFrame

    @property
    def is_full(self) -> bool:
        return self.rows.height >= _FULL_ROWS or self.last - self.first >= _FULL_SPAN


class Picked:
    """What conditions have picked of a chain's rows.

    Args:
        conditions: by whatever names each of them.
    """

    def __init__(self, conditions: Mapping[str, Condition]) -> None:
        self._picks = {
            name: _Pick(f"{_MARK}{name}", source, condition)
            for name, condition in conditions.items()
            for source in condition.sources
        }
        self._pieces: dict[str, list[_Piece]] = {pick.source: [] for pick in self._picks.values()}

    def add(self, rows: Rows, facts: Facts) -> None:
        """Take in rows that follow all that is there."""
        for source, pieces in self._pieces.items():
            pieces += _pieced(self._pick(source, rows[source], facts))
            while len(pieces) > 1 and _belong_together(*pieces[-2:]):
                pieces[-2:] = _pieced(pl.concat([piece.rows for piece in pieces[-2:]]))

    def replace(self, rows: Rows, facts: Facts, start: datetime, end: datetime) -> None:
        """Let the rows of [start, end) be these, whatever was there."""
        outside = (pl.col("time") < start) | (pl.col("time") >= end)
        for source, pieces in self._pieces.items():
            before = [piece for piece in pieces if piece.last < start]
            after = [piece for piece in pieces if piece.first >= end]
            touched = pieces[len(before) : len(pieces) - len(after)]
            kept = [piece.rows.filter(outside) for piece in touched]
            fresh = pl.concat([*kept, self._pick(source, rows[source], facts)], how="diagonal").sort(_ORDER)
            self._pieces[source] = [*before, *_pieced(fresh), *after]

    def of(self, name: str, start: datetime, end: datetime) -> pl.DataFrame:
        """The rows of [start, end) that a condition has picked, in the columns of its source but for `kind`."""
        mark, source, _ = self._picks[name]
        columns = {column: kind for column, kind in SOURCES[source].columns.items() if column != _FOR_PICKING}
        wanted = pl.col(mark) & (pl.col("time") >= start) & (pl.col("time") < end)
        found = [
            piece.rows.filter(wanted).select(list(columns))
            for piece in self._pieces[source]
            if piece.last >= start and piece.first < end and mark in piece.rows.columns
        ]
        return pl.concat(found) if found else pl.DataFrame(schema=columns)

    @property
    def height(self) -> int:
        """How many rows are here."""
        return sum(piece.rows.height for pieces in self._pieces.values() for piece in pieces)

    def count(self, name: str) -> int:
        """How many rows a condition has picked of those that are here."""
        mark, source, _ = self._picks[name]
        return sum(int(piece.rows[mark].sum()) for piece in self._pieces[source] if mark in piece.rows.columns)

    def forget(self, before: Mapping[str, datetime]) -> None:
        """Let go what each condition picked before its moment, as soon as a whole piece is older."""
        for source, pieces in self._pieces.items():
            times = {pick.mark: before[name] for name, pick in self._picks.items() if pick.source == source}
            self._pieces[source] = [left for piece in pieces for left in _since(piece, times)]

    def drop(self, names: Iterable[str]) -> None:
        """Let go conditions with all that nobody else has picked."""
        gone = [self._picks.pop(name) for name in names]
        for source, pieces in list(self._pieces.items()):
            marks = [pick.mark for pick in gone if pick.source == source]
            self._pieces[source] = [left for piece in pieces for left in _without(piece, marks)]
            if source not in self.sources:
                del self._pieces[source]

    @property
    def sources(self) -> list[str]:
        """The sources of the rows that its conditions pick from."""
        return list(dict.fromkeys(pick.source for pick in self._picks.values()))

    def _pick(self, source: str, rows: pl.DataFrame, facts: Facts) -> pl.DataFrame:
        """The rows that a condition wants, with the marks of all."""
        numbered = rows.with_row_index("row")
        marks = {}
        for mark, _, condition in (pick for pick in self._picks.values() if pick.source == source):
            marks[mark] = np.zeros(rows.height, dtype=bool)
            if condition.scope.on(facts.chain.name):
                marks[mark][condition.events({source: numbered}, facts)["row"].to_numpy()] = True
        marked = rows.drop(_FOR_PICKING, strict=False).with_columns(**{m: pl.Series(marks[m]) for m in marks})
        return marked.filter(pl.any_horizontal(*marks))


def _pieced(rows: pl.DataFrame) -> list[_Piece]:
    return [] if rows.is_empty() else [_Piece(rows["time"][0], rows["time"][-1], _alone(rows))]


def _belong_together(one: _Piece, other: _Piece) -> bool:
    """Whether copying is worth it: a row is copied as often as the length of its piece doubles."""
    return not one.is_full and one.rows.height <= other.rows.height and one.rows.columns == other.rows.columns


def _since(piece: _Piece, times: Mapping[str, datetime]) -> list[_Piece]:
    past = [mark for mark, time in times.items() if piece.last < time]
    return _without(piece, past) if piece.is_full or len(past) == len(times) else [piece]


def _without(piece: _Piece, marks: Sequence[str]) -> list[_Piece]:
    there = [mark for mark in marks if mark in piece.rows.columns]
    if not there:
        return [piece]
    rows = piece.rows.drop(there)
    left = rows.select(cs.boolean() & cs.starts_with(_MARK))
    return _pieced(rows.filter(left.select(pl.any_horizontal(pl.all())).to_series())) if left.width else []


def _alone(rows: pl.DataFrame) -> pl.DataFrame:
    """The same rows, with bytes and text in memory of their own, in one chunk.

    Rows that were picked of a frame share the memory of all its bytes, and would keep it as long as they are kept.
    Arrow's older layout has no way to share: what passes through it is copied, and nothing else.
    """
    whole = rows.rechunk()
    shared = whole.select(cs.binary() | cs.string()).to_arrow(compat_level=pl.CompatLevel.oldest())
    own = pl.from_arrow(shared)
    assert isinstance(own, pl.DataFrame)  # noqa: S101 (what a table becomes)
    return whole.with_columns(own.get_columns())
