"""The client whose methods are awaited."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from types import TracebackType
from typing import Self, Unpack

import httpx
import polars as pl

from txhub.client import calls
from txhub.client.wire import (
    EVENTS,
    SILENCE,
    Answer,
    Call,
    Events,
    StatementRows,
    StreamEvent,
    answering,
    error_of,
    options,
    resuming,
    written_whole,
)
from txhub.contract import (
    AddressProfile,
    Alert,
    AlertStory,
    Anomaly,
    BlockDetail,
    ChainInfo,
    CoverageReport,
    Event,
    ExposureReport,
    Flow,
    Hits,
    Job,
    Label,
    Neighbourhood,
    Observers,
    Operations,
    Origins,
    Page,
    Party,
    Ranking,
    Reorg,
    ReorgStory,
    Rule,
    Series,
    SessionInfo,
    StreamHealth,
    Summary,
    TokenSeries,
    TokenVolumes,
    TransactionDetail,
    TransactionPage,
    WatchlistVersion,
    Week,
)
from txhub.questions import (
    AlertsQuestion,
    AnomaliesQuestion,
    BacktestQuestion,
    CaseChange,
    CoverageQuestion,
    EventsQuestion,
    ExpectedQuestion,
    ExportFormat,
    ExportQuestion,
    ExposureQuestion,
    LabelsQuestion,
    Names,
    NeighbourhoodQuestion,
    OriginsQuestion,
    PeaksQuestion,
    ProfileQuestion,
    ReorgsQuestion,
    RuleChange,
    RuleEdit,
    SeriesQuestion,
    SummaryQuestion,
    TokenQuestion,
    TokensQuestion,
    TopQuestion,
    TransactionsQuestion,
    WatchlistQuestion,
    WeekQuestion,
)


class AsyncClient:
    """`Client`, to await: the same methods, answers and errors."""

    def __init__(self, url: str, key: str | None = None, *, timeout: float = 30.0) -> None:
        self._url = url
        self._http = httpx.AsyncClient(**options(url, key, timeout))

    async def chains(self) -> list[ChainInfo]:
        """As `Client.chains`."""
        return (await self._ask(calls.chains())).items

    async def series(self, metric: str, **question: Unpack[SeriesQuestion]) -> pl.DataFrame:
        """As `Client.series`."""
        return await self._ask(calls.series_frame(metric, question))

    async def read_series(self, metric: str, **question: Unpack[SeriesQuestion]) -> Series:
        """As `Client.read_series`."""
        return await self._ask(calls.series(metric, question))

    async def summary(self, **question: Unpack[SummaryQuestion]) -> Summary:
        """As `Client.summary`."""
        return await self._ask(calls.summary(question))

    async def week(self, metric: str, **question: Unpack[WeekQuestion]) -> Week:
        """As `Client.week`."""
        return await self._ask(calls.week(metric, question))

    async def peaks(self, **question: Unpack[PeaksQuestion]) -> pl.DataFrame:
        """As `Client.peaks`."""
        return await self._ask(calls.peaks(question))

    async def transactions(self, **question: Unpack[TransactionsQuestion]) -> TransactionPage:
        """As `Client.transactions`."""
        return await self._ask(calls.transactions(question))

    async def transactions_frame(self, **question: Unpack[TransactionsQuestion]) -> pl.DataFrame:
        """As `Client.transactions_frame`."""
        return await self._ask(calls.transactions_frame(question))

    async def export(
        self, target: Path, *, file_format: ExportFormat = "parquet", **question: Unpack[ExportQuestion]
    ) -> None:
        """As `Client.export`."""
        call = calls.export(file_format, question)
        with answering(self._url):
            async with self._http.stream(
                "GET", call.path, params=call.params, headers={"accept": call.accept}
            ) as response:
                if not response.is_success:
                    await response.aread()
                    raise error_of(response)
                with written_whole(target) as file:
                    async for part in response.aiter_bytes():
                        await asyncio.to_thread(file.write, part)

    async def transaction(self, chain: str, tx_hash: str, *, block: int | None = None) -> TransactionDetail:
        """As `Client.transaction`."""
        return await self._ask(calls.transaction(chain, tx_hash, block))

    async def block(self, chain: str, block: int | str) -> BlockDetail:
        """As `Client.block`."""
        return await self._ask(calls.block(chain, block))

    async def address(self, chain: str, address: str, **question: Unpack[ProfileQuestion]) -> AddressProfile:
        """As `Client.address`."""
        return await self._ask(calls.address(chain, address, question))

    async def top_senders(self, **question: Unpack[TopQuestion]) -> Ranking[Party]:
        """As `Client.top_senders`."""
        return await self._ask(calls.top_senders(question))

    async def top_receivers(self, **question: Unpack[TopQuestion]) -> Ranking[Party]:
        """As `Client.top_receivers`."""
        return await self._ask(calls.top_receivers(question))

    async def flows(self, **question: Unpack[TopQuestion]) -> Ranking[Flow]:
        """As `Client.flows`."""
        return await self._ask(calls.flows(question))

    async def neighbourhood(self, address: str, **question: Unpack[NeighbourhoodQuestion]) -> Neighbourhood:
        """As `Client.neighbourhood`."""
        return await self._ask(calls.neighbourhood(address, question))

    async def tokens(self, **question: Unpack[TokensQuestion]) -> TokenVolumes:
        """As `Client.tokens`."""
        return await self._ask(calls.tokens(question))

    async def token(self, chain: str, address: str, **question: Unpack[TokenQuestion]) -> TokenSeries:
        """As `Client.token`."""
        return await self._ask(calls.token(chain, address, question))

    async def origins(self, **question: Unpack[OriginsQuestion]) -> Origins:
        """As `Client.origins`."""
        return await self._ask(calls.origins(question))

    async def observers(self, *, chain: Names | None = None) -> Observers:
        """As `Client.observers`."""
        return await self._ask(calls.observers(chain))

    async def search(self, text: str, *, limit: int = 10) -> Hits:
        """As `Client.search`."""
        return await self._ask(calls.search(text, limit))

    async def labels(self, **question: Unpack[LabelsQuestion]) -> Page[Label]:
        """As `Client.labels`."""
        return await self._ask(calls.labels(question))

    async def add_label(
        self,
        address: str,
        name: str,
        category: str,
        *,
        country: str | None = None,
        chain: str | None = None,
        source: str | None = None,
    ) -> Label:
        """As `Client.add_label`."""
        given = {"address": address, "name": name, "category": category, "country": country}
        return await self._ask(calls.add_label({**given, "chain": chain, "source": source}))

    async def end_label(self, key: int) -> None:
        """As `Client.end_label`."""
        await self._ask(calls.end_label(key))

    async def sql(self, statement: str, *, max_rows: int = 10_000, seconds: float = 20.0) -> StatementRows:
        """As `Client.sql`."""
        return await self._ask(calls.statement(statement, max_rows, seconds))

    async def coverage(self, **question: Unpack[CoverageQuestion]) -> CoverageReport:
        """As `Client.coverage`."""
        return await self._ask(calls.coverage(question))

    async def reorgs(self, **question: Unpack[ReorgsQuestion]) -> Page[Reorg]:
        """As `Client.reorgs`."""
        return await self._ask(calls.reorgs(question))

    async def reorg(self, key: int) -> ReorgStory:
        """As `Client.reorg`."""
        return await self._ask(calls.reorg(key))

    async def events(self, **question: Unpack[EventsQuestion]) -> Page[Event]:
        """As `Client.events`."""
        return await self._ask(calls.events(question))

    async def alerts(self, **question: Unpack[AlertsQuestion]) -> Page[Alert]:
        """As `Client.alerts`."""
        return await self._ask(calls.alerts(question))

    async def anomalies(self, **question: Unpack[AnomaliesQuestion]) -> Page[Anomaly]:
        """As `Client.anomalies`."""
        return await self._ask(calls.anomalies(question))

    async def expected(self, **question: Unpack[ExpectedQuestion]) -> pl.DataFrame:
        """As `Client.expected`."""
        return await self._ask(calls.expected(question))

    async def alerts_frame(self, **question: Unpack[AlertsQuestion]) -> pl.DataFrame:
        """As `Client.alerts_frame`."""
        return await self._ask(calls.alerts_frame(question))

    async def alert(self, alert_id: int) -> AlertStory:
        """As `Client.alert`."""
        return await self._ask(calls.alert(alert_id))

    async def change_alert(self, alert_id: int, **change: Unpack[CaseChange]) -> Alert:
        """As `Client.change_alert`."""
        return await self._ask(calls.change_alert(alert_id, change))

    async def rules(self) -> list[Rule]:
        """As `Client.rules`."""
        return (await self._ask(calls.rules())).items

    async def rule(self, name: str) -> Rule:
        """As `Client.rule`."""
        return await self._ask(calls.rule(name))

    async def create_rule(self, name: str, **wanted: Unpack[RuleChange]) -> Rule:
        """As `Client.create_rule`."""
        return await self._ask(calls.create_rule(name, wanted))

    async def change_rule(self, name: str, **change: Unpack[RuleEdit]) -> Rule:
        """As `Client.change_rule`."""
        return await self._ask(calls.change_rule(name, change))

    async def delete_rule(self, name: str) -> None:
        """As `Client.delete_rule`."""
        await self._ask(calls.delete_rule(name))

    async def backtest(self, **question: Unpack[BacktestQuestion]) -> Job:
        """As `Client.backtest`."""
        return await self._ask(calls.backtest(question))

    async def job(self, job_id: int) -> Job:
        """As `Client.job`."""
        return await self._ask(calls.job(job_id))

    async def watchlist(self, **question: Unpack[WatchlistQuestion]) -> Page[Label]:
        """As `Client.watchlist`."""
        return await self._ask(calls.watchlist(question))

    async def watch(
        self,
        address: str,
        *,
        name: str | None = None,
        category: str | None = None,
        chain: str | None = None,
        source: str | None = None,
    ) -> Label:
        """As `Client.watch`."""
        given = {"name": name, "category": category, "chain": chain, "source": source}
        return await self._ask(calls.watch(address, given))

    async def unwatch(self, key: int) -> None:
        """As `Client.unwatch`."""
        await self._ask(calls.unwatch(key))

    async def watchlists(self) -> list[WatchlistVersion]:
        """As `Client.watchlists`."""
        return (await self._ask(calls.watchlists())).items

    async def exposure(self, **question: Unpack[ExposureQuestion]) -> ExposureReport:
        """As `Client.exposure`."""
        return await self._ask(calls.exposure(question))

    async def exposure_frame(self, **question: Unpack[ExposureQuestion]) -> pl.DataFrame:
        """As `Client.exposure_frame`."""
        return await self._ask(calls.exposure_frame(question))

    async def exposure_page(self, **question: Unpack[ExposureQuestion]) -> str:
        """As `Client.exposure_page`."""
        return await self._ask(calls.exposure_page(question))

    async def operations(self) -> Operations:
        """As `Client.operations`."""
        return await self._ask(calls.operations())

    async def session(self) -> SessionInfo:
        """As `Client.session`."""
        return await self._ask(calls.session())

    async def health(self) -> list[StreamHealth]:
        """As `Client.health`."""
        return (await self._ask(calls.health())).items

    async def stream(self, last_id: int | None = None, *, chain: Names | None = None) -> AsyncIterator[StreamEvent]:
        """As `Client.stream`."""
        params = Call("/v1/stream", bytes, query={"chain": chain}).params
        timeout = httpx.Timeout(self._http.timeout.connect, read=SILENCE)
        with answering(self._url):
            async with self._http.stream(
                "GET", "/v1/stream", params=params, headers=resuming(last_id), timeout=timeout
            ) as response:
                if response.headers.get("content-type", "").partition(";")[0] != EVENTS:
                    await response.aread()
                    raise error_of(response)
                events = Events()
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

    async def _ask(self, call: Call[Answer]) -> Answer:
        with answering(self._url):
            response = await self._http.request(**call.request)
        return call.answer(response)
