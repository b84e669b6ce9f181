"""How the API is asked over HTTP, and how what it sends is read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any, BinaryIO, Generic, Literal, NamedTuple, TypedDict, TypeVar
from urllib.parse import quote, urlsplit

import httpx
import msgspec
import polars as pl

from txhub import __version__
from txhub.contract import AlertEvent, BackfillEvent, BlockEvent, ReorgEvent, StreamHealth
from txhub.errors import TxhubError, Unavailable

JSON = "application/json"
ARROW = "application/vnd.apache.arrow.stream"
HTML = "text/html"
PROBLEM = "application/problem+json"
EVENTS = "text/event-stream"

_THIS_MACHINE = ("127.0.0.1", "localhost", "::1")
SILENCE = 45.0
"""Seconds without a byte, three missed heartbeats, after which a stream counts as lost."""

Answer = TypeVar("Answer")


class ApiError(TxhubError):
    """The API answered with an error.

    `title`, `detail` and `answer_status` are those of its problem details (RFC 9457), and so is `hint`.
    """

    code = "api"

    def __init__(self, title: str, detail: str, answer_status: int, hint: str | None = None) -> None:
        super().__init__(detail or title, hint=hint)
        self.title = title
        self.detail = detail
        self.answer_status = answer_status


class StreamEvent(NamedTuple):
    """An event of the live stream.

    `id` is where to resume from (`stream(last_id=…)`). `data` is typed for the events `block`, `backfill`,
    `reorg`, `alert` and `health`; `reset` says that events were missed for good: read afresh what is shown. `health`
    has no id of its own, but the one before it.
    """

    id: int
    event: Literal["block", "backfill", "reorg", "alert", "health", "reset"] | str
    data: BlockEvent | BackfillEvent | ReorgEvent | AlertEvent | StreamHealth | dict[str, Any]


class StatementRows(NamedTuple):
    """The rows of a statement; `truncated` says that there are more than were asked for."""

    frame: pl.DataFrame
    truncated: bool


class _Problem(msgspec.Struct):
    title: str = ""
    detail: str = ""
    hint: str | None = None


class Request(TypedDict):
    """What httpx is told to send."""

    method: str
    url: str
    params: dict[str, Any]
    headers: dict[str, str]
    json: Mapping[str, object] | None


@dataclass(frozen=True, slots=True)
class Call(Generic[Answer]):
    """A question to the API, and how its answer is read."""

    path: str
    read: Callable[[bytes], Answer]
    accept: str = JSON
    query: Mapping[str, object] | None = None
    body: Mapping[str, object] | None = None
    """What is sent."""
    method: str | None = None
    """Without it a body is posted, and what has none is a GET."""

    @property
    def request(self) -> Request:
        """What httpx is told to send."""
        return {
            "method": self.method or ("GET" if self.body is None else "POST"),
            "url": self.path,
            "params": self.params,
            "headers": {"accept": self.accept},
            "json": self.body,
        }

    @property
    def params(self) -> dict[str, Any]:
        """The query, as text."""
        given = {name.rstrip("_"): _text(value) for name, value in (self.query or {}).items()}
        return {name: value for name, value in given.items() if value is not None}

    def answer(self, response: httpx.Response) -> Answer:
        """The answer, whatever its status, unless it is a problem (a stream that is down answers 503, and says why)."""
        empty = response.status_code == HTTPStatus.NO_CONTENT
        if not empty and response.headers.get("content-type", "").partition(";")[0] != self.accept:
            raise error_of(response)
        return self.read(response.content)


@contextmanager
def written_whole(target: Path) -> Iterator[BinaryIO]:
    """A file to write to, which has its name only once it is whole."""
    partial = target.with_name(f".{target.name}.partial")
    try:
        with partial.open("wb") as file:
            yield file
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def _text(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    return [str(each) for each in value] if isinstance(value, Iterable) else str(value)


def error_of(response: httpx.Response) -> ApiError:
    """The error that a response tells of."""
    problem = _Problem()
    if response.headers.get("content-type", "").startswith(PROBLEM):
        problem = msgspec.json.decode(response.content, type=_Problem)
    title = problem.title or response.reason_phrase or "not an answer of txhub's API"
    return ApiError(title, problem.detail, response.status_code, problem.hint)


def segment(value: object) -> str:
    """A value as a part of a path: nothing in it is taken for the end of that part."""
    return quote(str(value), safe="")


def reads(shape: type[Answer]) -> Callable[[bytes], Answer]:
    """What reads a shape of the contract from JSON."""
    return msgspec.json.Decoder(shape).decode


_read_any: Callable[[str], dict[str, Any]] = msgspec.json.Decoder(dict[str, Any]).decode
_read_event: dict[str, Callable[[str], BlockEvent | BackfillEvent | ReorgEvent | AlertEvent | StreamHealth]] = {
    "block": msgspec.json.Decoder(BlockEvent).decode,
    "backfill": msgspec.json.Decoder(BackfillEvent).decode,
    "reorg": msgspec.json.Decoder(ReorgEvent).decode,
    "alert": msgspec.json.Decoder(AlertEvent).decode,
    "health": msgspec.json.Decoder(StreamHealth).decode,
}


class Events:
    """Puts the lines of an event stream (WHATWG HTML, "server-sent events") together."""

    def __init__(self) -> None:
        self._fields: dict[str, str] = {}
        self._last_id = 0

    def feed(self, line: str) -> StreamEvent | None:
        """The event that ends with this line, if one does."""
        if line:
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if name == "data" and "data" in self._fields:
                value = f"{self._fields['data']}\n{value}"
            if name:
                self._fields[name] = value
            return None
        fields, self._fields = self._fields, {}
        self._last_id = int(fields.get("id", self._last_id))
        if "data" not in fields:
            return None
        event = fields.get("event", "message")
        read = _read_event.get(event, _read_any)
        return StreamEvent(self._last_id, event, read(fields["data"]))


class Options(TypedDict):
    """What httpx's clients are made with."""

    base_url: str
    headers: dict[str, str]
    timeout: float


def options(url: str, key: str | None, timeout: float) -> Options:
    """The options of a client of the API at a URL."""
    headers = {"user-agent": f"txhub/{__version__}"}
    if urlsplit(url).hostname in _THIS_MACHINE:
        headers["accept-encoding"] = "identity"  # compressing costs more than it saves where nothing travels
    if key is not None:
        headers["authorization"] = f"Bearer {key}"
    return {"base_url": url, "headers": headers, "timeout": timeout}


def resuming(last_id: int | None) -> dict[str, str]:
    """The headers of a stream that goes on after an event."""
    resume = {} if last_id is None else {"last-event-id": str(last_id)}
    return {"accept": EVENTS, **resume}


@contextmanager
def answering(url: str) -> Iterator[None]:
    """Turn a server that does not answer, or stops answering, into Unavailable."""
    try:
        yield
    except (httpx.TransportError, httpx.InvalidURL) as error:
        reason = str(error) or type(error).__name__
        raise Unavailable(f"{url} does not answer: {reason}", hint="is `txhub serve` running there?") from error
