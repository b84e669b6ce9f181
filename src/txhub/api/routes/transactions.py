"""`/v1/transactions`: pages of them, and one with all that is known of it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Example
from litestar.params import PathParameter
from litestar.response import Stream

from txhub.api import parameters
from txhub.api.export import Exports
from txhub.api.formats import FILES, MEDIA_TYPES, Answer, choose, respond
from txhub.api.parameters import given, listed
from txhub.api.problems import MISSING
from txhub.api.sharing import shared
from txhub.contract import TransactionDetail, TransactionPage
from txhub.query.criteria import Filters
from txhub.query.transaction import read_transaction
from txhub.query.transactions import expected, read_every_page, read_transactions
from txhub.store.coldread import ColdReader
from txhub.store.read import Reader

Hash = Annotated[
    str,
    PathParameter(
        description="Its hash, with `0x` or without.",
        examples=[Example(value="0x5c504ed432cb51138bcf09aa5e8a410dd4a1e204ef84bfed1be16dfba1b22060")],
    ),
]


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
    responses={200: ResponseSpec(TransactionPage, description="A page.", generate_examples=False)},
    tags=["Data"],
)
@shared
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
    block: parameters.Block = None,
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
        **given(min_value=min_value, max_value=max_value, start=start, end=end, block=block, cursor=cursor),
    )
    facts = {"sources": ", ".join(page.sources)}
    return await respond(request, Answer("transactions", page.rows, page.as_contract, facts, next=page.next), wanted)


@get(
    "/v1/transactions/export",
    summary="All transactions that meet conditions, as a file",
    description=(
        "What the pages of `/v1/transactions` have, in one file that is sent as it is read: CSV, Arrow or Parquet, "
        "of any length. The header `Txhub-Expected-Rows` tells how many there will be, where conditions are on chain, "
        "kind and time only; of others nothing knows before the search is done. An answer that breaks off is not "
        "whole: the connection then ends before the answer does."
    ),
    responses={
        200: ResponseSpec(bytes, media_type="text/csv", description="The file.", generate_examples=False),
    },
    tags=["Data"],
)
async def export(
    request: Request[Any, Any, Any],
    reader: NamedDependency[Reader],
    cold: NamedDependency[ColdReader],
    exports: NamedDependency[Exports],
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
    block: parameters.Block = None,
    wanted: parameters.FileFormat = None,
) -> Stream:
    """Answer with a file of transactions."""
    chosen = choose(request.headers.get("accept", "*/*"), wanted, FILES)
    exports.require_room()
    filters: Filters = {
        "chain": listed(chain),
        "kind": listed(kind),
        "from_": listed(from_),
        "to": listed(to),
        "address": listed(address),
        "min_value": min_value or None,
        "max_value": max_value or None,
        "block": block or None,
    }
    total = await expected(reader, start=start or None, end=end or None, now=now, **filters)
    pages = read_every_page(reader, cold, start=start or None, end=end or None, now=now, **filters)
    first = await anext(pages)
    headers = {"Content-Disposition": f'attachment; filename="transactions.{chosen}"', "Vary": "Accept"}
    if total is not None:
        headers["Txhub-Expected-Rows"] = str(total)
    return Stream(exports.written(first, pages, chosen), media_type=MEDIA_TYPES[chosen], headers=headers)


@get(
    "/v1/transactions/{chain:str}/{tx_hash:str}",
    summary="One transaction",
    description=(
        "With its block, transfers of tokens, Bitcoin's inputs and outputs, and the labels of all who took part; of a "
        "long list the first 1,000. `status` is `final`, `provisional` while a reorg may still replace its block, or "
        "`gone` where one took it away for good: then there are no confirmations, and `reorgs` says which. Send "
        "`block`, the number of its block, if you know it: it is found at once then, however old it is."
    ),
    responses={
        200: ResponseSpec(TransactionDetail, description="The transaction.", generate_examples=False),
        **MISSING,
    },
    tags=["Data"],
)
async def transaction(
    reader: NamedDependency[Reader],
    cold: NamedDependency[ColdReader],
    now: NamedDependency[datetime],
    chain: parameters.OneChain,
    tx_hash: Hash,
    block: parameters.Block = None,
) -> TransactionDetail:
    """Answer with one transaction."""
    return await read_transaction(reader, cold, chain, tx_hash, now=now, **given(block=block))
