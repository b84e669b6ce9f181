"""`/v1/tokens`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec

from txhub.api import parameters
from txhub.api.formats import Answer, respond
from txhub.api.parameters import given, listed
from txhub.contract import TokenSeries, TokenVolumes
from txhub.query.tokens import read_token, read_volumes
from txhub.store.read import Reader


@get(
    "/v1/tokens",
    summary="The most transferred tokens",
    description=(
        "Over the whole hours that the range touches, up to 31 days, ranked by the `count` of transfers or by the "
        "`amount`, which of different tokens does not compare. A symbol is what the contract says of itself, and any "
        "contract may say anything: know a token by its address."
    ),
    responses={200: ResponseSpec(TokenVolumes, description="The tokens.", generate_examples=False)},
    tags=["Data"],
)
async def tokens(
    request: Request[Any, Any, Any],
    reader: NamedDependency[Reader],
    now: NamedDependency[datetime],
    chain: parameters.Chain = None,
    start: parameters.Start = None,
    end: parameters.End = None,
    rank: parameters.TokenRank = None,
    limit: parameters.Limit = 50,
    wanted: parameters.Format = None,
) -> Response[bytes]:
    """Answer with the most transferred tokens."""
    question = given(start=start, end=end, rank=rank)
    found = await read_volumes(reader, chain=listed(chain), limit=limit, now=now, **question)
    facts = {"start": found.range.start.isoformat(), "end": found.range.end.isoformat(), "rank": found.rank.value}
    return await respond(request, Answer("tokens", found.rows, found.as_contract, facts), wanted)


@get(
    "/v1/tokens/{chain:str}/{address:str}",
    summary="One token over time",
    description=(
        "Its transfers by hour or day; buckets without any are left out. Amounts are whole tokens, null where the "
        "decimals are not known, and base units."
    ),
    responses={200: ResponseSpec(TokenSeries, description="Its transfers.", generate_examples=False)},
    tags=["Data"],
)
async def token(
    request: Request[Any, Any, Any],
    reader: NamedDependency[Reader],
    now: NamedDependency[datetime],
    chain: parameters.OneChain,
    address: parameters.OneAddress,
    start: parameters.Start = None,
    end: parameters.End = None,
    bucket: parameters.HourOrDay = None,
    wanted: parameters.Format = None,
) -> Response[bytes]:
    """Answer with the transfers of one token."""
    question = given(start=start, end=end, bucket=bucket)
    found = await read_token(reader, chain, address, now=now, **question)
    name = f"token_{found.bucket}"
    return await respond(request, Answer(name, found.rows, found.as_contract, {"bucket": found.bucket.value}), wanted)
