"""`txhub serve`: the API and the dashboard, in one process."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from typing import Annotated, Any, cast

import typer
from granian.constants import Interfaces
from granian.server.embed import Server

from txhub.cli import wiring
from txhub.cli.console import configure_logs
from txhub.config import Settings
from txhub.errors import UsageError
from txhub.ports import require_free_port

Scope = MutableMapping[str, Any]
App = Callable[[Scope, Callable[[], Awaitable[Any]], Callable[[Any], Awaitable[None]]], Awaitable[None]]

API_PATHS = ("/v1", "/schema", "/metrics", "/health")
GOODBYE_S = 5.0
"""How long clients have to take leave before the server closes all the same."""


def serve(
    host: wiring.HostOption = None,
    port: wiring.PortOption = None,
    home: wiring.HomeOption = None,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Listen where others can reach it, without keys.")
    ] = False,
    attached: wiring.AttachedOption = False,
) -> None:
    """Serve the API and the dashboard."""
    settings = wiring.settings_of(host=host, port=port, home=home)
    configure_logs(settings)
    if not insecure:
        require_loopback(settings.host)
    require_free_port(settings.host, settings.port)
    with wiring.readers_database(settings) as url:
        wiring.run(Site(url, settings).serve(settings), attached=attached)


def require_loopback(host: str) -> None:
    """Refuse any address that others can reach: there are no keys yet that would keep them out.

    Raises:
        UsageError: the address is not a loopback one.
    """
    with contextlib.suppress(ValueError):
        if ipaddress.ip_address(host).is_loopback:
            return
    if host != "localhost":
        raise UsageError(
            f"{host} can be reached from other machines, and the API asks nobody for a key",
            hint="use 127.0.0.1 and a proxy that signs people in, or say --insecure",
        )


class Site:
    """The API and the dashboard as one ASGI application; the dashboard reads the API by its address."""

    def __init__(self, database_url: str, settings: Settings) -> None:
        # Imported here: the frameworks take seconds, and no other command needs them.
        from dashboards.app import create_app as create_dashboard
        from txhub.api.app import create_app as create_api

        host = "127.0.0.1" if settings.host == "0.0.0.0" else settings.host  # noqa: S104 (compared with, not bound to)
        dashboard = create_dashboard(f"http://{f'[{host}]' if ':' in host else host}:{settings.port}")

        @asynccontextmanager
        async def with_dashboard(_: object) -> AsyncIterator[None]:
            async with dashboard.router.lifespan_context(dashboard):
                yield

        self._api = create_api(database_url, settings, lifespan=[with_dashboard])
        self._dashboard = dashboard

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        """Hand a request to whose it is; the API's life is also the dashboard's."""
        path = scope.get("path", "")
        to_api = scope["type"] == "lifespan" or any(path == p or path.startswith(f"{p}/") for p in API_PATHS)
        await cast("App", self._api if to_api else self._dashboard)(scope, receive, send)

    async def serve(self, settings: Settings) -> None:
        """Serve on the address of the settings until cancelled; then end all streams, let clients go, and stop."""
        from txhub.api.app import say_goodbye

        server = Server(
            self,
            address=settings.host,
            port=settings.port,
            interface=Interfaces.ASGI,
            log_enabled=False,
            websockets=False,
        )
        serving = asyncio.create_task(server.serve())
        try:
            await asyncio.shield(serving)
        except asyncio.CancelledError:
            await self._dashboard.state.hub.close()
            await say_goodbye(self._api)
            server.stop()  # type: ignore[no-untyped-call]
            await asyncio.wait({serving}, timeout=GOODBYE_S)
            raise
