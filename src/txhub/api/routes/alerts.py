"""`/v1/alerts`."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get, patch
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Example
from litestar.params import JSONBody, PathParameter

from txhub.api import parameters
from txhub.api.access import Caller, requires
from txhub.api.etags import IfMatch, etag, seen_at
from txhub.api.formats import Answer, respond
from txhub.api.parameters import given, listed
from txhub.api.problems import MISSING, OUTDATED
from txhub.contract import Alert, AlertStory, CaseState, Page
from txhub.query.alerts import read_alert, read_alerts
from txhub.store.cases import LONGEST_NAME, LONGEST_NOTE, change_case
from txhub.store.keys import Role
from txhub.store.pool import Pool
from txhub.store.read import Reader

Key = Annotated[
    int, PathParameter(description="The `id` of an alert.", ge=1, le=2**53 - 1, examples=[Example(value=1)])
]
_CLEAN = r"^[^\x00]*$"


class Change(msgspec.Struct, forbid_unknown_fields=True):
    """The body: what is to change; what is left out or null stays.

    An empty `assignee` means nobody. `updated_at` is that of the alert that was seen, and does what `If-Match` does.
    """

    case_state: CaseState | None = None
    assignee: Annotated[str, msgspec.Meta(max_length=LONGEST_NAME, pattern=_CLEAN)] | None = None
    note: Annotated[str, msgspec.Meta(max_length=LONGEST_NOTE, pattern=_CLEAN)] | None = None
    updated_at: datetime | None = None


@get(
    "/v1/alerts",
    summary="Alerts",
    description=(
        "What rules found, the newest first, by when the rule was met. All conditions have to be met; several values "
        "of one parameter are alternatives. `quiet` says why nobody was told at once. `next` is the cursor of the page "
        "that follows. In CSV, Arrow and Parquet `details` and `parties` are JSON text."
    ),
    responses={200: ResponseSpec(Page[Alert], description="A page.", generate_examples=False)},
    tags=["Alerts"],
)
async def alerts(
    request: Request[Any, Any, Any],
    reader: NamedDependency[Reader],
    now: NamedDependency[datetime],
    chain_state: parameters.AlertState = None,
    case: parameters.Case = None,
    severity: parameters.Severity = None,
    rule: parameters.RuleName = None,
    pattern: parameters.Pattern = None,
    chain: parameters.Chain = None,
    address: parameters.Involved = None,
    start: parameters.Start = None,
    end: parameters.End = None,
    test: parameters.Test = None,
    words: parameters.Words = None,
    cursor: parameters.Cursor = None,
    limit: parameters.Limit = 100,
    wanted: parameters.Format = None,
) -> Response[bytes]:
    """Answer with a page of alerts."""
    page = await read_alerts(
        reader,
        state=listed(chain_state),
        case=listed(case),
        severity=listed(severity),
        rule=listed(rule),
        pattern=listed(pattern),
        chain=listed(chain),
        address=listed(address),
        test=test,
        q=words,
        limit=limit,
        now=now,
        **given(start=start, end=end, cursor=cursor),
    )
    return await respond(request, Answer("alerts", page.rows, page.as_contract, next=page.next), wanted)


@get(
    "/v1/alerts/{key:int}",
    summary="One alert",
    description="With its history (who did what with it, who was told) and the transactions by which it was found.",
    responses={
        200: ResponseSpec(AlertStory, description="The alert.", generate_examples=False),
        **MISSING,
    },
    tags=["Alerts"],
)
async def story(reader: NamedDependency[Reader], now: NamedDependency[datetime], key: Key) -> Response[bytes]:
    """Answer with one alert."""
    found = await read_alert(reader, key, now)
    return _tagged(found, found.alert)


@patch(
    "/v1/alerts/{key:int}",
    status_code=HTTPStatus.OK,
    summary="Work on an alert",
    description=(
        "Sets `case_state` (open, acknowledged, investigating, resolved, false_alarm) and `assignee`, or adds a "
        "`note`. The history keeps who did it: the name of the key. With `If-Match` (the `ETag` of `/v1/alerts/{id}`) "
        "or `updated_at`, nothing is changed where somebody else was faster (412)."
    ),
    responses={
        200: ResponseSpec(Alert, description="The alert as it is now.", generate_examples=False),
        **MISSING,
        **OUTDATED,
    },
    guards=[requires(Role.ANALYST)],
    tags=["Alerts"],
)
async def change(
    request: Request[Any, Any, Any],
    pool: NamedDependency[Pool],
    primary: NamedDependency[Reader],
    now: NamedDependency[datetime],
    key: Key,
    data: JSONBody[Change],
    if_match: IfMatch = None,
) -> Response[bytes]:
    """Change an alert's case."""
    caller: Caller = request.scope["state"]["caller"]
    await change_case(
        pool,
        key,
        caller.person,
        case_state=data.case_state,
        assignee=data.assignee,
        text=data.note,
        seen_at=seen_at(if_match) or data.updated_at,
    )
    found = (await read_alert(primary, key, now)).alert
    return _tagged(found, found)


def _tagged(body: Alert | AlertStory, alert: Alert) -> Response[bytes]:
    headers = etag(alert.updated_at)
    return Response(msgspec.json.encode(body), media_type="application/json", headers=headers)
