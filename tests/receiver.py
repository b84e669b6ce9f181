"""A real HTTP server that gets webhooks, and answers as a test tells it to."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec
from aiohttp import web

from txhub.alert.webhook import signature_of

SECRET = "a secret of the test"


class Got(NamedTuple):
    """A request: its headers, its body and what that says."""

    headers: dict[str, str]
    body: bytes
    message: dict[str, Any]

    @property
    def key(self) -> str:
        return self.headers["idempotency-key"]

    @property
    def changes(self) -> list[tuple[str, str]]:
        """What is said of which alert."""
        return [(item["change"], item["alert"]["title"]) for item in self.message["items"]]


@dataclass
class Receiver:
    """What came, and how it is answered: `answers` are used up one by one, then all is well."""

    port: int = 0
    scheme: str = "http"
    answers: list[int | web.Response] = field(default_factory=list)
    got: list[Got] = field(default_factory=list)
    arrived: asyncio.Condition = field(default_factory=asyncio.Condition)
    silent: asyncio.Event = field(default_factory=asyncio.Event)
    """Unset: nobody is answered until it is set."""

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}/hook"

    async def wait(self, count: int) -> list[Got]:
        """The requests, once there are so many."""
        async with asyncio.timeout(20), self.arrived:
            await self.arrived.wait_for(lambda: len(self.got) >= count)
        return self.got

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        signed = signature_of(SECRET, headers["webhook-id"], int(headers["webhook-timestamp"]), body)
        assert headers["webhook-signature"] == signed
        self.got.append(Got(headers, body, msgspec.json.decode(body)))
        async with self.arrived:
            self.arrived.notify_all()
        await self.silent.wait()
        answer = self.answers.pop(0) if self.answers else 200
        return web.Response(status=answer) if isinstance(answer, int) else answer


@asynccontextmanager
async def receiving(
    port: int = 0, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1"
) -> AsyncIterator[Receiver]:
    """A receiver on a port of this machine."""
    receiver = Receiver(scheme="https" if tls else "http")
    receiver.silent.set()
    app = web.Application()
    app.router.add_post("/hook", receiver.take)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port, ssl_context=tls)
        await site.start()
        receiver.port = runner.addresses[0][1]
        yield receiver
    finally:
        receiver.silent.set()
        await runner.cleanup()
