"""Messages as signed JSON to a webhook, as the specification Standard Webhooks has it.

A receiver proves with the secret that a message is txhub's, is whole, and is new: the signature is over its id, the
time and the body. The id stays the same when a message is sent again.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import ssl
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

import httpx
import msgspec

from txhub import __version__
from txhub.alert.channels import Outcome
from txhub.alert.reach import NameUnknown, PrivateAddress, reachable_address
from txhub.contract import AlertMessage

TIMEOUT_S = 15.0
"""How long one attempt may take in all."""
SECRET_PREFIX = "whsec_"  # noqa: S105 (no password)
"""A secret that begins so is base64, as libraries of Standard Webhooks have it; any other is taken as it is."""
_REFUSED = frozenset(
    {
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.GONE,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        HTTPStatus.UNPROCESSABLE_ENTITY,
    }
)
"""What would be answered again. Everything else, such as 404 of a proxy whose service is restarted, may pass."""


def signature_of(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """What the header `webhook-signature` holds: HMAC-SHA256 over id, Unix seconds and body."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(_key(secret), signed, hashlib.sha256)).decode()


class Webhook:
    """Posts messages to a URL.

    Args:
        url: http or https.
        secret: what messages are signed with.
        allow_private: whether the URL may be of a private network or of this machine.
        clock: Unix seconds.
    """

    def __init__(
        self, url: str, secret: str, *, allow_private: bool = False, clock: Callable[[], float] = time.time
    ) -> None:
        self._url = httpx.URL(url)
        self._secret = secret
        self._allow_private = allow_private
        self._clock = clock
        self._http = httpx.AsyncClient(
            timeout=TIMEOUT_S, trust_env=False, verify=ssl.create_default_context(), follow_redirects=False
        )

    async def send(self, message: AlertMessage, html: str) -> Outcome:
        """Post a message once."""
        body = msgspec.json.encode(message)
        timestamp = int(self._clock())
        try:
            async with asyncio.timeout(TIMEOUT_S):
                address = await reachable_address(self._url.host, self._url.port, allow_private=self._allow_private)
                request = self._request(address, message.id, timestamp, body)
                response = await self._http.send(request, stream=True)
                await response.aclose()
        except PrivateAddress as error:
            return Outcome("refused", reason=str(error))
        except NameUnknown as error:
            return Outcome("failed", reason=str(error))
        except TimeoutError:
            return Outcome("failed", reason=f"no answer within {TIMEOUT_S:g} s")
        except httpx.HTTPError as error:
            return Outcome("failed", reason=f"{type(error).__name__}: {error}".rstrip(": "))
        return self._outcome(response)

    async def close(self) -> None:
        """Close what is open."""
        await self._http.aclose()

    def _request(self, address: str, message_id: str, timestamp: int, body: bytes) -> httpx.Request:
        """To the address that was checked, in the name of the host: its certificate has to be the host's."""
        headers = {
            "host": self._url.netloc.decode(),
            "user-agent": f"txhub/{__version__}",
            "content-type": "application/json",
            "idempotency-key": message_id,
            "webhook-id": message_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signature_of(self._secret, message_id, timestamp, body),
        }
        return self._http.build_request(
            "POST",
            self._url.copy_with(host=address),
            content=body,
            headers=headers,
            extensions={"sni_hostname": self._url.host},
        )

    def _outcome(self, response: httpx.Response) -> Outcome:
        status = response.status_code
        if response.is_success:
            return Outcome("delivered", status)
        if response.is_redirect:
            return Outcome("refused", status, "a redirect, which is not followed")
        if status in _REFUSED:
            return Outcome("refused", status, response.reason_phrase)
        return Outcome("failed", status, response.reason_phrase, self._wait(response.headers.get("retry-after", "")))

    def _wait(self, text: str) -> float | None:
        """Seconds of a Retry-After header: a number, or a moment (RFC 9110, 10.2.3)."""
        try:
            if text.isdigit():
                return float(text)
            moment = parsedate_to_datetime(text)
        except ValueError:
            return None
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return max((moment - datetime.fromtimestamp(self._clock(), UTC)).total_seconds(), 0.0)


def _key(secret: str) -> bytes:
    if secret.startswith(SECRET_PREFIX):
        try:
            return base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
        except binascii.Error:
            return secret.encode()
    return secret.encode()
