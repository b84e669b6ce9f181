"""The dashboard as an ASGI application, to be mounted beside the API.

News reach pages as server-sent events (`GET /live`), not by Dash's websocket callbacks. Those of Dash
4.4 give up for good about three minutes after the server went away, queue without a bound for a
page that reads slowly, and go on for a closed page while another one is open.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from dash import Dash
from fastapi import FastAPI, Request
from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse

from dashboards import installable, light, live, shell
from dashboards.compression import Compressed
from dashboards.deeplinks import DeepLinks
from dashboards.pages import PAGES
from dashboards.security import Headers, headers
from txhub.client import AsyncClient

INDEX = (Path(__file__).parent / "index.html").read_text(encoding="utf-8")
SIGN_IN = (Path(__file__).parent / "signin.html").read_text(encoding="utf-8")


def create_app(api_url: str, key: str | None = None) -> FastAPI:
    """The dashboard that reads the API at `api_url`, with `key` where that wants one.

    Its lifespan closes what it opened. The Dash object is `app.state.dash`; `app.state.hub` holds the open pages'
    streams, which whoever stops the server closes first.
    """
    client = AsyncClient(api_url, key)
    hub = live.Hub(client)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        await hub.close()
        await client.close()

    server = FastAPI(title="txhub dashboard", lifespan=lifespan, openapi_url=None, docs_url=None, redoc_url=None)

    @server.get("/live")
    async def news() -> StreamingResponse:
        """What changed, for an open page."""
        return StreamingResponse(
            live.events(hub), media_type="text/event-stream", headers={"cache-control": "no-store"}
        )

    @server.get("/signin")
    async def sign_in() -> HTMLResponse:
        """The page that asks for a key, where the API wants one."""
        return HTMLResponse(SIGN_IN, headers={"cache-control": "no-store"})

    @server.get("/light")
    async def light_overview(request: Request) -> HTMLResponse:
        """The overview for thin lines."""
        return HTMLResponse(await light.page(client, hub, request.url.query), headers={"cache-control": "no-store"})

    @server.get("/light/content")
    async def light_content(request: Request) -> HTMLResponse:
        """What of it changes."""
        return HTMLResponse(await light.content(client, hub, request.url.query), headers={"cache-control": "no-store"})

    @server.get("/manifest.webmanifest")
    async def manifest() -> JSONResponse:
        """What a phone that installs the dashboard has to know."""
        return JSONResponse(installable.MANIFEST, media_type="application/manifest+json")

    @server.get("/sw.js")
    async def service_worker() -> Response:
        """The service worker, from where it may see every page."""
        return Response(installable.SERVICE_WORKER, media_type="text/javascript", headers={"cache-control": "no-cache"})

    @server.get("/offline")
    async def offline() -> HTMLResponse:
        """What the service worker shows where this server cannot be reached."""
        return HTMLResponse(installable.OFFLINE)

    dash = Dash(
        "dashboards",
        server=server,  # type: ignore[arg-type]  # an instance is what it takes here
        backend="fastapi",
        title="txhub",
        update_title="",
        index_string=INDEX,
        serve_locally=True,
        enable_mcp=False,
        suppress_callback_exceptions=True,  # a page's parts exist only while it is open
        assets_folder=str(Path(__file__).parent / "assets"),
    )
    # Else every page would open a websocket that nothing uses.
    dash.backend.websocket_capability = False
    dash.layout = shell.layout(PAGES)

    shell.register(dash, client, PAGES)
    for page in PAGES:
        page.register(dash, client, hub)
    server.add_middleware(DeepLinks, pages=PAGES)
    server.add_middleware(Compressed)
    server.add_middleware(Headers, headers=headers([dash.renderer]))
    server.state.dash = dash
    server.state.hub = hub
    return server
