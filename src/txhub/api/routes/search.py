"""`/v1/search`."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from litestar import get
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Example
from litestar.params import QueryParameter

from txhub.api import parameters
from txhub.contract import Hits
from txhub.query import search as question
from txhub.store.read import Reader

Text = Annotated[
    str,
    QueryParameter(
        name="q",
        description="A hash, a block number, an address, or the beginning of a name or symbol.",
        min_length=1,
        max_length=question.LONGEST,
        examples=[Example(value="18090206")],
    ),
]


@get(
    "/v1/search",
    summary="Find anything",
    description=(
        "Transactions and blocks by hash, blocks by number, addresses and tokens by address, labels by the beginnings "
        "of the words of their names, and tokens by the beginning of their symbol: up to `limit` of each kind, with "
        "the path that tells more. It answers by indexes; of a hash the newest transactions are searched for a second, "
        "and `searched_since` tells how far that got if nothing was found."
    ),
    responses={200: ResponseSpec(Hits, description="What was found.", generate_examples=False)},
    tags=["Data"],
)
async def search(
    reader: NamedDependency[Reader],
    now: NamedDependency[datetime],
    q: Text,
    limit: parameters.Few = 10,
) -> Hits:
    """Answer with what is found."""
    return await question.search(reader, q, limit=limit, now=now)
