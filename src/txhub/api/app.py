"""The API as an ASGI application."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime

import structlog
from litestar import Litestar
from litestar.datastructures import State
from litestar.di import Provide
from litestar.exceptions import HTTPException, ValidationException

from txhub.api import problems
from txhub.api.access import Access, Admission
from txhub.api.document import complete, heading
from txhub.api.export import Exports
from txhub.api.parameters import Strictness
from txhub.api.routes import ROUTES
from txhub.api.routes.reference import DOCUMENT
from txhub.api.sharing import Sharing
from txhub.api.stream import Feed, watch
from txhub.api.visit import Clock, Farewell
from txhub.config import Settings
from txhub.detect.expectation import Expectations
from txhub.errors import TxhubError
from txhub.ops.metrics import Metrics
from txhub.store.coldread import ColdReader
from txhub.store.lane import Lane
from txhub.store.outbox import OutboxReader
from txhub.store.place import Place
from txhub.store.pool import SERVICE_PATIENCE_S, Pool, open_pool
from txhub.store.read import Reader

_log = structlog.get_logger("api")
Lifespan = Callable[[Litestar], AbstractAsyncContextManager[None]]

BODY_LIMIT = 64 * 1024
"""Bytes of a request's body; nothing here takes more."""


def create_app(
    database_url: str,
    settings: Settings,
    *,
    admission: Admission = Admission.LOCAL,
    primary_url: str | None = None,
    lifespan: Sequence[Lifespan] = (),
    keep_s: float = 0.0,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Litestar:
    """The API over a database; it starts, and says so, also where that does not answer yet.

    Args:
        database_url: the database to read.
        settings: txhub's settings.
        admission: who is let in.
        primary_url: the database to write to, where the one to read is its replica.
        lifespan: what else lives as long as the application.
        keep_s: for how many seconds an answer is given to others who ask the same, unless something is committed
            that shows in it.
        clock: what time it is; relative times count from there.
    """
    primary_url = primary_url or database_url
    reader, feed, metrics = Reader(database_url), Feed(OutboxReader(database_url)), Metrics()
    access, expectations = Access(reader, settings, admission), Expectations(reader)
    primary = reader if primary_url == database_url else Reader(primary_url)
    sharing = Sharing(feed.version, keep_s)
    lane, cold, exports = Lane(database_url), ColdReader(Place(settings.archive_address)), Exports()

    @asynccontextmanager
    async def running(app: Litestar) -> AsyncGenerator[None, None]:
        following = asyncio.create_task(feed.run(), name="outbox feed")
        watching = asyncio.create_task(watch(feed, reader, clock), name="health of chains")
        for task in (following, watching):
            task.add_done_callback(_report)
        try:
            async with open_pool(primary_url, name="api", least=0, patience_s=SERVICE_PATIENCE_S) as pool:
                app.state.pool = pool
                yield
        finally:
            for task in (following, watching):
                task.cancel()
            await asyncio.wait((following, watching))
            sharing.close()
            await reader.close()
            await primary.close()
            await cold.close()

    app = Litestar(
        state=State({"feed": feed, "access": access, "sharing": sharing, "metrics": metrics}),
        route_handlers=ROUTES,
        dependencies={
            "now": Provide(clock, sync_to_thread=False),
            "reader": Provide(lambda: reader, sync_to_thread=False),
            "expectations": Provide(lambda: expectations, sync_to_thread=False),
            "primary": Provide(lambda: primary, sync_to_thread=False),
            "pool": Provide(_pool, sync_to_thread=False),
            "exports": Provide(lambda: exports, sync_to_thread=False),
            "cold": Provide(lambda: cold, sync_to_thread=False),
            "lane": Provide(lambda: lane, sync_to_thread=False),
            "access": Provide(lambda: access, sync_to_thread=False),
            "feed": Provide(lambda: feed, sync_to_thread=False),
            "metrics": Provide(lambda: metrics, sync_to_thread=False),
            "database_url": Provide(lambda: database_url, sync_to_thread=False),
        },
        lifespan=[running, *lifespan],
        guards=[access.guard],
        middleware=[Clock()],
        before_request=Strictness(),
        before_send=[Farewell(metrics)],
        exception_handlers={
            TxhubError: problems.on_txhub_error,
            ValidationException: problems.on_validation_error,
            HTTPException: problems.on_http_error,
            RecursionError: problems.on_deep_nesting,
            Exception: problems.on_bug,
        },
        openapi_config=heading(DOCUMENT, asks_for_keys=access.asks_for_keys),
        request_max_body_size=BODY_LIMIT,
        logging_config=None,
    )
    complete(app.openapi_schema)
    return app


def _pool(state: State) -> Pool:
    """Opened with the application: a pool belongs to the loop that it was made in."""
    pool: Pool = state.pool
    return pool


def _report(following: asyncio.Task[None]) -> None:
    if not following.cancelled() and (error := following.exception()):
        _log.error("the stream has ended", exc_info=error)


async def say_goodbye(app: Litestar) -> None:
    """End every stream of events; their clients resume elsewhere or later.

    For whoever stops the server, before that waits for its clients: an application is told to shut down only
    once they all have gone, and a stream goes on for ever.
    """
    feed: Feed = app.state.feed
    await feed.close()
