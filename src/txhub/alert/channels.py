"""Channels: where alerts are told, which of them, and how a message gets there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time
from typing import Literal, NamedTuple, Protocol

from txhub.alert.grouping import matters
from txhub.config import ChannelSettings
from txhub.contract import Alert, AlertMessage
from txhub.errors import NotFound


class Outcome(NamedTuple):
    """What became of an attempt to deliver a message.

    `failed` may succeed later, `refused` would be refused again. `status` is that of an HTTP answer. `reason` has no
    secrets. `after_s`: after how many seconds the receiver wants to be asked again, where it says so.
    """

    kind: Literal["delivered", "failed", "refused"]
    status: int | None = None
    reason: str | None = None
    after_s: float | None = None


class Sender(Protocol):
    """Sends messages to one place."""

    async def send(self, message: AlertMessage, html: str) -> Outcome:
        """Try once; never raises for what the other side does."""

    async def close(self) -> None:
        """Let go of what is open."""


@dataclass(frozen=True)
class Channel:
    """A channel of the settings."""

    name: str
    settings: ChannelSettings

    @property
    def digest(self) -> list[time]:
        """The times of day at which it is told everything at once; empty: it is told as things happen."""
        return self.settings.digest or []

    def takes(self, alert: Alert) -> bool:
        """Whether an alert is to be told here."""
        asked = self.settings
        return (
            matters(alert.severity, asked.least_severity)
            and (asked.rules is None or alert.rule in asked.rules)
            and (asked.patterns is None or alert.pattern in asked.patterns)
            and (asked.chains is None or alert.chain is None or alert.chain in asked.chains)
        )

    def sender(self) -> Sender:
        """What sends messages there.

        Raises:
            SettingError: there is no such service.
        """
        # Imported here: apprise takes half a second, and httpx a quarter.
        asked = self.settings
        if asked.webhook is not None and asked.secret is not None:
            from txhub.alert.webhook import Webhook

            return Webhook(
                asked.webhook.get_secret_value(), asked.secret.get_secret_value(), allow_private=asked.allow_private
            )
        from txhub.alert.services import Service

        url = asked.url.get_secret_value() if asked.url else ""
        return Service(self.name, url, allow_private=asked.allow_private)


def channels_of(settings: Mapping[str, ChannelSettings]) -> list[Channel]:
    """The channels of the settings, by name."""
    return [Channel(name, settings[name]) for name in sorted(settings)]


def channel_of(settings: Mapping[str, ChannelSettings], name: str) -> Channel:
    """The channel of a name.

    Raises:
        NotFound: there is none.
    """
    if name not in settings:
        known = f"there are {', '.join(sorted(settings))}" if settings else "docs/alerts.md shows how one is set up"
        raise NotFound(f"there is no channel {name!r}", hint=known)
    return Channel(name, settings[name])
