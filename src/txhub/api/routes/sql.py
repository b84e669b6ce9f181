"""`/v1/sql`."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, post
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import JSONBody

from txhub.api import parameters
from txhub.api.access import requires
from txhub.api.formats import Answer, respond
from txhub.contract import StatementAnswer
from txhub.query.statement import DEFAULT_ROWS, DEFAULT_SECONDS, MOST_ROWS, MOST_SECONDS, answer_statement
from txhub.store.keys import Role
from txhub.store.lane import Lane


class Statement(msgspec.Struct, forbid_unknown_fields=True):
    """The body: one statement, the most rows to answer, and the most seconds to take."""

    sql: Annotated[
        str,
        msgspec.Meta(
            description="One statement of PostgreSQL's SQL.",
            examples=["SELECT name, symbol FROM txhub.chains"],
            extra_json_schema={"extra": {"pattern": r"\S"}},
        ),
    ]
    max_rows: Annotated[
        int,
        msgspec.Meta(
            description="The most rows to answer.", extra_json_schema={"extra": {"minimum": 1, "maximum": MOST_ROWS}}
        ),
    ] = DEFAULT_ROWS
    timeout: Annotated[
        float,
        msgspec.Meta(
            description="The most seconds to take.",
            extra_json_schema={"extra": {"exclusive_minimum": 0, "maximum": MOST_SECONDS}},
        ),
    ] = DEFAULT_SECONDS


@post(
    "/v1/sql",
    status_code=HTTPStatus.OK,
    summary="Ask in SQL",
    description=(
        "Answers one reading statement over the tables and views of schema `txhub`: at most `max_rows` rows (1 to "
        "100,000) within `timeout` seconds (up to 60). `truncated`, and the header `Txhub-Truncated`, say whether rows "
        "were left out. What does anything but read is refused (403). Exact numbers (`numeric`) are decimal text, raw "
        "bytes are hex text, times are UTC."
    ),
    responses={
        200: ResponseSpec(StatementAnswer, description="The rows.", generate_examples=False),
    },
    guards=[requires(Role.ANALYST)],
    tags=["Data"],
)
async def sql(
    request: Request[Any, Any, Any],
    data: JSONBody[Statement],
    lane: NamedDependency[Lane],
    wanted: parameters.Format = None,
) -> Response[bytes]:
    """Answer a statement."""
    found = await answer_statement(lane, data.sql, max_rows=data.max_rows, timeout_s=data.timeout)
    facts = {"truncated": str(found.truncated).lower()}
    return await respond(request, Answer("sql", found.rows, found.as_contract, facts), wanted)
