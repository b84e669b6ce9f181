"""What the API process counts, in Prometheus' exposition format."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from txhub.contract import StreamHealth

MEDIA_TYPE = CONTENT_TYPE_LATEST.removesuffix("; charset=utf-8")


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
        self.stream_clients = Gauge("txhub_stream_clients", "Clients that follow the stream.", registry=self._registry)
        self._database_up = Gauge("txhub_database_up", "Whether the database answers: 1 or 0.", registry=self._registry)
        self._last_block = Gauge(
            "txhub_last_committed_block", "Number of the newest committed block.", ("chain",), registry=self._registry
        )
        self._last_time = Gauge(
            "txhub_last_committed_block_timestamp_seconds",
            "That block's own time, Unix seconds.",
            ("chain",),
            registry=self._registry,
        )

        self._head = Gauge(
            "txhub_head_block", "Number of the newest block that a node told of.", ("chain",), registry=self._registry
        )
        self._state = Gauge(
            "txhub_stream_state",
            "1 for the state that each chain's follower is in.",
            ("chain", "state"),
            registry=self._registry,
        )
        self._status = Gauge(
            "txhub_stream_status",
            "1 for the verdict on each chain's stream.",
            ("chain", "status"),
            registry=self._registry,
        )

    def count(self, route: str, method: str, status: int, seconds: float | None) -> None:
        """Count a request; `seconds` is None where its start is not known."""
        self._requests.labels(route, method, str(status)).inc()
        if seconds is not None:
            self._seconds.labels(route, method).observe(seconds)

    def exposition(self, streams: Iterable[StreamHealth] | None) -> bytes:
        """All metrics as text; `streams` is None where the database does not answer."""
        self._database_up.set(streams is not None)
        for gauge in (self._last_block, self._last_time, self._head, self._state, self._status):
            gauge.clear()
        for stream in streams or ():
            self._status.labels(stream.chain, stream.status).set(1)
            if stream.state is not None:
                self._state.labels(stream.chain, stream.state).set(1)
            if stream.head is not None:
                self._head.labels(stream.chain).set(stream.head)
            if stream.last_block is not None and stream.last_time is not None:
                self._last_block.labels(stream.chain).set(stream.last_block)
                self._last_time.labels(stream.chain).set(stream.last_time.timestamp())
        return generate_latest(self._registry)
