"""`/v1/week/{metric}`."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Example
from litestar.params import PathParameter

from txhub.api import parameters
from txhub.api.formats import Answer, respond
from txhub.api.parameters import given, listed
from txhub.api.sharing import shared
from txhub.contract import Week
from txhub.query.week import read_week
from txhub.store.read import Reader

Metric = Annotated[
    str,
    PathParameter(
        description="A metric of `/v1/series` that is one line a chain.", examples=[Example(value="tx_rate")]
    ),
]


@get(
    "/v1/week/{metric:str}",
    summary="The hours of the week",
    description=(
        "The mean of a metric in each of the 168 hours of the week, by the clocks of `tz`, over the hours of the range "
        "(`-28d` where left out) that are known; `hours` is how many those are. Of the hour that holds now, the part "
        "that has passed counts."
    ),
    responses={200: ResponseSpec(Week, description="Hours of the week.", generate_examples=False)},
    tags=["Data"],
)
@shared
async def week(
    request: Request[Any, Any, Any],
    reader: NamedDependency[Reader],
    now: NamedDependency[datetime],
    metric: Metric,
    chain: parameters.Chain = None,
    kind: parameters.Kind = None,
    start: parameters.Start = None,
    end: parameters.End = None,
    tz: parameters.Zone = None,
    wanted: parameters.Format = None,
) -> Response[bytes]:
    """Answer with the hours of the week."""
    question = given(start=start, end=end, tz=tz)
    found = await read_week(reader, metric, chain=listed(chain), kind=listed(kind), now=now, **question)
    facts = {"metric": found.question.metric.value, "unit": found.question.unit}
    return await respond(request, Answer(f"{metric}_week", found.rows, found.as_contract, facts), wanted)
