"""`/v1/session`: signing a browser in with a key, and out."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import msgspec
from litestar import Request, Response, delete, get, post
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import JSONBody

from txhub.api.access import COOKIE, SESSION_S, Access
from txhub.api.document import OPEN
from txhub.api.problems import SIGN_IN
from txhub.contract import SessionInfo


class SignIn(msgspec.Struct, forbid_unknown_fields=True):
    """The body: a key, as `txhub keys create` shows it."""

    key: str


@get(
    "/v1/session",
    summary="Who asks",
    description="The name and the role of the key or the session that this request comes with.",
    responses={200: ResponseSpec(SessionInfo, description="Who asks.", generate_examples=False)},
    tags=["Access"],
)
async def who(request: Request[Any, Any, Any], access: NamedDependency[Access]) -> Response[bytes]:
    """Answer with the caller."""
    caller = await access.caller(request)
    return Response(
        msgspec.json.encode(SessionInfo(caller.name, caller.role.value, caller.requests_per_minute)),
        media_type="application/json",
    )


@post(
    "/v1/session",
    status_code=HTTPStatus.NO_CONTENT,
    summary="Sign in",
    description=(
        "For browsers: a key is exchanged for the cookie of a session of twelve hours, which pages cannot read and "
        "other sites cannot send. It ends with the key, and when the server is restarted."
    ),
    responses=SIGN_IN,
    security=OPEN,
    tags=["Access"],
)
async def sign_in(
    request: Request[Any, Any, Any], data: JSONBody[SignIn], access: NamedDependency[Access]
) -> Response[None]:
    """Set the cookie."""
    cookie = _cookie(request, await access.sign_in(data.key, request), SESSION_S)
    return Response(None, status_code=HTTPStatus.NO_CONTENT, cookies=[cookie])


@delete(
    "/v1/session",
    status_code=HTTPStatus.NO_CONTENT,
    summary="Sign out",
    description="Takes the cookie away.",
    security=OPEN,
    tags=["Access"],
)
async def sign_out(request: Request[Any, Any, Any]) -> Response[None]:
    """Let the cookie end."""
    return Response(None, status_code=HTTPStatus.NO_CONTENT, cookies=[_cookie(request, "", 0)])


def _cookie(request: Request[Any, Any, Any], value: str, seconds: int) -> Cookie:
    """Sent back over HTTPS only, where the browser came by it; a proxy says so."""
    scheme = request.headers.get("x-forwarded-proto", request.url.scheme)
    return Cookie(
        key=COOKIE, value=value, path="/", max_age=seconds, httponly=True, samesite="strict", secure=scheme == "https"
    )
