"""`/v1/labels`: who is known to stand behind addresses."""

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
from txhub.contract import Label, Page
from txhub.query.labelled import read_labels
from txhub.store.keys import Role
from txhub.store.labels import OWN, Entry, add_entry, end_entry
from txhub.store.pool import Pool
from txhub.store.read import Reader

Key = Annotated[int, PathParameter(description="The `id` of a label.", ge=0, le=2**53 - 1, examples=[Example(value=1)])]


class Naming(msgspec.Struct, forbid_unknown_fields=True):
    """The body: who stands behind an address; without a chain, on every chain that may have it."""

    address: str
    name: str
    category: str
    country: str | None = None
    chain: str | None = None
    source: str = OWN


@get(
    "/v1/labels",
    summary="Who is known",
    description=(
        "The labels that are in force, or were `at` a moment, the newest first; with `ended=true` all there ever were. "
        "`next` is the cursor of the page that follows."
    ),
    responses={200: ResponseSpec(Page[Label], description="A page.", generate_examples=False)},
    tags=["Labels"],
)
async def labels(
    request: Request[Any, Any, Any],
    reader: NamedDependency[Reader],
    now: NamedDependency[datetime],
    chain: parameters.OnlyChain = None,
    address: parameters.OnlyAddress = None,
    source: parameters.List = None,
    category: parameters.Category = None,
    at: parameters.At = None,
    ended: parameters.Ended = False,
    cursor: parameters.Cursor = None,
    limit: parameters.Limit = 100,
    wanted: parameters.Format = None,
) -> Response[bytes]:
    """Answer with a page of labels."""
    question = given(chain=chain, address=address, source=source, category=category, at=at, cursor=cursor)
    page = await read_labels(reader, ended=ended, limit=limit, now=now, **question)
    return await respond(request, Answer("labels", page.rows, page.as_contract, next=page.next), wanted)


@post(
    "/v1/labels",
    status_code=HTTPStatus.CREATED,
    summary="Say who stands behind an address",
    description=(
        "Adds a label to a list that is kept by hand (`own`, if no other is named), from now on. One of this address "
        "that the list has already stays as it is: end it first. Whole lists are imported by `txhub labels import`."
    ),
    responses={201: ResponseSpec(Label, description="The label.", generate_examples=False)},
    guards=[requires(Role.ANALYST)],
    tags=["Labels"],
)
async def add(data: JSONBody[Naming], pool: NamedDependency[Pool], now: NamedDependency[datetime]) -> Response[bytes]:
    """Add a label."""
    entry = Entry(data.address, data.name, data.category, country=data.country, chain=data.chain)
    added = await add_entry(pool, entry, source=data.source, watched=False, now=now)
    return Response(msgspec.json.encode(added), status_code=HTTPStatus.CREATED, media_type="application/json")


@delete(
    "/v1/labels/{key:int}",
    status_code=HTTPStatus.NO_CONTENT,
    summary="End a label",
    description=(
        "Ends a label of a list that is kept by hand, now; what was known until then stays known. Labels of other "
        "lists end when a newer version does not have them."
    ),
    responses=MISSING,
    guards=[requires(Role.ANALYST)],
    tags=["Labels"],
)
async def end(key: Key, pool: NamedDependency[Pool], now: NamedDependency[datetime]) -> None:
    """End a label."""
    await end_entry(pool, key, watched=False, now=now)
