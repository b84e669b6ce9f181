"""Who lives on a demo chain: ranked addresses, and the named entities among them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import NamedTuple

from txhub.chain.demo import shape
from txhub.chain.demo.bitcoin_address import key_party
from txhub.chain.demo.chance import Chance
from txhub.model import Family


class Label(NamedTuple):
    """What is publicly known of an address: whose it is, what they do, and where they are at home."""

    chain: str
    address: str
    name: str
    category: str
    country: str | None
    """ISO 3166 code, or None where nobody knows."""


# All names are invented. Popular accounts come in the order of their rank, the busiest first.
_ACCOUNTS = (
    ("Northgate Exchange: hot wallet", "exchange", "US"),
    ("Harbour Exchange: hot wallet", "exchange", "SG"),
    ("Alpenrose Exchange: hot wallet", "exchange", "CH"),
    ("Northgate Exchange: hot wallet 2", "exchange", "US"),
    ("Cobalt Pay: merchant payouts", "payments", "DE"),
    ("Sakura Exchange: hot wallet", "exchange", "JP"),
    ("Tidewater Custody", "custody", "GB"),
    ("Meridian Bridge: relayer", "bridge", "NL"),
    ("Ipe Exchange: hot wallet", "exchange", "BR"),
    ("Deep Shaft Mining Pool", "mining_pool", "CA"),
)
_TOKENS = (
    ("Demo Dollar", "token", "US"),
    ("Demo Euro", "token", "FR"),
    ("Wrapped Demo Coin", "token", None),
)
_SYMBOLS = ("DUSD", "DEUR", "WDEMO")
_CONTRACTS = (
    ("Lantern Swap: router", "dex", None),
    ("Meridian Bridge: vault", "bridge", "NL"),
    ("Tally Lending: pool", "lending", None),
)
# Seldom seen, and the reason why people watch.
_WATCHED = (
    ("Fogbank Mixer", "mixer", None),
    ("Listed address A (demo list)", "sanctioned", None),
    ("Listed address B (demo list)", "sanctioned", None),
    ("Listed address C (demo list)", "sanctioned", None),
)

_ADDRESS_BYTES = 20


_Entity = tuple[str, str, str | None]


class Population:
    """The ranked addresses of a chain, the same for the same seed: most popular first.

    Tokens and contracts are empty on a Bitcoin-like chain.
    """

    def __init__(self, chance: Chance, chain: str, family: Family) -> None:
        self._text: Callable[[bytes], str] = _evm_address if family == "evm" else _key_address
        self.accounts = self._people(chance, 1, max(shape.RECEIVERS[-1][0], shape.SENDERS[-1][0]))
        self.tokens: list[str] = []
        self.contracts: list[str] = []
        named: list[tuple[list[str], Sequence[_Entity]]] = [(self.accounts, _ACCOUNTS)]
        if family == "evm":
            self.tokens = self._people(chance, 2, shape.TOKENS[-1][0])
            self.contracts = self._people(chance, 3, shape.CONTRACTS[-1][0])
            named += [(self.tokens, _TOKENS), (self.contracts, _CONTRACTS)]
        watched = self._people(chance, 4, len(_WATCHED))
        named.append((watched, _WATCHED))
        self.labels = [
            Label(chain, address, *entity)
            for people, entities in named
            for address, entity in zip(people, entities)  # noqa: B905
        ]
        self.exchanges = self._with("exchange")
        self.miner = self._with("mining_pool")[0]
        self.mixer = self._with("mixer")[0]
        self.listed = self._with("sanctioned")

    def symbols(self) -> dict[str, str]:
        """Return the symbol of each token; only the first have names that people know."""
        return {token: _SYMBOLS[at] if at < len(_SYMBOLS) else f"TK{at + 1}" for at, token in enumerate(self.tokens)}

    def stranger(self, stream: Random) -> str:
        """Return an address that nobody has seen before."""
        return self._text(stream.randbytes(_ADDRESS_BYTES))

    def _people(self, chance: Chance, group: int, count: int) -> list[str]:
        names = chance.stream("people", group).randbytes(_ADDRESS_BYTES * count)
        return [self._text(names[at : at + _ADDRESS_BYTES]) for at in range(0, len(names), _ADDRESS_BYTES)]

    def _with(self, category: str) -> list[str]:
        return [label.address for label in self.labels if label.category == category]


def _evm_address(name: bytes) -> str:
    return "0x" + name.hex()


def _key_address(name: bytes) -> str:
    return key_party(name).address
