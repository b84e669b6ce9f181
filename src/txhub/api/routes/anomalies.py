"""`/v1/anomalies` and `/v1/expected`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec

from txhub.api import parameters
from txhub.api.formats import Answer, respond
from txhub.api.parameters import given, listed
from txhub.contract import Anomaly, ExpectedSeries, Page
from txhub.detect.expectation import LONGEST, Expectations, as_contract
from txhub.errors import UsageError
from txhub.query.anomalies import read_anomalies
from txhub.query.chains import read_chains
from txhub.query.choice import chains_of
from txhub.query.timerange import parse_range
from txhub.store.read import Reader


@get(
    "/v1/anomalies",
    summary="What was out of the usual",
    description=(
        "Spikes and drops of traffic, bursts of failures and what models found, as charts annotate them: all that "
        "touch the range, the newest first. Each is an alert, whose story `/v1/alerts/{id}` tells; what was retracted "
        "is not here. `end` is null while it goes on, and the start where it is a moment. `expected` and `seen` are in "
        "`unit`, as it began; `factor` is the furthest that it went from the expected."
    ),
    responses={200: ResponseSpec(Page[Anomaly], description="A page.", generate_examples=False)},
    tags=["Alerts"],
)
async def anomalies(
    request: Request[Any, Any, Any],
    reader: NamedDependency[Reader],
    now: NamedDependency[datetime],
    chain: parameters.Chain = None,
    kind: parameters.AnomalyKind = None,
    start: parameters.Start = None,
    end: parameters.End = None,
    cursor: parameters.Cursor = None,
    limit: parameters.Limit = 100,
    wanted: parameters.Format = None,
) -> Response[bytes]:
    """Answer with a page of anomalies."""
    page = await read_anomalies(
        reader,
        chain=listed(chain),
        kind=listed(kind),
        limit=limit,
        now=now,
        **given(start=start, end=end, cursor=cursor),
    )
    return await respond(request, Answer("anomalies", page.rows, page.as_contract, next=page.next), wanted)


@get(
    "/v1/expected",
    summary="What traffic is usual",
    description=(
        "Transactions a minute that are expected of each chain in slots of ten minutes (an hour, where blocks are more "
        "than a minute apart), and the bounds between which ten minutes (a block) usually stay; null before half an "
        "hour was seen. What is expected at a moment is what the time before it tells; for the rest of today it is a "
        "forecast. At most 31 days."
    ),
    responses={200: ResponseSpec(ExpectedSeries, description="A line a chain.", generate_examples=False)},
    tags=["Data"],
)
async def expected(
    request: Request[Any, Any, Any],
    reader: NamedDependency[Reader],
    expectations: NamedDependency[Expectations],
    now: NamedDependency[datetime],
    chain: parameters.Chain = None,
    start: parameters.Start = None,
    end: parameters.End = None,
    wanted: parameters.Format = None,
) -> Response[bytes]:
    """Answer with what is expected."""
    asked = parse_range(start or "-24h", end or None, now)
    if asked.end - asked.start > LONGEST:
        raise UsageError(f"the range has {(asked.end - asked.start).days} days", hint=f"send {LONGEST.days} at most")
    chains = chains_of(await read_chains(reader, counted=False), listed(chain))
    frame = await expectations.read(chains, *asked)
    return await respond(request, Answer("expected", frame, lambda: as_contract(frame)), wanted)
