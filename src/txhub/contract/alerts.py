"""The words and shapes of alerts: what was found, what the chain and people make of it, and by which rule."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from txhub.contract.transactions import Transaction


class Severity(StrEnum):
    """How much an alert matters, the least first."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class ChainState(StrEnum):
    """What the chain makes of an alert."""

    PENDING = "pending"
    """Its block is new."""
    CONFIRMED = "confirmed"
    FINALISED = "finalised"
    """No reorg can replace its block."""
    RETRACTED = "retracted"
    """Its blocks were replaced, or corrected data no longer meet the rule."""


class CaseState(StrEnum):
    """What people do about an alert."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    INVESTIGATING = "investigating"
    RESOLVED = "resolved"
    FALSE_ALARM = "false_alarm"


class RuleState(StrEnum):
    """Whether a rule is looked for."""

    OFF = "off"
    TEST = "test"
    """Its alerts are kept, and nobody is told."""
    ON = "on"


class Pattern(StrEnum):
    """What kinds of things rules look for."""

    AMOUNT = "amount"
    """One transfer of so much or more."""
    WATCHLIST = "watchlist"
    """A watched address moved value."""
    FIRST_CONTACT = "first_contact"
    """An address that never had to do with a watched one does now."""
    VELOCITY = "velocity"
    """An address moves more, or more often, than so much within a window."""
    FAN_IN = "fan_in"
    FAN_OUT = "fan_out"
    STRUCTURING = "structuring"
    """Many amounts just under a threshold."""
    RAPID_IN_OUT = "rapid_in_out"
    """Most of what an address got leaves it again within a window."""
    PEEL_CHAIN = "peel_chain"
    ROUND_TRIP = "round_trip"
    DORMANT = "dormant"
    """An address wakes after a long silence."""
    DUSTING = "dusting"
    NEW_CONTRACT = "new_contract"
    """A contract that was just made is called very often."""
    FAILED_BURST = "failed_burst"
    SPIKE = "spike"
    """The chain has more traffic than is usual at this hour of the week."""
    DROP = "drop"
    ANOMALY = "anomaly"
    """A model finds it unlike the rest."""
    COMBINED = "combined"
    """Several of these at once."""
    OPERATIONS = "operations"
    """What txhub says of itself."""


@dataclass(slots=True)
class AlertParty:
    """An address that an alert is about, and what it has to do with it."""

    address: str
    role: str
    """`subject`, `sender`, `receiver`, `listed` or `intermediate`."""
    labels: list[str] = field(default_factory=list)
    """Names by which it is known."""


@dataclass(slots=True)
class Alert:
    """What a rule found, once.

    It has two lives: `chain_state` is what the chain makes of it, `case_state` what people do about it.
    """

    id: int
    rule: str
    rule_version: int
    pattern: str
    chain: str | None
    subject: str
    """What it is about: an address, a transaction's hash, a token, a chain."""
    started_at: datetime
    """Block time at which the rule was met first."""
    severity: Severity
    title: str
    details: dict[str, Any]
    block_number: int | None
    hash: str | None
    """The transaction by which the rule was met."""
    value: str | None
    """Whole coins of `symbol` moved in all."""
    value_usd: str | None
    symbol: str | None
    test: bool
    """Raised by a rule that is being tried: nobody was told."""
    chain_state: ChainState
    case_state: CaseState
    assignee: str | None
    quiet: str | None
    """Why nobody was told of it at once; null: whoever is to be told was."""
    created_at: datetime
    updated_at: datetime
    parties: list[AlertParty] = field(default_factory=list)


@dataclass(slots=True)
class AlertEntry:
    """A line of an alert's history, which only grows."""

    id: int
    time: datetime
    actor: str
    event: str
    """`raised`, `changed`, `confirmed`, `finalised`, `retracted`, `revived`, `ended`, `case`, `assigned`, `noted`,
    `told`, `not_told`."""
    details: dict[str, Any]


@dataclass(slots=True)
class AlertStory:
    """An alert with its whole history."""

    alert: Alert
    history: list[AlertEntry]
    transactions: list[Transaction] = field(default_factory=list)
    """Those by which it was found, the newest first, as far as the database has them."""


@dataclass(slots=True)
class AlertEvent:
    """What the stream says of an alert that changed (event `alert`), as it was then; `/v1/alerts/{id}` has the rest."""

    id: int
    change: str
    """`raised`, `changed`, `retracted`, `ended`; `confirmed`, `finalised`; `case`: what people do about it."""
    chain: str | None
    rule: str
    pattern: str
    severity: Severity
    subject: str
    started_at: datetime
    title: str
    test: bool
    chain_state: ChainState
    case_state: CaseState
    assignee: str | None


class Change(StrEnum):
    """What a message says of an alert."""

    RAISED = "raised"
    RETRACTED = "retracted"
    """What was told is not so any more."""
    REVIVED = "revived"
    """What was retracted is so after all."""
    SEVERITY = "severity"
    """It matters more, or less, than was told."""
    ENDED = "ended"
    """What txhub said of itself is over."""


@dataclass(slots=True)
class MessageItem:
    """An alert in a message."""

    change: Change
    link: str | None
    """Where the dashboard shows it."""
    explorer: str | None
    """Where a public block explorer shows its transaction."""
    alert: Alert


@dataclass(slots=True)
class AlertMessage:
    """What a channel is told; a webhook gets it as JSON."""

    id: str
    """The same whenever this message is sent again."""
    channel: str
    kind: str
    """`alert`: at once; `more`: what was collected after one; `digest`; `follow_up`: what was told has changed; `cap`:
    a rule's messages of the day are used up; `test`."""
    severity: Severity
    """The greatest of its alerts."""
    title: str
    text: str
    """All of it, for people."""
    items: list[MessageItem]
    more: int
    """How many alerts were left out."""


@dataclass(slots=True)
class Rule:
    """What is looked for. A new definition makes a new version."""

    id: int
    name: str
    version: int
    definition: dict[str, Any]
    """Pattern, conditions, scope and cooldown."""
    severity: Severity
    state: RuleState
    origin: str
    """`default`: comes with txhub; `file`: of txhub.toml; `api`: made by people."""
    changed_at: datetime
    changed_by: str
