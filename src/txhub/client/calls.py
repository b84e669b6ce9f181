"""The questions that the client asks, each with its route and how its answer is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

import polars as pl
import pyarrow as pa

from txhub.client.wire import ARROW, HTML, JSON, Call, StatementRows, reads, segment
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

_read_chains: Callable[[bytes], Page[ChainInfo]] = reads(Page[ChainInfo])
_read_health: Callable[[bytes], Page[StreamHealth]] = reads(Page[StreamHealth])
_read_transactions: Callable[[bytes], TransactionPage] = reads(TransactionPage)
_read_series: Callable[[bytes], Series] = reads(Series)
_read_transaction: Callable[[bytes], TransactionDetail] = reads(TransactionDetail)
_read_block: Callable[[bytes], BlockDetail] = reads(BlockDetail)
_read_summary: Callable[[bytes], Summary] = reads(Summary)
_read_week: Callable[[bytes], Week] = reads(Week)
_read_profile: Callable[[bytes], AddressProfile] = reads(AddressProfile)
_read_parties: Callable[[bytes], Ranking[Party]] = reads(Ranking[Party])
_read_flows: Callable[[bytes], Ranking[Flow]] = reads(Ranking[Flow])
_read_neighbourhood: Callable[[bytes], Neighbourhood] = reads(Neighbourhood)
_read_tokens: Callable[[bytes], TokenVolumes] = reads(TokenVolumes)
_read_token: Callable[[bytes], TokenSeries] = reads(TokenSeries)
_read_observers: Callable[[bytes], Observers] = reads(Observers)
_read_origins: Callable[[bytes], Origins] = reads(Origins)
_read_hits: Callable[[bytes], Hits] = reads(Hits)
_read_operations: Callable[[bytes], Operations] = reads(Operations)
_read_frame: Callable[[bytes], pl.DataFrame] = pl.read_ipc_stream
_read_coverage: Callable[[bytes], CoverageReport] = reads(CoverageReport)
_read_reorgs: Callable[[bytes], Page[Reorg]] = reads(Page[Reorg])
_read_story: Callable[[bytes], ReorgStory] = reads(ReorgStory)
_read_watched: Callable[[bytes], Page[Label]] = reads(Page[Label])
_read_entry: Callable[[bytes], Label] = reads(Label)
_read_versions: Callable[[bytes], Page[WatchlistVersion]] = reads(Page[WatchlistVersion])
_read_exposure: Callable[[bytes], ExposureReport] = reads(ExposureReport)
_read_events: Callable[[bytes], Page[Event]] = reads(Page[Event])
_read_alerts: Callable[[bytes], Page[Alert]] = reads(Page[Alert])
_read_anomalies: Callable[[bytes], Page[Anomaly]] = reads(Page[Anomaly])
_read_alert_story: Callable[[bytes], AlertStory] = reads(AlertStory)
_read_alert: Callable[[bytes], Alert] = reads(Alert)
_read_rules: Callable[[bytes], Page[Rule]] = reads(Page[Rule])
_read_rule: Callable[[bytes], Rule] = reads(Rule)
_read_session: Callable[[bytes], SessionInfo] = reads(SessionInfo)
_read_job: Callable[[bytes], Job] = reads(Job)


def chains() -> Call[Page[ChainInfo]]:
    """`/v1/chains`."""
    return Call("/v1/chains", _read_chains)


def series_frame(metric: str, question: SeriesQuestion) -> Call[pl.DataFrame]:
    """`/v1/series/{metric}` as a frame."""
    return Call(f"/v1/series/{metric}", _read_frame, ARROW, question)


def series(metric: str, question: SeriesQuestion) -> Call[Series]:
    """`/v1/series/{metric}`."""
    return Call(f"/v1/series/{metric}", _read_series, JSON, question)


def summary(question: SummaryQuestion) -> Call[Summary]:
    """`/v1/summary`."""
    return Call("/v1/summary", _read_summary, JSON, question)


def week(metric: str, question: WeekQuestion) -> Call[Week]:
    """`/v1/week/{metric}`."""
    return Call(f"/v1/week/{metric}", _read_week, JSON, question)


def peaks(question: PeaksQuestion) -> Call[pl.DataFrame]:
    """`/v1/peaks` as a frame."""
    return Call("/v1/peaks", _read_frame, ARROW, question)


def transactions(question: TransactionsQuestion) -> Call[TransactionPage]:
    """`/v1/transactions`."""
    return Call("/v1/transactions", _read_transactions, JSON, question)


def transactions_frame(question: TransactionsQuestion) -> Call[pl.DataFrame]:
    """`/v1/transactions` as a frame."""
    return Call("/v1/transactions", _read_frame, ARROW, question)


def statement(sql: str, max_rows: int, seconds: float) -> Call[StatementRows]:
    """`/v1/sql`."""
    body = {"sql": sql, "max_rows": max_rows, "timeout": seconds}
    return Call("/v1/sql", _read_rows, ARROW, body=body)


def coverage(question: CoverageQuestion) -> Call[CoverageReport]:
    """`/v1/coverage`."""
    return Call("/v1/coverage", _read_coverage, JSON, question)


def reorgs(question: ReorgsQuestion) -> Call[Page[Reorg]]:
    """`/v1/reorgs`."""
    return Call("/v1/reorgs", _read_reorgs, JSON, question)


def reorg(key: int) -> Call[ReorgStory]:
    """`/v1/reorgs/{key}`."""
    return Call(f"/v1/reorgs/{key}", _read_story)


def events(question: EventsQuestion) -> Call[Page[Event]]:
    """`/v1/events`."""
    return Call("/v1/events", _read_events, JSON, question)


def alerts(question: AlertsQuestion) -> Call[Page[Alert]]:
    """`/v1/alerts`."""
    return Call("/v1/alerts", _read_alerts, JSON, question)


def anomalies(question: AnomaliesQuestion) -> Call[Page[Anomaly]]:
    """`/v1/anomalies`."""
    return Call("/v1/anomalies", _read_anomalies, JSON, question)


def expected(question: ExpectedQuestion) -> Call[pl.DataFrame]:
    """`/v1/expected` as a frame."""
    return Call("/v1/expected", _read_frame, ARROW, question)


def alerts_frame(question: AlertsQuestion) -> Call[pl.DataFrame]:
    """`/v1/alerts` as a frame."""
    return Call("/v1/alerts", _read_frame, ARROW, question)


def alert(alert_id: int) -> Call[AlertStory]:
    """`/v1/alerts/{id}`."""
    return Call(f"/v1/alerts/{alert_id}", _read_alert_story)


def change_alert(alert_id: int, change: CaseChange) -> Call[Alert]:
    """`PATCH /v1/alerts/{id}`."""
    body = {**change}
    if seen := change.get("updated_at"):
        body["updated_at"] = seen.isoformat()
    return Call(f"/v1/alerts/{alert_id}", _read_alert, body=body, method="PATCH")


def rules() -> Call[Page[Rule]]:
    """`/v1/rules`."""
    return Call("/v1/rules", _read_rules)


def rule(name: str) -> Call[Rule]:
    """`/v1/rules/{name}`."""
    return Call(f"/v1/rules/{segment(name)}", _read_rule)


def create_rule(name: str, change: RuleChange) -> Call[Rule]:
    """A POST to `/v1/rules`."""
    return Call("/v1/rules", _read_rule, body={"name": name, **change})


def change_rule(name: str, change: RuleEdit) -> Call[Rule]:
    """A PUT to `/v1/rules/{name}`."""
    body = {**change}
    if seen := change.get("changed_at"):
        body["changed_at"] = seen.isoformat()
    return Call(f"/v1/rules/{segment(name)}", _read_rule, body=body, method="PUT")


def delete_rule(name: str) -> Call[None]:
    """A DELETE of `/v1/rules/{name}`."""
    return Call(f"/v1/rules/{segment(name)}", _read_nothing, method="DELETE")


def backtest(question: BacktestQuestion) -> Call[Job]:
    """A POST to `/v1/rules/backtest`."""
    body = {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in question.items()
        if value is not None
    }
    return Call("/v1/rules/backtest", _read_job, body=body)


def job(job_id: int) -> Call[Job]:
    """`/v1/jobs/{id}`."""
    return Call(f"/v1/jobs/{job_id}", _read_job)


def operations() -> Call[Operations]:
    """`/v1/operations`."""
    return Call("/v1/operations", _read_operations)


def session() -> Call[SessionInfo]:
    """`/v1/session`."""
    return Call("/v1/session", _read_session)


def health() -> Call[Page[StreamHealth]]:
    """`/health/stream`."""
    return Call("/health/stream", _read_health)


def export(file_format: ExportFormat, question: ExportQuestion) -> Call[bytes]:
    """`/v1/transactions/export`."""
    return Call("/v1/transactions/export", bytes, "*/*", {"format": file_format, **question})


def transaction(chain: str, tx_hash: str, block: int | None) -> Call[TransactionDetail]:
    """`/v1/transactions/{chain}/{tx_hash}`."""
    return Call(f"/v1/transactions/{segment(chain)}/{segment(tx_hash)}", _read_transaction, JSON, {"block": block})


def block(chain: str, block: int | str) -> Call[BlockDetail]:
    """`/v1/blocks/{chain}/{block}`."""
    return Call(f"/v1/blocks/{segment(chain)}/{segment(block)}", _read_block)


def watchlist(question: WatchlistQuestion) -> Call[Page[Label]]:
    """`/v1/watchlist`."""
    return Call("/v1/watchlist", _read_watched, JSON, question)


def watch(address: str, given: Mapping[str, str | None]) -> Call[Label]:
    """A POST to `/v1/watchlist`."""
    body = {"address": address, **{name: value for name, value in given.items() if value is not None}}
    return Call("/v1/watchlist", _read_entry, body=body)


def unwatch(key: int) -> Call[None]:
    """A DELETE of `/v1/watchlist/{key}`."""
    return Call(f"/v1/watchlist/{key}", _read_nothing, method="DELETE")


def watchlists() -> Call[Page[WatchlistVersion]]:
    """`/v1/watchlist/versions`."""
    return Call("/v1/watchlist/versions", _read_versions)


def exposure(question: ExposureQuestion) -> Call[ExposureReport]:
    """`/v1/reports/exposure`."""
    return Call("/v1/reports/exposure", _read_exposure, JSON, question)


def exposure_frame(question: ExposureQuestion) -> Call[pl.DataFrame]:
    """`/v1/reports/exposure` as a frame."""
    return Call("/v1/reports/exposure", _read_frame, ARROW, question)


def exposure_page(question: ExposureQuestion) -> Call[str]:
    """`/v1/reports/exposure` as a page."""
    return Call("/v1/reports/exposure", bytes.decode, HTML, question)


def _read_nothing(_: bytes) -> None:
    """What a call answers that has no answer."""


def address(chain: str, address: str, question: ProfileQuestion) -> Call[AddressProfile]:
    """`/v1/addresses/{chain}/{address}`."""
    return Call(f"/v1/addresses/{segment(chain)}/{segment(address)}", _read_profile, JSON, question)


def top_senders(question: TopQuestion) -> Call[Ranking[Party]]:
    """`/v1/top/senders`."""
    return Call("/v1/top/senders", _read_parties, JSON, question)


def top_receivers(question: TopQuestion) -> Call[Ranking[Party]]:
    """`/v1/top/receivers`."""
    return Call("/v1/top/receivers", _read_parties, JSON, question)


def flows(question: TopQuestion) -> Call[Ranking[Flow]]:
    """`/v1/flows`."""
    return Call("/v1/flows", _read_flows, JSON, question)


def neighbourhood(address: str, question: NeighbourhoodQuestion) -> Call[Neighbourhood]:
    """`/v1/flows` around an address."""
    return Call("/v1/flows", _read_neighbourhood, JSON, {"address": address, **question})


def tokens(question: TokensQuestion) -> Call[TokenVolumes]:
    """`/v1/tokens`."""
    return Call("/v1/tokens", _read_tokens, JSON, question)


def token(chain: str, address: str, question: TokenQuestion) -> Call[TokenSeries]:
    """`/v1/tokens/{chain}/{address}`."""
    return Call(f"/v1/tokens/{segment(chain)}/{segment(address)}", _read_token, JSON, question)


def origins(question: OriginsQuestion) -> Call[Origins]:
    """`/v1/origins`."""
    return Call("/v1/origins", _read_origins, JSON, question)


def observers(chain: Names | None) -> Call[Observers]:
    """`/v1/observers`."""
    return Call("/v1/observers", _read_observers, JSON, {"chain": chain})


def search(text: str, limit: int) -> Call[Hits]:
    """`/v1/search`."""
    return Call("/v1/search", _read_hits, JSON, {"q": text, "limit": limit})


def labels(question: LabelsQuestion) -> Call[Page[Label]]:
    """`/v1/labels`."""
    return Call("/v1/labels", _read_watched, JSON, question)


def add_label(given: Mapping[str, str | None]) -> Call[Label]:
    """A POST to `/v1/labels`."""
    body = {name: value for name, value in given.items() if value is not None}
    return Call("/v1/labels", _read_entry, body=body)


def end_label(key: int) -> Call[None]:
    """A DELETE of `/v1/labels/{key}`."""
    return Call(f"/v1/labels/{key}", _read_nothing, method="DELETE")


def _read_rows(content: bytes) -> StatementRows:
    table = pa.ipc.open_stream(content).read_all()
    return StatementRows(pl.DataFrame(table), table.schema.metadata[b"truncated"] == b"true")
