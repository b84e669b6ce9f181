"""Peak windows: the busiest minute of each hour, busiest first."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

import polars as pl
from sqlalchemy import select

from txhub.contract import Page, Peak
from txhub.query.chains import read_chains
from txhub.query.choice import chains_of
from txhub.query.timerange import parse_range
from txhub.store import schema
from txhub.store.read import Reader


async def read_peaks(
    reader: Reader,
    *,
    chain: Iterable[str] = (),
    start: str = "-24h",
    end: str | None = None,
    limit: int = 50,
    now: datetime,
) -> pl.DataFrame:
    """The peaks of the hours that the range touches: columns chain, hour, minute, tx_count.

    Of equal ones the newest comes first.

    Raises:
        UsageError: a parameter cannot be understood.
    """
    asked = parse_range(start, end, now).widened(timedelta(hours=1))
    chains = chains_of(await read_chains(reader, counted=False), chain)
    p = schema.peaks_1h.c
    return await reader.frame(
        select(p.chain, p.bucket.label("hour"), p.minute, p.tx_count)
        .where(
            p.chain_id.in_([each.chain_id for each in chains]),
            p.bucket >= asked.start,
            p.bucket < asked.end,
        )
        .order_by(p.tx_count.desc(), p.minute.desc(), p.chain)
        .limit(limit)
    )


def as_page(frame: pl.DataFrame) -> Page[Peak]:
    """The same in the contract's shape."""
    return Page([Peak(*row) for row in frame.iter_rows()])
