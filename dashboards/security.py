"""What browsers are told to refuse on the dashboard's pages: everything that does not come from this server."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send


def policy(inline_scripts: Iterable[str] = ()) -> str:
    """The Content-Security-Policy of a page with these inline scripts, and no others.

    Scripts run from this server only, and none are made of text (no `unsafe-eval`): what Dash, Plotly and ag-grid do
    here needs neither. Styles may stand in the page: all three of them, and Mantine, write such as they draw.
    """
    hashes = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in inline_scripts]
    directives = {
        "default-src": "'none'",
        "script-src": " ".join(["'self'", *(f"'sha256-{each}'" for each in hashes)]),
        "style-src": "'self' 'unsafe-inline'",
        "img-src": "'self' data: blob:",
        "font-src": "'self' data:",
        "connect-src": "'self'",
        "manifest-src": "'self'",
        "worker-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in directives.items())


class Headers:
    """ASGI middleware that adds headers to every answer."""

    def __init__(self, app: ASGIApp, headers: dict[str, str]) -> None:
        self._app = app
        self._headers = [(name.encode(), value.encode()) for name, value in headers.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and its answer back with the headers."""

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], *self._headers]}
            await send(message)

        await self._app(scope, receive, answer if scope["type"] == "http" else send)


def headers(inline_scripts: Iterable[str] = ()) -> dict[str, Any]:
    """The headers of every answer of the dashboard."""
    return {
        "content-security-policy": policy(inline_scripts),
        "x-content-type-options": "nosniff",
        "referrer-policy": "same-origin",
        "cross-origin-opener-policy": "same-origin",
    }
