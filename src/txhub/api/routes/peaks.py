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
from txhub.api.sharing import shared
from txhub.contract import Page, Peak, PeakWindow
from txhub.query.peaks import as_page, as_window_page, parse_window, read_peaks, read_windows
from txhub.store.read import Reader


@get(
    "/v1/peaks",
    summary="Peak windows",
    description=(
        "The busiest minute of each hour that the range touches, busiest first; `tx_count` is also its rate. With "
        "`window` the busiest windows of that width: of each chain the busiest, then the busiest that does not overlap "
        "it, and so on. They slide by the minute, those of several whole hours by the hour, in the minutes or hours "
        "that the range touches; `rate` is transactions a minute. Blocks that are missing in the ledger are not "
        "counted. Of equal ones the newest comes first."
    ),
    responses={
        200: ResponseSpec(
            Page[Peak | PeakWindow], description="Peaks; with `window`, windows.", generate_examples=False
        ),
    },
    tags=["Data"],
)
@shared
async def peaks(
    request: Request[Any, Any, Any],
    reader: NamedDependency[Reader],
    now: NamedDependency[datetime],
    chain: parameters.Chain = None,
    start: parameters.Start = None,
    end: parameters.End = None,
    window: parameters.Window = None,
    limit: parameters.Limit = 50,
    wanted: parameters.Format = None,
) -> Response[bytes]:
    """Answer with the peaks."""
    names, asked = listed(chain), given(start=start, end=end)
    if not window:
        frame = await read_peaks(reader, chain=names, limit=limit, now=now, **asked)
        return await respond(request, Answer("peaks", frame, lambda: as_page(frame)), wanted)
    wide = parse_window(window)
    found = await read_windows(reader, wide, chain=names, limit=limit, now=now, **asked)
    return await respond(
        request, Answer(f"peaks_{wide.name}", found, lambda: as_window_page(found), {"window": wide.name}), wanted
    )
