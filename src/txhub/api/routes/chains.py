"""`/v1/chains`."""

from __future__ import annotations

import dataclasses
from typing import Any

import polars as pl
from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec

from txhub.api import parameters
from txhub.api.formats import Answer, respond
from txhub.api.sharing import shared
from txhub.contract import ChainInfo, Page
from txhub.query.chains import read_chains
from txhub.store.read import Reader

_TIME = pl.Datetime("us", "UTC")
_COLUMNS: dict[str, pl.DataType] = {
    "chain_id": pl.Int64(),
    "name": pl.String(),
    "family": pl.String(),
    "symbol": pl.String(),
    "decimals": pl.Int64(),
    "block_time_s": pl.Float64(),
    "finality_depth": pl.Int64(),
    "large_value": pl.String(),
    "demo": pl.Boolean(),
    "blocks": pl.Int64(),
    "first_block": pl.Int64(),
    "last_block": pl.Int64(),
    "first_time": _TIME,
    "last_time": _TIME,
    "explorer": pl.String(),
}


@get(
    "/v1/chains",
    summary="Chains",
    description="The chains that are followed, and what of each is committed.",
    responses={
        200: ResponseSpec(Page[ChainInfo], description="All, by name.", generate_examples=False),
    },
    tags=["Data"],
)
@shared
async def chains(
    request: Request[Any, Any, Any], reader: NamedDependency[Reader], wanted: parameters.Format = None
) -> Response[bytes]:
    """Answer with all chains."""
    known = await read_chains(reader)
    frame = pl.DataFrame([dataclasses.astuple(chain) for chain in known], schema=_COLUMNS, orient="row")
    return await respond(request, Answer("chains", frame, lambda: Page(known)), wanted)
