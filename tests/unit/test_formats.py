from __future__ import annotations

import io
import json
from contextlib import suppress
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

    def __init__(self, accept: str) -> None:
        self.headers = {"accept": accept}


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
    assert headers == {"vary": "Accept", "txhub-unit": "ETH/transaction", "link": '</v1/x?cursor=y>; rel="next"'}


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
