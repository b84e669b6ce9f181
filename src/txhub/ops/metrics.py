"""What the API process counts, and how everything stands by what is in the database, in Prometheus' exposition format.

The ingesters and the worker open no port for this: what they do is in the database, and told from here. docs/metrics.md
lists every name, and a test compares them.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

import polars as pl
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from txhub.contract import StreamHealth
from txhub.ops.health import read_health
from txhub.store.read import Reader
from txhub.store.sqlfiles import queries

MEDIA_TYPE = CONTENT_TYPE_LATEST.removesuffix("; charset=utf-8")
_SQL = queries("metrics")


class Standing(NamedTuple):
    """How everything stands, as the database has it: a row for each finding, service, reader and channel."""

    streams: list[StreamHealth]
    findings: pl.DataFrame
    services: pl.DataFrame
    readers: pl.DataFrame
    deliveries: pl.DataFrame
    bytes: float


async def read_standing(reader: Reader, now: datetime) -> Standing:
    """Ask the database how everything stands.

    Raises:
        DatabaseUnavailable, DatabaseRefused, SchemaMismatch: see `faults`.
    """
    return Standing(
        streams=await read_health(reader, now),
        findings=await reader.frame(_SQL["findings"]),
        services=await reader.frame(_SQL["services"]),
        readers=await reader.frame(_SQL["readers"]),
        deliveries=await reader.frame(_SQL["deliveries"]),
        bytes=(await reader.frame(_SQL["size"])).item(),
    )


class Metrics:
    """One application's metrics, in a registry of their own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "txhub_http_requests", "Requests answered.", ("route", "method", "status"), registry=self._registry
        )
        self._seconds = Histogram(
            "txhub_http_request_seconds",
            "Seconds from a request to the start of its answer.",
            ("route", "method"),
            registry=self._registry,
        )
        self.stream_clients = self._gauge("txhub_stream_clients", "Clients that follow the stream.")
        self._database_up = self._gauge("txhub_database_up", "Whether the database answers: 1 or 0.")
        self._bytes = self._gauge("txhub_database_bytes", "Size of the database.")
        self._last_block = self._gauge("txhub_last_committed_block", "Number of the newest committed block.", "chain")
        self._last_time = self._gauge(
            "txhub_last_committed_block_timestamp_seconds", "That block's own time, Unix seconds.", "chain"
        )
        self._head = self._gauge("txhub_head_block", "Number of the newest block that a node told of.", "chain")
        self._lag = self._gauge("txhub_stream_lag_seconds", "Age of the newest committed block.", "chain")
        self._coverage = self._gauge(
            "txhub_stream_coverage_ratio", "Committed share of the last hour's expected blocks, 0 to 1.", "chain"
        )
        self._state = self._gauge(
            "txhub_stream_state", "1 for the state that each chain's follower is in.", "chain", "state"
        )
        self._status = self._gauge(
            "txhub_stream_status", "1 for the verdict on each chain's stream.", "chain", "status"
        )
        self._finding = self._gauge("txhub_finding", "1 for what the worker finds wrong.", "finding", "chain", "level")
        self._service = self._gauge("txhub_service_running", "Whether a service was not stopped: 1 or 0.", "service")
        self._seen = self._gauge(
            "txhub_service_seen_timestamp_seconds", "When a service last said that it lives, Unix seconds.", "service"
        )
        self._behind = self._gauge(
            "txhub_outbox_behind_seconds", "Age of the oldest event that a reader of the outbox has not read.", "reader"
        )
        self._deliveries = self._gauge(
            "txhub_deliveries", "Messages to each channel that wait, or were given up (dead).", "channel", "state"
        )
        self._told = (
            *(self._last_block, self._last_time, self._head, self._lag, self._coverage, self._state, self._status),
            *(self._finding, self._service, self._seen, self._behind, self._deliveries),
        )

    def count(self, route: str, method: str, status: int, seconds: float | None) -> None:
        """Count a request; `seconds` is None where its start is not known."""
        self._requests.labels(route, method, str(status)).inc()
        if seconds is not None:
            self._seconds.labels(route, method).observe(seconds)

    def exposition(self, standing: Standing | None) -> bytes:
        """All metrics as text; `standing` is None where the database does not answer."""
        self._database_up.set(standing is not None)
        for gauge in self._told:
            gauge.clear()
        if standing is not None:
            self._tell(standing)
        return generate_latest(self._registry)

    def _tell(self, standing: Standing) -> None:
        self._bytes.set(standing.bytes)
        for stream in standing.streams:
            self._status.labels(stream.chain, stream.status).set(1)
            if stream.state is not None:
                self._state.labels(stream.chain, stream.state).set(1)
            if stream.last_time is not None:
                self._last_time.labels(stream.chain).set(stream.last_time.timestamp())
            for gauge, value in (
                (self._head, stream.head),
                (self._last_block, stream.last_block),
                (self._lag, stream.lag_s),
                (self._coverage, stream.coverage),
            ):
                if value is not None:
                    gauge.labels(stream.chain).set(value)
        for finding, chain, level in standing.findings.iter_rows():
            self._finding.labels(finding, chain, level).set(1)
        for service, running, seen in standing.services.iter_rows():
            self._service.labels(service).set(running)
            self._seen.labels(service).set(seen)
        for reader, behind in standing.readers.iter_rows():
            self._behind.labels(reader).set(behind)
        for channel, waiting, dead in standing.deliveries.iter_rows():
            self._deliveries.labels(channel, "waiting").set(waiting)
            self._deliveries.labels(channel, "dead").set(dead)

    def _gauge(self, name: str, meaning: str, *labels: str) -> Gauge:
        return Gauge(name, meaning, labels, registry=self._registry)
