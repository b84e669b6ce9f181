"""`/v1/peaks`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec

from txhub.api import parameters
from txhub.api.formats import Answer, respond
from txhub.api.parameters import given, listed
from txhub.api.problems import PROBLEMS
from txhub.contract import Page, Peak
from txhub.query.peaks import as_page, read_peaks
from txhub.store.read import Reader


@get(
    "/v1/peaks",
    summary="Peak windows",
    description="The busiest minute of each hour that the range touches, busiest first; `tx_count` is also its rate.",
    responses={200: ResponseSpec(Page[Peak], description="Peaks.", generate_examples=False), **PROBLEMS},
    tags=["Data"],
)
async def peaks(
    request: Request[Any, Any, Any],
    reader: NamedDependency[Reader],
    now: NamedDependency[datetime],
    chain: parameters.Chain = None,
    start: parameters.Start = None,
    end: parameters.End = None,
    limit: parameters.Limit = 50,
    wanted: parameters.Format = None,
) -> Response[bytes]:
    """Answer with the peaks."""
    frame = await read_peaks(reader, chain=listed(chain), limit=limit, now=now, **given(start=start, end=end))
    return await respond(request, Answer("peaks", frame, lambda: as_page(frame)), wanted)
