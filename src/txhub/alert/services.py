"""Messages by one of apprise's services: mail, Slack, Discord, Telegram, Teams, PagerDuty and a hundred others."""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import unquote, urlsplit

from apprise import Apprise, AppriseAsset, NotifyFormat, NotifyType

from txhub.alert.channels import Outcome
from txhub.alert.reach import NameUnknown, PrivateAddress, reachable_address
from txhub.contract import AlertMessage, Change, Severity
from txhub.errors import SettingError

TIMEOUT_S = 30.0
"""How long one attempt may take in all."""
_LEAST_SECRET = 6
_LOG = logging.getLogger("apprise")
_TYPES = {
    Severity.LOW: NotifyType.INFO,
    Severity.MEDIUM: NotifyType.WARNING,
    Severity.HIGH: NotifyType.FAILURE,
    Severity.CRITICAL: NotifyType.FAILURE,
}


class Service:
    """Sends messages by an apprise URL, in a thread of its own: one that hangs holds up nobody else.

    Args:
        channel: the channel's name, for errors.
        url: an apprise URL.
        allow_private: whether its host may be of a private network or this machine.

    Raises:
        SettingError: apprise knows no such service.
    """

    def __init__(self, channel: str, url: str, *, allow_private: bool = False) -> None:
        asset = AppriseAsset(app_id="txhub", app_desc="txhub", http_redirects=False, secure_logging=True)
        plugin = Apprise.instantiate(url, asset=asset)
        if plugin is None:
            raise SettingError(
                f"setting 'channels.{channel}.url' is a secret: it is none of apprise's services, or incomplete",
                hint="docs/alerts.md has examples",
            )
        _LOG.propagate = False  # what it says of an attempt is kept with that; elsewhere nobody has looked for secrets
        self._hosts = _hosts_of(plugin)
        self._wants_html = _takes_pages(plugin)
        self._apprise = Apprise(asset=asset)
        self._apprise.add(plugin)
        self._allow_private = allow_private
        self._secrets = _secrets_of(url)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"txhub-channel-{channel}")

    async def send(self, message: AlertMessage, html: str) -> Outcome:
        """Send a message once."""
        try:
            async with asyncio.timeout(TIMEOUT_S):
                for host in self._hosts:
                    await reachable_address(host, None, allow_private=self._allow_private)
                return await asyncio.get_running_loop().run_in_executor(self._thread, self._send, message, html)
        except PrivateAddress as error:
            return Outcome("refused", reason=str(error))
        except NameUnknown as error:
            return Outcome("failed", reason=str(error))
        except TimeoutError:
            return Outcome("failed", reason=f"no answer within {TIMEOUT_S:g} s")

    async def close(self) -> None:
        """Let the thread end once it is done."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _send(self, message: AlertMessage, html: str) -> Outcome:
        """In the thread."""
        over = message.items and all(item.change in (Change.RETRACTED, Change.ENDED) for item in message.items)
        result = self._apprise.notify(
            title=message.title,
            body=html if self._wants_html else message.text,
            body_format=NotifyFormat.HTML if self._wants_html else NotifyFormat.TEXT,
            notify_type=NotifyType.SUCCESS if over else _TYPES[message.severity],
            interpret_escapes=False,
            timeout=TIMEOUT_S,
            log_level=logging.WARNING,
        )
        if result:
            return Outcome("delivered")
        said = "; ".join(dict.fromkeys(str(entry.message) for entry in result.logs())) or "the service refused it"
        return Outcome("failed", reason=self._redacted(said))

    def _redacted(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text[:500]


def _takes_pages(plugin: Any) -> bool:
    """Whether a service shows whole HTML pages, as mail does; what chats call HTML is a few of its tags."""
    formats = plugin.notify_format if isinstance(plugin.notify_format, tuple) else (plugin.notify_format,)
    return bool(formats[0] == NotifyFormat.HTML and NotifyFormat.TEXT in formats)


def _hosts_of(plugin: Any) -> list[str]:
    """The hosts that the operator chose; others are those of the service itself."""
    hosts = [plugin.host] if any("{host}" in template for template in plugin.templates) else []
    hosts.append(getattr(plugin, "smtp_host", None))
    return list(dict.fromkeys(host for host in hosts if host))


def _secrets_of(url: str) -> list[str]:
    """What of a URL may be a token or a password: all of its pieces but its host, the longest first."""
    parts = urlsplit(url)
    pieces = [parts.username, parts.password, *parts.path.split("/"), *parts.query.replace("=", "&").split("&")]
    words = {word for piece in pieces if piece for word in (piece, unquote(piece)) if len(word) >= _LEAST_SECRET}
    return sorted({url, *words}, key=len, reverse=True)
