"""`/v1/top/senders`, `/v1/top/receivers` and `/v1/flows`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec

from txhub.api import parameters
from txhub.api.formats import Answer, respond
from txhub.api.parameters import given, listed
from txhub.api.sharing import shared
from txhub.contract import Flow, Neighbourhood, Party, Ranking
from txhub.errors import UsageError
from txhub.query.neighbourhood import read_neighbourhood
from txhub.query.top import Side, TopAnswer, read_top
from txhub.store.read import Reader

_DESCRIPTION = (
    "Over the whole hours that the range touches, ranked by `count` of transactions, `value` in all or the `largest` "
    "one. Each hour keeps its 500 busiest by count and by value; `count_bound` and `value_bound` say how much may be "
    "missing at most, 0 where the figures are exact."
)
_PARTIES = {200: ResponseSpec(Ranking[Party], description="The busiest.", generate_examples=False)}
_EITHER: Any = Ranking[Flow] | Neighbourhood
_FLOWS = {
    200: ResponseSpec(
        _EITHER,
        description="The busiest pairs; with `address`, those around it.",
        generate_examples=False,
    ),
}


@get("/v1/top/senders", summary="Who sends most", description=_DESCRIPTION, responses=_PARTIES, tags=["Data"])
@shared
async def senders(
    request: Request[Any, Any, Any],
    reader: NamedDependency[Reader],
    now: NamedDependency[datetime],
    chain: parameters.Chain = None,
    start: parameters.Start = None,
    end: parameters.End = None,
    rank: parameters.Rank = None,
    limit: parameters.Limit = 20,
    wanted: parameters.Format = None,
) -> Response[bytes]:
    """Answer with the busiest senders."""
    question = given(start=start, end=end, rank=rank)
    found = await read_top(reader, Side.SENDERS, chain=listed(chain), limit=limit, now=now, **question)
    return await _answer(request, found, "senders", found.parties, wanted)


@get("/v1/top/receivers", summary="Who receives most", description=_DESCRIPTION, responses=_PARTIES, tags=["Data"])
@shared
async def receivers(
    request: Request[Any, Any, Any],
    reader: NamedDependency[Reader],
    now: NamedDependency[datetime],
    chain: parameters.Chain = None,
    start: parameters.Start = None,
    end: parameters.End = None,
    rank: parameters.Rank = None,
    limit: parameters.Limit = 20,
    wanted: parameters.Format = None,
) -> Response[bytes]:
    """Answer with the busiest receivers."""
    question = given(start=start, end=end, rank=rank)
    found = await read_top(reader, Side.RECEIVERS, chain=listed(chain), limit=limit, now=now, **question)
    return await _answer(request, found, "receivers", found.parties, wanted)


@get(
    "/v1/flows",
    summary="The busiest pairs of sender and receiver, or what is around an address",
    description=(
        f"{_DESCRIPTION} With `address` the edges to and from it, counted from its transactions in the exact range; "
        "with `depth=2` as many again of its greatest neighbours. `nodes` are the addresses that they join, with their "
        "labels; of a very busy one the newest transactions are counted, and its `start` says since when."
    ),
    responses=_FLOWS,
    tags=["Data"],
)
@shared
async def flows(
    request: Request[Any, Any, Any],
    reader: NamedDependency[Reader],
    now: NamedDependency[datetime],
    chain: parameters.Chain = None,
    start: parameters.Start = None,
    end: parameters.End = None,
    rank: parameters.Rank = None,
    limit: parameters.Limit = 50,
    address: parameters.Around = None,
    depth: parameters.Depth = None,
    wanted: parameters.Format = None,
) -> Response[bytes]:
    """Answer with the busiest flows, or those around an address."""
    question = given(start=start, end=end, rank=rank)
    if address:
        around = await read_neighbourhood(
            reader, address, chain=listed(chain), limit=limit, now=now, **question, **given(depth=depth)
        )
        facts = {"rank": around.rank.value, "complete": str(around.complete).lower()}
        return await respond(request, Answer("flows", around.rows, around.as_contract, facts), wanted)
    if depth:
        raise UsageError("depth is of no address", hint="send address= with the one that is in the middle")
    found = await read_top(reader, Side.FLOWS, chain=listed(chain), limit=limit, now=now, **question)
    return await _answer(request, found, "flows", found.flows, wanted)


async def _answer(
    request: Request[Any, Any, Any], found: TopAnswer, name: str, shape: Callable[[], object], wanted: str | None
) -> Response[bytes]:
    facts = {
        "start": found.range.start.isoformat(),
        "end": found.range.end.isoformat(),
        "rank": found.rank.value,
        "coverage": "unknown" if found.coverage is None else str(found.coverage),
    }
    holds_s = int((found.range.end - found.range.start).total_seconds()) // 1000
    return await respond(request, Answer(name, found.rows, shape, facts, holds_s=holds_s), wanted)
