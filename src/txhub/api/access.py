"""Who may ask, what, and how often.

A key comes as `X-API-Key` or as a bearer token; browsers show a session's cookie, which they got for a key. On a
loopback address nobody is asked for one: whoever reaches it uses this machine.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import secrets
import time
from collections import OrderedDict
from contextlib import suppress
from enum import Enum
from http import HTTPStatus
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import msgspec
from litestar.connection import ASGIConnection
from litestar.datastructures import Headers
from litestar.handlers import BaseRouteHandler
from litestar.response.base import ASGIResponse
from litestar.types import Guard, Receive, Scope, Send

from txhub.config import Settings
from txhub.errors import TxhubError
from txhub.store.keys import PREFIX, Grant, Role, digest_of, read_grants
from txhub.store.read import Reader

COOKIE = "txhub_session"
SESSION_S = 12 * 3600
"""How long a browser stays signed in."""
KNOWN_FOR_S = 5.0
"""How long keys are remembered before they are read again: how long a revoked one may still be let in."""
_FAILURES_PER_MINUTE = 20
"""Wrong keys from one address that are answered as such; more of them are told to wait."""
_MOST_BUCKETS = 10_000
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_OPEN_PATHS = ("/health/live", "/health/ready", "/schema", "/v1/session")
"""What anybody may ask: whether this runs, how it is to be used, and to be let in."""
_SIGN_IN = ("/signin", "/assets/")
"""What a browser gets without a session: the page that asks for a key, and how it looks."""
_LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
_Connection = ASGIConnection[Any, Any, Any, Any]


class Unauthorized(TxhubError):
    """There is no key in the request, or one that is not in force."""

    code = "unauthorized"
    status = HTTPStatus.UNAUTHORIZED

    def __init__(self, message: str | None = None) -> None:
        super().__init__(
            message, hint="send a key as X-API-Key or Authorization: Bearer; `txhub keys create NAME` makes one"
        )


class Forbidden(TxhubError):
    """This key does not allow that, or the request comes from another site."""

    code = "forbidden"
    status = HTTPStatus.FORBIDDEN


class Misdirected(TxhubError):
    """The request was sent to a name that this server does not go by."""

    code = "misdirected"
    status = HTTPStatus.MISDIRECTED_REQUEST


class TooManyRequests(TxhubError):
    """There were more requests than are allowed; `after_s` is after how many seconds the next one is."""

    code = "too-many-requests"
    retry = True
    status = HTTPStatus.TOO_MANY_REQUESTS

    def __init__(self, message: str, after_s: float) -> None:
        super().__init__(message, hint=f"wait {after_s:.0f} s, or ask for more at once: ranges, splits and pages")
        self.after_s = after_s


class Admission(Enum):
    """Who is let in."""

    LOCAL = "local"
    """Anybody on this machine, as the names of a loopback address."""
    KEYS = "keys"
    """Whoever has a key."""
    ANYONE = "anyone"
    """Anybody at all: the operator insisted."""


class Caller(NamedTuple):
    """Who asks: as the log names them, what they may do, and how often (None: as often as they like).

    `person` is the name of the key, for histories of who did what.
    """

    name: str
    role: Role
    requests_per_minute: int | None = None
    person: str = "local"


class _Session(NamedTuple):
    key_id: int
    ends: int
    """Unix seconds."""


class Buckets:
    """Token buckets by name: a sixth of a minute's requests at once, and then as they come back."""

    def __init__(self) -> None:
        self._held: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, name: str, per_minute: int) -> float:
        """Take one token; 0, or the seconds until there is one."""
        most, now = max(per_minute / 6, 1.0), time.monotonic()
        tokens, since = self._held.get(name, (most, now))
        tokens = min(most, tokens + (now - since) * per_minute / 60)
        wait = 0.0 if tokens >= 1 else (1 - tokens) * 60 / per_minute
        self._held[name] = (tokens - 1 if not wait else tokens, now)
        self._held.move_to_end(name)
        if len(self._held) > _MOST_BUCKETS:
            self._held.popitem(last=False)
        return wait


class Access:
    """Decides on every request. `own_key` is what this process's own dashboard asks with."""

    def __init__(self, reader: Reader, settings: Settings, admission: Admission) -> None:
        self._reader = reader
        self._admission = admission
        self._names = _LOCAL_NAMES | {settings.host, *(settings.hosts or ())}
        self._secret = secrets.token_bytes(32)
        self._requests, self._failures = Buckets(), Buckets()
        self._grants: list[Grant] = []
        self._read_at: float | None = None
        self._reading = asyncio.Lock()
        self.own_key = PREFIX + secrets.token_urlsafe(32)
        self._own_digest = digest_of(self.own_key)

    async def guard(self, connection: _Connection, _: BaseRouteHandler) -> None:
        """Litestar's guard of every route.

        Raises:
            Unauthorized, Forbidden, Misdirected, TooManyRequests: the request is not answered.
        """
        self._require_own_name(connection.headers)
        if connection.scope.get("method") not in _SAFE_METHODS:
            require_same_origin(connection.headers)
        if any(connection.url.path == path or connection.url.path.startswith(f"{path}/") for path in _OPEN_PATHS):
            return
        caller = await self.caller(connection)
        connection.scope["state"]["caller"] = caller
        if caller.requests_per_minute is not None and (
            wait := self._requests.take(caller.name, caller.requests_per_minute)
        ):
            raise TooManyRequests(f"more than {caller.requests_per_minute} requests a minute", wait)

    async def caller(self, connection: _Connection) -> Caller:
        """Who asks.

        Raises:
            Unauthorized: nobody who may.
            TooManyRequests: too many wrong keys came from there.
        """
        if self._admission is not Admission.KEYS:
            return Caller("local", Role.ADMIN)
        key = _key_of(connection.headers)
        if key is not None:
            return await self._of_key(key, connection)
        session = connection.cookies.get(COOKIE)
        found = None if session is None else await self.of_session(session)
        if found is None:
            raise Unauthorized
        return found

    async def sign_in(self, key: str, connection: _Connection) -> str:
        """The cookie of a session for a key.

        Raises:
            Unauthorized, TooManyRequests: as `caller`.
        """
        if self._admission is not Admission.KEYS:
            raise Forbidden("nobody has to sign in here")
        await self._of_key(key, connection)
        grant = await self._granted(digest_of(key))
        return self._sealed(_Session(grant.id if grant else 0, int(time.time()) + SESSION_S))

    async def of_session(self, cookie: str) -> Caller | None:
        """Who a session's cookie belongs to, as long as it and its key are in force."""
        session = self._unsealed(cookie)
        if session is None or session.ends < time.time():
            return None
        return next((_caller(each) for each in await self._in_force() if each.id == session.key_id), None)

    async def admits(self, scope: Scope) -> bool:
        """Whether a browser may see a path of the dashboard: signed in, or on the way to it."""
        browser: _Connection = ASGIConnection(scope)
        if self._admission is Admission.LOCAL:
            return self._is_own_name(browser.headers)
        if self._admission is Admission.ANYONE or scope["path"].startswith(_SIGN_IN):
            return True
        cookie = browser.cookies.get(COOKIE)
        return cookie is not None and await self.of_session(cookie) is not None

    async def turn_away(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a browser that is not admitted: to the page where one signs in, if it asks for a page."""
        browser: _Connection = ASGIConnection(scope)
        if self._admission is Admission.KEYS and "text/html" in browser.headers.get("accept", ""):
            answer = ASGIResponse(status_code=HTTPStatus.SEE_OTHER, headers={"Location": "/signin"})
        else:
            refusal = Misdirected() if self._admission is Admission.LOCAL else Unauthorized()
            answer = ASGIResponse(body=str(refusal).encode(), status_code=refusal.status, media_type="text/plain")
        await answer(scope, receive, send)

    @property
    def asks_for_keys(self) -> bool:
        """Whether one needs a key here."""
        return self._admission is Admission.KEYS

    async def _of_key(self, key: str, connection: _Connection) -> Caller:
        digest = digest_of(key)
        if hmac.compare_digest(digest, self._own_digest):
            return Caller("dashboard", Role.VIEWER, person="dashboard")
        grant = await self._granted(digest)
        if grant is None:
            client = connection.client.host if connection.client else "unknown"
            if wait := self._failures.take(client, _FAILURES_PER_MINUTE):
                raise TooManyRequests("too many wrong keys from this address", wait)
            raise Unauthorized("this key is not in force")
        return _caller(grant)

    async def _granted(self, digest: bytes) -> Grant | None:
        """Each digest is compared in full, so that the time it takes tells nothing of them."""
        return next(iter([each for each in await self._in_force() if hmac.compare_digest(each.digest, digest)]), None)

    async def _in_force(self) -> list[Grant]:
        async with self._reading:
            if self._read_at is None or time.monotonic() - self._read_at > KNOWN_FOR_S:
                self._grants = await read_grants(self._reader)
                self._read_at = time.monotonic()
        return self._grants

    def _require_own_name(self, headers: Headers) -> None:
        """A page of another site could have its name point here and then read as its own what it gets."""
        if self._admission is Admission.LOCAL and not self._is_own_name(headers):
            raise Misdirected(
                f"Host is {headers.get('host', '')[:100]!r}, which is not this server",
                hint="ask 127.0.0.1 or localhost; a name that a proxy passes on is set as TXHUB_HOSTS",
            )

    def _is_own_name(self, headers: Headers) -> bool:
        with suppress(ValueError):  # brackets that do not pair
            return urlsplit(f"//{headers.get('host', '')}").hostname in self._names
        return False

    def _sealed(self, session: _Session) -> str:
        body = msgspec.msgpack.encode(session)
        return base64.urlsafe_b64encode(self._seal(body) + body).decode().rstrip("=")

    def _unsealed(self, cookie: str) -> _Session | None:
        with suppress(ValueError, binascii.Error, msgspec.DecodeError):
            raw = base64.b64decode(cookie + "=" * (-len(cookie) % 4), altchars=b"-_", validate=True)
            if hmac.compare_digest(raw[:32], self._seal(raw[32:])):
                return msgspec.msgpack.decode(raw[32:], type=_Session)
        return None

    def _seal(self, body: bytes) -> bytes:
        return hmac.digest(self._secret, body, hashlib.sha256)


def requires(role: Role) -> Guard:
    """The guard of a route that not every caller may use."""

    def guard(connection: _Connection, _: BaseRouteHandler) -> None:
        caller: Caller = connection.scope["state"]["caller"]
        if not caller.role.covers(role):
            raise Forbidden(f"this needs a key of the role {role.value}, and yours is {caller.role.value}")

    return guard


def require_same_origin(headers: Headers) -> None:
    """Refuse what another site's page makes a browser send.

    Raises:
        Forbidden: it comes from there.
    """
    origin, site = headers.get("origin"), headers.get("sec-fetch-site", "same-origin")
    foreign = origin is not None and urlsplit(origin).netloc != headers.get("host")
    if foreign or site not in ("same-origin", "none"):
        raise Forbidden("the request comes from a page of another site")


def _key_of(headers: Headers) -> str | None:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return headers.get("x-api-key") or (token.strip() if scheme.lower() == "bearer" and token else None)


def _caller(grant: Grant) -> Caller:
    return Caller(f"key {grant.id}", grant.role, grant.requests_per_minute, grant.name)
