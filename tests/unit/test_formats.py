from __future__ import annotations

import io
import json
import re
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar.datastructures import URL, MultiDict
from pyarrow import parquet

from txhub.api.formats import MEDIA_TYPES, Answer, Format, NotAcceptable, choose, respond
from txhub.errors import UsageError

FRAME = pl.DataFrame(
    {
        "time": [datetime(2023, 9, 8, 7, 27, tzinfo=UTC), datetime(2023, 9, 8, 7, 28, 0, 500, tzinfo=UTC)],
        "chain": ["ethereum", None],
        "value": [0.6807252359209582, None],
    },
    schema_overrides={"time": pl.Datetime("us", "UTC")},
)
ANSWER = Answer("avg_value_1m", FRAME, lambda: {"rows": FRAME.rows()}, {"unit": "ETH/transaction"}, next="y")


class Asking:
    """As much of a request as `respond` looks at."""

    url = URL("http://txhub/v1/x?cursor=before")
    query_params = MultiDict({"cursor": "before"})

    def __init__(self, accept: str, **headers: str) -> None:
        self.headers = {"accept": accept} | {name.replace("_", "-"): value for name, value in headers.items()}


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        ("*/*", Format.JSON),
        ("", None),
        ("text/csv", Format.CSV),
        ("TEXT/CSV; charset=utf-8", Format.CSV),
        ("text/*", Format.CSV),
        ("text/html,application/xhtml+xml,*/*;q=0.8", Format.JSON),
        ("application/json;q=0.5, text/csv;q=0.9", Format.CSV),
        ("application/json;q=0, */*", Format.CSV),
        ("*/*;q=0.1, application/vnd.apache.parquet", Format.PARQUET),
        ("application/vnd.apache.arrow.stream", Format.ARROW),
        ("image/png", None),
        ("application/json;q=0", None),
        ("application/json;q=nonsense", None),
    ],
)
def test_accept_chooses(accept: str, chosen: Format | None) -> None:
    if chosen is not None:
        assert choose(accept, None) is chosen
        return
    with pytest.raises(NotAcceptable) as refused:
        choose(accept, None)
    assert all(media_type in (refused.value.hint or "") for media_type in MEDIA_TYPES.values())


@given(st.text())
def test_any_accept_header_is_answered(accept: str) -> None:
    with suppress(NotAcceptable):
        assert choose(accept, None) in Format


@given(st.text())
def test_format_wins_over_accept(accept: str) -> None:
    assert choose(accept, "parquet") is Format.PARQUET
    with pytest.raises(UsageError, match="format is 'xml'"):
        choose(accept, "xml")


async def read(format_: Format) -> tuple[bytes, dict[str, str]]:
    asking: Any = Asking(MEDIA_TYPES[format_])
    response = await respond(asking, ANSWER, None)
    assert response.media_type == MEDIA_TYPES[format_]
    return response.content, {name.lower(): value for name, value in response.headers.items()}


async def test_json_is_the_contracts_shape() -> None:
    body, headers = await read(Format.JSON)
    assert json.loads(body)["rows"][0] == ["2023-09-08T07:27:00Z", "ethereum", 0.6807252359209582]
    assert re.fullmatch(r'W/"[0-9a-f]{32}"', headers.pop("etag"))
    assert headers == {
        "vary": "Accept, Accept-Encoding",
        "cache-control": "private, no-cache",
        "txhub-unit": "ETH/transaction",
        "link": '</v1/x?cursor=y>; rel="next"',
    }


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("gzip, deflate, br, zstd", "zstd"),
        ("gzip, deflate", "gzip"),
        ("zstd;q=0, *", "gzip"),
        ("gzip;q=0.5, identity", "gzip"),
        ("br", None),
        ("identity", None),
        ("", None),
        ("gzip;q=0", None),
    ],
)
@pytest.mark.parametrize("rows", [1, 1000])
async def test_long_answers_are_compressed_as_the_reader_understands(
    accepted: str, encoding: str | None, rows: int
) -> None:
    frame = pl.DataFrame({"number": range(rows)})
    asking: Any = Asking("text/csv", accept_encoding=accepted)
    response = await respond(asking, Answer("numbers", frame, dict), None)
    expected = encoding if rows > 1 else None
    assert response.headers.get("Content-Encoding") == expected
    body = response.content
    if expected is not None:
        body = pa.input_stream(pa.py_buffer(body), compression=expected).read()
        assert len(body) > len(response.content)
    assert pl.read_csv(body).equals(frame)


async def test_an_answer_that_its_reader_has_is_not_sent_again() -> None:
    fresh: Any = Asking("application/json", accept_encoding="gzip")
    tag = (await respond(fresh, ANSWER, None)).headers["ETag"]
    for known, status in ((tag, 304), (f'"other", {tag}', 304), ('"other"', 200), ("", 200)):
        asking: Any = Asking("application/json", if_none_match=known)
        response = await respond(asking, ANSWER, None)
        assert (response.status_code or 200) == status, known
        assert bool(response.content) == (status == 200)
        assert response.headers["ETag"] == tag
    other: Any = Asking("text/csv")
    assert (await respond(other, ANSWER, None)).headers["ETag"] != tag


async def test_what_is_settled_need_not_be_asked_for_again_at_once() -> None:
    asking: Any = Asking("*/*")
    settled = await respond(asking, replace(ANSWER, settled=True), None)
    assert settled.headers["Cache-Control"] == "private, max-age=60"


@pytest.mark.parametrize(("holds_s", "said"), [(0, "no-cache"), (9, "max-age=9"), (864, "max-age=30")])
async def test_what_hardly_changes_need_not_be_asked_for_again_soon(holds_s: int, said: str) -> None:
    asking: Any = Asking("*/*")
    answer = await respond(asking, replace(ANSWER, holds_s=holds_s), None)
    assert answer.headers["Cache-Control"] == f"private, {said}"


async def test_csv_comes_back_equal() -> None:
    body, headers = await read(Format.CSV)
    assert pl.read_csv(body, schema_overrides={"time": pl.Datetime("us", "UTC")}).equals(FRAME)
    assert headers["content-disposition"] == 'attachment; filename="avg_value_1m.csv"'


async def test_arrow_comes_back_equal_with_its_unit() -> None:
    body, _ = await read(Format.ARROW)
    table = pa.ipc.open_stream(body).read_all()
    assert table.schema.metadata == {b"unit": b"ETH/transaction"}
    assert pl.from_arrow(table).equals(FRAME)
    assert pl.read_ipc_stream(body).equals(FRAME)


async def test_parquet_comes_back_equal_with_its_unit() -> None:
    body, _ = await read(Format.PARQUET)
    assert parquet.read_schema(io.BytesIO(body)).metadata[b"unit"] == b"ETH/transaction"
    assert pl.read_parquet(body).equals(FRAME)
