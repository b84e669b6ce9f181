"""The client whose methods return answers."""

from __future__ import annotations

from collections.abc import Iterator
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


class Client:
    """The API at `url`, with a connection that is kept open until `close` or the end of a `with` block.

    Every method raises:
        ApiError: the API answered with an error; its hint says what to send instead.
        Unavailable: nobody answers within `timeout` seconds.
    """

    def __init__(self, url: str, key: str | None = None, *, timeout: float = 30.0) -> None:
        self._url = url
        self._http = httpx.Client(**options(url, key, timeout))

    def chains(self) -> list[ChainInfo]:
        """The chains, and what of each is committed."""
        return self._ask(calls.chains()).items

    def series(self, metric: str, **question: Unpack[SeriesQuestion]) -> pl.DataFrame:
        """A metric over time: columns time (UTC), chain, kind (null: all together) and value (null: not known)."""
        return self._ask(calls.series_frame(metric, question))

    def read_series(self, metric: str, **question: Unpack[SeriesQuestion]) -> Series:
        """The same with its unit, its bucket and how complete it is."""
        return self._ask(calls.series(metric, question))

    def summary(self, **question: Unpack[SummaryQuestion]) -> Summary:
        """What a range comes to on each chain, beside the same span so much earlier."""
        return self._ask(calls.summary(question))

    def week(self, metric: str, **question: Unpack[WeekQuestion]) -> Week:
        """The mean of a metric in each hour of the week, chain by chain."""
        return self._ask(calls.week(metric, question))

    def peaks(self, **question: Unpack[PeaksQuestion]) -> pl.DataFrame:
        """The busiest minute of each hour, busiest first: columns chain, hour, minute, tx_count.

        With `window`, such as `15m`, the busiest windows of that width: columns chain, start, window, tx_count, rate.
        """
        return self._ask(calls.peaks(question))

    def transactions(self, **question: Unpack[TransactionsQuestion]) -> TransactionPage:
        """Transactions, newest first; `next` of the page is the `cursor` of what follows."""
        return self._ask(calls.transactions(question))

    def transactions_frame(self, **question: Unpack[TransactionsQuestion]) -> pl.DataFrame:
        """The same as a frame, a column for each field."""
        return self._ask(calls.transactions_frame(question))

    def export(
        self, target: Path, *, file_format: ExportFormat = "parquet", **question: Unpack[ExportQuestion]
    ) -> None:
        """All transactions that meet the conditions, of any number, as a file; it is there only once it is whole.

        Raises:
            Unavailable: also when the answer breaks off.
            OSError: the file cannot be written.
        """
        call = calls.export(file_format, question)
        with (
            answering(self._url),
            self._http.stream("GET", call.path, params=call.params, headers={"accept": call.accept}) as response,
        ):
            if not response.is_success:
                response.read()
                raise error_of(response)
            with written_whole(target) as file:
                for part in response.iter_bytes():
                    file.write(part)

    def transaction(self, chain: str, tx_hash: str, *, block: int | None = None) -> TransactionDetail:
        """One transaction, with all that is known of it; `block`, the number of its block, makes it quick.

        Raises:
            ApiError: with `answer_status` 404 where there is none.
        """
        return self._ask(calls.transaction(chain, tx_hash, block))

    def block(self, chain: str, block: int | str) -> BlockDetail:
        """One block, by its number or its hash, with what its transactions add up to."""
        return self._ask(calls.block(chain, block))

    def address(self, chain: str, address: str, **question: Unpack[ProfileQuestion]) -> AddressProfile:
        """What an address did, with whom, and who is known to be behind it."""
        return self._ask(calls.address(chain, address, question))

    def top_senders(self, **question: Unpack[TopQuestion]) -> Ranking[Party]:
        """The senders of most transactions, or most value."""
        return self._ask(calls.top_senders(question))

    def top_receivers(self, **question: Unpack[TopQuestion]) -> Ranking[Party]:
        """The recipients of most transactions, or most value."""
        return self._ask(calls.top_receivers(question))

    def flows(self, **question: Unpack[TopQuestion]) -> Ranking[Flow]:
        """The pairs of sender and recipient with most transactions, or most value."""
        return self._ask(calls.flows(question))

    def neighbourhood(self, address: str, **question: Unpack[NeighbourhoodQuestion]) -> Neighbourhood:
        """The greatest edges around an address, and the addresses that they join."""
        return self._ask(calls.neighbourhood(address, question))

    def tokens(self, **question: Unpack[TokensQuestion]) -> TokenVolumes:
        """The most transferred tokens."""
        return self._ask(calls.tokens(question))

    def token(self, chain: str, address: str, **question: Unpack[TokenQuestion]) -> TokenSeries:
        """The transfers of one token by hour or day."""
        return self._ask(calls.token(chain, address, question))

    def origins(self, **question: Unpack[OriginsQuestion]) -> Origins:
        """Transactions by the jurisdiction of their senders, and how much of them is unknown."""
        return self._ask(calls.origins(question))

    def observers(self, *, chain: Names | None = None) -> Observers:
        """The peers of the chains' nodes by country, and how many are of unknown place."""
        return self._ask(calls.observers(chain))

    def search(self, text: str, *, limit: int = 10) -> Hits:
        """What a hash, number, address, name or symbol finds, at most `limit` of each kind."""
        return self._ask(calls.search(text, limit))

    def labels(self, **question: Unpack[LabelsQuestion]) -> Page[Label]:
        """The labels that are in force, or were `at` a moment, newest first; with `ended`, all there ever were."""
        return self._ask(calls.labels(question))

    def add_label(
        self,
        address: str,
        name: str,
        category: str,
        *,
        country: str | None = None,
        chain: str | None = None,
        source: str | None = None,
    ) -> Label:
        """Say who stands behind an address, from now on, in a list that is kept by hand."""
        given = {"address": address, "name": name, "category": category, "country": country}
        return self._ask(calls.add_label({**given, "chain": chain, "source": source}))

    def end_label(self, key: int) -> None:
        """End a label of a list that is kept by hand."""
        self._ask(calls.end_label(key))

    def sql(self, statement: str, *, max_rows: int = 10_000, seconds: float = 20.0) -> StatementRows:
        """The rows of one reading statement, at most `max_rows`, within `seconds`; docs/sql.md has the views.

        Exact numbers (numeric) are decimal text, raw bytes hex text, times UTC. `timeout` of the client comes first.
        """
        return self._ask(calls.statement(statement, max_rows, seconds))

    def coverage(self, **question: Unpack[CoverageQuestion]) -> CoverageReport:
        """How complete the ledger is, by chain and bucket."""
        return self._ask(calls.coverage(question))

    def reorgs(self, **question: Unpack[ReorgsQuestion]) -> Page[Reorg]:
        """The times that a chain replaced committed blocks, newest first."""
        return self._ask(calls.reorgs(question))

    def reorg(self, key: int) -> ReorgStory:
        """One reorg with the blocks that it replaced and the transactions that did not come back."""
        return self._ask(calls.reorg(key))

    def events(self, **question: Unpack[EventsQuestion]) -> Page[Event]:
        """What operators have to know, newest first."""
        return self._ask(calls.events(question))

    def alerts(self, **question: Unpack[AlertsQuestion]) -> Page[Alert]:
        """What rules found, newest first; `next` of the page is the `cursor` of what follows."""
        return self._ask(calls.alerts(question))

    def anomalies(self, **question: Unpack[AnomaliesQuestion]) -> Page[Anomaly]:
        """What was out of the usual, the newest first: spans with what was expected and seen."""
        return self._ask(calls.anomalies(question))

    def expected(self, **question: Unpack[ExpectedQuestion]) -> pl.DataFrame:
        """Usual traffic: columns time (a slot's start), chain, expected, low and high, in transactions a minute."""
        return self._ask(calls.expected(question))

    def alerts_frame(self, **question: Unpack[AlertsQuestion]) -> pl.DataFrame:
        """The same as a frame, a column for each field; `details` and `parties` are JSON text."""
        return self._ask(calls.alerts_frame(question))

    def alert(self, alert_id: int) -> AlertStory:
        """One alert with its whole history."""
        return self._ask(calls.alert(alert_id))

    def change_alert(self, alert_id: int, **change: Unpack[CaseChange]) -> Alert:
        """Set an alert's `case_state` or `assignee` (an empty text: nobody), or add a `note`.

        With `updated_at`, that of the alert as it was seen, nothing is changed where somebody else was faster.
        """
        return self._ask(calls.change_alert(alert_id, change))

    def rules(self) -> list[Rule]:
        """All rules, by name."""
        return self._ask(calls.rules()).items

    def rule(self, name: str) -> Rule:
        """One rule, with all defaults of its definition."""
        return self._ask(calls.rule(name))

    def create_rule(self, name: str, **wanted: Unpack[RuleChange]) -> Rule:
        """Make a rule by its `definition`; its `severity` is medium and its `state` on where they are left out."""
        return self._ask(calls.create_rule(name, wanted))

    def change_rule(self, name: str, **change: Unpack[RuleEdit]) -> Rule:
        """Set a rule's `definition`, `severity` or `state`; what is left out stays.

        With `changed_at` of the rule as it was read, nothing is changed where somebody else was faster (412).
        Another definition is a new version, which looks at the last days again.
        """
        return self._ask(calls.change_rule(name, change))

    def delete_rule(self, name: str) -> None:
        """End a rule that people made; its alerts stay."""
        self._ask(calls.delete_rule(name))

    def backtest(self, **question: Unpack[BacktestQuestion]) -> Job:
        """Ask how often a `rule`, or a `definition` that is none yet, would have been met from `start` to `end`.

        The worker answers: `job` tells how it stands, and then has a `Backtest` as its `result`.
        """
        return self._ask(calls.backtest(question))

    def job(self, job_id: int) -> Job:
        """How a job stands and, once it is done, its answer."""
        return self._ask(calls.job(job_id))

    def watchlist(self, **question: Unpack[WatchlistQuestion]) -> Page[Label]:
        """The entries of watchlists that are in force, newest first; with `ended`, all there ever were."""
        return self._ask(calls.watchlist(question))

    def watch(
        self,
        address: str,
        *,
        name: str | None = None,
        category: str | None = None,
        chain: str | None = None,
        source: str | None = None,
    ) -> Label:
        """Watch an address: from now on every move of it is screened, and history is searched for it."""
        given = {"name": name, "category": category, "chain": chain, "source": source}
        return self._ask(calls.watch(address, given))

    def unwatch(self, key: int) -> None:
        """End an entry of a list that is kept by hand."""
        self._ask(calls.unwatch(key))

    def watchlists(self) -> list[WatchlistVersion]:
        """Every version of every watchlist, newest first, and how far history was searched for it."""
        return self._ask(calls.watchlists()).items

    def exposure(self, **question: Unpack[ExposureQuestion]) -> ExposureReport:
        """Exposure to watchlists over a range: counts, lists and the transactions, the newest first."""
        return self._ask(calls.exposure(question))

    def exposure_frame(self, **question: Unpack[ExposureQuestion]) -> pl.DataFrame:
        """The transactions of the same as a frame, a column for each field."""
        return self._ask(calls.exposure_frame(question))

    def exposure_page(self, **question: Unpack[ExposureQuestion]) -> str:
        """The same as an HTML page that needs nothing else, for reading and printing."""
        return self._ask(calls.exposure_page(question))

    def operations(self) -> Operations:
        """How txhub itself stands: what is wrong, what runs, how rows are kept."""
        return self._ask(calls.operations())

    def session(self) -> SessionInfo:
        """Who this client is to the API, and what it may do."""
        return self._ask(calls.session())

    def health(self) -> list[StreamHealth]:
        """Each chain's stream, also when one of them is down."""
        return self._ask(calls.health()).items

    def stream(self, last_id: int | None = None, *, chain: Names | None = None) -> Iterator[StreamEvent]:
        """Live events as they are committed, or all that came after `last_id`; ends when the server closes it.

        Raises:
            Unavailable: also when the stream was silent for `SILENCE` seconds. Resume from the last id.
        """
        params = Call("/v1/stream", bytes, query={"chain": chain}).params
        timeout = httpx.Timeout(self._http.timeout.connect, read=SILENCE)
        with (
            answering(self._url),
            self._http.stream(
                "GET", "/v1/stream", params=params, headers=resuming(last_id), timeout=timeout
            ) as response,
        ):
            if response.headers.get("content-type", "").partition(";")[0] != EVENTS:
                response.read()
                raise error_of(response)
            events = Events()
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

    def _ask(self, call: Call[Answer]) -> Answer:
        with answering(self._url):
            response = self._http.request(**call.request)
        return call.answer(response)
