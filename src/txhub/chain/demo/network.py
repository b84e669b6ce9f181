"""The demo network: three simulated chains whose blocks follow the wall clock and can be read at random.

Chain identifiers are ones that no real chain uses. Together the chains make about 450,000 transactions a
day, and at most 500,000.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from decimal import Decimal

from txhub.chain import erc20
from txhub.chain.demo import shape
from txhub.chain.demo.bitcoin_blocks import BitcoinBlocks
from txhub.chain.demo.chance import Chance
from txhub.chain.demo.evm_blocks import EvmBlocks
from txhub.chain.demo.population import Label, Population
from txhub.chain.demo.schedule import Schedule
from txhub.chain.demo.traffic import Traffic
from txhub.chain.demo.truth import Planted, Truth
from txhub.model import Chain

SEED = 20_260_101


@dataclass(frozen=True, slots=True)
class _Character:
    """How a chain differs from the shape that all share; see the classes that take these values."""

    chain: Chain
    transactions: float
    whales: int
    jitter_s: int = 0
    log10_value_shift: float = 0.0
    fee_scale: float = 1.0


_WHALES = 16
_CHARACTERS = (
    _Character(
        Chain(2_026_000_001, "demo-eth", "evm", "DETH", 18, 12.0, 64, Decimal(100), demo=True),
        transactions=27.2,
        whales=50,
    ),
    _Character(
        Chain(2_026_000_002, "demo-fast", "evm", "DFST", 18, 2.0, 64, Decimal(25), demo=True),
        transactions=3.1,
        whales=24,
        log10_value_shift=-0.61,
        fee_scale=0.001,
    ),
    _Character(
        Chain(2_026_000_003, "demo-btc", "utxo", "DBTC", 8, 600.0, 6, Decimal(100), demo=True),
        transactions=540.0,
        whales=16,
        jitter_s=270,
    ),
)

DEMO_CHAINS: tuple[Chain, ...] = tuple(character.chain for character in _CHARACTERS)
_MANY_IDS = 2_026_000_100


def many_chains(count: int) -> list[Chain]:
    """So many chains beside the demo's three, for tests under load: blocks every two seconds, the last one mined."""
    evm = [
        Chain(_MANY_IDS + number, f"many-{number}", "evm", "DETH", 18, 2.0, 64, Decimal(100), demo=True)
        for number in range(1, count)
    ]
    return [*evm, Chain(_MANY_IDS + count, f"many-{count}", "utxo", "DBTC", 8, 20.0, 6, Decimal(100), demo=True)]


class DemoNetwork:
    """One simulated chain, as `txhub.chain.demo.node` serves it.

    `transactions` is the mean of a block, of a chain that is not one of the demo's three. `clock` returns the Unix time
    that decides which block is the newest, and `sleep` waits for that clock.
    """

    def __init__(
        self,
        chain: Chain,
        *,
        transactions: float = 0.0,
        seed: int = SEED,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        characters = {character.chain.name: character for character in _CHARACTERS}
        character = characters.get(chain.name) or _Character(chain, transactions, whales=_WHALES)
        mined = chain.family == "utxo"
        self.chain_id = chain.chain_id
        self.family = chain.family
        self._clock = clock
        self._sleep = sleep
        self._chance = Chance(seed, chain.name)
        self._schedule = Schedule(self._chance, int(chain.block_time_s), character.jitter_s)
        self._population = Population(self._chance, chain.name, chain.family)
        self._decimals = chain.decimals
        self._symbols = self._population.symbols()
        self.truth = Truth(chain, self._chance, self._schedule, self._population, character.whales)
        self._traffic = Traffic(
            character.transactions,
            shape.BLOCK_FILL_MINED if mined else shape.BLOCK_FILL,
            shape.WEEKDAYS_MINED if mined else shape.WEEKDAYS,
            self._chance,
            self._schedule,
            self.truth,
        )
        parts = (self._schedule, self._population, self.truth, self._traffic)
        scale = (character.log10_value_shift, character.fee_scale)
        self._blocks: EvmBlocks | BitcoinBlocks = (
            BitcoinBlocks(chain, self._chance, *parts) if mined else EvmBlocks(chain, self._chance, *parts, *scale)
        )
        # What planted reorgs replace is drawn by another chance, and has hashes of its own.
        self._losing = None if mined else EvmBlocks(chain, Chance(seed, f"{chain.name}/losing"), *parts, *scale)

    def labels(self) -> list[Label]:
        """Return what is publicly known of the chain's addresses."""
        return self._population.labels

    def contract_says(self, address: str, data: str) -> bytes | None:
        """Return what a token says its symbol or its decimals are: amounts are drawn as those of the chain's coin."""
        symbol = self._symbols.get(address)
        return None if symbol is None else erc20.answer(data, symbol, self._decimals)

    def planted(self, start: float, end: float) -> list[Planted]:
        """Return what is planted between two Unix times, the end not included."""
        return self.truth.planted(start, end)

    def time(self, number: int) -> int:
        """Return the Unix time of a block, whether it is there yet or not."""
        return self._schedule.time(number)

    def count(self, number: int) -> int:
        """Return how many transactions a block holds, without making them."""
        coinbase = self.family == "utxo"
        return self._traffic.count(number) + len(self.truth.transfers(number)) + coinbase

    async def head_number(self) -> int:
        """Return the number of the newest block, by the clock."""
        return self._schedule.head(self._clock())

    async def block_json(self, number: int) -> bytes | None:
        """Return a block with its whole transactions, or None past the head."""
        if not self._is_there(number):
            return None
        if isinstance(self._blocks, BitcoinBlocks):
            # In a thread: it takes tens of milliseconds, and would hold up all others whom the node serves.
            return await asyncio.to_thread(self._blocks.block_json, number)
        if (losing := self._losing_at(number)) is not None:
            return self._linked(losing.block_json(number), number)
        return self._blocks.block_json(number)

    async def header_json(self, number: int) -> bytes | None:
        """Return a block without transactions, or None past the head."""
        if not self._is_there(number):
            return None
        if (losing := self._losing_at(number)) is not None:
            return self._linked(losing.header_json(number), number)
        return self._blocks.header_json(number)

    async def receipts_json(self, number: int) -> bytes | None:
        """Return an EVM block's receipts, or None past the head and on a Bitcoin-like chain."""
        if isinstance(self._blocks, BitcoinBlocks) or not self._is_there(number):
            return None
        return (self._losing_at(number) or self._blocks).receipts_json(number)

    async def block_hash(self, number: int) -> str | None:
        """Return a block's hash, or None past the head."""
        return (self._losing_at(number) or self._blocks).hash(number) if self._is_there(number) else None

    async def number_by_hash(self, hash: str) -> int | None:  # noqa: A002 (the field's word)
        """Return the number of the block with this hash, or None if there is none (yet, or any more)."""
        number = self._blocks.number_in(hash)
        if number is None and self._losing is not None:
            number = self._losing.number_in(hash)
        return number if number is not None and await self.block_hash(number) == hash else None

    async def heads(self) -> AsyncGenerator[int, None]:
        """Yield the number of each block from now on, in order and none left out, as the clock reaches its time."""
        number = await self.head_number()
        while True:
            due = self._schedule.time(number + 1)
            while (early := due - self._clock()) > 0:
                await self._sleep(early)
            number += 1
            yield number

    def _losing_at(self, number: int) -> EvmBlocks | None:
        """The branch that holds a block for now: a planted reorg has not come to its end yet."""
        if self._losing is None:
            return None
        reorg = self.truth.reorg(number)
        return self._losing if reorg is not None and self._clock() < self._schedule.time(reorg.stop) else None

    def _linked(self, block: bytes, number: int) -> bytes:
        """A losing block as the child of what is before it, which for the first one is the chain itself."""
        reorg = self.truth.reorg(number)
        if self._losing is None or reorg is None or number != reorg.start:
            return block
        return block.replace(self._losing.hash(number - 1).encode(), self._blocks.hash(number - 1).encode(), 1)

    def _is_there(self, number: int) -> bool:
        return number >= 0 and self._schedule.time(number) <= self._clock()


def many_networks(count: int, rate: float) -> dict[str, DemoNetwork]:
    """The networks of `many_chains`, by name, which have `rate` transactions a second together, on average."""
    chains = many_chains(count)
    return {chain.name: DemoNetwork(chain, transactions=rate / count * chain.block_time_s) for chain in chains}
