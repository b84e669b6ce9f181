"""The typed client of txhub's API, for programs, notebooks and the dashboard.

    with Client("http://127.0.0.1:8050") as txhub:
        frame = txhub.series("tx_rate", chain="ethereum", start="-24h", bucket="1m")

`AsyncClient` has the same methods to await. Frames travel as Arrow; amounts that must stay exact
are strings in them, as they are in JSON.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any, Generic, Literal, NamedTuple, Self, TypedDict, TypeVar, Unpack
from urllib.parse import urlsplit

import httpx
import msgspec
import polars as pl
import pyarrow as pa

from txhub import __version__
from txhub.contract import (
    BackfillEvent,
    BlockEvent,
    ChainInfo,
    CoverageReport,
    Event,
    Page,
    Reorg,
    ReorgEvent,
    ReorgStory,
    Series,
    StreamHealth,
    TransactionPage,
)
from txhub.errors import TxhubError, Unavailable
from txhub.questions import (
    CoverageQuestion,
    EventsQuestion,
    Names,
    PeaksQuestion,
    ReorgsQuestion,
    SeriesQuestion,
    TransactionsQuestion,
)

__all__ = [
    "ApiError",
    "AsyncClient",
    "Client",
    "SeriesQuestion",
    "StatementRows",
    "StreamEvent",
    "TxhubError",
    "Unavailable",
]

JSON = "application/json"
ARROW = "application/vnd.apache.arrow.stream"
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

    `id` is where to resume from (`stream(last_id=…)`). `data` is typed for the events `block`, `backfill`
    and `reorg`; `reset` says that events were missed for good: read afresh what is shown.
    """

    id: int
    event: Literal["block", "backfill", "reorg", "reset"] | str
    data: BlockEvent | BackfillEvent | ReorgEvent | dict[str, Any]


class StatementRows(NamedTuple):
    """The rows of a statement; `truncated` says that there are more than were asked for."""

    frame: pl.DataFrame
    truncated: bool


class _Problem(msgspec.Struct):
    title: str = ""
    detail: str = ""
    hint: str | None = None


class _Request(TypedDict):
    method: str
    url: str
    params: dict[str, Any]
    headers: dict[str, str]
    json: Mapping[str, object] | None


@dataclass(frozen=True, slots=True)
class _Call(Generic[Answer]):
    """A question to the API, and how its answer is read."""

    path: str
    read: Callable[[bytes], Answer]
    accept: str = JSON
    query: Mapping[str, object] | None = None
    body: Mapping[str, object] | None = None
    """What is posted; without it, the question is a GET."""

    @property
    def request(self) -> _Request:
        """What httpx is told to send."""
        method = "GET" if self.body is None else "POST"
        return {
            "method": method,
            "url": self.path,
            "params": self.params,
            "headers": {"accept": self.accept},
            "json": self.body,
        }

    @property
    def params(self) -> dict[str, Any]:
        given = {name.rstrip("_"): _text(value) for name, value in (self.query or {}).items()}
        return {name: value for name, value in given.items() if value is not None}

    def answer(self, response: httpx.Response) -> Answer:
        """The answer, whatever its status, unless it is a problem (a stream that is down answers 503, and says why)."""
        if response.headers.get("content-type", "").partition(";")[0] != self.accept:
            raise _error(response)
        return self.read(response.content)


def _text(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    if value is None or isinstance(value, str):
        return value
    return [str(each) for each in value] if isinstance(value, Iterable) else str(value)


def _error(response: httpx.Response) -> ApiError:
    problem = _Problem()
    if response.headers.get("content-type", "").startswith(PROBLEM):
        problem = msgspec.json.decode(response.content, type=_Problem)
    title = problem.title or response.reason_phrase or "not an answer of txhub's API"
    return ApiError(title, problem.detail, response.status_code, problem.hint)


def _json(shape: type[Answer]) -> Callable[[bytes], Answer]:
    return msgspec.json.Decoder(shape).decode


_read_chains: Callable[[bytes], Page[ChainInfo]] = _json(Page[ChainInfo])
_read_health: Callable[[bytes], Page[StreamHealth]] = _json(Page[StreamHealth])
_read_transactions: Callable[[bytes], TransactionPage] = _json(TransactionPage)
_read_series: Callable[[bytes], Series] = _json(Series)
_read_frame: Callable[[bytes], pl.DataFrame] = pl.read_ipc_stream
_read_any: Callable[[str], dict[str, Any]] = msgspec.json.Decoder(dict[str, Any]).decode
_read_coverage: Callable[[bytes], CoverageReport] = _json(CoverageReport)
_read_reorgs: Callable[[bytes], Page[Reorg]] = _json(Page[Reorg])
_read_story: Callable[[bytes], ReorgStory] = _json(ReorgStory)
_read_events: Callable[[bytes], Page[Event]] = _json(Page[Event])
_read_event: dict[str, Callable[[str], BlockEvent | BackfillEvent | ReorgEvent]] = {
    "block": msgspec.json.Decoder(BlockEvent).decode,
    "backfill": msgspec.json.Decoder(BackfillEvent).decode,
    "reorg": msgspec.json.Decoder(ReorgEvent).decode,
}


def _statement(sql: str, max_rows: int, seconds: float) -> _Call[StatementRows]:
    body = {"sql": sql, "max_rows": max_rows, "timeout": seconds}
    return _Call("/v1/sql", _read_rows, ARROW, body=body)


def _read_rows(content: bytes) -> StatementRows:
    table = pa.ipc.open_stream(content).read_all()
    return StatementRows(pl.DataFrame(table), table.schema.metadata[b"truncated"] == b"true")


class _Events:
    """Puts the lines of an event stream (WHATWG HTML, "server-sent events") together."""

    def __init__(self) -> None:
        self._fields: dict[str, str] = {}

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
        if "data" not in fields:
            return None
        event = fields.get("event", "message")
        read = _read_event.get(event, _read_any)
        return StreamEvent(int(fields.get("id", 0)), event, read(fields["data"]))


class _Options(TypedDict):
    base_url: str
    headers: dict[str, str]
    timeout: float


def _options(url: str, key: str | None, timeout: float) -> _Options:
    headers = {"user-agent": f"txhub/{__version__}"}
    if urlsplit(url).hostname in _THIS_MACHINE:
        headers["accept-encoding"] = "identity"  # compressing costs more than it saves where nothing travels
    if key is not None:
        headers["authorization"] = f"Bearer {key}"
    return {"base_url": url, "headers": headers, "timeout": timeout}


def _follow(last_id: int | None) -> dict[str, str]:
    resume = {} if last_id is None else {"last-event-id": str(last_id)}
    return {"accept": EVENTS, **resume}


@contextmanager
def _answering(url: str) -> Iterator[None]:
    """Turn a server that does not answer, or stops answering, into Unavailable."""
    try:
        yield
    except (httpx.TransportError, httpx.InvalidURL) as error:
        reason = str(error) or type(error).__name__
        raise Unavailable(f"{url} does not answer: {reason}", hint="is `txhub serve` running there?") from error


class Client:
    """The API at `url`, with a connection that is kept open until `close` or the end of a `with` block.

    Every method raises:
        ApiError: the API answered with an error; its hint says what to send instead.
        Unavailable: nobody answers within `timeout` seconds.
    """

    def __init__(self, url: str, key: str | None = None, *, timeout: float = 30.0) -> None:
        self._url = url
        self._http = httpx.Client(**_options(url, key, timeout))

    def chains(self) -> list[ChainInfo]:
        """The chains, and what of each is committed."""
        return self._ask(_Call("/v1/chains", _read_chains)).items

    def series(self, metric: str, **question: Unpack[SeriesQuestion]) -> pl.DataFrame:
        """A metric over time: columns time (UTC), chain, kind (null: all together) and value (null: not known)."""
        return self._ask(_Call(f"/v1/series/{metric}", _read_frame, ARROW, question))

    def read_series(self, metric: str, **question: Unpack[SeriesQuestion]) -> Series:
        """The same with its unit, its bucket and how complete it is."""
        return self._ask(_Call(f"/v1/series/{metric}", _read_series, JSON, question))

    def peaks(self, **question: Unpack[PeaksQuestion]) -> pl.DataFrame:
        """The busiest minute of each hour, busiest first: columns chain, hour, minute, tx_count.

        With `window`, such as `15m`, the busiest windows of that width: columns chain, start, window, tx_count, rate.
        """
        return self._ask(_Call("/v1/peaks", _read_frame, ARROW, question))

    def transactions(self, **question: Unpack[TransactionsQuestion]) -> TransactionPage:
        """Transactions, newest first; `next` of the page is the `cursor` of what follows."""
        return self._ask(_Call("/v1/transactions", _read_transactions, JSON, question))

    def transactions_frame(self, **question: Unpack[TransactionsQuestion]) -> pl.DataFrame:
        """The same as a frame, a column for each field."""
        return self._ask(_Call("/v1/transactions", _read_frame, ARROW, question))

    def sql(self, statement: str, *, max_rows: int = 10_000, seconds: float = 20.0) -> StatementRows:
        """The rows of one reading statement, at most `max_rows`, within `seconds`; docs/sql.md has the views.

        Exact numbers (numeric) are decimal text, raw bytes hex text, times UTC. `timeout` of the client comes first.
        """
        return self._ask(_statement(statement, max_rows, seconds))

    def coverage(self, **question: Unpack[CoverageQuestion]) -> CoverageReport:
        """How complete the ledger is, by chain and bucket."""
        return self._ask(_Call("/v1/coverage", _read_coverage, JSON, question))

    def reorgs(self, **question: Unpack[ReorgsQuestion]) -> Page[Reorg]:
        """The times that a chain replaced committed blocks, newest first."""
        return self._ask(_Call("/v1/reorgs", _read_reorgs, JSON, question))

    def reorg(self, key: int) -> ReorgStory:
        """One reorg with the blocks that it replaced and the transactions that did not come back."""
        return self._ask(_Call(f"/v1/reorgs/{key}", _read_story))

    def events(self, **question: Unpack[EventsQuestion]) -> Page[Event]:
        """What operators have to know, newest first."""
        return self._ask(_Call("/v1/events", _read_events, JSON, question))

    def health(self) -> list[StreamHealth]:
        """Each chain's stream, also when one of them is down."""
        return self._ask(_Call("/health/stream", _read_health)).items

    def stream(self, last_id: int | None = None, *, chain: Names | None = None) -> Iterator[StreamEvent]:
        """Live events as they are committed, or all that came after `last_id`; ends when the server closes it.

        Raises:
            Unavailable: also when the stream was silent for `SILENCE` seconds. Resume from the last id.
        """
        params = _Call("/v1/stream", bytes, query={"chain": chain}).params
        timeout = httpx.Timeout(self._http.timeout.connect, read=SILENCE)
        with (
            _answering(self._url),
            self._http.stream(
                "GET", "/v1/stream", params=params, headers=_follow(last_id), timeout=timeout
            ) as response,
        ):
            if response.headers.get("content-type", "").partition(";")[0] != EVENTS:
                response.read()
                raise _error(response)
            events = _Events()
            for line in response.iter_lines():
                if event := events.feed(line):
                    yield event

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _ask(self, call: _Call[Answer]) -> Answer:
        with _answering(self._url):
            response = self._http.request(**call.request)
        return call.answer(response)


class AsyncClient:
    """`Client`, to await: the same methods, answers and errors."""

    def __init__(self, url: str, key: str | None = None, *, timeout: float = 30.0) -> None:
        self._url = url
        self._http = httpx.AsyncClient(**_options(url, key, timeout))

    async def chains(self) -> list[ChainInfo]:
        """As `Client.chains`."""
        return (await self._ask(_Call("/v1/chains", _read_chains))).items

    async def series(self, metric: str, **question: Unpack[SeriesQuestion]) -> pl.DataFrame:
        """As `Client.series`."""
        return await self._ask(_Call(f"/v1/series/{metric}", _read_frame, ARROW, question))

    async def read_series(self, metric: str, **question: Unpack[SeriesQuestion]) -> Series:
        """As `Client.read_series`."""
        return await self._ask(_Call(f"/v1/series/{metric}", _read_series, JSON, question))

    async def peaks(self, **question: Unpack[PeaksQuestion]) -> pl.DataFrame:
        """As `Client.peaks`."""
        return await self._ask(_Call("/v1/peaks", _read_frame, ARROW, question))

    async def transactions(self, **question: Unpack[TransactionsQuestion]) -> TransactionPage:
        """As `Client.transactions`."""
        return await self._ask(_Call("/v1/transactions", _read_transactions, JSON, question))

    async def transactions_frame(self, **question: Unpack[TransactionsQuestion]) -> pl.DataFrame:
        """As `Client.transactions_frame`."""
        return await self._ask(_Call("/v1/transactions", _read_frame, ARROW, question))

    async def sql(self, statement: str, *, max_rows: int = 10_000, seconds: float = 20.0) -> StatementRows:
        """As `Client.sql`."""
        return await self._ask(_statement(statement, max_rows, seconds))

    async def coverage(self, **question: Unpack[CoverageQuestion]) -> CoverageReport:
        """As `Client.coverage`."""
        return await self._ask(_Call("/v1/coverage", _read_coverage, JSON, question))

    async def reorgs(self, **question: Unpack[ReorgsQuestion]) -> Page[Reorg]:
        """As `Client.reorgs`."""
        return await self._ask(_Call("/v1/reorgs", _read_reorgs, JSON, question))

    async def reorg(self, key: int) -> ReorgStory:
        """As `Client.reorg`."""
        return await self._ask(_Call(f"/v1/reorgs/{key}", _read_story))

    async def events(self, **question: Unpack[EventsQuestion]) -> Page[Event]:
        """As `Client.events`."""
        return await self._ask(_Call("/v1/events", _read_events, JSON, question))

    async def health(self) -> list[StreamHealth]:
        """As `Client.health`."""
        return (await self._ask(_Call("/health/stream", _read_health))).items

    async def stream(self, last_id: int | None = None, *, chain: Names | None = None) -> AsyncIterator[StreamEvent]:
        """As `Client.stream`."""
        params = _Call("/v1/stream", bytes, query={"chain": chain}).params
        timeout = httpx.Timeout(self._http.timeout.connect, read=SILENCE)
        with _answering(self._url):
            async with self._http.stream(
                "GET", "/v1/stream", params=params, headers=_follow(last_id), timeout=timeout
            ) as response:
                if response.headers.get("content-type", "").partition(";")[0] != EVENTS:
                    await response.aread()
                    raise _error(response)
                events = _Events()
                async for line in response.aiter_lines():
                    if event := events.feed(line):
                        yield event

    async def close(self) -> None:
        """Close the connection."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _ask(self, call: _Call[Answer]) -> Answer:
        with _answering(self._url):
            response = await self._http.request(**call.request)
        return call.answer(response)
