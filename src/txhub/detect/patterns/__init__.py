"""Every pattern that rules can look for. A new one is a `Condition` in a module here and an entry in the table."""

from __future__ import annotations

from txhub.contract.alerts import Pattern
from txhub.detect.condition import Condition
from txhub.detect.patterns.amount import Amount
from txhub.detect.patterns.calls import FailedBurst, NewContract
from txhub.detect.patterns.dormant import Dormant
from txhub.detect.patterns.odd import Anomaly
from txhub.detect.patterns.parties import Dusting, FanIn, FanOut
from txhub.detect.patterns.paths import PeelChain, RoundTrip
from txhub.detect.patterns.traffic import Drop, Spike
from txhub.detect.patterns.volume import RapidInOut, Structuring, Velocity
from txhub.detect.patterns.watched import FirstContact, Watchlist

PATTERNS: dict[str, type[Condition]] = {
    Pattern.AMOUNT: Amount,
    Pattern.WATCHLIST: Watchlist,
    Pattern.FIRST_CONTACT: FirstContact,
    Pattern.VELOCITY: Velocity,
    Pattern.FAN_IN: FanIn,
    Pattern.FAN_OUT: FanOut,
    Pattern.STRUCTURING: Structuring,
    Pattern.RAPID_IN_OUT: RapidInOut,
    Pattern.PEEL_CHAIN: PeelChain,
    Pattern.ROUND_TRIP: RoundTrip,
    Pattern.DORMANT: Dormant,
    Pattern.DUSTING: Dusting,
    Pattern.NEW_CONTRACT: NewContract,
    Pattern.FAILED_BURST: FailedBurst,
    Pattern.SPIKE: Spike,
    Pattern.DROP: Drop,
    Pattern.ANOMALY: Anomaly,
}
"""By the words that rules name them by."""
