"""An answer in the format that its reader wants: JSON, CSV, Arrow or Parquet."""

from __future__ import annotations

import asyncio
import hashlib
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

import msgspec
import polars as pl
import pyarrow as pa
from litestar import Request, Response
from pyarrow import parquet

from txhub.errors import UsageError


class Format(StrEnum):
    """What `format=` takes."""

    JSON = "json"
    CSV = "csv"
    ARROW = "arrow"
    PARQUET = "parquet"


MEDIA_TYPES: dict[Format, str] = {
    Format.JSON: "application/json",
    Format.CSV: "text/csv",
    Format.ARROW: "application/vnd.apache.arrow.stream",
    Format.PARQUET: "application/vnd.apache.parquet",
}


PAGE_FORMAT, PAGE = "html", "text/html"
"""What `format=` calls a page for people, and its media type; only reports have one."""
FILES = (Format.CSV, Format.ARROW, Format.PARQUET)
"""What a file of any length may be, the most readable first."""
CSV_TIME = "%Y-%m-%dT%H:%M:%S%.fZ"
"""How CSV tells times, which are UTC."""
_LEVELS = {"zstd": 3, "gzip": 5}
"""How answers may be compressed, the best first, and how hard."""
_WORTH_BYTES = 1024
"""What is shorter is sent as it is."""
_SETTLED_S = 60
"""Seconds for which a settled answer is not asked for again."""
_MOST_S = 30
"""And at most any other."""


class NotAcceptable(UsageError):
    """The request accepts none of the formats that there are."""

    code = "not-acceptable"
    status = HTTPStatus.NOT_ACCEPTABLE


@dataclass(frozen=True, slots=True)
class Answer:
    """A table, its JSON shape, and what else is to be said of it.

    `facts` travel as headers `Txhub-…`, and as metadata of the schema in Arrow and Parquet. `next` is the
    cursor of the page after this one. `settled` says that the same question will have the same answer, but for repairs
    of the past; where it is not, a block more hardly shows in the answer for `holds_s` seconds.
    """

    name: str
    frame: pl.DataFrame
    shape: Callable[[], object]
    facts: Mapping[str, str] = field(default_factory=dict)
    next: str | None = None
    settled: bool = False
    holds_s: int = 0


def choose(accept: str, wanted: str | None, offered: Sequence[Format] = tuple(Format)) -> Format:
    """The one of the formats on offer that `format=` names, or else the one that the Accept header likes best.

    Raises:
        UsageError: there is no such format.
        NotAcceptable: Accept rules out all of them.
    """
    if wanted:
        if wanted not in offered:
            raise UsageError(f"format is {wanted[:40]!r}", hint=f"send one of {', '.join(offered)}")
        return Format(wanted)
    liking = {
        each: _quality(accept, ("*/*", MEDIA_TYPES[each].partition("/")[0] + "/*", MEDIA_TYPES[each]))
        for each in offered
    }
    best = max(liking, key=lambda each: liking[each])
    if not liking[best]:
        hint = f"send one of {', '.join(MEDIA_TYPES[each] for each in offered)}"
        raise NotAcceptable(f"Accept is {accept[:200]!r}", hint=hint)
    return best


def wants_page(accept: str, wanted: str | None) -> bool:
    """Whether a page is asked for, by `format=` or by an Accept header that likes HTML best, as browsers' do."""
    if wanted:
        return wanted == PAGE_FORMAT
    liking = _quality(accept, ("*/*", "text/*", PAGE))
    return PAGE in accept and liking >= _quality(accept, ("*/*", "application/*", MEDIA_TYPES[Format.JSON]))


def encode(answer: Answer, chosen: Format) -> bytes:
    """The answer in a format."""
    return _WRITERS[chosen](answer)


async def respond(request: Request[Any, Any, Any], answer: Answer, wanted: str | None) -> Response[bytes]:
    """The answer in the format and encoding that the request asks for, unless its sender has the very same already.

    Written in a thread, since it may be long.
    """
    chosen = choose(request.headers.get("accept", "*/*"), wanted)
    headers = {f"Txhub-{name.title()}": text for name, text in answer.facts.items()}
    age = _SETTLED_S if answer.settled else min(answer.holds_s, _MOST_S)
    headers["Cache-Control"] = f"private, max-age={age}" if age else "private, no-cache"
    if chosen is not Format.JSON:
        headers["Content-Disposition"] = f'attachment; filename="{answer.name}.{chosen}"'
    if answer.next is not None:
        headers["Link"] = f'<{_following(request, answer.next)}>; rel="next"'
    return await _sent(
        request, lambda: encode(answer, chosen), MEDIA_TYPES[chosen], headers, compressed=chosen is Format.PARQUET
    )


async def respond_page(request: Request[Any, Any, Any], body: bytes, headers: Mapping[str, str]) -> Response[bytes]:
    """A page for people, in the encoding that the request asks for, unless its sender has the very same already."""
    every = {"Cache-Control": "private, no-cache", **headers}
    return await _sent(request, lambda: body, f"{PAGE}; charset=utf-8", every)


async def _sent(
    request: Request[Any, Any, Any],
    write: Callable[[], bytes],
    media_type: str,
    headers: dict[str, str],
    *,
    compressed: bool = False,
) -> Response[bytes]:
    encoding = None if compressed else _encoding(request.headers.get("accept-encoding", ""))
    body, tag, encoding = await asyncio.to_thread(_written, write, encoding)
    headers = {**headers, "Vary": "Accept, Accept-Encoding", "ETag": tag}
    if tag in [each.strip() for each in request.headers.get("if-none-match", "").split(",")]:
        unchanged = {name: text for name, text in headers.items() if name not in ("Content-Disposition", "Link")}
        return Response(b"", status_code=HTTPStatus.NOT_MODIFIED, headers=unchanged)
    if encoding is not None:
        headers["Content-Encoding"] = encoding
    return Response(body, media_type=media_type, headers=headers)


def _written(write: Callable[[], bytes], encoding: str | None) -> tuple[bytes, str, str | None]:
    """The body; its tag, a weak one, for all encodings of it; and the encoding, where compressing it is worth it."""
    body = write()
    tag = f'W/"{hashlib.blake2b(body, digest_size=16).hexdigest()}"'
    if encoding is None or len(body) < _WORTH_BYTES:
        return body, tag, None
    compressed = pa.Codec(encoding, compression_level=_LEVELS[encoding]).compress(body, asbytes=True)
    return compressed, tag, encoding


def _encoding(accept: str) -> str | None:
    """How an answer is compressed: the best that the reader knows, by its Accept-Encoding."""
    return next((each for each in _LEVELS if _quality(accept, ("*", each)) > 0), None)


def _following(request: Request[Any, Any, Any], cursor: str) -> str:
    kept = [(name, value) for name, value in request.query_params.multi_items() if name != "cursor"]
    return f"{request.url.path}?{urlencode([*kept, ('cursor', cursor)])}"


def _quality(accept: str, ranges: Sequence[str]) -> float:
    """How much an Accept header likes something, 0 to 1: the most specific range of it decides (RFC 9110, 12.5.1)."""
    best = (-1, 0.0)
    for part in accept.split(","):
        wanted, *parameters = (piece.strip().lower() for piece in part.split(";"))
        if wanted in ranges:
            best = max(best, (ranges.index(wanted), _weight(parameters)))
    return best[1]


def _weight(parameters: list[str]) -> float:
    for name, _, value in (parameter.partition("=") for parameter in parameters):
        if name.strip() == "q":
            try:
                return min(max(float(value), 0.0), 1.0)
            except ValueError:
                return 0.0
    return 1.0


def _json(answer: Answer) -> bytes:
    return msgspec.json.encode(answer.shape())


def _csv(answer: Answer) -> bytes:
    return answer.frame.write_csv(datetime_format=CSV_TIME).encode()


def _table(answer: Answer) -> pa.Table:
    return answer.frame.to_arrow(compat_level=pl.CompatLevel.oldest()).replace_schema_metadata(dict(answer.facts))


def _arrow(answer: Answer) -> bytes:
    table, sink = _table(answer), io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    return sink.getvalue()


def _parquet(answer: Answer) -> bytes:
    sink = io.BytesIO()
    parquet.write_table(_table(answer), sink, compression="zstd")
    return sink.getvalue()


_WRITERS: dict[Format, Callable[[Answer], bytes]] = {
    Format.JSON: _json,
    Format.CSV: _csv,
    Format.ARROW: _arrow,
    Format.PARQUET: _parquet,
}
