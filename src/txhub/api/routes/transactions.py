"""`/v1/transactions`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec

from txhub.api import parameters
from txhub.api.formats import Answer, respond
from txhub.api.parameters import given, listed
from txhub.api.problems import PROBLEMS
from txhub.contract import TransactionPage
from txhub.query.transactions import read_transactions
from txhub.store.coldread import ColdReader
from txhub.store.read import Reader


@get(
    "/v1/transactions",
    summary="Transactions",
    description=(
        "Transactions, newest first. All conditions have to be met; several values of one parameter are alternatives. "
        "`next` is the cursor of the page that follows, and in every format the link of the `Link` header. Amounts are "
        "exact decimal text: `value` and `fee` whole coins, `value_base` base units. A page that reaches days whose "
        "raw rows were dropped is read from the archive: `sources`, or the header `Txhub-Sources`, says so. Such a "
        "page, and one that searched for long, may hold fewer than `limit` and still have a next one."
    ),
    responses={200: ResponseSpec(TransactionPage, description="A page.", generate_examples=False), **PROBLEMS},
    tags=["Data"],
)
async def transactions(
    request: Request[Any, Any, Any],
    reader: NamedDependency[Reader],
    cold: NamedDependency[ColdReader],
    now: NamedDependency[datetime],
    chain: parameters.Chain = None,
    kind: parameters.Kind = None,
    from_: parameters.From = None,
    to: parameters.To = None,
    address: parameters.Address = None,
    min_value: parameters.MinValue = None,
    max_value: parameters.MaxValue = None,
    start: parameters.Start = None,
    end: parameters.End = None,
    cursor: parameters.Cursor = None,
    limit: parameters.Limit = 100,
    wanted: parameters.Format = None,
) -> Response[bytes]:
    """Answer with a page of transactions."""
    page = await read_transactions(
        reader,
        cold,
        chain=listed(chain),
        kind=listed(kind),
        from_=listed(from_),
        to=listed(to),
        address=listed(address),
        limit=limit,
        now=now,
        **given(min_value=min_value, max_value=max_value, start=start, end=end, cursor=cursor),
    )
    facts = {"sources": ", ".join(page.sources)}
    return await respond(request, Answer("transactions", page.rows, page.as_contract, facts, next=page.next), wanted)
