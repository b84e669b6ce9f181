"""`/v1/blocks`."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from litestar import get
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Example
from litestar.params import PathParameter

from txhub.api import parameters
from txhub.api.problems import MISSING
from txhub.contract import BlockDetail
from txhub.query.block import read_block
from txhub.store.coldread import ColdReader
from txhub.store.read import Reader

Block = Annotated[
    str,
    PathParameter(description="Its number, or its hash, with `0x` or without.", examples=[Example(value="18090206")]),
]


@get(
    "/v1/blocks/{chain:str}/{block:str}",
    summary="One block",
    description=(
        "What a block says of itself and what its transactions add up to, with the committed blocks beside it and the "
        "path of its transactions. By its hash also a block that a reorg replaced: its `status` is `gone`, and "
        "`reorg` says which one it was."
    ),
    responses={
        200: ResponseSpec(BlockDetail, description="The block.", generate_examples=False),
        **MISSING,
    },
    tags=["Data"],
)
async def block(
    reader: NamedDependency[Reader],
    cold: NamedDependency[ColdReader],
    now: NamedDependency[datetime],
    chain: parameters.OneChain,
    block: Block,
) -> BlockDetail:
    """Answer with one block."""
    return await read_block(reader, cold, chain, block, now=now)
