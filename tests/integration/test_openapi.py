"""The OpenAPI document: what it says of every operation, and that the API does what it says."""

from __future__ import annotations

import csv
import inspect
import io
import re
from collections.abc import Callable, Container, Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import jsonschema_rs
import msgspec
import pytest
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute

from tests.described import described, held
from txhub.api.access import Admission
from txhub.api.app import create_app
from txhub.client import AsyncClient, Client, calls
from txhub.config import Settings
from txhub.contract import Flow, Neighbourhood, Page, Peak, PeakWindow, Ranking
from txhub.store.edition import Edition
from txhub.store.server import Server

ERRORS = {"400", "421", "500", "503"}
"""What anything may be answered with."""
OPEN = {
    ("get", "/health/live"),
    ("get", "/health/ready"),
    ("post", "/v1/session"),
    ("delete", "/v1/session"),
}
"""What anybody may ask."""
PAGES = {"/v1/reports/exposure": {"text/html"}}
"""What also comes as a page for people."""
ALTERNATIVES = {"/v1/peaks": (Page[Peak], Page[PeakWindow]), "/v1/flows": (Ranking[Flow], Neighbourhood)}
"""What is answered in one of two shapes."""
UNREADABLE = {"application/vnd.apache.arrow.stream", "application/vnd.apache.parquet", "text/html"}
"""What examples of would show nobody anything."""


def test_every_operation_is_as_described(
    servers: Callable[[Edition], Server], migrated: Callable[[Edition], str]
) -> None:
    with described(servers, migrated, examples=10, seed=1) as schema:
        asked, failures = held(schema)
    assert not failures, "\n\n".join(failures)
    assert {operation.ok().label for operation in schema.get_all_operations()} <= asked


@pytest.fixture(scope="module")
def app() -> Litestar:
    """A server that asks for keys; describing it needs no database."""
    return create_app("postgresql://nobody@127.0.0.1:1/", Settings(), admission=Admission.KEYS)


@pytest.fixture(scope="module")
def document(app: Litestar) -> dict[str, Any]:
    return msgspec.json.decode(msgspec.json.encode(app.openapi_schema.to_schema()))


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method, path, operation


def successes(operation: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [(status, answer) for status, answer in operation["responses"].items() if status[0] == "2"]


def test_every_operation_tells_each_error_with_an_example(document: dict[str, Any]) -> None:
    fields = document["components"]["schemas"]["Problem"]["properties"]
    for method, path, operation in operations(document):
        responses = operation["responses"]
        needs_key = (method, path) not in OPEN
        wanted = ERRORS | ({"401", "403", "429"} if needs_key else set())
        wanted |= {"413"} if "requestBody" in operation else set()
        assert wanted <= responses.keys(), (method, path)
        assert operation.get("security") == (None if needs_key else [{}]), (method, path)
        for status, response in responses.items():
            assert response["description"], (method, path, status)
            assert response["headers"]["X-Request-ID"], (method, path, status)
            if int(status) >= 400:
                problem = response["content"]["application/problem+json"]
                assert problem["schema"] == {"$ref": "#/components/schemas/Problem"}
                assert problem["examples"]["problem"]["value"]["status"] == int(status)
                assert problem["examples"]["problem"]["value"].keys() <= fields.keys()


def test_every_operation_and_parameter_is_explained_with_an_example(document: dict[str, Any]) -> None:
    for method, path, operation in operations(document):
        assert operation["summary"], (method, path)
        assert operation["tags"], (method, path)
        for parameter in operation.get("parameters", ()):
            assert parameter["description"], (method, path, parameter["name"])
            assert parameter["examples"], (method, path, parameter["name"])
            assert "oneOf" not in parameter["schema"], (method, path, parameter["name"])
        if "requestBody" in operation:
            for content in operation["requestBody"]["content"].values():
                name = content["schema"]["$ref"].rpartition("/")[2]
                assert document["components"]["schemas"][name]["additionalProperties"] is False


def test_every_answer_has_an_example_that_fits(document: dict[str, Any]) -> None:
    for method, path, operation in operations(document):
        shown = [operation["requestBody"]["content"]] if "requestBody" in operation else []
        shown += [each.get("content", {}) for _, each in successes(operation)]
        for content in shown:
            for media_type in content.keys() - UNREADABLE:
                examples = content[media_type].get("examples", {})
                assert examples or (method, media_type) == ("post", "text/csv"), (method, path, media_type)
                schema = content[media_type]["schema"] | {"components": document["components"]}
                validator = jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
                for example in examples.values():
                    validator.validate(example["value"])
                    assert is_asked(example["summary"], method, path, operation), example["summary"]


def is_asked(question: str, method: str, path: str, operation: dict[str, Any]) -> bool:
    """Whether a question is one that an operation takes."""
    asked, _, address = question.partition(" ")
    url = urlsplit(address)
    pattern, parts = path.split("/"), url.path.split("/")
    parameters = {each["name"] for each in operation.get("parameters", ()) if each["in"] == "query"}
    return (
        asked.lower() == method
        and len(pattern) == len(parts)
        and all(name in (part, "{" + name.strip("{}") + "}") for name, part in zip(pattern, parts, strict=True))
        and {name for name, _ in parse_qsl(url.query)} <= parameters
    )


def test_examples_are_what_the_contract_says(app: Litestar, document: dict[str, Any]) -> None:
    """Each is read as its shape of the contract, and written from that is the same again: nothing lacks or is over."""
    read = set()
    for path, handler in handlers(app, document["paths"]):
        for method in {each.lower() for each in handler.http_methods} & document["paths"][path].keys():
            for status, answer in successes(document["paths"][path][method]):
                examples = answer.get("content", {}).get("application/json", {}).get("examples", {})
                shapes = ALTERNATIVES.get(path, (shape_of(handler, int(status)),))
                for example in examples.values():
                    assert example["value"] in [again(example["value"], shape) for shape in shapes], example["summary"]
                    read.add((method, path))
    jsons = {
        (method, path)
        for method, path, operation in operations(document)
        for _, answer in successes(operation)
        if "application/json" in answer.get("content", {})
    }
    assert read == jsons


def handlers(app: Litestar, paths: Container[str]) -> Iterator[tuple[str, HTTPRouteHandler]]:
    for route in app.routes:
        if isinstance(route, HTTPRoute) and route.path_format in paths:
            yield from ((route.path_format, each) for each in route.route_handlers)


def shape_of(handler: HTTPRouteHandler, status: int) -> Any:
    described = (handler.responses or {}).get(status)
    return described.data_container if described else handler.parsed_return_field.annotation


def again(value: Any, shape: Any) -> Any:
    """The value, read as a shape and written again; None where it is of another one."""
    try:
        return msgspec.json.decode(msgspec.json.encode(msgspec.convert(value, shape)))
    except msgspec.ValidationError:
        return None


def test_clients_ask_whatever_can_be_asked(document: dict[str, Any]) -> None:
    source = inspect.getsource(calls)
    asked = {re.sub(r"\{.*?\}", "{}", path) for path in re.findall(r'Call\(\s*f?"(/[^"]+)"', source)} | {"/v1/stream"}
    paths = {re.sub(r"\{.*?\}", "{}", path) for path in document["paths"] if path.startswith("/v1/")}
    assert asked == paths | {"/health/stream"}
    public = [{name for name in vars(each) if not name.startswith("_")} for each in (Client, AsyncClient)]
    assert public[0] == public[1]


def test_tables_in_text_have_the_columns_that_their_examples_show(document: dict[str, Any]) -> None:
    for _, path, operation in operations(document):
        texts = operation["responses"].get("200", {}).get("content", {}).get("text/csv", {})
        for name, example in texts.get("examples", {}).items():
            rows = list(csv.reader(io.StringIO(example["value"])))
            assert 1 < len(rows) <= 4, (path, name)
            assert {len(row) for row in rows} == {len(rows[0])}, (path, name)


def test_tables_come_in_every_format(document: dict[str, Any]) -> None:
    tables = 0
    for _, path, operation in operations(document):
        parameters = {each["name"]: each["schema"] for each in operation.get("parameters", ())}
        if "json" in parameters.get("format", {}).get("enum", ()):
            tables += 1
            assert operation["responses"]["200"]["content"].keys() - PAGES.get(path, set()) == {
                *("application/json", "text/csv"),
                *("application/vnd.apache.arrow.stream", "application/vnd.apache.parquet"),
            }
            assert PAGES.get(path, set()) <= operation["responses"]["200"]["content"].keys()
            assert {"ETag", "Cache-Control", "Link"} <= operation["responses"]["200"]["headers"].keys()
            assert "304" in operation["responses"]
    assert tables
