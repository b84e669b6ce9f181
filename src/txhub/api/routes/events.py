"""`/v1/events`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec

from txhub.api import parameters
from txhub.api.formats import Answer, respond
from txhub.api.parameters import given, listed
from txhub.contract import Event, Page
from txhub.query.eventlog import read_log
from txhub.store.read import Reader


@get(
    "/v1/events",
    summary="What operators have to know",
    description=(
        "Lost nodes, refused blocks, reorgs, repairs: newest first. Several values of one parameter are alternatives. "
        "`next` is the cursor of the page that follows."
    ),
    responses={200: ResponseSpec(Page[Event], description="A page.", generate_examples=False)},
    tags=["Operations"],
)
async def events(
    request: Request[Any, Any, Any],
    reader: NamedDependency[Reader],
    now: NamedDependency[datetime],
    chain: parameters.Chain = None,
    level: parameters.Level = None,
    component: parameters.Component = None,
    event: parameters.EventName = None,
    start: parameters.Start = None,
    end: parameters.End = None,
    cursor: parameters.Cursor = None,
    limit: parameters.Limit = 100,
    wanted: parameters.Format = None,
) -> Response[bytes]:
    """Answer with a page of events."""
    page = await read_log(
        reader,
        chain=listed(chain),
        level=listed(level),
        component=listed(component),
        event=listed(event),
        limit=limit,
        now=now,
        **given(start=start, end=end, cursor=cursor),
    )
    return await respond(request, Answer("events", page.rows, page.as_contract, next=page.next), wanted)
