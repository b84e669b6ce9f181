"""`/v1/coverage`."""

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
from txhub.contract import CoverageReport
from txhub.query.completeness import read_completeness
from txhub.store.read import Reader


@get(
    "/v1/coverage",
    summary="How complete the ledger is",
    description=(
        "Committed and missing blocks of each chain by bucket, up to now. Blocks that are missing in a gap, or before "
        "the first and after the last committed one, are spread evenly over its time. `quality` is of the whole range, "
        "with its gaps."
    ),
    responses={200: ResponseSpec(CoverageReport, description="Buckets.", generate_examples=False)},
    tags=["Data"],
)
@shared
async def coverage(
    request: Request[Any, Any, Any],
    reader: NamedDependency[Reader],
    now: NamedDependency[datetime],
    chain: parameters.Chain = None,
    start: parameters.Start = None,
    end: parameters.End = None,
    bucket: parameters.Bucket = None,
    wanted: parameters.Format = None,
) -> Response[bytes]:
    """Answer with the coverage."""
    found = await read_completeness(reader, chain=listed(chain), now=now, **given(start=start, end=end, bucket=bucket))
    whole = found.quality.coverage
    facts = {"bucket": found.bucket.value, "coverage": "unknown" if whole is None else str(whole)}
    return await respond(request, Answer(f"coverage_{found.bucket}", found.rows, found.as_contract, facts), wanted)
