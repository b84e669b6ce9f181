"""`/v1/stream`: server-sent events."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence

import structlog
from litestar import get
from litestar.di import NamedDependency
from litestar.response import ServerSentEvent
from litestar.response.sse import ServerSentEventMessage

from txhub.api import parameters
from txhub.api.parameters import listed
from txhub.api.stream import Feed, Impatience, messages
from txhub.contract import ChainInfo
from txhub.errors import DatabaseUnavailable, TxhubError, UsageError
from txhub.query.chains import read_chains
from txhub.query.choice import chains_of
from txhub.store.read import Reader

_PATIENCE_S = 1.0
"""How long a client waits where the outbox has not been read yet."""
_log = structlog.get_logger("stream")


@get(
    "/v1/stream",
    summary="Live events",
    description=(
        "Server-sent events as blocks are committed: `block` for each live block, `backfill` for a range of older "
        "ones, `reorg` where committed blocks were replaced, `alert` for an alert that was raised or changed, `reset` "
        "where events were missed for good and what is shown has to be read afresh. Each has an id; send the last one "
        "as `Last-Event-ID` to resume without a gap (browsers do so themselves). `health`, as in `/health/stream`, "
        "tells the verdict on each chain at first and whenever it changes; it has no id, since only the newest counts. "
        "Comments are heartbeats. A client that takes nothing for half a minute is dropped."
    ),
    media_type="text/event-stream",
    response_description="Events, for ever.",
    middleware=[Impatience()],
    tags=["Live"],
)
async def stream(
    reader: NamedDependency[Reader],
    feed: NamedDependency[Feed],
    chain: parameters.Chain = None,
    last_event_id: parameters.LastEventId = None,
) -> ServerSentEvent:
    """Follow the outbox for a client."""
    cursor = _cursor(last_event_id)
    names = listed(chain)
    chosen = chains_of(await read_chains(reader, counted=False), names)
    if not await feed.wait(-1, _PATIENCE_S):
        raise DatabaseUnavailable
    followed = _followed(feed, reader, cursor, chosen if names else None)
    return ServerSentEvent(followed, headers={"X-Accel-Buffering": "no"})


def _cursor(text: str | None) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise UsageError(f"Last-Event-ID is {text[:40]!r}", hint="send the id of an event, or leave it out")
    return int(text)


async def _followed(
    feed: Feed, reader: Reader, cursor: int | None, chains: Sequence[ChainInfo] | None
) -> AsyncGenerator[ServerSentEventMessage, None]:
    """What a client is sent; without chains, of all of them."""
    ids = None if chains is None else frozenset(chain.chain_id for chain in chains)
    names = None if chains is None else frozenset(chain.name for chain in chains)
    try:
        async for message in messages(feed, reader, cursor, ids, chains=names):
            yield message
    except TxhubError as error:
        # The answer has begun, so all that is left is to end it: the client comes back with its cursor.
        _log.warning("a stream ends early", error=str(error))
