"""The OpenAPI document, completed: what every operation has in common is said here, for whatever routes there are.

Litestar describes handlers by their types. That a parameter may be left out, that tables come in four formats, who is
admitted and with what errors anything may be answered holds by construction, so no route has to repeat it. What is
asked and answered is shown by what was recorded of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from http import HTTPStatus

from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import (
    Components,
    Example,
    OpenAPI,
    OpenAPIFormat,
    OpenAPIHeader,
    OpenAPIMediaType,
    OpenAPIResponse,
    OpenAPIType,
    Operation,
    Parameter,
    PathItem,
    Reference,
    RequestBody,
    Schema,
    SecurityScheme,
)

from txhub import __version__
from txhub.api.access import COOKIE
from txhub.api.examples import examples_of
from txhub.api.formats import MEDIA_TYPES, PAGE, PAGE_FORMAT, Format
from txhub.api.problems import MEDIA_TYPE, example_of, meaning_of

OPEN: list[dict[str, list[str]]] = [{}]
"""The `security` of an operation that anybody may ask."""

_METHODS = ("get", "put", "post", "delete", "patch")
_TEXT = Schema(type=OpenAPIType.STRING)
_BYTES = Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.BINARY)
_PROBLEM = Reference(ref="#/components/schemas/Problem")
_OF_ALL = {"X-Request-ID": OpenAPIHeader(schema=_TEXT, description="Where to look in the log.", required=True)}
_OF_TABLES = {
    "ETag": OpenAPIHeader(schema=_TEXT, description="As `If-None-Match` it asks whether anything has changed."),
    "Cache-Control": OpenAPIHeader(schema=_TEXT, description="For how long the answer may be kept."),
    "Link": OpenAPIHeader(schema=_TEXT, description='The page that follows, with `rel="next"`.'),
}
_OF_REFUSALS = {
    HTTPStatus.UNAUTHORIZED: {"WWW-Authenticate": OpenAPIHeader(schema=_TEXT, description="How to send a key.")},
    HTTPStatus.TOO_MANY_REQUESTS: {"Retry-After": OpenAPIHeader(schema=_TEXT, description="Seconds to wait.")},
    HTTPStatus.INSUFFICIENT_STORAGE: {"Retry-After": OpenAPIHeader(schema=_TEXT, description="Seconds to wait.")},
    HTTPStatus.SERVICE_UNAVAILABLE: {"Retry-After": OpenAPIHeader(schema=_TEXT, description="Seconds to wait.")},
}


def heading(path: str, *, asks_for_keys: bool) -> OpenAPIConfig:
    """What stands above all operations; the document is served below `path`."""
    return OpenAPIConfig(
        title="txhub",
        version=__version__,
        summary="Blockchain transactions as time series.",
        description=(
            "Errors are problem details (RFC 9457) that say what to send instead. Examples were recorded from a "
            "demo (`txhub demo`), long lists cut to their first three."
        ),
        components=Components(
            security_schemes={
                "key": SecurityScheme(type="apiKey", name="X-API-Key", security_scheme_in="header"),
                "bearer": SecurityScheme(type="http", scheme="bearer"),
                "session": SecurityScheme(type="apiKey", name=COOKIE, security_scheme_in="cookie"),
            }
        ),
        security=[{"key": []}, {"bearer": []}, {"session": []}, *([] if asks_for_keys else OPEN)],
        path=path,
        render_plugins=[JsonRenderPlugin(path="/")],
    )


def complete(document: OpenAPI) -> None:
    """Complete a document in place."""
    for path, item in (document.paths or {}).items():
        for method, operation in operations(item):
            for parameter in operation.parameters or ():
                if isinstance(parameter, Parameter):
                    _plain(parameter)
            if formats := _formats(operation):
                _offer(operation, formats)
            if _is_table(operation):
                _tell_what_is_new(operation)
            own = {HTTPStatus(int(name)) for name in responses(operation) if int(name) >= HTTPStatus.BAD_REQUEST}
            for status in sorted(own.union(_refusals(method, operation))):
                _refuse(path, operation, status)
            for name, response in responses(operation).items():
                response.headers = {**(response.headers or {}), **_OF_ALL}
                if int(name) == HTTPStatus.NO_CONTENT:
                    response.description, response.content = "It is done.", None
            _refuse_unknown_fields(document, operation)
            _show(method, path, operation)


def operations(item: PathItem) -> Iterator[tuple[str, Operation]]:
    """The operations of a path, by method."""
    for method in _METHODS:
        operation: Operation | None = getattr(item, method)
        if operation is not None:
            yield method, operation


def responses(operation: Operation) -> dict[str, OpenAPIResponse]:
    """What an operation may be answered with, by status."""
    return {status: each for status, each in (operation.responses or {}).items() if isinstance(each, OpenAPIResponse)}


def _plain(parameter: Parameter) -> None:
    """Say that it may be left out or empty, instead of null: over HTTP nothing is."""
    schema = parameter.schema
    if not isinstance(schema, Schema) or not schema.one_of:
        return
    if parameter.param_in == "query":
        parameter.allow_empty_value = True
    kinds = [each for each in schema.one_of if getattr(each, "type", None) is not OpenAPIType.NULL]
    if len(kinds) == 1 and isinstance(kinds[0], Schema):
        schema.one_of = None
        for field in fields(Schema):
            if getattr(schema, field.name) is None:
                setattr(schema, field.name, getattr(kinds[0], field.name))


def _formats(operation: Operation) -> list[str]:
    """What `format=` takes."""
    for each in operation.parameters or ():
        if isinstance(each, Parameter) and each.name == "format" and isinstance(each.schema, Schema):
            return [str(name) for name in each.schema.enum or ()]
    return []


def _is_table(operation: Operation) -> bool:
    """Whether it answers with JSON too: files of any length do not."""
    return Format.JSON in _formats(operation)


def _offer(operation: Operation, formats: list[str]) -> None:
    types: dict[str, str] = {PAGE_FORMAT: PAGE} | {each.value: name for each, name in MEDIA_TYPES.items()}
    answer = responses(operation)[str(HTTPStatus.OK.value)]
    bodies = {PAGE_FORMAT: _TEXT, Format.CSV.value: _TEXT}
    others = {types[each]: OpenAPIMediaType(schema=bodies.get(each, _BYTES)) for each in formats}
    answer.content = {**others, **(answer.content or {})}


def _tell_what_is_new(operation: Operation) -> None:
    answer = responses(operation)[str(HTTPStatus.OK.value)]
    answer.headers = {**(answer.headers or {}), **_OF_TABLES}
    unchanged = OpenAPIResponse(description="The answer is the one that `If-None-Match` names.", headers={**_OF_TABLES})
    _answer(operation, HTTPStatus.NOT_MODIFIED, unchanged)


def _refusals(method: str, operation: Operation) -> Iterator[HTTPStatus]:
    """The errors that an operation may be answered with, beside those of its own."""
    yield HTTPStatus.BAD_REQUEST
    yield HTTPStatus.MISDIRECTED_REQUEST
    yield HTTPStatus.INTERNAL_SERVER_ERROR
    yield HTTPStatus.SERVICE_UNAVAILABLE
    if operation.security != OPEN:
        yield HTTPStatus.UNAUTHORIZED
        yield HTTPStatus.TOO_MANY_REQUESTS
    if operation.security != OPEN or method != "get":
        yield HTTPStatus.FORBIDDEN
    if _formats(operation):
        yield HTTPStatus.NOT_ACCEPTABLE
    if operation.request_body is not None:
        yield HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    if operation.security != OPEN and method != "get":
        yield HTTPStatus.INSUFFICIENT_STORAGE


def _refuse(path: str, operation: Operation, status: HTTPStatus) -> None:
    """Describe a refusal, unless the operation says itself what this status means."""
    response = responses(operation).get(str(status.value))
    if response is None or status is HTTPStatus.BAD_REQUEST:  # which Litestar describes as it would answer it
        response = OpenAPIResponse(description=meaning_of(status))
    response.headers = {**(response.headers or {}), **_OF_REFUSALS.get(status, {})}
    problem = OpenAPIMediaType(schema=_PROBLEM, examples={"problem": Example(value=example_of(status, path))})
    response.content = {**(response.content or {}), MEDIA_TYPE: problem}
    _answer(operation, status, response)


def _answer(operation: Operation, status: HTTPStatus, response: OpenAPIResponse) -> None:
    operation.responses = {**(operation.responses or {}), str(status.value): response}


def _refuse_unknown_fields(document: OpenAPI, operation: Operation) -> None:
    """Bodies are of types that refuse them, which Litestar does not say."""
    body = operation.request_body
    for content in (body.content if isinstance(body, RequestBody) else {}).values():
        if isinstance(content.schema, Reference):
            schema = (document.components.schemas or {})[content.schema.value]
            schema.additional_properties = False


def _show(method: str, path: str, operation: Operation) -> None:
    """Show what was asked, and what was answered."""
    for name, recorded in examples_of(method, path).items():
        body, answer = operation.request_body, responses(operation)[str(recorded.status)]
        if isinstance(body, RequestBody):
            for content in body.content.values():
                content.examples = {
                    **(content.examples or {}),
                    name: Example(summary=recorded.request, value=recorded.body),
                }
        for media_type, content in (answer.content or {}).items():
            shown = recorded.answer if media_type == MEDIA_TYPES[Format.JSON] else recorded.texts.get(media_type)
            if shown:
                content.examples = {**(content.examples or {}), name: Example(summary=recorded.request, value=shown)}
