"""Every error as problem details (RFC 9457): what went wrong, and what to send instead."""

from __future__ import annotations

from http import HTTPStatus
from math import ceil
from typing import Any
from urllib.parse import quote

import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, SerializationException, ValidationException
from litestar.openapi.datastructures import ResponseSpec

from txhub.api.visit import request_id
from txhub.errors import TxhubError, UsageError

MEDIA_TYPE = "application/problem+json"
_RETRY_AFTER_S = 2
_SEE = "the API is described at /schema"
_log = structlog.get_logger("api")


class Problem(msgspec.Struct, omit_defaults=True):
    """The body of every error; `hint` says what to send instead, `request_id` where to look in the log."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    hint: str | None = None
    request_id: str | None = None


_MEANINGS = {
    HTTPStatus.BAD_REQUEST: "Something of the request cannot be understood; `hint` says what to send instead.",
    HTTPStatus.UNAUTHORIZED: "There is no key in the request, or one that is not in force.",
    HTTPStatus.FORBIDDEN: "The key does not allow this, or the request comes from a page of another site.",
    HTTPStatus.NOT_FOUND: "There is no such thing here.",
    HTTPStatus.NOT_ACCEPTABLE: "There is no format that the Accept header allows.",
    HTTPStatus.PRECONDITION_FAILED: "Somebody else changed it after it was read.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The body is larger than any that is of use here.",
    HTTPStatus.MISDIRECTED_REQUEST: "The request was sent to a name that this server does not go by.",
    HTTPStatus.TOO_MANY_REQUESTS: "More requests than are allowed; `Retry-After` says when the next one is.",
    HTTPStatus.INTERNAL_SERVER_ERROR: "A bug of txhub; the server's log says more, under `request_id`.",
    HTTPStatus.SERVICE_UNAVAILABLE: "The database does not answer, or takes too long.",
    HTTPStatus.INSUFFICIENT_STORAGE: "The database has no space left; nothing was changed.",
}


def meaning_of(status: HTTPStatus) -> str:
    """What a status of a refusal means here, for the OpenAPI document."""
    return _MEANINGS.get(status, status.description or status.phrase)


def _described(*statuses: HTTPStatus) -> dict[int, ResponseSpec]:
    return {
        int(status): ResponseSpec(
            Problem, media_type=MEDIA_TYPE, description=meaning_of(status), generate_examples=False
        )
        for status in statuses
    }


MISSING = _described(HTTPStatus.NOT_FOUND)
"""What a question about one thing may be answered with, beside what `document` adds to every operation."""
OUTDATED = _described(HTTPStatus.PRECONDITION_FAILED)
"""What a change may be answered with besides."""
SIGN_IN = _described(HTTPStatus.UNAUTHORIZED, HTTPStatus.TOO_MANY_REQUESTS)
"""What signing in may be answered with besides: it is open to all, and looks at a key all the same."""


def example_of(status: HTTPStatus, path: str) -> dict[str, Any]:
    """A problem as the OpenAPI document shows it."""
    problem = Problem(
        "about:blank",
        status.phrase,
        status.value,
        meaning_of(status).replace("`", ""),
        path,
        hint=_SEE if status < HTTPStatus.INTERNAL_SERVER_ERROR else None,
        request_id="0b0c5fd5c2e14b0e8f6d0a6a3c7c2a51",
    )
    example: dict[str, Any] = msgspec.to_builtins(problem)
    return example


def on_txhub_error(request: Request[Any, Any, Any], error: TxhubError) -> Response[bytes]:
    """A failure that txhub expects. What only concerns the operator goes to the log, not to the client."""
    meaning = _title(type(error))
    internal = error.status >= HTTPStatus.INTERNAL_SERVER_ERROR
    if internal:
        _log.error("request failed", error=str(error), code=error.code, request=request_id(request.scope))
    return _response(
        request,
        type_=f"urn:txhub:error:{error.code}",
        title=meaning,
        status=error.status,
        detail=meaning if internal else str(error),
        hint=error.hint,
        headers=_headers(error),
    )


def on_validation_error(request: Request[Any, Any, Any], error: ValidationException) -> Response[bytes]:
    """A parameter that is missing, or of the wrong type or size."""
    faults = [fault for fault in error.extra or [] if isinstance(fault, dict)]
    named = "; ".join(_told(request, fault) for fault in faults)
    return _response(
        request,
        type_=f"urn:txhub:error:{UsageError.code}",
        title=_title(UsageError),
        status=HTTPStatus.BAD_REQUEST,
        detail=named or error.detail,
        hint=_SEE,
    )


def _told(request: Request[Any, Any, Any], fault: dict[str, Any]) -> str:
    name, message = str(fault.get("key")), fault.get("message")
    if name in request.query_params:
        return f"{name} is {request.query_params[name][:100]!r}: {message}"
    return f"{'the body' if name == 'data' else name}: {message}"


def on_http_error(request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    """Whatever else HTTP has a status for: no such path, a method that is not allowed, a body too large."""
    status = HTTPStatus(error.status_code)
    unreadable = isinstance(error.__cause__, SerializationException)
    return _response(
        request,
        type_="about:blank",
        title=status.phrase,
        status=status,
        detail="the body cannot be read as JSON" if unreadable else status.description or status.phrase,
        hint=_SEE if status < HTTPStatus.INTERNAL_SERVER_ERROR else None,
        headers=dict(error.headers or {}),
    )


def on_deep_nesting(request: Request[Any, Any, Any], _: RecursionError) -> Response[bytes]:
    """A body whose brackets go deeper than any decoder follows."""
    return _response(
        request,
        type_=f"urn:txhub:error:{UsageError.code}",
        title=_title(UsageError),
        status=HTTPStatus.BAD_REQUEST,
        detail="the body is nested too deeply",
        hint=_SEE,
    )


def on_bug(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """What nobody expected: the log has it all, the client only where to find it there."""
    _log.error("bug", exc_info=error, route=request.scope.get("path_template"), request=request_id(request.scope))
    return _response(
        request,
        type_="urn:txhub:error:bug",
        title="This is a bug of txhub",
        status=HTTPStatus.INTERNAL_SERVER_ERROR,
        detail="The log of the server says more, under this request's id",
    )


def _headers(error: TxhubError) -> dict[str, str]:
    headers = {}
    if error.retry:
        headers["Retry-After"] = str(max(ceil(getattr(error, "after_s", None) or _RETRY_AFTER_S), 1))
    if error.status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = 'Bearer realm="txhub"'
    return headers


def _title(error: type[TxhubError]) -> str:
    return (error.__doc__ or "").strip().splitlines()[0].rstrip(".")


def _response(
    request: Request[Any, Any, Any],
    *,
    type_: str,
    title: str,
    status: int,
    detail: str,
    hint: str | None = None,
    headers: dict[str, str] | None = None,
) -> Response[bytes]:
    problem = Problem(
        type_, title, int(status), detail, quote(request.url.path), hint=hint, request_id=request_id(request.scope)
    )
    return Response(msgspec.json.encode(problem), status_code=int(status), media_type=MEDIA_TYPE, headers=headers or {})
