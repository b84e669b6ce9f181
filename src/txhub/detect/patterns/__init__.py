"""Every pattern that rules can look for. A new one is a `Condition` in a module here and an entry in the table."""

from __future__ import annotations

from txhub.contract.alerts import Pattern
from txhub.detect.condition import Condition
from txhub.detect.patterns.amount import Amount
from txhub.detect.patterns.parties import Dusting, FanIn, FanOut

PATTERNS: dict[str, type[Condition]] = {
    Pattern.AMOUNT: Amount,
    Pattern.FAN_IN: FanIn,
    Pattern.FAN_OUT: FanOut,
    Pattern.DUSTING: Dusting,
}
"""By the words that rules name them by."""
