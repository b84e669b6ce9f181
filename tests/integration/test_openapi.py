"""The OpenAPI document: what it says of every operation, and that the API does what it says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.described import described, held
from txhub.api.access import Admission
from txhub.api.app import create_app
from txhub.config import Settings
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


def test_every_operation_is_as_described(
    servers: Callable[[Edition], Server], migrated: Callable[[Edition], str]
) -> None:
    with described(servers, migrated, examples=10, seed=1) as schema:
        asked, failures = held(schema)
    assert failures == []
    assert {operation.ok().label for operation in schema.get_all_operations()} <= asked


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """The document of a server that asks for keys; making it needs no database."""
    app = create_app("postgresql://nobody@127.0.0.1:1/", Settings(), admission=Admission.KEYS)
    return app.openapi_schema.to_schema()


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method, path, operation


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
