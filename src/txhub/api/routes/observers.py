"""`/v1/observers`."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec

from txhub.api import parameters
from txhub.api.formats import Answer, respond
from txhub.api.parameters import listed
from txhub.contract import Observers
from txhub.query.observers import read_observers
from txhub.store.read import Reader


@get(
    "/v1/observers",
    summary="Where the peers of the followed nodes are",
    description=(
        "The countries of the peers that the chains' nodes had when they were last asked, by the GeoIP file of the "
        "setting `geoip`: those who see transactions first. Without that setting, or where a node does not tell its "
        "peers, there are none. `unknown_share` is the part of which the file knows no country."
    ),
    responses={200: ResponseSpec(Observers, description="Countries.", generate_examples=False)},
    tags=["Data"],
)
async def observers(
    request: Request[Any, Any, Any],
    reader: NamedDependency[Reader],
    chain: parameters.Chain = None,
    wanted: parameters.Format = None,
) -> Response[bytes]:
    """Answer with the observers."""
    found = await read_observers(reader, chain=listed(chain))
    facts = {"unknown-share": "unknown" if found.unknown_share is None else str(found.unknown_share)}
    return await respond(request, Answer("observers", found.rows, found.as_contract, facts), wanted)
