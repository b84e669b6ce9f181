"""Addresses that name a page beyond `/`: each gets the dashboard, which lays out what its address names."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dashboards.page import Page, find

_OTHERS = ("/assets/", "/_dash", "/_favicon", "/live", "/light", "/offline", "/signin")


class DeepLinks:
    """ASGI middleware that answers a browser's request for any page as that for `/`; where there is none, with 404.

    Dash has a way of its own, which runs past what it does at the first request: a deep link that is opened first
    would have no style and no scripts.
    """

    def __init__(self, app: ASGIApp, pages: Sequence[Page]) -> None:
        self._app = app
        self._pages = pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, as one for `/` if it is for a page."""
        if scope["type"] != "http" or not self._is_page(scope):
            await self._app(scope, receive, send)
            return
        known = find(self._pages, scope["path"]) is not None

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start" and not known:
                message = {**message, "status": HTTPStatus.NOT_FOUND}
            await send(message)

        await self._app({**scope, "path": "/", "raw_path": b"/"}, receive, answer)

    def _is_page(self, scope: Scope) -> bool:
        wanted = scope["method"] == "GET" and "text/html" in Headers(scope=scope).get("accept", "")
        return wanted and scope["path"] != "/" and not scope["path"].startswith(_OTHERS)
