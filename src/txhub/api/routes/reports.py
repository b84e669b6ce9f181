"""`/v1/reports/…`."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Annotated, Any

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Example
from litestar.params import QueryParameter

from txhub.api import parameters
from txhub.api.formats import Answer, respond, respond_page, wants_page
from txhub.api.parameters import given, listed
from txhub.contract import ExposureReport
from txhub.query.exposure import read_exposure
from txhub.query.exposure_page import page_of, style_source
from txhub.store.read import Reader

Limit = Annotated[
    int,
    QueryParameter(
        name="limit",
        ge=0,
        le=100_000,
        description="Exposures that are listed; all are counted.",
        examples=[Example(1000)],
    ),
]


@get(
    "/v1/reports/exposure",
    summary="Exposure to watchlists",
    description=(
        "Which transactions of a range (30 days, where no start is sent) have to do with watched addresses, directly "
        "or by one address between them: counted by list, category, chain and day, then listed, the newest first, with "
        "the path, and with what lists had the address at the time and have it now. What newer lists took away is "
        "counted apart and listed last. The same data, lists and question give the same report. CSV, Arrow and Parquet "
        "have the list only: there `parties` are separated by blanks, and the `path` by ` > `. HTML, which browsers "
        "get, opens offline and prints well."
    ),
    responses={200: ResponseSpec(ExposureReport, description="A report.", generate_examples=False)},
    tags=["Watchlists"],
)
async def exposure(
    request: Request[Any, Any, Any],
    reader: NamedDependency[Reader],
    now: NamedDependency[datetime],
    start: parameters.Start = None,
    end: parameters.End = None,
    chain: parameters.Chain = None,
    source: parameters.Lists = None,
    screening: parameters.Screening = None,
    limit: Limit = 1000,
    wanted: parameters.ReportFormat = None,
) -> Response[bytes]:
    """Answer with a report."""
    found = await read_exposure(
        reader,
        chain=listed(chain),
        source=listed(source),
        limit=limit,
        now=now,
        **given(start=start, end=end, screening=screening),
    )
    if wants_page(request.headers.get("accept", "*/*"), wanted):
        page = await asyncio.to_thread(page_of, found.report)
        policy = f"default-src 'none'; style-src {style_source(page)}; frame-ancestors 'none'"
        return await respond_page(request, page.encode(), {"Content-Security-Policy": policy})
    facts = {"left-out": str(found.report.left_out)}
    return await respond(request, Answer("exposure", found.rows, found.as_contract, facts), wanted)
