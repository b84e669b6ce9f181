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
            "txhub_http_requests", "Requests answered.", ("route", "status"), registry=self._registry
        )
        self._seconds = Histogram(
            "txhub_http_request_seconds",
            "Seconds from a request to the start of its answer.",
            ("route",),
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

    def count(self, route: str, status: int, seconds: float | None) -> None:
        """Count a request; `seconds` is None where its start is not known."""
        self._requests.labels(route, str(status)).inc()
        if seconds is not None:
            self._seconds.labels(route).observe(seconds)

    def exposition(self, streams: Iterable[StreamHealth] | None) -> bytes:
        """All metrics as text; `streams` is None where the database does not answer."""
        self._database_up.set(streams is not None)
        self._last_block.clear()
        self._last_time.clear()
        for stream in streams or ():
            if stream.last_block is not None and stream.last_time is not None:
                self._last_block.labels(stream.chain).set(stream.last_block)
                self._last_time.labels(stream.chain).set(stream.last_time.timestamp())
        return generate_latest(self._registry)
