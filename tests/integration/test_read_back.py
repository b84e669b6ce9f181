"""Every table that the OpenAPI document lists, in every format, read by a library of its own: all say the same."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import duckdb
import httpx
import pyarrow as pa
import pytest
from pyarrow import parquet

from txhub.api.app import create_app
from txhub.config import Settings

RANGE = {"start": "2026-03-01T22:30:00Z", "end": "2026-03-01T23:50:00Z"}
MUST_HAVE_ROWS = {
    "/v1/chains",
    "/v1/series/tx_rate",
    "/v1/transactions",
    "/v1/peaks",
    "/v1/coverage",
    "/v1/top/senders",
    "/v1/flows",
}
"""Tables that the sample fills, and whose JSON is a list of the very same rows."""


def tables() -> list[tuple[str, dict[str, str]]]:
    """The path of every table, its parameters filled in with their examples, and the range of the sample."""
    app = create_app("postgresql://nobody@127.0.0.1:1/", Settings())
    found = []
    for path, methods in app.openapi_schema.to_schema()["paths"].items():
        parameters = {each["name"]: each for each in methods.get("get", {}).get("parameters", ())}
        if "format" in parameters and not path.endswith("/export"):  # has no JSON; tests/integration/test_export.py
            filled = {
                name: str(next(iter(each["examples"].values()))["value"])
                for name, each in parameters.items()
                if each["in"] == "path" or each["required"]
            }
            url = re.sub(r"\{(\w+)\}", lambda match: quote(filled[match[1]]), path)  # noqa: B023 (called at once)
            query = {name: filled[name] for name in filled if parameters[name]["in"] == "query"}
            found.append((url, query | {name: at for name, at in RANGE.items() if name in parameters}))
    return found


def plain(value: Any) -> Any:
    """A value as JSON has it."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    return [plain(each) for each in value] if isinstance(value, list) else value


def rows_of(table: pa.Table) -> list[dict[str, Any]]:
    return [plain(row) for row in table.to_pylist()]


def written(value: Any) -> str:
    """A value as CSV has it."""
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def alike(shown: Any, stored: Any) -> Any:
    """A value of JSON as the table has it: what is nested in the one is JSON text in the other."""
    if isinstance(shown, dict | list) and isinstance(stored, str):
        return stored if json.loads(stored) == shown else shown
    return shown


def items_of(answer: dict[str, Any], columns: list[str]) -> list[dict[str, Any]] | None:
    """The rows of an answer in JSON; None where it is no list of rows with these columns, but nested in another way."""
    items = answer.get("items")
    if "series" in answer and columns[:4] == ["time", "chain", "kind", "value"]:
        items = [
            {"time": time, "chain": line["chain"], "kind": line["kind"], "value": value}
            for line in answer["series"]
            for time, value in line["points"]
        ]
    return items if items is not None and all(set(columns) <= item.keys() for item in items) else None


@pytest.mark.parametrize(("url", "query"), tables(), ids=lambda case: case if isinstance(case, str) else "")
async def test_every_library_reads_the_same(
    api: httpx.AsyncClient, tmp_path: Path, url: str, query: dict[str, str]
) -> None:
    bodies = {}
    for name in ("json", "csv", "arrow", "parquet"):
        answer = await api.get(url, params={**query, "format": name})
        assert answer.status_code == 200, answer.text
        bodies[name] = answer.content
    arrow = pa.ipc.open_stream(bodies["arrow"]).read_all()
    rows = rows_of(arrow)
    assert rows or url not in MUST_HAVE_ROWS

    stored = parquet.read_table(io.BytesIO(bodies["parquet"]))
    assert stored.schema.names == arrow.schema.names
    assert rows_of(stored) == rows

    file = tmp_path / "answer.parquet"
    file.write_bytes(bodies["parquet"])
    with duckdb.connect(config={"autoinstall_known_extensions": "false"}) as database:
        database.execute("SET TimeZone = 'UTC'")
        read = database.read_parquet(str(file)).to_arrow_table()
    assert rows_of(read) == rows

    header, *lines = csv.reader(io.StringIO(bodies["csv"].decode()))
    assert header == arrow.schema.names
    for line, row in zip(lines, rows, strict=True):
        for text, value in zip(line, row.values(), strict=True):
            if isinstance(value, float):
                assert float(text) == value
            elif isinstance(value, str) and value.endswith("Z") and text != value:
                assert datetime.fromisoformat(text) == datetime.fromisoformat(value)
            else:
                assert text == written(value)

    items = items_of(json.loads(bodies["json"]), arrow.schema.names)
    assert items is not None or url not in MUST_HAVE_ROWS
    for item, row in zip(rows if items is None else items, rows, strict=True):
        assert {name: alike(item[name], value) for name, value in row.items()} == row
