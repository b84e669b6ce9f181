"""`txhub alive`: whether a service lives, for what looks after containers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from txhub.cli import wiring
from txhub.errors import UsageError
from txhub.ops.facts import Service, read_services
from txhub.ops.presence import SILENT_S
from txhub.store.pool import open_pool
from txhub.store.server import open_server


def alive(
    service: Annotated[str, typer.Argument(help="ingest, worker or serve.")], home: wiring.HomeOption = None
) -> None:
    """Exit with 0 if a service has said within the last minute that it lives, else with 1."""
    if service not in ("ingest", "worker", "serve"):
        raise UsageError(f"{service!r} is no service", hint="one of ingest, worker, serve")
    settings = wiring.settings_of(home=home)

    async def ask(url: str) -> list[Service]:
        async with open_pool(url, name="alive", size=1) as pool:
            return await read_services(pool)

    with open_server(settings) as server:
        services = wiring.run(ask(server.url)) or []
    seen = datetime.now(UTC) - timedelta(seconds=SILENT_S)
    if not any(each.name.split()[0] == service and not each.stopped and each.seen_at >= seen for each in services):
        raise typer.Exit(1)
