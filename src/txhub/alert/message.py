"""Messages for people: what was found, how much was moved, who took part, and where to look."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from txhub.alert.grouping import greatest
from txhub.contract import Alert, AlertMessage, Change, MessageItem, Severity
from txhub.query.explorer import transaction_at

MOST_SHOWN = 20
"""Alerts that one message tells of in full; of more, it says how many."""
_HEADLINES = {
    Change.RAISED: "",
    Change.RETRACTED: "Retracted: ",
    Change.REVIVED: "Found again: ",
    Change.SEVERITY: "Matters otherwise now: ",
    Change.ENDED: "Over: ",
}
_ROLES = {
    "subject": "About",
    "sender": "Sender",
    "receiver": "Receiver",
    "listed": "Listed",
    "intermediate": "By way of",
}


@dataclass(frozen=True, slots=True)
class Links:
    """Where links lead: the dashboard's address, and each chain's block explorer; None: there is none."""

    dashboard: str | None
    explorers: Mapping[str, str | None]

    def item(self, change: Change, alert: Alert) -> MessageItem:
        """An alert with its links."""
        explorer = self.explorers.get(alert.chain) if alert.chain else None
        return MessageItem(
            change,
            self.dashboard and f"{self.dashboard.rstrip('/')}/alerts/{alert.id}",
            explorer and alert.hash and transaction_at(explorer, alert.hash),
            alert,
        )


def compose(
    key: str, channel: str, kind: str, items: Sequence[MessageItem], entity: str | None = None
) -> tuple[AlertMessage, str]:
    """The message about some alerts, those that matter most first, and the same as HTML.

    Args:
        key: the message's id.
        channel: the channel's name.
        kind: see `AlertMessage`.
        items: one or more.
        entity: who they are all about, where a message collects them.
    """
    severities = list(Severity)
    ordered = sorted(items, key=lambda item: severities.index(item.alert.severity), reverse=True)
    shown, more = ordered[:MOST_SHOWN], max(len(ordered) - MOST_SHOWN, 0)
    severity = greatest(item.alert.severity for item in items)
    title = _clean(_title(kind, ordered, severity, entity))
    rest = f"and {more} more" if more else ""
    text = "\n\n".join([*map(_text, shown), *([rest] if rest else [])])
    body = "".join([*map(_html, shown), f"<p>{rest}</p>" if rest else ""])
    return AlertMessage(key, channel, kind, severity, title, text, shown, more), body


def say(key: str, channel: str, kind: str, title: str, text: str, severity: Severity) -> tuple[AlertMessage, str]:
    """A message that is about no alert."""
    return AlertMessage(key, channel, kind, severity, _clean(title), text, [], 0), f"<p>{html.escape(text)}</p>"


def _title(kind: str, items: Sequence[MessageItem], severity: Severity, entity: str | None) -> str:
    if len(items) == 1:
        return f"[{severity.upper()}] {_headline(items[0])}"
    if kind == "digest":
        counts = {each: sum(item.alert.severity is each for item in items) for each in reversed(Severity)}
        parts = ", ".join(f"{count} {each}" for each, count in counts.items() if count)
        return f"[{severity.upper()}] {len(items)} alerts: {parts}"
    about = f" about {entity}" if entity else ""
    return f"[{severity.upper()}] {items[0].alert.rule}: {len(items)} alerts{about}"


def _headline(item: MessageItem) -> str:
    return f"{_HEADLINES[item.change]}{item.alert.title}"


def _lines(item: MessageItem) -> list[tuple[str, str]]:
    """What is known of an alert: names and values."""
    alert = item.alert
    where = [alert.chain or "", f"block {alert.block_number:,}" if alert.block_number is not None else ""]
    lines = [
        ("Severity", alert.severity.value),
        ("Rule", f"{alert.rule} ({alert.pattern.replace('_', ' ')})"),
        ("Where", ", ".join(filter(None, where))),
        ("When", f"{alert.started_at:%Y-%m-%d %H:%M:%S} UTC"),
        ("Moved", _amount(alert)),
    ]
    for party in alert.parties[:MOST_SHOWN]:
        names = f" ({', '.join(party.labels)})" if party.labels else ""
        lines.append((_ROLES.get(party.role, party.role), f"{party.address}{names}"))
    lines.append(("Transaction", alert.hash or ""))
    return [(name, _clean(value)) for name, value in lines if value]


def _amount(alert: Alert) -> str:
    coins = f"{Decimal(alert.value):,f} {alert.symbol or ''}".strip() if alert.value is not None else ""
    dollars = f"{Decimal(alert.value_usd):,.2f} USD" if alert.value_usd is not None else ""
    return f"{coins} ({dollars})" if coins and dollars else coins or dollars


def _text(item: MessageItem) -> str:
    links = [("Alert", item.link), ("Explorer", item.explorer)]
    lines = [f"{name}: {value}" for name, value in [*_lines(item), *links] if value]
    return "\n".join([_clean(_headline(item)), *lines])


def _html(item: MessageItem) -> str:
    """Whatever was found on a chain is escaped: a token may call itself anything."""
    lines = "<br>".join(f"<b>{html.escape(name)}:</b> {html.escape(value)}" for name, value in _lines(item))
    links = " · ".join(
        f"<a href='{html.escape(address)}'>{name}</a>"
        for name, address in (("Show the alert", item.link), ("Show the transaction", item.explorer))
        if address
    )
    title = html.escape(_clean(_headline(item)))
    return f"<h3>{title}</h3><p>{lines}</p>" + (f"<p>{links}</p>" if links else "")


def _clean(text: str) -> str:
    """One line of printable characters."""
    return "".join(character for character in " ".join(text.split()) if character.isprintable())
