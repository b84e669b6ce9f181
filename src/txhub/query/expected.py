"""How many transactions a question will find, where the rollups know it: by chain, kind and time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, TableClause, cast, func, select

from txhub.query.criteria import Criteria
from txhub.query.timerange import TimeRange
from txhub.store import schema
from txhub.store.read import Reader

_WIDTHS = ((schema.tx_1h, timedelta(hours=1)), (schema.tx_1m, timedelta(minutes=1)))
"""The rollups that are added up, the widest first."""


async def expected_rows(reader: Reader, criteria: Criteria) -> int | None:
    """How many transactions meet the criteria; None where only a search can tell, as of an address or a value.

    Whole hours and minutes are added up from the rollups, and the seconds at both ends counted from the rows.
    """
    if any((criteria.senders, criteria.recipients, criteria.parties, criteria.values, criteria.block is not None)):
        return None
    total = 0
    for statement in _statements(criteria):
        total += int((await reader.frame(statement)).item() or 0)
    return total


def _statements(criteria: Criteria) -> Iterator[Select[Any]]:
    left = [criteria.range]
    for rollup, width in _WIDTHS:
        rest: list[TimeRange] = []
        for span in left:
            outer, inner = span.widened(width), span.narrowed(width)
            if inner is None:
                rest.append(span)
                continue
            yield _added(rollup, criteria, inner)
            rest += [TimeRange(span.start, inner.start)] if outer.start < span.start else []
            rest += [TimeRange(inner.end, span.end)] if outer.end > span.end else []
        left = rest
    t = schema.transactions.c
    for span in left:
        counted = select(func.count()).select_from(schema.transactions)
        yield counted.where(t.block_time >= span.start, t.block_time < span.end, *_alike(t, criteria))


def _added(rollup: TableClause, criteria: Criteria, span: TimeRange) -> Select[Any]:
    r = rollup.c
    return select(cast(func.sum(r.tx_count), BigInteger)).where(
        r.bucket >= span.start, r.bucket < span.end, *_alike(r, criteria)
    )


def _alike(columns: Any, criteria: Criteria) -> list[ColumnElement[bool]]:
    kinds = [cast(each.value, schema.TX_KIND) for each in criteria.kinds]
    return [
        *([columns.chain_id.in_(criteria.chains)] if criteria.chains else []),
        *([columns.kind.in_(kinds)] if kinds else []),
    ]
