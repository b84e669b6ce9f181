"""The words and shapes of the public contract, shared by the API, its client and the dashboard.

Plain dataclasses: Litestar turns them into JSON and OpenAPI, the client reads them back. Whole-coin
amounts that must stay exact are decimal strings; points of a series are floats, for charts.
"""

from __future__ import annotations

from txhub.contract.addresses import AddressProfile, Counterparty, Edge, Neighbourhood, Node, TokenMoved
from txhub.contract.alerts import (
    Alert,
    AlertEntry,
    AlertEvent,
    AlertMessage,
    AlertParty,
    AlertStory,
    CaseState,
    ChainState,
    Change,
    MessageItem,
    Pattern,
    Rule,
    RuleState,
    Severity,
)
from txhub.contract.anomalies import Anomaly, AnomalyKind, Expectation, ExpectedLine, ExpectedSeries
from txhub.contract.busiest import Flow, Party, Ranking
from txhub.contract.details import BlockDetail, BlockHeader, Coin, KindCount, Status, TokenTransfer, TransactionDetail
from txhub.contract.exposure import Exposure, ExposureCount, ExposureDay, ExposureReport, ReportedChain, ReportedList
from txhub.contract.jobs import Backtest, BacktestDay, BacktestSample, BacktestSubject, Job, JobState
from txhub.contract.labels import Label
from txhub.contract.ledger import (
    ChainInfo,
    CoverageBucket,
    CoverageReport,
    Gap,
    GoneTransaction,
    Quality,
    Reorg,
    ReorgStory,
    ReplacedBlock,
)
from txhub.contract.observers import Observer, Observers
from txhub.contract.operations import Event, SessionInfo, StreamHealth
from txhub.contract.origins import Origin, Origins, UnknownOrigin
from txhub.contract.search import Hit, HitKind, Hits
from txhub.contract.series import Compared, Line, Peak, PeakWindow, Point, Series
from txhub.contract.statement import StatementAnswer, StatementColumn
from txhub.contract.stream import BackfillEvent, BlockEvent, ReorgEvent
from txhub.contract.summary import ChainFigures, Figure, Summary
from txhub.contract.tokens import TokenBucket, TokenRank, TokenSeries, TokenVolume, TokenVolumes
from txhub.contract.transactions import Transaction, TransactionPage
from txhub.contract.upkeep import (
    ArchiveState,
    OpenFinding,
    Operations,
    RollupUpkeep,
    ServiceState,
    TableUpkeep,
)
from txhub.contract.watchlist import WatchlistVersion
from txhub.contract.week import Week, WeekHour
from txhub.contract.words import BUCKET_SECONDS, MAX_POINTS, Bucket, Item, Kind, Metric, Page, Rank, Source, Unit

__all__ = [
    "BUCKET_SECONDS",
    "MAX_POINTS",
    "AddressProfile",
    "Alert",
    "AlertEntry",
    "AlertEvent",
    "AlertMessage",
    "AlertParty",
    "AlertStory",
    "Anomaly",
    "AnomalyKind",
    "ArchiveState",
    "BackfillEvent",
    "Backtest",
    "BacktestDay",
    "BacktestSample",
    "BacktestSubject",
    "BlockDetail",
    "BlockEvent",
    "BlockHeader",
    "Bucket",
    "CaseState",
    "ChainFigures",
    "ChainInfo",
    "ChainState",
    "Change",
    "Coin",
    "Compared",
    "Counterparty",
    "CoverageBucket",
    "CoverageReport",
    "Edge",
    "Event",
    "Expectation",
    "ExpectedLine",
    "ExpectedSeries",
    "Exposure",
    "ExposureCount",
    "ExposureDay",
    "ExposureReport",
    "Figure",
    "Flow",
    "Gap",
    "GoneTransaction",
    "Hit",
    "HitKind",
    "Hits",
    "Item",
    "Job",
    "JobState",
    "Kind",
    "KindCount",
    "Label",
    "Line",
    "MessageItem",
    "Metric",
    "Neighbourhood",
    "Node",
    "Observer",
    "Observers",
    "OpenFinding",
    "Operations",
    "Origin",
    "Origins",
    "Page",
    "Party",
    "Pattern",
    "Peak",
    "PeakWindow",
    "Point",
    "Quality",
    "Rank",
    "Ranking",
    "Reorg",
    "ReorgEvent",
    "ReorgStory",
    "ReplacedBlock",
    "ReportedChain",
    "ReportedList",
    "RollupUpkeep",
    "Rule",
    "RuleState",
    "Series",
    "ServiceState",
    "SessionInfo",
    "Severity",
    "Source",
    "StatementAnswer",
    "StatementColumn",
    "Status",
    "StreamHealth",
    "Summary",
    "TableUpkeep",
    "TokenBucket",
    "TokenMoved",
    "TokenRank",
    "TokenSeries",
    "TokenTransfer",
    "TokenVolume",
    "TokenVolumes",
    "Transaction",
    "TransactionDetail",
    "TransactionPage",
    "Unit",
    "UnknownOrigin",
    "WatchlistVersion",
    "Week",
    "WeekHour",
]
