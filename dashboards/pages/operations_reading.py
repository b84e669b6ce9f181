"""What the Operations page asks of the API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from dashboards.reading import together
from dashboards.view import View
from txhub.client import AsyncClient
from txhub.contract import ChainInfo, Event, Operations, Quality, Reorg, StreamHealth

LEVELS = {"all": "everything", "warning,error": "warnings and errors", "error": "errors only"}
EVENTS, REORGS = 200, 100


@dataclass(frozen=True, slots=True)
class Health:
    """The streams, and how txhub itself stands."""

    chains: list[ChainInfo]
    streams: list[StreamHealth]
    operations: Operations


@dataclass(frozen=True, slots=True)
class Ledger:
    """What is missing of the range, and what was replaced in it."""

    quality: Quality
    reorgs: list[Reorg]


@dataclass(frozen=True, slots=True)
class Log:
    """The newest events of the range, and whether there are more."""

    events: list[Event]
    more: bool


async def read_health(client: AsyncClient) -> Health:
    """Read how everything stands now."""
    chains, streams, operations = await together(client.chains(), client.health(), client.operations())
    return Health(chains, streams, operations)


async def read_ledger(client: AsyncClient, view: View) -> Ledger:
    """Read gaps and reorgs of the range."""
    question = _range(view)
    coverage, reorgs = await together(client.coverage(**question, bucket="1d"), client.reorgs(**question, limit=REORGS))
    return Ledger(coverage.quality, reorgs.items)


async def read_log(client: AsyncClient, view: View) -> Log:
    """Read the event log of the range."""
    level = view.own.get("level", "all")
    chosen: dict[str, Any] = {} if level not in LEVELS or level == "all" else {"level": level}
    page = await client.events(**_range(view), **chosen, limit=EVENTS)
    return Log(page.items, page.next is not None)


def _range(view: View) -> Any:
    question = {name: value for name, value in view.filters.question().items() if name != "kind"}
    return cast("Any", question)
