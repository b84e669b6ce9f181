"""Answers that are compressed on their way to a browser; scripts and styles once for all of them."""

from __future__ import annotations

import asyncio
import gzip
from collections import OrderedDict

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_LEVEL, _FOREVER_LEVEL = 4, 6
_WORTH_BYTES = 1000
_TEXTS = ("text/", "application/json", "application/javascript", "application/manifest+json", "image/svg+xml")
_FINGERPRINTED = ("/_dash-component-suites/", "/assets/")
"""Paths whose query or name changes with what is there."""
_KEPT = 96
"""So many compressed files are kept; there are about forty."""


class Compressed:
    """ASGI middleware that compresses answers by gzip, where the browser takes it; never a stream of events."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._files: OrderedDict[tuple[str, str], bytes] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and its answer back compressed."""
        if (
            scope["type"] != "http"
            or scope["method"] != "GET"
            or "gzip" not in Headers(scope=scope).get("accept-encoding", "")
        ):
            await self._app(scope, receive, send)
            return
        # A server that sends a file by its path would pass its text by here.
        extensions = {name: of for name, of in scope.get("extensions", {}).items() if name != "http.response.pathsend"}
        scope = {**scope, "extensions": extensions}
        start: Message | None = None
        body = bytearray()

        async def answer(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                if not _worth(Headers(raw=message["headers"])):
                    await send(message)
                else:
                    start = message
            elif start is None:
                await send(message)
            else:
                body.extend(message.get("body", b""))
                if not message.get("more_body", False):
                    small = await self._compress(scope, Headers(raw=start["headers"]).get("etag", ""), bytes(body))
                    headers = MutableHeaders(raw=start["headers"])
                    headers["content-encoding"], headers["content-length"] = "gzip", str(len(small))
                    headers.add_vary_header("accept-encoding")
                    await send(start)
                    await send({"type": "http.response.body", "body": small})

        await self._app(scope, receive, answer)

    async def _compress(self, scope: Scope, tag: str, body: bytes) -> bytes:
        if not scope["path"].startswith(_FINGERPRINTED):
            return await asyncio.to_thread(gzip.compress, body, _LEVEL)
        key = (scope["path"], tag)
        if key not in self._files:
            self._files[key] = await asyncio.to_thread(gzip.compress, body, _FOREVER_LEVEL)
            if len(self._files) > _KEPT:
                self._files.popitem(last=False)
        return self._files[key]


def _worth(headers: Headers) -> bool:
    kind = headers.get("content-type", "")
    return (
        "content-encoding" not in headers
        and kind.startswith(_TEXTS)
        and not kind.startswith("text/event-stream")
        and int(headers.get("content-length", 0)) >= _WORTH_BYTES
    )
