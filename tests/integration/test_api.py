"""The API over HTTP: formats, problems, documents."""

from __future__ import annotations

import io
import json
import re
from typing import Any

import httpx
import polars as pl
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.sample import BLOCKS, ROWS
from txhub.api.app import create_app
from txhub.api.formats import MEDIA_TYPES
from txhub.config import Settings

RANGE = {"start": "2026-03-01T22:30:00Z", "end": "2026-03-01T22:45:00Z"}
PATHS: list[tuple[str, dict[str, Any]]] = [
    ("/v1/series/tx_rate", {**RANGE, "by": "chain,kind"}),
    ("/v1/series/avg_value", {**RANGE, "chain": "ethereum"}),
    ("/v1/series/volume", {**RANGE, "chain": ["ethereum", "base"], "bucket": "5m"}),
    ("/v1/peaks", RANGE),
    ("/v1/peaks", {**RANGE, "window": "5m"}),
    ("/v1/transactions", {**RANGE, "limit": 200}),
    ("/v1/chains", {}),
    ("/v1/coverage", {**RANGE, "bucket": "1m"}),
]


def decoded(body: bytes, name: str, schema: pl.Schema) -> pl.DataFrame:
    if name == "csv":
        return pl.read_csv(body, schema_overrides=schema)
    return pl.read_ipc_stream(body) if name == "arrow" else pl.read_parquet(io.BytesIO(body))


def from_json(answer: dict[str, Any], schema: pl.Schema) -> pl.DataFrame:
    if "series" in answer:
        rows = [
            {"time": time, "chain": line["chain"], "kind": line["kind"], "value": value}
            for line in answer["series"]
            for time, value in line["points"]
        ]
    else:
        rows = answer["items"]
    texts = {name: pl.String if kind == pl.Datetime("us", "UTC") else kind for name, kind in schema.items()}
    frame = pl.DataFrame(rows, schema=texts)
    return frame.with_columns(
        pl.col(name).str.to_datetime("%+", time_unit="us", time_zone="UTC")
        for name, kind in schema.items()
        if kind == pl.Datetime("us", "UTC")
    )


@pytest.mark.parametrize(("path", "query"), PATHS)
async def test_every_format_says_the_same(api: httpx.AsyncClient, path: str, query: dict[str, Any]) -> None:
    answers = {}
    for name, media_type in MEDIA_TYPES.items():
        response = await api.get(path, params=query, headers={"accept": media_type})
        assert response.status_code == 200, response.text
        assert response.headers["content-type"].startswith(media_type)
        assert (await api.get(path, params={**query, "format": name})).content == response.content
        answers[str(name)] = response.content
    arrow = decoded(answers["arrow"], "arrow", pl.Schema())
    assert arrow.height
    assert decoded(answers["parquet"], "parquet", arrow.schema).equals(arrow)
    assert decoded(answers["csv"], "csv", arrow.schema).equals(arrow)
    assert from_json(json.loads(answers["json"]), arrow.schema).equals(arrow)


async def test_a_series_says_its_unit_and_coverage_in_every_format(api: httpx.AsyncClient) -> None:
    query = {**RANGE, "chain": "ethereum", "bucket": "1m"}
    for name in MEDIA_TYPES:
        headers = (await api.get("/v1/series/avg_value", params={**query, "format": name})).headers
        assert (headers["txhub-unit"], headers["txhub-bucket"]) == ("ETH/transaction", "1m")
        assert float(headers["txhub-coverage"]) == 65 / 75
        assert (headers["txhub-source"], headers["txhub-gaps"]) == ("rollup", "1")
        assert int(headers["txhub-rows-read"]) > 0


async def test_peaks_are_the_busiest_minutes(api: httpx.AsyncClient) -> None:
    minutes = ROWS.group_by("chain", pl.col("time").dt.truncate("1m").alias("minute")).len("tx_count")
    best = (
        minutes.with_columns(hour=pl.col("minute").dt.truncate("1h"))
        .sort("tx_count", "minute", descending=[True, False])
        .group_by("chain", "hour", maintain_order=True)
        .first()
        .sort("tx_count", "minute", "chain", descending=[True, True, False])
        .select("chain", "hour", "minute", "tx_count")
    )
    body = (await api.get("/v1/peaks", params={"start": "2026-03-01", "format": "arrow"})).content
    assert pl.read_ipc_stream(body).rows() == best.rows()
    assert len((await api.get("/v1/peaks", params={"start": "2026-03-01", "limit": 2})).json()["items"]) == 2


async def test_chains_tell_what_is_committed(api: httpx.AsyncClient) -> None:
    items = {item["name"]: item for item in (await api.get("/v1/chains")).json()["items"]}
    for name, blocks in BLOCKS.items():
        item = items[name]
        assert (item["blocks"], item["first_block"], item["last_block"]) == (len(blocks), 0, blocks[-1].number)
        assert item["last_time"] == blocks[-1].time.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert items["ethereum"]["large_value"] == "100"


async def test_the_next_link_goes_through_all_pages(api: httpx.AsyncClient) -> None:
    path: str | None = "/v1/transactions?chain=bitcoin,base&limit=400&format=csv"
    hashes: list[str] = []
    while path:
        response = await api.get(path)
        hashes += pl.read_csv(response.content)["hash"].to_list()
        path = response.links["next"]["url"] if "next" in response.links else None
    assert len(hashes) == len(set(hashes)) == ROWS.filter(pl.col("chain") != "ethereum").height


NASTY = ["", "'; DROP TABLE txhub.chains; --", "1 OR 1=1", "\x00", "💥", "%", "x" * 2000, "{}", "-1", "null"]
PARAMETERS = {
    "/v1/series/tx_rate": ["chain", "kind", "by", "start", "end", "bucket", "format"],
    "/v1/peaks": ["chain", "start", "end", "window", "limit", "format"],
    "/v1/transactions": [
        *("chain", "kind", "from", "to", "address", "min_value", "max_value"),
        *("start", "end", "block", "cursor", "limit", "format"),
    ],
    "/v1/coverage": ["chain", "start", "end", "bucket", "format"],
    "/v1/reorgs": ["chain", "start", "end", "cursor", "limit", "format"],
    "/v1/events": ["chain", "level", "start", "end", "cursor", "limit", "format"],
}


@pytest.mark.parametrize(("path", "name"), [(path, name) for path, names in PARAMETERS.items() for name in names])
async def test_bad_input_is_a_problem_that_names_the_parameter(api: httpx.AsyncClient, path: str, name: str) -> None:
    for text in NASTY:
        response = await api.get(path, params={name: text})
        if not text:
            assert response.status_code in (200, 400)
            continue
        assert response.status_code == 400, (text, response.text)
        assert response.headers["content-type"] == "application/problem+json"
        problem = response.json()
        assert problem["status"] == 400
        assert name in problem["detail"]
        assert problem["hint"]
        assert problem["instance"] == path
    assert (await api.get("/v1/chains")).json()["items"]


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "/v1/nothing", {}, 404),
        ("GET", "/v1/series", {}, 404),
        ("GET", "/v1/series/price", {}, 400),
        ("POST", "/v1/chains", {}, 405),
        ("GET", "/v1/peaks", {"accept": "image/png"}, 406),
        ("GET", "/v1/peaks?limti=5", {}, 400),
        ("GET", "/v1/peaks?limit=5&limit=6", {}, 400),
        ("GET", "/v1/stream", {"last-event-id": "yesterday"}, 400),
        ("GET", "/v1/stream?chain=dogecoin", {}, 400),
        ("GET", "/v1/reorgs/7", {}, 404),
        ("GET", "/v1/reorgs/9223372036854775808", {}, 400),
        ("GET", "/v1/%2e%2e/%00", {}, 404),
    ],
)
async def test_every_error_is_a_problem(
    api: httpx.AsyncClient, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    response = await api.request(method, path, headers=headers)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert {"type", "title", "status", "detail", "instance"} <= problem.keys()
    assert problem["request_id"] == response.headers["x-request-id"]


async def test_answers_carry_an_id_and_safe_headers(api: httpx.AsyncClient) -> None:
    ours = await api.get("/v1/chains", headers={"x-request-id": "desk-42"})
    assert ours.headers["x-request-id"] == "desk-42"
    theirs = await api.get("/v1/chains", headers={"x-request-id": "a\tb;c"})
    assert theirs.headers["x-request-id"] != "a\tb;c"
    for response in (ours, await api.get("/nothing")):
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["content-security-policy"].startswith("default-src 'none'")


async def test_without_a_database_nothing_internal_gets_out() -> None:
    app = create_app("postgresql://user:secret@127.0.0.1:1/nowhere", Settings())
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with app.lifespan(), httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        for path in ("/v1/chains", "/v1/stream", "/v1/series/tx_rate", "/health/ready", "/health/stream"):
            response = await client.get(path)
            assert response.status_code == 503
            assert response.headers["retry-after"]
            assert "secret" not in response.text
            assert "127.0.0.1" not in response.text
            assert response.json()["title"] == "The database cannot be reached"
        assert (await client.get("/health/live")).status_code == 200
        assert "txhub_database_up 0.0" in (await client.get("/metrics")).text


async def test_health_and_metrics(api: httpx.AsyncClient) -> None:
    assert (await api.get("/health/ready")).json()["status"] == "ok"
    health = await api.get("/health/stream")
    assert health.status_code == 200
    await api.request("EXPLODE", "/nowhere")
    assert {item["chain"]: item["status"] for item in health.json()["items"]} == dict.fromkeys(BLOCKS, "idle")
    families = {f.name: f for f in text_string_to_metric_families((await api.get("/metrics")).text)}
    last = {each.labels["chain"]: each.value for each in families["txhub_last_committed_block"].samples}
    assert last == {name: blocks[-1].number for name, blocks in BLOCKS.items()}
    requests = families["txhub_http_requests"].samples
    counted = {tuple(each.labels[name] for name in ("route", "method", "status")): each.value for each in requests}
    assert counted["/health/stream", "GET", "200"] == 1
    assert counted["unknown", "other", "404"] == 1
    seconds = [each for each in families["txhub_http_request_seconds"].samples if each.name.endswith("_count")]
    assert {(each.labels["route"], each.labels["method"]) for each in seconds} >= {("/health/stream", "GET")}


async def test_the_document_describes_every_route_and_its_page_loads_nothing(api: httpx.AsyncClient) -> None:
    document = (await api.get("/schema/openapi.json")).json()
    described = {each["name"] for each in document["paths"]["/v1/transactions"]["get"]["parameters"]}
    assert described == {*PARAMETERS["/v1/transactions"]}
    assert document["paths"]["/v1/series/{metric}"]["get"]["responses"]["200"]["content"]["application/json"]
    page = await api.get("/schema")
    assert page.headers["content-security-policy"].startswith("default-src 'none'; style-src 'sha256-")
    assert all(path in page.text for path in document["paths"])
    assert "<script" not in page.text
    assert not re.search(r"""(?:src|href|url)\s*[=(]\s*["']?(?:https?:)?//|@import|\ssrc\s*=""", page.text)


async def test_a_wrong_body_is_told_what_is_wrong_with_it(api: httpx.AsyncClient) -> None:
    for body, fault in (
        (b"{", "the body cannot be read as JSON"),
        (b"{}", "the body: Object missing required field `sql`"),
    ):
        response = await api.post("/v1/sql", content=body, headers={"content-type": "application/json"})
        assert (response.status_code, response.json()["detail"]) == (400, fault)
