"""Blocks made for tests: any number, time and transactions, the same for the same seed."""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from txhub.model import Block, Chain, Transaction

ETHEREUM = Chain(1, "ethereum", "evm", "ETH", 18, 12.0, 64, Decimal(100))
BASE = Chain(8453, "base", "evm", "ETH", 18, 2.0, 64, Decimal(100))
START = datetime(2026, 3, 1, 22, 30, tzinfo=UTC)
"""Close enough to midnight that a few hundred blocks of 12 seconds cross a day."""
KINDS = ("transfer", "token_transfer", "nft_transfer", "contract_call", "contract_creation")


def make_block(number: int, *, chain: Chain = ETHEREUM, transactions: int = 20, start: datetime = START) -> Block:
    """Block `number` of a chain, that many block times after `start`; half of its receipts are known."""
    chance = random.Random(f"{chain.chain_id} {number}")
    time = start + timedelta(seconds=chain.block_time_s * number)
    rows = [_transaction(chance, chain, number, time, index) for index in range(transactions)]
    return Block(
        chain.chain_id,
        number,
        hash=block_hash(chain, number),
        parent_hash=block_hash(chain, number - 1),
        time=time,
        transactions=rows,
        gas_used=sum(row.gas_used or 0 for row in rows),
        gas_limit=30_000_000,
        base_fee=7,
        size=500 * transactions,
    )


def make_blocks(numbers: Iterable[int], *, chain: Chain = ETHEREUM, transactions: int = 20) -> list[Block]:
    """`make_block` for each number."""
    return [make_block(number, chain=chain, transactions=transactions) for number in numbers]


def block_hash(chain: Chain, number: int) -> bytes:
    """The hash of `make_block(number)`."""
    return random.Random(f"hash {chain.chain_id} {number}").randbytes(32)


def _transaction(chance: random.Random, chain: Chain, number: int, time: datetime, index: int) -> Transaction:
    known = chance.random() < 0.5
    kind = chance.choice(KINDS)
    return Transaction(
        chain_id=chain.chain_id,
        block_number=number,
        block_time=time,
        tx_index=index,
        hash=chance.randbytes(32),
        from_address=chance.randrange(50).to_bytes(20, "big"),
        to_address=None if kind == "contract_creation" else chance.randrange(50).to_bytes(20, "big"),
        value=Decimal(chance.choice([0, chance.randrange(10**18), chance.randrange(10**24)])),
        fee=Decimal(chance.randrange(10**16)) if known else None,
        gas_used=chance.randrange(21_000, 10**6) if known else None,
        gas_price=chance.randrange(10**11),
        tx_type=chance.choice([0, 2]),
        kind=kind,
        method_id=chance.randbytes(4) if kind != "transfer" else None,
        input_size=chance.randrange(1000),
        nonce=chance.randrange(10**6),
        success=chance.random() < 0.9 if known else None,
    )
