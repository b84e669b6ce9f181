"""`/v1/reorgs`."""

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
from txhub.api.problems import MISSING
from txhub.contract import Page, Reorg, ReorgStory
from txhub.query.reorgs import read_reorgs, read_story
from txhub.store.read import Reader

Key = Annotated[int, PathParameter(description="The `id` of a reorg.", ge=0, le=2**53 - 1, examples=[Example(value=1)])]


@get(
    "/v1/reorgs",
    summary="Reorgs",
    description=(
        "The times that a chain replaced blocks that were committed already, newest first, by when that was detected. "
        "`depth` blocks above `ancestor` were replaced. `gone_count` of their transactions were not committed again "
        "within a week. `next` is the cursor of the page that follows."
    ),
    responses={200: ResponseSpec(Page[Reorg], description="A page.", generate_examples=False)},
    tags=["Data"],
)
async def reorgs(
    request: Request[Any, Any, Any],
    reader: NamedDependency[Reader],
    now: NamedDependency[datetime],
    chain: parameters.Chain = None,
    start: parameters.Start = None,
    end: parameters.End = None,
    cursor: parameters.Cursor = None,
    limit: parameters.Limit = 100,
    wanted: parameters.Format = None,
) -> Response[bytes]:
    """Answer with a page of reorgs."""
    page = await read_reorgs(
        reader, chain=listed(chain), limit=limit, now=now, **given(start=start, end=end, cursor=cursor)
    )
    return await respond(request, Answer("reorgs", page.rows, page.as_contract, next=page.next), wanted)


@get(
    "/v1/reorgs/{key:int}",
    summary="One reorg",
    description="The blocks that it replaced, and up to 1,000 of the transactions that did not come back.",
    response_description="The reorg.",
    responses=MISSING,
    tags=["Data"],
)
async def story(reader: NamedDependency[Reader], key: Key) -> ReorgStory:
    """Answer with one reorg."""
    return await read_story(reader, key)
