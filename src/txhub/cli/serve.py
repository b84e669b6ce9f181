"""`txhub serve`: the API and the dashboard, in one process."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer
from granian.constants import Interfaces
from granian.server.embed import Server

from txhub.cli import wiring
from txhub.cli.logs import configure_logs
from txhub.config import Settings
from txhub.errors import UsageError
from txhub.ingest.supervisor import beside, supervise
from txhub.ops.presence import Presence
from txhub.ports import require_free_port
from txhub.store.keys import read_grants
from txhub.store.pool import SERVICE_PATIENCE_S, open_pool
from txhub.store.read import Reader

if TYPE_CHECKING:
    from txhub.api.access import Access, Admission

Scope = MutableMapping[str, Any]
App = Callable[[Scope, Callable[[], Awaitable[Any]], Callable[[Any], Awaitable[None]]], Awaitable[None]]

API_PATHS = ("/v1", "/schema", "/metrics", "/health")
ANSWERS_KEPT_S = 1.0
"""For how long the same question has the same answer, where nothing was committed since."""
GOODBYE_S = 5.0
"""How long clients have to take leave before the server closes all the same."""


def serve(
    host: wiring.HostOption = None,
    port: wiring.PortOption = None,
    home: wiring.HomeOption = None,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Let everybody in who can reach the address, without keys.")
    ] = False,
    attached: wiring.AttachedOption = False,
) -> None:
    """Serve the API and the dashboard."""
    settings = wiring.settings_of(host=host, port=port, home=home)
    configure_logs(settings)
    require_free_port(settings.host, settings.port)
    with wiring.readers_database(settings) as url:
        wiring.run(_serve(url, settings, insecure=insecure), attached=attached)


async def _serve(url: str, settings: Settings, *, insecure: bool) -> None:
    from txhub.api.access import Admission

    admission = Admission.LOCAL
    if settings.require_keys or not is_loopback(settings.host):
        admission = Admission.ANYONE if insecure else Admission.KEYS
    if admission is Admission.KEYS:
        await require_keys(url, settings.host)
    site = Site(url, settings, admission)
    if settings.read_database_url is not None:  # a replica takes no word of who lives
        await site.serve(settings)
        return
    async with open_pool(url, name="api", size=1, patience_s=SERVICE_PATIENCE_S) as pool:
        presence = Presence(pool, f"serve {settings.host}:{settings.port}", "api")
        async with beside(supervise("presence", presence.keep)):
            await site.serve(settings)


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address."""
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"


async def require_keys(url: str, host: str) -> None:
    """Refuse to start where others can ask, and nobody could.

    Raises:
        UsageError: no key is in force.
    """
    async with Reader(url, size=1) as reader:
        if not await read_grants(reader):
            raise UsageError(
                f"{host} asks for keys, and there are none",
                hint="run `txhub keys create NAME` first, or say --insecure to let everybody in",
            )


class Site:
    """The API and the dashboard as one ASGI application; the dashboard reads the API by its address."""

    def __init__(self, database_url: str, settings: Settings, admission: Admission) -> None:
        # Imported here: the frameworks take seconds, and no other command needs them.
        from dashboards.app import create_app as create_dashboard
        from txhub.api.app import create_app as create_api

        @asynccontextmanager
        async def with_dashboard(_: object) -> AsyncIterator[None]:
            async with self._dashboard.router.lifespan_context(self._dashboard):
                yield

        self._api = create_api(
            database_url,
            settings,
            admission=admission,
            primary_url=settings.database_url.get_secret_value() if settings.database_url else None,
            lifespan=[with_dashboard],
            keep_s=ANSWERS_KEPT_S,
        )
        self._access: Access = self._api.state.access
        host = "127.0.0.1" if settings.host == "0.0.0.0" else settings.host  # noqa: S104 (compared with, not bound to)
        address = f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"
        self._dashboard = create_dashboard(address, self._access.own_key if self._access.asks_for_keys else None)

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        """Hand a request to whose it is; the API's life is also the dashboard's."""
        path = scope.get("path", "")
        to_api = scope["type"] == "lifespan" or any(path == p or path.startswith(f"{p}/") for p in API_PATHS)
        if to_api:
            await cast("App", self._api)(scope, receive, send)
        elif await self._access.admits(cast("Any", scope)):
            await self._dashboard(scope, receive, send)
        else:
            await cast("App", self._access.turn_away)(scope, receive, send)

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
