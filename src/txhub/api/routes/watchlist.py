"""`/v1/watchlist`: who is watched."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, delete, get, post
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Example
from litestar.params import JSONBody, PathParameter

from txhub.api import parameters
from txhub.api.access import requires
from txhub.api.formats import Answer, respond
from txhub.api.parameters import given
from txhub.api.problems import MISSING
from txhub.contract import Label, Page, WatchlistVersion
from txhub.query.watchlist import read_versions, read_watched
from txhub.store.keys import Role
from txhub.store.labels import OWN, Entry, add_entry, end_entry
from txhub.store.pool import Pool
from txhub.store.read import Reader

Key = Annotated[
    int, PathParameter(description="The `id` of an entry.", ge=0, le=2**53 - 1, examples=[Example(value=1)])
]


class Watch(msgspec.Struct, forbid_unknown_fields=True):
    """The body: an address, and what is known of it; without a chain it is watched on every chain that may have it."""

    address: str
    name: str | None = None
    category: str = "watched"
    chain: str | None = None
    source: str = OWN


@get(
    "/v1/watchlist",
    summary="Who is watched",
    description=(
        "The entries of watchlists that are in force, the newest first; with `ended=true` also those that were. "
        "`next` is the cursor of the page that follows."
    ),
    responses={200: ResponseSpec(Page[Label], description="A page.", generate_examples=False)},
    tags=["Watchlists"],
)
async def watched(
    request: Request[Any, Any, Any],
    reader: NamedDependency[Reader],
    chain: parameters.OnlyChain = None,
    address: parameters.OnlyAddress = None,
    source: parameters.List = None,
    ended: parameters.Ended = False,
    cursor: parameters.Cursor = None,
    limit: parameters.Limit = 100,
    wanted: parameters.Format = None,
) -> Response[bytes]:
    """Answer with a page of entries."""
    page = await read_watched(
        reader,
        ended=ended,
        limit=limit,
        **given(chain=chain, address=address, source=source, cursor=cursor),
    )
    return await respond(request, Answer("watchlist", page.rows, page.as_contract, next=page.next), wanted)


@post(
    "/v1/watchlist",
    status_code=HTTPStatus.CREATED,
    summary="Watch an address",
    description=(
        "Adds an address to a list that is kept by hand (`own`, if no other is named). From now on every move of it is "
        "screened, and all of history is searched for it. One that is there already stays as it is."
    ),
    responses={
        201: ResponseSpec(Label, description="The entry.", generate_examples=False),
    },
    guards=[requires(Role.ANALYST)],
    tags=["Watchlists"],
)
async def watch(data: JSONBody[Watch], pool: NamedDependency[Pool], now: NamedDependency[datetime]) -> Response[bytes]:
    """Add an entry."""
    entry = Entry(data.address, data.name or data.address, data.category, chain=data.chain)
    added = await add_entry(pool, entry, source=data.source, watched=True, now=now)
    return Response(msgspec.json.encode(added), status_code=HTTPStatus.CREATED, media_type="application/json")


@delete(
    "/v1/watchlist/{key:int}",
    status_code=HTTPStatus.NO_CONTENT,
    summary="Watch an address no longer",
    description=(
        "Ends an entry of a list that is kept by hand; what it exposed is retracted, unless another list has the "
        "address. Entries of other lists end when a newer version does not have them."
    ),
    responses=MISSING,
    guards=[requires(Role.ANALYST)],
    tags=["Watchlists"],
)
async def unwatch(key: Key, pool: NamedDependency[Pool], now: NamedDependency[datetime]) -> None:
    """End an entry."""
    await end_entry(pool, key, watched=True, now=now)


@get(
    "/v1/watchlist/versions",
    summary="Watchlists",
    description=(
        "Every version of every watchlist, the newest first: how many addresses entered and ended with it, how far "
        "history was searched for those that entered, and how many past transactions that newly exposed."
    ),
    responses={
        200: ResponseSpec(Page[WatchlistVersion], description="All.", generate_examples=False),
    },
    tags=["Watchlists"],
)
async def versions(
    request: Request[Any, Any, Any], reader: NamedDependency[Reader], wanted: parameters.Format = None
) -> Response[bytes]:
    """Answer with the versions of all watchlists."""
    known = await read_versions(reader)
    return await respond(request, Answer("watchlists", known.rows, known.as_contract), wanted)
