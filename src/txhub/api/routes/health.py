"""`/health/*` and `/metrics`: for supervisors and monitoring."""

from __future__ import annotations

import asyncio
from datetime import datetime
from http import HTTPStatus
from typing import Any

import msgspec
from litestar import MediaType, Request, Response, get
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec

from txhub.api.document import OPEN
from txhub.api.sharing import shared
from txhub.contract import Page, StreamHealth
from txhub.errors import TxhubError
from txhub.ops import metrics as exposition
from txhub.ops.health import is_down, read_health
from txhub.ops.metrics import Metrics, read_standing
from txhub.store.migrate import require_current
from txhub.store.read import Reader


@get(
    "/health/live",
    summary="Is the process alive?",
    description="200, with or without a database.",
    response_description="It is.",
    security=OPEN,
    tags=["Operations"],
    cache=False,
)
async def live() -> dict[str, str]:
    """Answer; that is all."""
    return {"status": "ok"}


@get(
    "/health/ready",
    summary="Can it answer questions?",
    description="200 where the database answers and has the schema of this release; otherwise a problem that says why.",
    response_description="It can.",
    security=OPEN,
    tags=["Operations"],
)
async def ready(database_url: NamedDependency[str]) -> dict[str, str]:
    """Ask the database."""
    edition = await asyncio.to_thread(require_current, database_url)
    return {"status": "ok", "edition": edition.value}


@get(
    "/health/stream",
    summary="Do blocks arrive?",
    description=(
        "Each chain's stream, and what its follower says of it: `ok`, `late`, `down`, `empty` or `idle`. 503, with the "
        "same body, where one is down."
    ),
    responses={
        200: ResponseSpec(Page[StreamHealth], description="No stream is down.", generate_examples=False),
        503: ResponseSpec(Page[StreamHealth], description="A stream is down.", generate_examples=False),
    },
    tags=["Operations"],
)
@shared
async def stream_health(
    request: Request[Any, Any, Any], reader: NamedDependency[Reader], now: NamedDependency[datetime]
) -> Response[bytes]:
    """Judge each stream."""
    streams = await read_health(reader, now)
    status = HTTPStatus.SERVICE_UNAVAILABLE if is_down(streams) else HTTPStatus.OK
    return Response(msgspec.json.encode(Page(streams)), status_code=status, media_type=MediaType.JSON)


@get(
    "/metrics",
    summary="Metrics for Prometheus",
    description="Of requests, streams and chains, in Prometheus's text format; docs/metrics.md says what each means.",
    media_type=exposition.MEDIA_TYPE,
    response_description="The metrics.",
    tags=["Operations"],
)
async def prometheus(
    reader: NamedDependency[Reader], metrics: NamedDependency[Metrics], now: NamedDependency[datetime]
) -> bytes:
    """Answer with the metrics; without those of the chains where the database does not answer."""
    try:
        standing = await read_standing(reader, now)
    except TxhubError:
        standing = None
    return metrics.exposition(standing)
