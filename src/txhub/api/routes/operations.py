"""`/v1/operations`."""

from __future__ import annotations

from litestar import get
from litestar.di import NamedDependency

from txhub.contract import Operations
from txhub.ops.upkeep import read_operations
from txhub.store.pool import Pool


@get(
    "/v1/operations",
    summary="How txhub itself stands",
    description=(
        "What is wrong now, the services as they were last seen, the rollups with their policies, the chunks of each "
        "table, and what the archive holds."
    ),
    response_description="How it stands now.",
    tags=["Operations"],
)
async def operations(pool: NamedDependency[Pool]) -> Operations:
    """Answer with all of it."""
    return await read_operations(pool)
