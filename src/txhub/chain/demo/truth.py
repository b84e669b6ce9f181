"""What is planted in a demo chain, so that detection can be scored: who paid whom, how much, in which block.

Time is cut into spans of six hours. What is planted in a span is a pure function of (seed, chain, span), and
all of it happens inside of the span, so that any block can tell which planted transfers it carries.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from random import Random
from typing import NamedTuple

from txhub.chain.demo.chance import Chance
from txhub.chain.demo.population import Population
from txhub.chain.demo.schedule import GENESIS, Schedule
from txhub.model import Chain

SPAN_S = 21_600


class Pattern(StrEnum):
    """What can be planted. Amounts relate to the chain's `large_value`."""

    WHALE = "whale"
    """One transfer of one to eight times the large value."""
    STRUCTURING = "structuring"
    """One address pays another again and again, each time just less than the large value."""
    FAN_IN = "fan_in"
    """Many addresses pay small amounts to one within minutes."""
    FAN_OUT = "fan_out"
    """One address pays small amounts to many within minutes."""
    ROUND_TRIP = "round_trip"
    """An amount returns to its first sender over two others, less some fees."""
    RAPID_IN_OUT = "rapid_in_out"
    """What an address gets leaves it again within minutes."""
    PEEL_CHAIN = "peel_chain"
    """An amount goes from one fresh address to the next, and a little of it elsewhere each time."""
    DUSTING = "dusting"
    """One address sends next to nothing to many."""
    LISTED = "listed"
    """A listed address is paid, or pays."""
    MIXER = "mixer"
    """An address pays the mixer one of its fixed amounts."""
    SPIKE = "spike"
    """The chain has several times its usual traffic."""
    FAILED_BURST = "failed_burst"
    """A large share of the calls fails (not on Bitcoin-like chains, which have no failures)."""
    REORG = "reorg"
    """A few blocks are replaced by the next one's branch (not on Bitcoin-like chains)."""


class Transfer(NamedTuple):
    """A planted payment, in base units; every one of them is its own transaction."""

    number: int
    sender: str
    receiver: str
    value: int


@dataclass(frozen=True, slots=True)
class Planted:
    """One planted thing. `start` and `end` are Unix times, the end not included.

    `strength` is the factor on traffic of a spike, the share of failing calls of a burst and the depth of a reorg,
    else 0. A reorg's `start` is the time of the first block that loses, its `end` that of the block that ends it.
    """

    pattern: Pattern
    chain: str
    start: int
    end: int
    transfers: tuple[Transfer, ...] = ()
    strength: float = 0.0

    def covers(self, time: float) -> bool:
        """Tell whether a moment lies within it."""
        return self.start <= time < self.end


class _Span(NamedTuple):
    planted: list[Planted]
    transfers: dict[int, list[Transfer]]
    spikes: list[Planted]
    bursts: list[Planted]
    reorgs: list[Planted]


class Truth:
    """All that is planted in a chain; `whales` is how many a span has on average."""

    def __init__(self, chain: Chain, chance: Chance, schedule: Schedule, population: Population, whales: int) -> None:
        self._chain = chain
        self._chance = chance
        self._schedule = schedule
        self._population = population
        self._whales = whales
        self._large = int(chain.large_value * 10**chain.decimals)
        self._span = lru_cache(maxsize=64)(self._plant)

    def planted(self, start: float, end: float) -> list[Planted]:
        """Return everything planted that touches [start, end), Unix times, in order of its start."""
        spans = range(int(max(start, GENESIS) // SPAN_S), int(-(-end // SPAN_S)))
        found = [thing for span in spans for thing in self._span(span).planted]
        return sorted((thing for thing in found if thing.start < end and thing.end > start), key=lambda t: t.start)

    def transfers(self, number: int) -> list[Transfer]:
        """Return the planted transfers that a block carries."""
        return self._span(self._schedule.time(number) // SPAN_S).transfers.get(number, [])

    def traffic(self, time: float) -> float:
        """Return the factor that planted spikes put on traffic at a moment, 1.0 without one."""
        return max(
            (spike.strength for spike in self._span(int(time // SPAN_S)).spikes if spike.covers(time)), default=1
        )

    def failing(self, time: float) -> float:
        """Return the share of calls that a planted burst makes fail at a moment, 0.0 without one."""
        bursts = self._span(int(time // SPAN_S)).bursts
        return max((burst.strength for burst in bursts if burst.covers(time)), default=0.0)

    def reorg(self, number: int) -> range | None:
        """Return the blocks that a planted reorg replaces together with this one, or None where none does."""
        time = self._schedule.time(number)
        for reorg in self._span(time // SPAN_S).reorgs:
            if reorg.covers(time):
                first = self._schedule.number_at(reorg.start)
                return range(first, first + int(reorg.strength))
        return None

    def _plant(self, span: int) -> _Span:
        stream = self._chance.stream("truth", span)
        planted = [*self._things(stream, span * SPAN_S), *self._chains(span)]
        transfers: dict[int, list[Transfer]] = defaultdict(list)
        for thing in planted:
            for transfer in thing.transfers:
                transfers[transfer.number].append(transfer)
        return _Span(
            planted,
            transfers,
            [thing for thing in planted if thing.pattern is Pattern.SPIKE],
            [thing for thing in planted if thing.pattern is Pattern.FAILED_BURST],
            [thing for thing in planted if thing.pattern is Pattern.REORG],
        )

    def _things(self, stream: Random, start: int) -> Iterator[Planted]:
        people, large = self._population, self._large

        def stranger() -> str:
            return people.stranger(stream)

        for _ in range(stream.randint(self._whales // 2, self._whales * 3 // 2)):
            exchange = stream.choice(people.exchanges)
            pair = stream.choice(((exchange, stranger()), (stranger(), exchange), (stranger(), stranger())))
            yield self._paid(Pattern.WHALE, stream, start, 0, [(*pair, self._amount(stream, 1.0, 8.0))])
        for _ in range(stream.randint(6, 12)):
            deposit = large * stream.choice((1, 10, 100)) // 1000
            yield self._paid(Pattern.MIXER, stream, start, 0, [(stranger(), people.mixer, deposit)])
        for _ in range(stream.randint(1, 3)):
            pair = stream.choice(
                ((stranger(), stream.choice(people.listed)), (stream.choice(people.listed), stranger()))
            )
            yield self._paid(Pattern.LISTED, stream, start, 0, [(*pair, self._amount(stream, 0.001, 0.2))])
        if stream.random() < 0.6:
            payer, payee = stranger(), stranger()
            payments = [(payer, payee, self._amount(stream, 0.9, 0.99)) for _ in range(stream.randint(8, 14))]
            yield self._paid(Pattern.STRUCTURING, stream, start, 5400, payments)
        if stream.random() < 0.6:
            payee = stranger()
            payments = [(stranger(), payee, self._amount(stream, 0.01, 0.05)) for _ in range(stream.randint(15, 30))]
            yield self._paid(Pattern.FAN_IN, stream, start, 1800, payments)
        if stream.random() < 0.6:
            payer = stranger()
            payments = [(payer, stranger(), self._amount(stream, 0.01, 0.05)) for _ in range(stream.randint(15, 30))]
            yield self._paid(Pattern.FAN_OUT, stream, start, 1800, payments)
        if stream.random() < 0.6:
            loop = [stranger(), stranger(), stranger()]
            amount = self._amount(stream, 0.2, 0.6)
            legs = [(loop[leg], loop[(leg + 1) % 3], amount * (1000 - 3 * leg) // 1000) for leg in range(3)]
            yield self._paid(Pattern.ROUND_TRIP, stream, start, 3600, legs)
        if stream.random() < 0.6:
            yield self._stretch(Pattern.SPIKE, stream, start, stream.randint(600, 1500), stream.uniform(3.0, 4.5))
        if self._chain.family == "evm" and stream.random() < 0.5:
            yield self._stretch(Pattern.FAILED_BURST, stream, start, stream.randint(240, 600), stream.uniform(0.4, 0.7))
        if self._chain.family == "evm":
            depth = stream.randint(1, 3)
            first = self._schedule.number_at(start + stream.randrange(SPAN_S - (depth + 2) * self._schedule.interval))
            times = self._schedule.time(first), self._schedule.time(first + depth)
            yield Planted(Pattern.REORG, self._chain.name, *times, strength=depth)

    def _chains(self, span: int) -> Iterator[Planted]:
        """What came to be planted later: by a stream of its own, so that the rest stayed as it was."""
        stream, start = self._chance.stream("more truth", span), span * SPAN_S

        def stranger() -> str:
            return self._population.stranger(stream)

        if stream.random() < 0.6:
            middle, amount = stranger(), self._amount(stream, 0.4, 0.8)
            paid = [(stranger(), middle, amount * share // 100) for share in (55, 45)]
            paid += [(middle, stranger(), amount * share // 1000) for share in (520, 440)]
            yield self._paid(Pattern.RAPID_IN_OUT, stream, start, 1800, paid)
        if stream.random() < 0.6:
            here, amount = stranger(), self._amount(stream, 0.4, 0.8)
            peeled: list[tuple[str, str, int]] = []
            for _ in range(stream.randint(5, 8)):
                following, rest = stranger(), amount * stream.randint(880, 950) // 1000
                peeled += [(here, following, rest), (here, stranger(), (amount - rest) // 2)]
                here, amount = following, rest
            yield self._paid(Pattern.PEEL_CHAIN, stream, start, 9000, peeled)
        if stream.random() < 0.6:
            duster = stranger()
            dust = [(duster, stranger(), self._large * stream.randint(1, 5) // 10**7) for _ in range(40)]
            yield self._paid(Pattern.DUSTING, stream, start, 1800, dust)

    def _amount(self, stream: Random, least: float, most: float) -> int:
        # Small factors are likelier than great ones; the last digits are like those of people's payments: zeros.
        factor = math.exp(stream.uniform(math.log(least), math.log(most)))
        return self._large * round(factor * 10_000) // 10_000

    def _paid(
        self, pattern: Pattern, stream: Random, start: int, duration: int, payments: list[tuple[str, str, int]]
    ) -> Planted:
        step = duration // len(payments)
        # Two blocks before the end of the span is early enough for a late block to still be in it.
        latest = SPAN_S - step * (len(payments) - 1) - 2 * self._schedule.interval
        first = start + stream.randrange(latest)
        transfers = tuple(
            Transfer(self._schedule.number_at(first + leg * step), *payment) for leg, payment in enumerate(payments)
        )
        end = self._schedule.time(transfers[-1].number) + 1
        return Planted(pattern, self._chain.name, self._schedule.time(transfers[0].number), end, transfers)

    def _stretch(self, pattern: Pattern, stream: Random, start: int, duration: int, strength: float) -> Planted:
        begin = start + stream.randrange(SPAN_S - duration)
        return Planted(pattern, self._chain.name, begin, begin + duration, strength=strength)
