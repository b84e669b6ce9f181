"""`/v1/addresses`."""

from __future__ import annotations

from datetime import datetime

from litestar import get
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec

from txhub.api import parameters
from txhub.api.parameters import given
from txhub.contract import AddressProfile
from txhub.query.profile import read_profile
from txhub.store.read import Reader


@get(
    "/v1/addresses/{chain:str}/{address:str}",
    summary="What an address did",
    description=(
        "When it was seen, what it sent and got in coins and tokens, its fees, its busiest counterparties and who is "
        "known to be behind them. An address that nobody saw has zeros. Of a very busy one the newest 50,000 moves are "
        "counted, or as many as are found within seconds: `complete` is false then, and `start` tells how far back the "
        "figures reach; name a range to count another one. Its history is `/v1/transactions?address=`."
    ),
    responses={
        200: ResponseSpec(AddressProfile, description="What it did.", generate_examples=False),
    },
    tags=["Data"],
)
async def profile(
    reader: NamedDependency[Reader],
    now: NamedDependency[datetime],
    chain: parameters.OneChain,
    address: parameters.OneAddress,
    start: parameters.Start = None,
    end: parameters.End = None,
    rank: parameters.Rank = None,
    limit: parameters.Limit = 20,
) -> AddressProfile:
    """Answer with what an address did."""
    question = given(start=start, end=end, rank=rank)
    return await read_profile(reader, chain, address, limit=limit, now=now, **question)
