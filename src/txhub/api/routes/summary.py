"""`/v1/summary`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec

from txhub.api import parameters
from txhub.api.formats import Answer, respond
from txhub.api.parameters import given, listed
from txhub.api.sharing import shared
from txhub.contract import Summary
from txhub.query.summary import read_summary
from txhub.store.read import Reader


@get(
    "/v1/summary",
    summary="What a range comes to",
    description=(
        "The rate, the average value, the volume, the fees, the failed share and the active addresses of each chain, "
        "each as one number: now, over the range, and over the same span `compare` earlier (7d where left out). Only "
        "buckets that are over count: minutes in ranges up to a week, hours up to a year, days beyond. Active "
        "addresses are an estimate over the closed hours of at most 31 days, of all kinds only."
    ),
    responses={200: ResponseSpec(Summary, description="Figures by chain.", generate_examples=False)},
    tags=["Data"],
)
@shared
async def summary(
    request: Request[Any, Any, Any],
    reader: NamedDependency[Reader],
    now: NamedDependency[datetime],
    chain: parameters.Chain = None,
    kind: parameters.Kind = None,
    start: parameters.Start = None,
    end: parameters.End = None,
    compare: parameters.Compare = None,
    wanted: parameters.Format = None,
) -> Response[bytes]:
    """Answer with the figures."""
    question = given(start=start, end=end, compare=compare)
    found = await read_summary(reader, chain=listed(chain), kind=listed(kind), now=now, **question)
    facts = {"start": found.range.start.isoformat(), "end": found.range.end.isoformat()}
    return await respond(request, Answer("summary", found.rows, found.as_contract, facts), wanted)
