"""The rules that come with txhub, and those of txhub.toml. Amounts relate to each chain's `large_value`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from txhub.contract.alerts import RuleState, Severity
from txhub.detect.rules import draft
from txhub.errors import SettingError, UsageError
from txhub.store.pool import Pool
from txhub.store.rules import Wanted, sync_rules

DEFAULTS: dict[str, dict[str, Any]] = {
    "large-transfer": {"pattern": "amount", "severity": Severity.MEDIUM},
    "watchlist": {"pattern": "watchlist", "severity": Severity.CRITICAL},
    "first-contact": {"pattern": "first_contact", "severity": Severity.HIGH},
    "velocity": {"pattern": "velocity", "severity": Severity.LOW},
    "fan-in": {"pattern": "fan_in", "severity": Severity.MEDIUM},
    "fan-out": {"pattern": "fan_out", "severity": Severity.MEDIUM},
    "structuring": {"pattern": "structuring", "severity": Severity.HIGH},
    "rapid-in-out": {"pattern": "rapid_in_out", "severity": Severity.MEDIUM},
    "peel-chain": {"pattern": "peel_chain", "severity": Severity.HIGH},
    "round-trip": {"pattern": "round_trip", "severity": Severity.HIGH},
    "dusting": {"pattern": "dusting", "severity": Severity.LOW},
    "new-contract": {"pattern": "new_contract", "severity": Severity.LOW},
    "failed-burst": {"pattern": "failed_burst", "severity": Severity.MEDIUM, "cooldown": "30m"},
    # It asks all of history for each large transfer, and says much only where that is long.
    "dormant": {"pattern": "dormant", "severity": Severity.MEDIUM, "state": RuleState.OFF},
    "spike": {"pattern": "spike", "severity": Severity.MEDIUM},
    "anomaly": {"pattern": "anomaly", "severity": Severity.LOW, "state": RuleState.TEST},
    "drop": {"pattern": "drop", "severity": Severity.MEDIUM},
}
"""By name, as txhub.toml would have them."""


async def keep_rules(pool: Pool, of_file: Mapping[str, Mapping[str, Any]]) -> None:
    """Let the rules that come with txhub, and those of the settings, be in the database.

    Raises:
        SettingError: a rule of the settings cannot be; nothing was changed.
        DatabaseUnavailable, DatabaseRefused: see `faults`.
    """
    file = {}
    for name, given in of_file.items():
        try:
            file[name] = wanted(given)
        except UsageError as error:
            raise SettingError(f"[rules.{name}]: {error}", hint=error.hint) from None
    await sync_rules(pool, {name: wanted(given) for name, given in DEFAULTS.items()}, file)


def wanted(given: Mapping[str, Any]) -> Wanted:
    """A rule as people write it, as the database keeps it.

    Raises:
        UsageError: names each field that is wrong, and what it may be.
    """
    made = draft(given)
    return Wanted(made.definition.document(), made.severity, made.state)
