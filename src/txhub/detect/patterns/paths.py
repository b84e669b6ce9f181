"""Ways that one amount takes over several addresses: round trips and peel chains.

They are walked backwards from their newest transfer, within a window before it, so that nothing later matters.
"""

from __future__ import annotations

from abc import abstractmethod
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal, NamedTuple

import polars as pl
from pydantic import Field

from txhub.contract.alerts import Pattern
from txhub.detect.bound import Bound, large
from txhub.detect.condition import Condition, Hits, Length, Scope, Span, at_least, span_text, without_services
from txhub.detect.facts import Facts
from txhub.detect.patterns.parties import PLAIN
from txhub.detect.rows import Rows

_THOUSAND = 1000
_MET = {"subject": pl.Binary(), "time": pl.Datetime("us", "UTC"), "evidence": pl.Int64()}


class _Leg(NamedTuple):
    """A transfer, and its place among the events."""

    place: int
    time: datetime
    token: bytes | None
    sender: bytes
    receiver: bytes
    amount: int


class _Legs:
    """Transfers in order, and those that came to an address."""

    def __init__(self, events: pl.DataFrame) -> None:
        columns = ("time", "token", "sender", "receiver", "amount")
        self.all = [_Leg(place, *row) for place, row in enumerate(events.select(columns).iter_rows())]
        self._to: dict[tuple[bytes, bytes | None], list[_Leg]] = defaultdict(list)
        for leg in self.all:
            self._to[leg.receiver, leg.token].append(leg)

    def before(self, leg: _Leg, since: datetime) -> Iterator[_Leg]:
        """What came to a leg's sender before it, and after a moment; the newest first."""
        for other in reversed(self._to.get((leg.sender, leg.token), ())):
            if other.time <= since:
                return
            if other.place < leg.place:
                yield other


class _Path(Condition):
    """A way of one amount; services are no part of it."""

    scope: Scope = Field(default=PLAIN, description="which transfers count; plain ones of the coin if nothing is said")
    least: Bound = Field(default=large("0.1"), description="the least amount of a transfer that counts")
    window: Length = Field(default=timedelta(hours=2), description="within how long")

    @property
    def lookback(self) -> timedelta:
        """The window."""
        return self.window

    def events(self, rows: Rows, facts: Facts) -> pl.DataFrame:
        """The transfers that are large enough, between addresses that are no services."""
        events = self.scope.transfers(rows, facts).drop_nulls(["sender", "receiver"])
        events = at_least(events, self.least.of(events, facts))
        for side in ("sender", "receiver"):
            events = without_services(events, side, facts)
        return events

    def hits(self, events: pl.DataFrame, span: Span, facts: Facts) -> Hits:
        """Each transfer that ends a way."""
        events = events.sort("time", "number", "index", "n")
        legs = _Legs(events)
        found = {leg.place: path for leg in legs.all if leg.time >= span.start and (path := self.path(leg, legs))}
        subjects = {self.subject(path) for path in found.values()}
        for leg in legs.all:  # whether they began something new depends on what they did before
            if span.since < leg.time < span.start and (path := self.path(leg, legs)) and self.subject(path) in subjects:
                found[leg.place] = path
        met = [(self.subject(path), path[-1].time, place) for place, path in sorted(found.items())]
        frame = pl.DataFrame(met, schema=_MET, orient="row")
        return Hits(frame, lambda place: events[[leg.place for leg in found[place]]])

    @abstractmethod
    def path(self, last: _Leg, legs: _Legs) -> Sequence[_Leg] | None:
        """The way that ends with a transfer, in order; None where none does."""

    def subject(self, path: Sequence[_Leg]) -> bytes:
        """Whose way it is: where it began."""
        return path[0].sender


class RoundTrip(_Path):
    """An amount comes back to its sender over others, less some fees."""

    pattern: Literal[Pattern.ROUND_TRIP] = Pattern.ROUND_TRIP
    legs: int = Field(default=3, ge=2, le=8, description="the least number of transfers")
    most_legs: int = Field(default=5, ge=2, le=8, description="the greatest number of transfers")
    loss: Decimal = Field(default=Decimal("0.02"), ge=0, lt=1, description="the greatest share that a transfer loses")

    def path(self, last: _Leg, legs: _Legs) -> Sequence[_Leg] | None:
        """Back to whom the last one pays."""
        return self._back([last], last.receiver, legs, last.time - self.window)

    def title(self, subject: bytes, evidence: pl.DataFrame, facts: Facts) -> str:
        """How much came back, over how many."""
        token = evidence["token"][0]
        amount = f"{facts.coins(token, evidence['amount'][-1])} {facts.unit(token).symbol or 'tokens'}"
        return f"{amount} came back to {facts.name(subject)} over {evidence.height - 1} others"

    def _back(self, path: list[_Leg], home: bytes, legs: _Legs, since: datetime) -> list[_Leg] | None:
        kept = _THOUSAND - int(self.loss * _THOUSAND)
        for leg in legs.before(path[0], since):
            if not leg.amount * kept <= path[0].amount * _THOUSAND <= leg.amount * _THOUSAND:
                continue
            longer = [leg, *path]
            if leg.sender == home:
                if len(longer) >= self.legs:
                    return longer
                continue
            fresh = len(longer) < self.most_legs and all(leg.sender != other.sender for other in path)
            if fresh and (found := self._back(longer, home, legs, since)):
                return found
        return None


class PeelChain(_Path):
    """An amount goes from one fresh address to the next, and a little of it somewhere else each time.

    Fresh is an address that got one such amount within the window.
    """

    pattern: Literal[Pattern.PEEL_CHAIN] = Pattern.PEEL_CHAIN
    least: Bound = Field(default=large("0.05"), description="the least amount of a transfer that counts")
    window: Length = Field(default=timedelta(hours=12), description="within how long")
    hops: int = Field(default=4, ge=2, le=50, description="the least number of transfers in a row")
    kept: Decimal = Field(default=Decimal("0.6"), gt=0, lt=1, description="the least share that goes on")
    peeled: Decimal = Field(default=Decimal("0.01"), ge=0, lt=1, description="the least share that does not")

    def path(self, last: _Leg, legs: _Legs) -> Sequence[_Leg] | None:
        """Back as long as there is one transfer that it can come from."""
        path, since = [last], last.time - self.window
        kept, most = int(self.kept * _THOUSAND), _THOUSAND - int(self.peeled * _THOUSAND)
        while True:
            came = legs.before(path[0], since)
            before, other = next(came, None), next(came, None)
            if before is None or other is not None:
                break
            if not before.amount * kept <= path[0].amount * _THOUSAND <= before.amount * most:
                break
            path.insert(0, before)
        return path if len(path) >= self.hops else None

    def title(self, subject: bytes, evidence: pl.DataFrame, facts: Facts) -> str:
        """How far it came."""
        token = evidence["token"][0]
        amount = f"{facts.coins(token, evidence['amount'][0])} {facts.unit(token).symbol or 'tokens'}"
        hops = f"{evidence.height} addresses within {span_text(self.window)}"
        return f"{amount} of {facts.name(subject)} went on over {hops}, a little less each time"
