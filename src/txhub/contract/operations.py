"""What operators and callers are told of txhub itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(slots=True)
class Event:
    """A line of the event log: what an operator has to know, such as a lost node, a refused block or a repair."""

    id: int
    time: datetime
    level: str
    """`info`, `warning` or `error`."""
    component: str
    """What tells: `ingest`, `worker`, `archive`."""
    chain: str | None
    event: str
    details: dict[str, Any]


@dataclass(slots=True)
class StreamHealth:
    """One chain's stream: what is committed, how old it is, what its follower says, and the verdict."""

    chain: str
    status: str
    """`ok`, `late` (no block for several block times), `down` (far longer, halted), `empty`, `idle` (not followed)."""
    reason: str
    last_block: int | None
    last_time: datetime | None
    committed_at: datetime | None
    lag_s: float | None
    """Seconds since the last committed block's own time."""
    state: str | None = None
    """What the follower says: `following`, `catching_up`, `waiting`, `listener_died`, `node_stuck`, `chain_quiet`,
    `halted`; null where none has ever followed the chain."""
    since: datetime | None = None
    """Since when it is in that state."""
    endpoint: str | None = None
    """The node that announces blocks, without keys."""
    head: int | None = None
    """The newest block that a node told of."""
    lag_blocks: int | None = None
    """How many blocks the ledger is behind that."""
    expected_interval_s: float | None = None
    """Seconds between blocks, as expected."""
    coverage: float | None = None
    """The fraction of the last hour's expected blocks that are committed, 0 to 1; null where it is not followed."""


@dataclass(slots=True)
class SessionInfo:
    """Who a request comes from, and what they may do."""

    name: str
    """`key` and its number, `local` on a server that asks for none, or `dashboard`."""
    role: str
    """`viewer`, `analyst` or `admin`."""
    requests_per_minute: int | None
    """How often they may ask; null: as often as they like."""
