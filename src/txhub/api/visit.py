"""What every request and every answer have: an id, a place in the metrics, and headers that keep browsers safe."""

from __future__ import annotations

import re
import time
import uuid
from typing import Any

import structlog
from litestar.datastructures import MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from txhub.ops.metrics import Metrics

_log = structlog.get_logger("access")
_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})
"""Those that are counted by name: a client may send any word."""
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


def request_id(scope: Scope) -> str:
    """The request's id: the one in its `X-Request-ID`, where that is harmless, or a new one."""
    state: dict[str, Any] = scope.setdefault("state", {})
    if "request_id" not in state:
        sent = dict(scope["headers"]).get(b"x-request-id", b"").decode("latin-1")
        state["request_id"] = sent if _ID.fullmatch(sent) else uuid.uuid4().hex
    return str(state["request_id"])


class Clock(ASGIMiddleware):
    """Notes when a request came in."""

    scopes = (ScopeType.HTTP,)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Note it, and go on."""
        scope["state"]["started"] = time.perf_counter()
        await next_app(scope, receive, send)


class Farewell:
    """Completes, counts and logs each answer as it starts to be sent, those of unknown paths too.

    The log names the route, not what was asked of it: parameters say whom somebody is interested in.
    """

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    async def __call__(self, message: Message, scope: Scope) -> None:
        """Litestar's `before_send`."""
        if message["type"] != "http.response.start":
            return
        headers = MutableScopeHeaders.from_message(message)
        for name, value in _HEADERS.items():
            headers.setdefault(name, value)
        headers["X-Request-ID"] = request_id(scope)
        if scope.get("method") == "OPTIONS" and "allow" in headers:
            headers["Allow"] = ", ".join(_methods(scope))
        started = scope["state"].get("started")
        seconds = None if started is None else time.perf_counter() - started
        route = str(scope.get("path_template") or "unknown")
        method = str(scope.get("method"))
        self._metrics.count(
            route=route,
            method=method if method in _METHODS else "other",
            status=message["status"],
            seconds=seconds,
        )
        caller = scope["state"].get("caller")
        _log.info(
            "request",
            method=method,
            route=route,
            status=int(message["status"]),
            ms=None if seconds is None else round(seconds * 1000, 1),
            caller=None if caller is None else caller.name,
            request=headers["X-Request-ID"],
        )


def _methods(scope: Scope) -> list[str]:
    """What may be asked of a path: where it has several handlers, Litestar tells of the first one only."""
    routes = scope["litestar_app"].routes
    return sorted({each for route in routes if route.path_format == scope["path_template"] for each in route.methods})
