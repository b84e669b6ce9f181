"""`/v1/origins`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec

from txhub.api import parameters
from txhub.api.formats import Answer, respond
from txhub.api.parameters import given, listed
from txhub.contract import Origins
from txhub.query.origins import read_origins
from txhub.store.read import Reader


@get(
    "/v1/origins",
    summary="Where transactions come from, as far as that is known",
    description=(
        "Transactions and value by the country of their senders: the jurisdiction of whom labels that are in force "
        "name, since nothing on a chain has a place. The busiest senders of each hour are looked up; `unknown` is all "
        "the rest, and `unseen_…` in it what was sent by others. Values of several coins are not added: they are null "
        "then, so name one chain."
    ),
    responses={200: ResponseSpec(Origins, description="Countries.", generate_examples=False)},
    tags=["Data"],
)
async def origins(
    request: Request[Any, Any, Any],
    reader: NamedDependency[Reader],
    now: NamedDependency[datetime],
    chain: parameters.Chain = None,
    start: parameters.Start = None,
    end: parameters.End = None,
    wanted: parameters.Format = None,
) -> Response[bytes]:
    """Answer with the origins."""
    found = await read_origins(reader, chain=listed(chain), now=now, **given(start=start, end=end))
    shares = {"unknown-share": found.unknown.tx_share, "unseen-share": found.unknown.unseen_tx_share}
    facts = {name: "unknown" if share is None else str(share) for name, share in shares.items()}
    return await respond(request, Answer("origins", found.rows, found.as_contract, facts), wanted)
